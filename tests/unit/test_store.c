// SPDX-License-Identifier: GPL-2.0-only
#include "store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "subscription.h"
#include "roster.h"
#include "table.h"

#define SECRET 0x9e3779b97f4a7c15

/* Spread like a real one, and different for every n. */
static struct pc_digest digest_of(uint64_t n)
{
	struct pc_digest d = { { 0 } };
	uint64_t bits = (n + 1) * 0xd6e8feb86659fd93;

	bits ^= bits >> 32;
	memcpy(d.bytes, &bits, sizeof(bits));
	memcpy(d.bytes + 8, &n, sizeof(n));
	return d;
}

/* With a list of its own, so that a leak or a double free shows. */
static struct entry entry_of(uint64_t n, int64_t user_id, int64_t version)
{
	struct entry e = { .digest = digest_of(n),
			   .key_id = (int64_t)n,
			   .user_id = user_id,
			   .quota_nusd = version,
			   .quota_used_nusd = version };

	e.whitelist = calloc(1, sizeof(*e.whitelist));
	assert_non_null(e.whitelist);
	return e;
}

/* Keys first to first + n - 1, by ten to a user. */
static struct snapshot snapshot_of(uint64_t first, size_t n, int64_t version)
{
	struct snapshot s = { .n_entries = n, .taken_ns = version };

	s.entries = calloc(n + 1, sizeof(*s.entries));
	assert_non_null(s.entries);
	for (size_t i = 0; i < n; i++)
		s.entries[i] =
			entry_of(first + i, (int64_t)(first + i) / 10, version);
	return s;
}

static struct store *store_of(size_t n)
{
	struct snapshot snap = snapshot_of(0, n, 1);
	struct store *s;

	assert_int_equal(store_new(&s), 0);
	assert_int_equal(store_replace(s, &snap), 0);
	return s;
}

static void put(struct store *s, uint64_t n, int64_t user_id, int64_t version)
{
	struct entry e = entry_of(n, user_id, version);

	assert_int_equal(store_put(s, &e), 0);
	assert_null(e.whitelist);
}

/* The version of a key; -1: not there. */
static int64_t version_of(const struct store *s, uint64_t n)
{
	struct pc_digest d = digest_of(n);
	const struct entry *e = store_find(s, &d);

	if (!e)
		return -1;
	assert_int_equal(e->key_id, n);
	return e->quota_nusd;
}

static int remove_key(struct store *s, uint64_t n)
{
	struct pc_digest d = digest_of(n);

	return store_remove(s, &d);
}

static void a_new_store_is_empty(void **state)
{
	struct store *s;

	(void)state;
	assert_int_equal(store_new(&s), 0);
	assert_int_equal(store_count(s), 0);
	assert_int_equal(store_taken_ns(s), 0);
	assert_false(store_complete(s));
	assert_int_equal(version_of(s, 1), -1);
	assert_int_equal(remove_key(s, 1), -ENOENT);
	store_free(s);
	store_free(NULL);
}

static void a_reload_replaces_everything(void **state)
{
	struct store *s = store_of(1000);
	struct snapshot snap = snapshot_of(500, 1000, 2);

	(void)state;
	put(s, 5000, 1, 1);
	snap.complete = true;
	snap.generated_ns = 7;
	assert_int_equal(store_taken_ns(s), 1);
	assert_false(store_complete(s));

	assert_int_equal(store_replace(s, &snap), 0);
	assert_null(snap.entries);
	assert_int_equal(snap.n_entries, 0);
	assert_int_equal(snap.generated_ns, 7);
	assert_true(snap.complete);
	assert_int_equal(store_taken_ns(s), 2);
	assert_true(store_complete(s));
	assert_int_equal(store_count(s), 1000);
	for (uint64_t n = 0; n < 2000; n++)
		assert_int_equal(version_of(s, n),
				 n >= 500 && n < 1500 ? 2 : -1);
	assert_int_equal(version_of(s, 5000), -1);
	store_free(s);
}

static void single_changes_leave_the_rest_alone(void **state)
{
	struct store *s = store_of(10);

	(void)state;
	put(s, 3, 0, 2); /* one of the block */
	put(s, 3, 0, 3); /* one that came singly */
	put(s, 10, 1, 2);
	assert_int_equal(remove_key(s, 4), 0);
	assert_int_equal(remove_key(s, 4), -ENOENT);
	put(s, 4, 0, 5);
	assert_int_equal(remove_key(s, 10), 0);
	assert_int_equal(remove_key(s, 0), 0);

	assert_int_equal(store_count(s), 9);
	for (uint64_t n = 0; n < 11; n++)
		assert_int_equal(version_of(s, n), n == 0    ? -1
						   : n == 3  ? 3
						   : n == 4  ? 5
						   : n == 10 ? -1
							     : 1);
	store_free(s);
}

