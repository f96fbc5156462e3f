// SPDX-License-Identifier: GPL-2.0-only
#include "ban_list.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "options.h"
#include "timestamp.h"

#define NS_PER_S 1000000000LL
#define LEFT_SIZE 32

struct collection {
	struct ban_list_item *items;
	size_t n;
	size_t room;
};

static int add(struct collection *c, const struct ban_list_item *item)
{
	if (c->n == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		void *items = reallocarray(c->items, room, sizeof(*c->items));

		if (!items)
			return -ENOMEM;
		c->items = items;
		c->room = room;
	}
	c->items[c->n++] = *item;
	return 0;
}

static int take_kept(const struct ban *ban, void *arg)
{
	return add(arg, &(struct ban_list_item){ .ban = *ban, .kept = true });
}

static int list_kept(struct collection *c, const struct bans *b, int64_t now_ns,
		     char error[static BANSTORE_ERROR_SIZE])
{
	struct banstore *s;
	int err;

	if (!b->ledger)
		return 0;
	err = banstore_open(&s, b->ledger, BANSTORE_READ, error);
	if (err == -ENOENT)
		error[0] = '\0';
	if (err)
		return err == -ENOMEM ? err : 0;
	err = banstore_each(s, now_ns, take_kept, c);
	if (err && err != -ENOMEM)
		memcpy(error, banstore_error(s), BANSTORE_ERROR_SIZE);
	banstore_close(s);
	return err == -ENOMEM ? err : 0;
}

static int compare(const void *a, const void *b)
{
	const struct ban_list_item *one = a, *other = b;

	return prefix_compare(&one->ban.prefix, &other->ban.prefix);
}

static int list_enforced(struct collection *c, const struct bans *b,
			 int64_t now_ns)
{
	size_t n_kept = c->n;
	int err = 0;

	if (n_kept)
		qsort(c->items, n_kept, sizeof(*c->items), compare);
	for (size_t i = 0; i < b->table.n_entries && !err; i++) {
		const struct bantable_entry *e = &b->table.entries[i];
		struct ban_list_item item = { .ban.expires_ns =
						      e->ban.expires_ns,
					      .enforced = true },
				     *kept;

		if (!ban_holds(&item.ban, now_ns))
			continue;
		bantable_prefix(&item.ban.prefix, &e->key);
		kept = n_kept ? bsearch(&item, c->items, n_kept, sizeof(item),
					compare)
			      : NULL;
		err = bantable_hits(&item.hits, &b->table, &e->ban);
		if (!err && !kept)
			err = add(c, &item);
		if (err || !kept)
			continue;
		kept->enforced = true;
		kept->hits = item.hits;
		if (kept->ban.expires_ns < item.ban.expires_ns)
			kept->ban.expires_ns = item.ban.expires_ns;
	}
	return err;
}

int ban_list_read(struct ban_list *out, struct bans *b)
{
	struct ban_list l = { .now_ns = bans_now_ns(b) };
	struct collection c = { 0 };
	int err = bans_lock(b, BANS_PATIENCE_MS);

	if (err)
		return err;
	err = list_kept(&c, b, l.now_ns, l.error);
	if (!err && b->has_table)
		err = list_enforced(&c, b, l.now_ns);
	bans_unlock(b);
	if (err) {
		free(c.items);
		return err;
	}
	if (c.n)
		qsort(c.items, c.n, sizeof(*c.items), compare);
	l.items = c.items;
	l.n = c.n;
	*out = l;
	return 0;
}

void ban_list_fini(struct ban_list *l)
{
	free(l->items);
	l->items = NULL;
	l->n = 0;
}

