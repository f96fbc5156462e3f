// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file of records to a sorted snapshot, whole or not at all.  Memory is the
 * entries and no more: a hash that comes twice is told by the line each entry
 * keeps.  Only of a cached "no such key", which counts as one too, are hash and
 * line set down apart.
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
/* compare_digests() and what sorts and searches by it. */
_Static_assert(!offsetof(struct entry, digest), "a digest comes first");

/* A cached "no such key". */
struct miss {
	struct pc_digest digest;
	uint32_t line;
};

struct loader {
	struct snapshot snapshot;
	size_t room;
	struct miss *misses;
	size_t n_misses;
	size_t misses_room;
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

/* Lines beyond what an entry can tell are told as the last it can. */
static uint32_t line_of(const struct loader *l)
{
	return l->line < UINT32_MAX ? (uint32_t)l->line : UINT32_MAX;
}

static int add_miss(struct loader *l, const struct pc_digest *digest)
{
	void *misses = l->misses;
	int err = reserve(&misses, &l->misses_room, l->n_misses,
			  sizeof(*l->misses));

	l->misses = misses;
	if (!err)
		l->misses[l->n_misses++] = (struct miss){ *digest, line_of(l) };
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
	e.line = line_of(l);
	err = e.not_found ? add_miss(l, &digest) : add_entry(l, &e);
	if (err)
		entry_fini(&e);
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

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pc_digest));
}

static int by_digest_and_line(const struct pc_digest *a, uint32_t line_a,
			      const struct pc_digest *b, uint32_t line_b)
{
	int order = compare_digests(a, b);

	return order ? order : (line_a > line_b) - (line_a < line_b);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return by_digest_and_line(&x->digest, x->line, &y->digest, y->line);
}

static int compare_misses(const void *a, const void *b)
{
	const struct miss *x = a, *y = b;

	return by_digest_and_line(&x->digest, x->line, &y->digest, y->line);
}

struct repeat {
	const struct pc_digest *digest;
	uint32_t line; /* the first of the file that repeats a hash */
};

static void repeated(struct repeat *r, const struct pc_digest *digest,
		     uint32_t line)
{
	if (!r->digest || line < r->line)
		*r = (struct repeat){ digest, line };
}

static struct repeat find_repeat(const struct loader *l)
{
	const struct entry *entries = l->snapshot.entries, *e;
	const struct miss *misses = l->misses;
	struct repeat r = { NULL, 0 };

	for (size_t i = 1; i < l->snapshot.n_entries; i++) {
		if (!compare_digests(&entries[i], &entries[i - 1]))
			repeated(&r, &entries[i].digest, entries[i].line);
	}
	for (size_t i = 0; i < l->n_misses; i++) {
		const struct miss *m = &misses[i];

		e = snapshot_find(&l->snapshot, &m->digest);
		if (i && !compare_digests(m, m - 1))
			repeated(&r, &m->digest, m->line);
		else if (e)
			repeated(&r, &m->digest,
				 e->line > m->line ? e->line : m->line);
	}
	return r;
}

static int refuse_duplicates(struct loader *l)
{
	struct repeat r = find_repeat(l);

	if (!r.digest)
		return 0;
	l->line = r.line;
	snprintf(l->what, sizeof(l->what),
		 "key_hash: %02x%02x%02x%02x... is there twice",
		 r.digest->bytes[0], r.digest->bytes[1], r.digest->bytes[2],
		 r.digest->bytes[3]);
	return -EBADMSG;
}

/* Sorts, and gives back what was reserved in vain. */
static void settle(struct loader *l)
{
	struct snapshot *s = &l->snapshot;
	struct entry *fitted;

	if (l->n_misses)
		qsort(l->misses, l->n_misses, sizeof(*l->misses),
		      compare_misses);
	s->n_not_found = l->n_misses;
	if (!s->n_entries)
		return;
	fitted = reallocarray(s->entries, s->n_entries, sizeof(*fitted));
	if (fitted)
		s->entries = fitted;
	qsort(s->entries, s->n_entries, sizeof(*s->entries), compare_entries);
}

static int load(struct loader *l, struct elements *elements)
{
	int err;

	err = load_elements(l, elements);
	if (!err) {
		settle(l);
		err = refuse_duplicates(l);
	}
	free(l->misses);
	if (err)
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
	l.snapshot.taken_ns = l.snapshot.generated_ns;
	if (!l.snapshot.taken_ns)
		l.snapshot.taken_ns = elements_modified_ns(elements);
	/* Image builders date files 1970; 0 would be no snapshot at all. */
	if (!l.snapshot.taken_ns)
		l.snapshot.taken_ns = 1;
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
	const struct entry *e = NULL;

	if (s->n_entries)
		e = bsearch(digest, s->entries, s->n_entries, sizeof(*e),
			    compare_digests);
	/* Until refuse_duplicates() there may be more: the one of first line.
	 */
	while (e && e > s->entries && !compare_digests(&e[-1], digest))
		e--;
	return e;
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
