// SPDX-License-Identifier: GPL-2.0-only
/*
 * Readers follow pointers that are published once complete; what they may still
 * see is freed after a grace period of userspace RCU (the kind in which readers
 * announce that they hold nothing, and so pay nothing to look something up).
 */
#include "store.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <urcu-qsbr.h>

#include "roster.h"
#include "table.h"

/*
 * A constant, for chains that grow under readers would need two links an entry:
 * what came singly is a small part, and a million make chains of 60.
 */
#define SINGLE_BUCKETS 16384
/* Grace periods are paid for by so many changes. */
#define RETIRED_MAX 64

/* An entry that came alone. */
struct single {
	struct entry entry;  /* first: single_of() */
	struct single *next; /* in its user's bucket */
};

/* What one reload brought, and the changes to it. */
struct generation {
	struct table *table;
	struct entry *block;
	size_t n_block;
	struct roster *roster;
	int64_t taken_ns;
	bool complete;
	struct single *singles[SINGLE_BUCKETS];
};

struct store {
	struct generation *now;
	struct generation *before; /* of one on trial; NULL: there is none */
	uint64_t secret;
	/* Out of reach, but perhaps still being read. */
	struct single *retired[RETIRED_MAX];
	size_t n_retired;
};

static void single_free(struct single *s)
{
	entry_fini(&s->entry);
	free(s);
}

static void generation_free(struct generation *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < SINGLE_BUCKETS; i++) {
		for (struct single *s = g->singles[i], *next; s; s = next) {
			next = s->next;
			single_free(s);
		}
	}
	for (size_t i = 0; i < g->n_block; i++)
		entry_fini(&g->block[i]);
	free(g->block);
	roster_free(g->roster);
	table_free(g->table);
	free(g);
}

/* Takes the snapshot's entries over, unless it fails. */
static int generation_new(struct generation **out, struct snapshot *snap,
			  uint64_t secret)
{
	struct generation *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	err = table_new(&g->table, snap->n_entries, secret);
	if (!err)
		err = roster_new(&g->roster, snap->entries, snap->n_entries,
				 secret);
	if (err) {
		generation_free(g);
		return err;
	}
	for (size_t i = 0; i < snap->n_entries; i++)
		table_put(g->table, &snap->entries[i]);
	g->block = snap->entries;
	g->n_block = snap->n_entries;
	g->taken_ns = snap->taken_ns;
	g->complete = snap->complete;
	snap->entries = NULL;
	snap->n_entries = 0;
	*out = g;
	return 0;
}

int store_new(struct store **out)
{
	struct snapshot nothing = { 0 };
	struct store *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	/* Without randomness: no protection, but a service. */
	if (getrandom(&s->secret, sizeof(s->secret), 0) !=
	    (ssize_t)sizeof(s->secret))
		s->secret = (uintptr_t)s * 0x9e3779b97f4a7c15;
	s->secret |= 1;
	err = generation_new(&s->now, &nothing, s->secret);
	if (err)
		free(s);
	else
		*out = s;
	return err;
}

static void free_retired(struct store *s)
{
	while (s->n_retired)
		single_free(s->retired[--s->n_retired]);
}

void store_free(struct store *s)
{
	if (!s)
		return;
	free_retired(s);
	generation_free(s->before);
	generation_free(s->now);
	free(s);
}

/* Returns the one before, which nobody reads any more. */
static struct generation *change(struct store *s, struct generation *g)
{
	struct generation *old = s->now;

	__atomic_store_n(&s->now, g, __ATOMIC_RELEASE);
	synchronize_rcu();
	free_retired(s);
	return old;
}

static void discard(struct generation *g)
{
	generation_free(g);
	/* What single rows left between others would stay ours for good. */
	malloc_trim(0);
}

int store_replace(struct store *s, struct snapshot *snap)
{
	struct generation *g;
	int err = generation_new(&g, snap, s->secret);

	if (err)
		return err;
	store_keep(s);
	discard(change(s, g));
	return 0;
}

int store_try(struct store *s, struct snapshot *snap)
{
	struct generation *g;
	int err;

	if (!s->now->taken_ns)
		return store_replace(s, snap);
	err = generation_new(&g, snap, s->secret);
	if (err)
		return err;
	store_keep(s);
	s->before = change(s, g);
	return 0;
}

void store_keep(struct store *s)
{
	if (s->before)
		discard(s->before);
	s->before = NULL;
}

int store_go_back(struct store *s)
{
	if (!s->before)
		return -ENOENT;
	discard(change(s, s->before));
	s->before = NULL;
	return 0;
}

/* Makes sure that one more entry fits. */
static int make_room(struct generation *g)
{
	struct table *old = g->table, *larger;
	int err;

	if (!table_full(old))
		return 0;
	err = table_copy(&larger, old);
	if (err)
		return err;
	__atomic_store_n(&g->table, larger, __ATOMIC_RELEASE);
	synchronize_rcu();
	table_free(old);
	return 0;
}

