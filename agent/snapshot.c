// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file of records to a sorted snapshot, whole or not at all.  Memory is the
 * entries, plus hash and line of each while loading: a hash that comes twice is
 * told by line, and a cached "no such key" counts as one too.
 */
#include "snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "elements.h"
#include "object.h"
#include "prefix.h"
#include "record.h"

#define PATH_SHOWN 255
#define FORMAT 1

_Static_assert(PATH_SHOWN + sizeof(": line 18446744073709551615: ") +
			       SNAPSHOT_WHAT_SIZE <=
		       SNAPSHOT_ERROR_SIZE,
	       "an error is never cut short");

struct sighting {
	struct pc_digest digest;
	size_t line;
};

struct loader {
	struct snapshot snapshot;
	size_t room;
	struct sighting *seen;
	size_t n_seen;
	size_t seen_room;
	size_t line; /* of the element at hand */
	bool any;    /* an element came before it */
	char what[SNAPSHOT_WHAT_SIZE];
};

/* Makes room for one more item in an array of n. */
static int reserve(void **array, size_t *room, size_t n, size_t item_size)
{
	size_t more = *room ? *room * 2 : 64;
	void *grown;

	if (n < *room)
		return 0;
	grown = reallocarray(*array, more, item_size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = more;
	return 0;
}

static int add_sighting(struct loader *l, const struct pc_digest *digest)
{
	void *seen = l->seen;
	int err = reserve(&seen, &l->seen_room, l->n_seen, sizeof(*l->seen));

	l->seen = seen;
	if (!err)
		l->seen[l->n_seen++] = (struct sighting){ *digest, l->line };
	return err;
}

/* Takes over what e owns, unless it fails. */
static int add_entry(struct loader *l, const struct entry *e)
{
	struct snapshot *s = &l->snapshot;
	void *entries = s->entries;
	int err = reserve(&entries, &l->room, s->n_entries, sizeof(*e));

	s->entries = entries;
	if (!err)
		s->entries[s->n_entries++] = *e;
	return err;
}

static int check_patterns(const struct object *header, const char *name,
			  char *const *list)
{
	struct prefix p;
	char text[64];

	for (size_t i = 0; list && list[i]; i++) {
		if (!prefix_parse_pattern(&p, list[i]))
			continue;
		snprintf(text, sizeof(text),
			 "item %zu is not an address or prefix", i + 1);
		return object_refuse(header, name, text);
	}
	return 0;
}

static int read_lists(struct snapshot *s, const struct object *header)
{
	int err;

	err = object_strings(&s->ip_blacklist, header, "ip_blacklist");
	if (!err)
		err = check_patterns(header, "ip_blacklist", s->ip_blacklist);
	if (!err)
		err = object_strings(&s->ip_allowlist, header, "ip_allowlist");
	if (!err)
		err = check_patterns(header, "ip_allowlist", s->ip_allowlist);
	return err;
}

static int read_header(struct loader *l, const struct object *record)
{
	struct snapshot *s = &l->snapshot;
	struct object header;
	int64_t format = 0;
	int err;

	if (l->any)
		return object_refuse(record, "portcullis",
				     "only the first line may be a header");
	err = object_object(&header, record, "portcullis", "portcullis.");
	if (!err && !header.json)
		err = object_refuse(record, "portcullis", "not an object");
	if (!err)
		err = object_integer(&format, NULL, &header, "format");
	if (!err && format != FORMAT)
		err = object_refuse(&header, "format", "not 1");
	if (!err)
		err = object_flag(&s->complete, &header, "complete");
	if (!err)
		err = object_time(&s->generated_ns, &header, "generated_at");
	if (!err)
		err = read_lists(s, &header);
	return err;
}

static int read_entry(struct loader *l, const struct object *record,
		      const char *hash)
{
	struct pc_digest digest;
	struct entry e;
	int err = 0;

	if (!hash)
		err = object_string(&hash, record, "key_hash");
	if (err)
		return err;
	if (!hash)
		return object_refuse(record, "key_hash", "missing");
	if (digest_parse(&digest, hash, strlen(hash)))
		return object_refuse(record, "key_hash", "not 64 hex digits");
	err = record_parse(&e, record);
	if (err)
		return err;

	e.digest = digest;
	err = add_sighting(l, &digest);
	if (!err && !e.not_found)
		err = add_entry(l, &e);
	if (err)
		entry_fini(&e);
	else
		l->snapshot.n_not_found += e.not_found;
	return err;
}

static int load_element(struct loader *l, const struct element *element)
{
	struct object record = { .path = "", .what = l->what };
	int err;

	err = object_parse(&record, element->text);
	if (err)
		return err;
	if (!element->name && object_has(&record, "portcullis"))
		err = read_header(l, &record);
	else
		err = read_entry(l, &record, element->name);
	object_fini(&record);
	l->any = true;
	return err;
}

static int load_elements(struct loader *l, struct elements *elements)
{
	struct element element;
	int err;

	do {
		err = elements_next(elements, &element, l->what);
		l->line = element.line;
		if (!err && element.text.size)
			err = load_element(l, &element);
	} while (!err && element.text.size);
	return err;
}

static int compare_sightings(const void *a, const void *b)
{
	const struct sighting *x = a, *y = b;
	int order = memcmp(&x->digest, &y->digest, sizeof(x->digest));

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return memcmp(&x->digest, &y->digest, sizeof(x->digest));
}

/* Names the first line of the file that repeats a hash. */
static int refuse_duplicates(struct loader *l)
{
	const struct sighting *second = NULL;

	if (l->n_seen)
		qsort(l->seen, l->n_seen, sizeof(*l->seen), compare_sightings);
	for (size_t i = 1; i < l->n_seen; i++) {
		const struct sighting *s = &l->seen[i];

		if (!memcmp(&s->digest, &s[-1].digest, sizeof(s->digest)) &&
		    (!second || s->line < second->line))
			second = s;
	}
	if (!second)
		return 0;
	l->line = second->line;
	snprintf(l->what, sizeof(l->what),
		 "key_hash: %02x%02x%02x%02x... is there twice",
		 second->digest.bytes[0], second->digest.bytes[1],
		 second->digest.bytes[2], second->digest.bytes[3]);
	return -EBADMSG;
}

/* Sorts, and gives back what was reserved in vain. */
static void settle(struct snapshot *s)
{
	struct entry *fitted;

	if (!s->n_entries)
		return;
	qsort(s->entries, s->n_entries, sizeof(*s->entries), compare_entries);
	fitted = reallocarray(s->entries, s->n_entries, sizeof(*fitted));
	if (fitted)
		s->entries = fitted;
}

static int load(struct loader *l, struct elements *elements)
{
	int err;

	err = load_elements(l, elements);
	if (!err)
		err = refuse_duplicates(l);
	free(l->seen);
	if (!err)
		settle(&l->snapshot);
	else
		snapshot_fini(&l->snapshot);
	if (err == -ENOMEM)
		snprintf(l->what, sizeof(l->what), "memory: %s",
			 strerror(ENOMEM));
	return err;
}

int snapshot_load(struct snapshot *out, const char *path,
		  char error[static SNAPSHOT_ERROR_SIZE])
{
	struct loader l = { 0 };
	struct elements *elements;
	int err;

	err = elements_open(&elements, path);
	if (err) {
		snprintf(error, SNAPSHOT_ERROR_SIZE, "%.*s: %s", PATH_SHOWN,
			 path, strerror(-err));
		return err;
	}
	err = load(&l, elements);
	elements_close(elements);
	if (err)
		snprintf(error, SNAPSHOT_ERROR_SIZE, "%.*s: line %zu: %s",
			 PATH_SHOWN, path, l.line, l.what);
	else
		*out = l.snapshot;
	return err;
}

void snapshot_fini(struct snapshot *s)
{
	for (size_t i = 0; i < s->n_entries; i++)
		entry_fini(&s->entries[i]);
	free(s->entries);
	free(s->ip_blacklist);
	free(s->ip_allowlist);
	*s = (struct snapshot){ 0 };
}

const struct entry *snapshot_find(const struct snapshot *s,
				  const struct pc_digest *digest)
{
	struct entry key = { .digest = *digest };

	if (!s->n_entries)
		return NULL;
	return bsearch(&key, s->entries, s->n_entries, sizeof(key),
		       compare_entries);
}

int snapshot_parse_text(struct entry *out, const char *text, size_t size,
			char error[static SNAPSHOT_ERROR_SIZE])
{
	struct object record = { .path = "", .what = error };
	int err;

	err = object_parse(&record, (struct jsontext){ text, size });
	if (!err)
		err = record_parse(out, &record);
	if (err == -ENOMEM)
		snprintf(error, SNAPSHOT_ERROR_SIZE, "memory: %s",
			 strerror(ENOMEM));
	object_fini(&record);
	return err;
}

int snapshot_parse_record(struct entry *out, const json_t *json,
			  char error[static SNAPSHOT_ERROR_SIZE])
{
	struct object record = { .json = json, .path = "", .what = error };
	int err = -EBADMSG;

	if (json_is_object(json))
		err = record_parse(out, &record);
	else
		snprintf(error, SNAPSHOT_ERROR_SIZE, "json: not an object");
	if (err == -ENOMEM)
		snprintf(error, SNAPSHOT_ERROR_SIZE, "memory: %s",
			 strerror(ENOMEM));
	return err;
}
