// SPDX-License-Identifier: GPL-2.0-only
#include "feeds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"

static void version_fini(struct feed_version *v)
{
	list_fini(&v->list);
	v->loaded_ns = 0;
}

static int open_feed(struct feed *feed, struct files *files)
{
	char error[LIST_ERROR_SIZE];
	int rc = 0;

	if (files)
		rc = files_watch(files, feed->spec->path);
	if (rc < 0) {
		log_line("list %s: cannot be watched: %s", feed->spec->path,
			 strerror(-rc));
		return rc;
	}
	feed->watched = (size_t)rc;
	rc = list_load(&feed->now.list, feed->spec, NULL, error);
	if (rc)
		log_line("list %s", error);
	feed->now.loaded_ns = clock_now_ns();
	return rc;
}

static void add_feeds(struct feeds *f, const struct list_specs *specs,
		      bool allow)
{
	for (size_t i = 0; i < specs->n; i++)
		f->items[f->n++] = (struct feed){ .spec = &specs->items[i],
						  .allow = allow };
}

int feeds_open(struct feeds *out, const struct list_specs *block,
	       const struct list_specs *allow, struct files *files)
{
	struct feeds f = { NULL, 0, 0 };
	uint64_t start_ns = clock_boot_ns();
	int rc = 0;

	if (block->n + allow->n) {
		f.items = calloc(block->n + allow->n, sizeof(*f.items));
		if (!f.items)
			return -ENOMEM;
	}
	add_feeds(&f, block, false);
	add_feeds(&f, allow, true);
	for (size_t i = 0; !rc && i < f.n; i++)
		rc = open_feed(&f.items[i], files);
	f.read_ns = clock_boot_ns() - start_ns;
	if (rc)
		feeds_fini(&f);
	else
		*out = f;
	return rc;
}

void feeds_fini(struct feeds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		version_fini(&f->items[i].now);
		version_fini(&f->items[i].before);
	}
	free(f->items);
	*f = (struct feeds){ NULL, 0, 0 };
}

static void refuse(struct feed *feed, const char *error)
{
	/* The same again is no news: a feed may be broken for days. */
	if (strcmp(feed->error, error))
		log_line("list %s; its %zu prefixes from before stay", error,
			 feed->now.list.prefixes.n);
	snprintf(feed->error, sizeof(feed->error), "%s", error);
}

/* Puts a version that was read in place of the one that is there. */
static void replace(struct feed *feed, const struct list *list)
{
	log_line("list %s: %zu prefixes, %zu before", feed->spec->path,
		 list->prefixes.n, feed->now.list.prefixes.n);
	if (feed->fresh)
		version_fini(&feed->now);
	else
		feed->before = feed->now;
	feed->fresh = true;
	feed->now = (struct feed_version){ *list, clock_now_ns() };
}

static bool reload(struct feed *feed)
{
	const struct list *now = &feed->now.list;
	char error[LIST_ERROR_SIZE];
	struct list list;

	feed->owed = false;
	if (list_load(&list, feed->spec, now, error)) {
		refuse(feed, error);
		return false;
	}
	if (feed->error[0])
		log_line("list %s: good again", feed->spec->path);
	feed->error[0] = '\0';
	if (!memcmp(list.digest, now->digest, sizeof(list.digest))) {
		list_fini(&list);
		return false;
	}
	replace(feed, &list);
	return true;
}

size_t feeds_reload(struct feeds *f, struct files *files)
{
	uint64_t start_ns = clock_boot_ns();
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct feed *feed = &f->items[i];

		if (!files || files_changed(files, feed->watched) || feed->owed)
			n += reload(feed);
	}
	f->read_ns = clock_boot_ns() - start_ns;
	return n;
}

bool feeds_retry(struct feeds *f, size_t number)
{
	uint64_t start_ns = clock_boot_ns();
	bool fresh = f->items[number].owed && reload(&f->items[number]);

	f->read_ns = clock_boot_ns() - start_ns;
	return fresh;
}

void feeds_keep(struct feeds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		version_fini(&f->items[i].before);
		f->items[i].fresh = false;
	}
}

void feeds_undo(struct feeds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct feed *feed = &f->items[i];

		if (!feed->fresh)
			continue;
		version_fini(&feed->now);
		feed->now = feed->before;
		feed->before = (struct feed_version){ 0 };
		feed->fresh = false;
		feed->owed = true;
	}
}

struct policy_file *feeds_files(const struct feeds *feeds)
{
	struct policy_file *out = calloc(feeds->n + 1, sizeof(*out));

	for (size_t i = 0; out && i < feeds->n; i++) {
		const struct feed *f = &feeds->items[i];

		out[i] = (struct policy_file){
			.path = f->spec->path,
			.allow = f->allow,
			.prefixes = f->now.list.prefixes,
			.loaded_ns = f->now.loaded_ns,
		};
		memcpy(out[i].digest, f->now.list.digest,
		       sizeof(out[i].digest));
	}
	return out;
}