/* NULL: none, or one of the block, which goes with the block. */
static struct single *single_of(const struct generation *g,
				const struct entry *e)
{
	bool in_block = (uintptr_t)e - (uintptr_t)g->block <
			g->n_block * sizeof(g->block[0]);

	return in_block ? NULL : (struct single *)(uintptr_t)e;
}

static struct single **bucket(struct store *s, int64_t user_id)
{
	size_t b = roster_bucket(user_id, SINGLE_BUCKETS, s->secret);

	return &s->now->singles[b];
}

/* Where the link to one stands. */
static struct single **place(struct store *s, const struct single *one)
{
	struct single **at = bucket(s, one->entry.user_id);

	while (*at != one)
		at = &(*at)->next;
	return at;
}

/*
 * A key that stays its user's keeps its place: a reader who is on the way there
 * would miss one that went to the front meanwhile.
 */
static void link_single(struct store *s, struct single *one,
			const struct single *old)
{
	bool stays = old && old->entry.user_id == one->entry.user_id;
	struct single **at =
		stays ? place(s, old) : bucket(s, one->entry.user_id);

	one->next = stays ? old->next : *at;
	__atomic_store_n(at, one, __ATOMIC_RELEASE);
}

static void unlink_single(struct store *s, const struct single *old)
{
	__atomic_store_n(place(s, old), old->next, __ATOMIC_RELEASE);
}

static void retire(struct store *s, struct single *old)
{
	s->retired[s->n_retired++] = old;
	if (s->n_retired < RETIRED_MAX)
		return;
	synchronize_rcu();
	free_retired(s);
}

/* Into its user's bucket first: a reader of a user's keys must not miss it. */
static void publish(struct store *s, struct single *one)
{
	struct generation *g = s->now;
	struct single *old =
		single_of(g, table_find(g->table, &one->entry.digest));

	link_single(s, one, old);
	table_put(g->table, &one->entry);
	if (!old)
		return;
	if (old->entry.user_id != one->entry.user_id)
		unlink_single(s, old);
	retire(s, old);
}

int store_put(struct store *s, struct entry *e)
{
	struct single *one = malloc(sizeof(*one));
	int err;

	if (!one)
		return -ENOMEM;
	err = make_room(s->now);
	if (err) {
		free(one);
		return err;
	}
	one->entry = *e;
	e->subscription = NULL;
	e->whitelist = NULL;
	e->blacklist = NULL;
	publish(s, one);
	return 0;
}

int store_remove(struct store *s, const struct pc_digest *digest)
{
	const struct entry *e = table_remove(s->now->table, digest);
	struct single *old = single_of(s->now, e);

	if (!e)
		return -ENOENT;
	if (old) {
		unlink_single(s, old);
		retire(s, old);
	}
	return 0;
}

void store_enter(void)
{
	rcu_register_thread();
}

void store_leave(void)
{
	rcu_unregister_thread();
}

void store_pause(void)
{
	rcu_quiescent_state();
}

void store_sleep(void)
{
	rcu_thread_offline();
}

void store_wake(void)
{
	rcu_thread_online();
}

static const struct generation *generation(const struct store *s)
{
	return __atomic_load_n(&s->now, __ATOMIC_ACQUIRE);
}

static const struct table *table(const struct generation *g)
{
	return __atomic_load_n(&g->table, __ATOMIC_ACQUIRE);
}

const struct entry *store_find(const struct store *s,
			       const struct pc_digest *digest)
{
	return table_find(table(generation(s)), digest);
}

/*
 * First the block, then the bucket: an entry that left the block for a bucket
 * meanwhile is there.  In the bucket it is the table that tells what a key is
 * now, be that newer or older than the link at hand.
 */
void store_each_of_user(const struct store *s, int64_t user_id,
			void (*each)(const struct entry *e, void *arg),
			void *arg)
{
	const struct generation *g = generation(s);
	size_t b = roster_bucket(user_id, SINGLE_BUCKETS, s->secret), at = 0;
	const struct single *one;
	const struct entry *e;

	while ((e = roster_next(g->roster, user_id, &at))) {
		if (table_find(table(g), &e->digest) == e)
			each(e, arg);
	}
	one = __atomic_load_n(&g->singles[b], __ATOMIC_ACQUIRE);
	for (; one; one = __atomic_load_n(&one->next, __ATOMIC_ACQUIRE)) {
		if (one->entry.user_id != user_id)
			continue;
		e = table_find(table(g), &one->entry.digest);
		if (e && e->user_id == user_id)
			each(e, arg);
	}
}

size_t store_count(const struct store *s)
{
	return table_count(table(generation(s)));
}

int64_t store_taken_ns(const struct store *s)
{
	return generation(s)->taken_ns;
}

bool store_complete(const struct store *s)
{
	return generation(s)->complete;
}