/* The two largest units, rounded down. */
static const char *print_left(char buf[static LEFT_SIZE], const struct ban *b,
			      int64_t now_ns)
{
	int64_t s = (b->expires_ns - now_ns) / NS_PER_S;

	if (b->expires_ns == PC_NEVER)
		snprintf(buf, LEFT_SIZE, "for ever");
	else if (s >= 86400)
		snprintf(buf, LEFT_SIZE, "%" PRId64 "d %" PRId64 "h", s / 86400,
			 s / 3600 % 24);
	else if (s >= 3600)
		snprintf(buf, LEFT_SIZE, "%" PRId64 "h %" PRId64 "m", s / 3600,
			 s / 60 % 60);
	else if (s >= 60)
		snprintf(buf, LEFT_SIZE, "%" PRId64 "m %" PRId64 "s", s / 60,
			 s % 60);
	else
		snprintf(buf, LEFT_SIZE, "%" PRId64 "s", s);
	return buf;
}

/* What only the kernel has came without a word. */
static const char *by(const struct ban_list_item *item)
{
	return item->kept ? ban_by_name(item->ban.made_by) : "-";
}

static void print_text(const struct ban_list *l)
{
	printf("%-20s %-10s %10s %-8s %-8s %s\n", "PREFIX", "LEFT", "HITS",
	       "BY", "ENFORCED", "REASON");
	for (size_t i = 0; i < l->n; i++) {
		const struct ban_list_item *item = &l->items[i];
		char prefix[PREFIX_STRLEN], left[LEFT_SIZE];

		printf("%-20s %-10s %10" PRIu64 " %-8s %-8s %s\n",
		       prefix_print(&item->ban.prefix, prefix),
		       print_left(left, &item->ban, l->now_ns),
		       (uint64_t)(item->hits.done + item->hits.would), by(item),
		       item->enforced ? "yes" : "NO", item->ban.reason);
	}
}

static json_t *item_json(const struct ban_list_item *item, int64_t now_ns)
{
	char prefix[PREFIX_STRLEN], expires[TIMESTAMP_STRLEN];
	const struct ban *b = &item->ban;
	bool ends = b->expires_ns != PC_NEVER;

	timestamp_print(b->expires_ns, expires);
	return json_pack(
		"{s:s, s:s?, s:o, s:s, s:s?, s:i, s:{s:I, s:I}, s:b, s:b}",
		"prefix", prefix_print(&b->prefix, prefix), "expires_at",
		ends ? expires : NULL, "remaining_s",
		ends ? json_integer((b->expires_ns - now_ns) / NS_PER_S)
		     : json_null(),
		"reason", b->reason, "by",
		item->kept ? ban_by_name(b->made_by) : NULL, "times",
		(int)b->times, "hits", "done", (json_int_t)item->hits.done,
		"would", (json_int_t)item->hits.would, "enforced",
		item->enforced, "kept", item->kept);
}

static int print_json(const struct ban_list *l)
{
	json_t *all = json_array();
	int rc = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < l->n && !rc; i++)
		rc = json_array_append_new(all,
					   item_json(&l->items[i], l->now_ns));
	if (!rc && json_dumpf(all, stdout, JSON_INDENT(2)))
		rc = -EIO;
	if (!rc)
		putchar('\n');
	json_decref(all);
	return rc ? -ENOMEM : 0;
}

static int show(const struct ban_list *l, bool json)
{
	int rc = 0;

	if (json)
		rc = print_json(l);
	else
		print_text(l);
	if (!rc && fflush(stdout))
		rc = -errno;
	if (rc)
		log_line("writing: %s", strerror(-rc));
	return rc;
}

static int list(const struct options *o)
{
	struct ban_list l;
	struct bans b;
	int rc = bans_open(&b, o->pin_dir, o->ledger);

	if (!rc) {
		rc = ban_list_read(&l, &b);
		bans_close(&b);
	}
	if (rc) {
		log_line("cannot read the bans: %s", strerror(-rc));
		return 1;
	}
	if (l.error[0])
		log_line("ledger %s: %s; only the kernel's bans are shown",
			 o->ledger, l.error);
	rc = show(&l, o->json) || l.error[0] ? 1 : 0;
	ban_list_fini(&l);
	return rc;
}

int ban_list_main(int argc, char **argv)
{
	struct options o;
	int rc = options_parse(&o, argc, argv, OPTIONS_BANS);

	if (rc)
		return rc == 1 ? 0 : 2;
	rc = list(&o);
	options_fini(&o);
	return rc;
}