/* An array by number is the oracle. */
static void a_store_grows_and_shrinks_by_single_changes(void **state)
{
	enum {
		KEYS = 3000,
		CHANGES = 60000
	};
	static int64_t expected[KEYS];
	struct store *s = store_of(100);
	unsigned int seed = 1;
	size_t count = 0;

	(void)state;
	for (int n = 0; n < KEYS; n++)
		expected[n] = n < 100 ? 1 : -1;
	for (int i = 2; i < CHANGES; i++) {
		int n = rand_r(&seed) % KEYS;
		/* Mostly growth first, mostly removals in the end. */
		bool adds = rand_r(&seed) % CHANGES > i;

		if (adds)
			put(s, (uint64_t)n, n / 10, i);
		else
			assert_int_equal(remove_key(s, (uint64_t)n),
					 expected[n] < 0 ? -ENOENT : 0);
		expected[n] = adds ? i : -1;
		assert_int_equal(version_of(s, (uint64_t)n), expected[n]);
	}
	for (int n = 0; n < KEYS; n++) {
		assert_int_equal(version_of(s, (uint64_t)n), expected[n]);
		count += expected[n] >= 0;
	}
	assert_int_equal(store_count(s), count);
	store_free(s);
}

struct seen {
	int64_t user_id;
	uint64_t keys; /* a bit each */
};

static void see(const struct entry *e, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(e->user_id, seen->user_id);
	assert_false(seen->keys & 1ull << e->key_id);
	seen->keys |= 1ull << e->key_id;
}

static uint64_t keys_of(const struct store *s, int64_t user_id)
{
	struct seen seen = { user_id, 0 };

	store_each_of_user(s, user_id, see, &seen);
	return seen.keys;
}

static void a_user_has_the_keys_that_are_his_now(void **state)
{
	struct store *s = store_of(40); /* users 0 to 3 */

	(void)state;
	assert_int_equal(keys_of(s, 0), 0x3ff);
	assert_int_equal(keys_of(s, 3), 0x3ffull << 30);
	assert_int_equal(keys_of(s, 4), 0);
	assert_int_equal(keys_of(s, -1), 0);

	put(s, 1, 0, 2);  /* changed */
	put(s, 1, 0, 3);  /* and again */
	put(s, 2, 9, 2);  /* given to another */
	put(s, 50, 0, 2); /* new */
	put(s, 51, -1, 2);
	assert_int_equal(remove_key(s, 3), 0);
	put(s, 52, 9, 2);
	assert_int_equal(remove_key(s, 52), 0);
	assert_int_equal(keys_of(s, 0), (0x3ff & ~0xcull) | 1ull << 50);
	assert_int_equal(keys_of(s, 9), 1 << 2);
	assert_int_equal(keys_of(s, -1), 1ull << 51);

	put(s, 2, 0, 3); /* and back */
	assert_int_equal(keys_of(s, 0), (0x3ff & ~0x8ull) | 1ull << 50);
	assert_int_equal(keys_of(s, 9), 0);
	store_free(s);
}

static void a_user_may_have_every_key(void **state)
{
	struct snapshot snap = snapshot_of(0, 64, 1);
	struct store *s;

	(void)state;
	for (size_t i = 0; i < 64; i++)
		snap.entries[i].user_id = 0;
	assert_int_equal(store_new(&s), 0);
	assert_int_equal(store_replace(s, &snap), 0);
	assert_int_equal(keys_of(s, 0), UINT64_MAX);
	for (uint64_t n = 0; n < 64; n++)
		put(s, n, 0, 2);
	assert_int_equal(keys_of(s, 0), UINT64_MAX);
	store_free(s);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct writer {
	struct store *store;
	bool done;
};

static void *replace_all(void *arg)
{
	struct writer *w = arg;
	struct snapshot snap = snapshot_of(0, 1000, 2);

	assert_int_equal(store_replace(w->store, &snap), 0);
	__atomic_store_n(&w->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* One thread reads and does not pause; the other replaces what is read. */
static void a_writer_waits_for_readers_and_not_they_for_him(void **state)
{
	struct writer w = { store_of(1000), false };
	struct pc_digest d = digest_of(7);
	const struct entry *held;
	double deadline = now_s() + 30;
	pthread_t thread;

	(void)state;
	store_enter();
	held = store_find(w.store, &d);
	assert_int_equal(pthread_create(&thread, NULL, replace_all, &w), 0);
	while (version_of(w.store, 7) != 2)
		assert_true(now_s() < deadline);
	usleep(20000);
	assert_false(__atomic_load_n(&w.done, __ATOMIC_SEQ_CST));
	assert_int_equal(version_of(w.store, 999), 2);
	assert_int_equal(held->key_id, 7);
	assert_int_equal(held->quota_nusd, 1);
	assert_null(held->whitelist[0]);

	store_pause();
	pthread_join(thread, NULL);
	assert_true(w.done);
	store_leave();
	store_free(w.store);
}

#define STEADY 64 /* keys that are always there */
#define MOVING 64 /* keys that come and go */

struct reader {
	const struct store *store;
	bool stop;
	uint64_t n_found, n_wrong;
	uint64_t n_keys; /* of the user at hand */
};

/* A torn, freed or foreign entry has these apart. */
static bool is_whole(const struct entry *e, uint64_t n)
{
	struct pc_digest d = digest_of(n);

	return !memcmp(&e->digest, &d, sizeof(d)) && e->key_id == (int64_t)n &&
	       e->quota_nusd > 0 && e->quota_nusd == e->quota_used_nusd &&
	       e->whitelist && !e->whitelist[0];
}

static void count_key(const struct entry *e, void *arg)
{
	struct reader *r = arg;

	r->n_wrong += e->user_id != 1 || !is_whole(e, (uint64_t)e->key_id);
	r->n_keys += e->key_id < STEADY;
}

static void read_batch(struct reader *r)
{
	const struct entry *held[STEADY + MOVING];

	for (uint64_t n = 0; n < STEADY + MOVING; n++) {
		struct pc_digest d = digest_of(n);

		held[n] = store_find(r->store, &d);
		r->n_found += held[n] != NULL;
		r->n_wrong += n < STEADY && !held[n];
	}
	r->n_keys = 0;
	store_each_of_user(r->store, 1, count_key, r);
	r->n_wrong += r->n_keys < STEADY;
	/* What was found first has seen the most changes since. */
	for (uint64_t n = 0; n < STEADY + MOVING; n++)
		r->n_wrong += held[n] && !is_whole(held[n], n);
}

static void *read_on(void *arg)
{
	struct reader *r = arg;

	store_enter();
	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		read_batch(r);
		store_pause();
	}
	store_sleep();
	store_wake();
	store_leave();
	return NULL;
}

static void change(struct store *s, unsigned int *seed, int64_t version)
{
	uint64_t n = (uint64_t)rand_r(seed) % (STEADY + MOVING);
	struct snapshot snap;

	if (rand_r(seed) % 100 == 0) {
		snap = snapshot_of(0, STEADY + n / 2, version);
		for (size_t i = 0; i < snap.n_entries; i++)
			snap.entries[i].user_id = 1;
		assert_int_equal(store_replace(s, &snap), 0);
	} else if (n < STEADY || rand_r(seed) % 2) {
		put(s, n, 1, version);
	} else {
		remove_key(s, n);
	}
}

static void readers_see_whole_entries_while_a_writer_changes_them(void **state)
{
	struct reader readers[2] = { 0 };
	pthread_t threads[2];
	unsigned int seed = 2;
	struct snapshot snap = snapshot_of(0, STEADY, 1);
	struct store *s;
	double end = now_s() + 1.5;

	(void)state;
	/* What is freed is overwritten: who still reads it sees that. */
	mallopt(M_PERTURB, 0xa5);
	for (size_t i = 0; i < STEADY; i++)
		snap.entries[i].user_id = 1;
	assert_int_equal(store_new(&s), 0);
	assert_int_equal(store_replace(s, &snap), 0);
	for (int i = 0; i < 2; i++) {
		readers[i].store = s;
		assert_int_equal(
			pthread_create(&threads[i], NULL, read_on, &readers[i]),
			0);
	}
	for (int64_t version = 2; now_s() < end; version++)
		change(s, &seed, version);
	for (int i = 0; i < 2; i++) {
		__atomic_store_n(&readers[i].stop, true, __ATOMIC_RELAXED);
		pthread_join(threads[i], NULL);
		assert_int_equal(readers[i].n_wrong, 0);
		assert_true(readers[i].n_found > STEADY);
	}
	mallopt(M_PERTURB, 0);
	store_free(s);
}

static size_t allocated(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* A sanitizer's malloc() keeps no such account. */
static bool is_accounted(void)
{
	size_t before = allocated();
	void *volatile block = malloc(1 << 20);
	bool counted = allocated() >= before + (1 << 20);

	free(block);
	return counted;
}

#define MANY 200000
#define BYTES_A_KEY 300

/* Each key with a subscription, and one user a key: the most there can be. */
static struct snapshot many_subscribed(void)
{
	struct snapshot s = { .n_entries = MANY };

	s.entries = calloc(MANY, sizeof(*s.entries));
	assert_non_null(s.entries);
	for (size_t i = 0; i < MANY; i++) {
		s.entries[i] = (struct entry){ .digest = digest_of(i),
					       .user_id = (int64_t)i };
		s.entries[i].subscription =
			calloc(1, sizeof(struct subscription));
		assert_non_null(s.entries[i].subscription);
	}
	return s;
}

static void a_key_takes_at_most_300_bytes(void **state)
{
	struct snapshot snap;
	struct store *s;
	size_t before;

	(void)state;
	if (!is_accounted())
		skip();
	assert_int_equal(store_new(&s), 0);
	before = allocated();
	snap = many_subscribed();
	assert_int_equal(store_replace(s, &snap), 0);
	assert_in_range((allocated() - before) / MANY, 200, BYTES_A_KEY);

	/* Changed one by one, the old block being given back last. */
	snap = (struct snapshot){ 0 };
	assert_int_equal(store_replace(s, &snap), 0);
	for (uint64_t n = 0; n < MANY; n++) {
		struct entry e = { .digest = digest_of(n),
				   .user_id = (int64_t)n };

		assert_int_equal(store_put(s, &e), 0);
	}
	assert_in_range((allocated() - before) / MANY, 200, BYTES_A_KEY);
	store_free(s);
}

static void assert_version(const struct store *s, int64_t version)
{
	struct pc_digest first = digest_of(0);
	const struct entry *e = store_find(s, &first);

	assert_non_null(e);
	assert_int_equal(e->quota_used_nusd, version);
	assert_int_equal(store_taken_ns(s), version);
}

static void what_is_on_trial_can_be_taken_back(void **state)
{
	struct snapshot first = snapshot_of(0, 10, 1), again;
	struct store *s;

	(void)state;
	assert_int_equal(store_new(&s), 0);
	assert_int_equal(store_try(s, &first), 0);
	assert_int_equal(store_go_back(s), -ENOENT);
	assert_version(s, 1);
	for (int64_t version = 2; version < 4; version++) {
		again = snapshot_of(0, 20, version);
		assert_int_equal(store_try(s, &again), 0);
		assert_version(s, version);
		assert_int_equal(store_count(s), 20);
		assert_int_equal(store_go_back(s), 0);
		assert_version(s, 1);
		assert_int_equal(store_count(s), 10);
		assert_int_equal(store_go_back(s), -ENOENT);
	}
	again = snapshot_of(0, 20, 4);
	assert_int_equal(store_try(s, &again), 0);
	store_keep(s);
	assert_int_equal(store_go_back(s), -ENOENT);
	assert_version(s, 4);
	for (int64_t version = 5; version < 7; version++) {
		again = snapshot_of(0, 20, version);
		assert_int_equal(store_try(s, &again), 0);
	}
	again = snapshot_of(0, 20, 7);
	assert_int_equal(store_replace(s, &again), 0);
	assert_int_equal(store_go_back(s), -ENOENT);
	assert_version(s, 7);
	/* What is still on trial goes with the rest. */
	again = snapshot_of(0, 20, 8);
	assert_int_equal(store_try(s, &again), 0);
	store_free(s);
}

/* Unscattered, these would stand in one row: five billion steps. */
static void a_table_stays_short_whatever_the_digests(void **state)
{
	enum {
		N = 100000
	};
	struct entry *entries = calloc(N, sizeof(*entries));
	struct table *t;
	double start = now_s();

	(void)state;
	assert_int_equal(table_new(&t, N, SECRET), 0);
	for (size_t i = 0; i < N; i++) {
		uint64_t bits = i;

		memcpy(entries[i].digest.bytes, &bits, sizeof(bits));
		assert_false(table_full(t));
		assert_null(table_put(t, &entries[i]));
	}
	for (size_t i = 0; i < N; i++)
		assert_ptr_equal(table_find(t, &entries[i].digest),
				 &entries[i]);
	assert_true(now_s() - start < 5);
	table_free(t);
	free(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_store_is_empty),
		cmocka_unit_test(a_reload_replaces_everything),
		cmocka_unit_test(single_changes_leave_the_rest_alone),
		cmocka_unit_test(a_store_grows_and_shrinks_by_single_changes),
		cmocka_unit_test(a_user_has_the_keys_that_are_his_now),
		cmocka_unit_test(a_user_may_have_every_key),
		cmocka_unit_test(
			a_writer_waits_for_readers_and_not_they_for_him),
		cmocka_unit_test(
			readers_see_whole_entries_while_a_writer_changes_them),
		cmocka_unit_test(a_key_takes_at_most_300_bytes),
		cmocka_unit_test(what_is_on_trial_can_be_taken_back),
		cmocka_unit_test(a_table_stays_short_whatever_the_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
