// SPDX-License-Identifier: GPL-2.0-only
/*
 * maps.c on real maps: whole generations, the flip, what a failure leaves in
 * force, and the names that the kernel cuts.
 */
#include "tries.h"
#include "expect.h"

#include "request.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define NAME_MAX_ 15 /* BPF_OBJ_NAME_LEN less the NUL */

static struct pc_digest digest_of(const char *key)
{
	struct pc_digest d;

	assert_int_equal(digest_key(&d, key, strlen(key)), 0);
	return d;
}

static struct prefix address(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse_address(&p, text), 0);
	return p;
}

/* A policy of n keys, the k-th named by digest k, and one blocked prefix. */
static void compile(struct policy *p, size_t n, const char *block)
{
	struct policy_options opt = harness_options();
	struct entry *entries = calloc(n + 1, sizeof(*entries));
	struct snapshot s = { .entries = entries, .n_entries = n };
	struct prefix items[4];

	for (size_t i = 0; i < n; i++) {
		entries[i] = (struct entry){ GOOD_USER };
		entries[i].key_id = (int64_t)i;
		memcpy(entries[i].digest.bytes, &i, sizeof(i));
	}
	opt.block = harness_prefixes(items, block);
	assert_int_equal(policy_compile(p, &s, &opt), 0);
	free(entries);
}

static int find(size_t k)
{
	struct pc_digest d = { 0 };
	struct pc_key key;
	int rc;

	memcpy(d.bytes, &k, sizeof(k));
	rc = maps_find_key(&harness.maps, &d, &key);
	if (!rc)
		assert_int_equal(key.key_id, k);
	return rc;
}

static bool blocked(const char *text)
{
	struct prefix p = address(text), matched;
	struct pc_rule rule;
	int rc = tries_match(&harness.maps, false, PC_SET_DENY, &p, &matched,
			     &rule);

	assert_true(rc == 0 || rc == -ENOENT);
	if (!rc)
		assert_int_equal(rule.reason, PC_R_BLOCK_LIST);
	return !rc;
}

static void nothing_is_in_force_at_first(void **state)
{
	struct pc_policy head;
	struct maps other;

	(void)state;
	assert_int_equal(maps_read_policy(&harness.maps, &head), -ENOENT);
	assert_int_not_equal(find(0), 0);
	assert_int_equal(maps_open_pinned(&other, "/nowhere"), -ENOENT);
}

/* Four times, so that both slots are written twice. */
static void generations_flip_whole(void **state)
{
	static const char *const block[] = { "10.0.0.1", "10.0.0.2", "10.0.0.3",
					     "10.0.0.4" };

	(void)state;
	for (size_t g = 0; g < 4; g++) {
		uint32_t slot = *harness.maps.active_word;
		struct pc_policy head;
		struct policy p;

		compile(&p, 3 + g, block[g]);
		assert_int_equal(maps_apply(&harness.maps, &p, 0), 0);
		assert_int_equal(*harness.maps.active_word, !slot);
		assert_int_equal(maps_read_policy(&harness.maps, &head), 0);
		assert_memory_equal(&head, &p.head, sizeof(head));
		for (size_t k = 0; k < 10; k++)
			assert_int_equal(find(k), k < 3 + g ? 0 : -ENOENT);
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(blocked(block[k]), k == g);
		policy_fini(&p);
	}
}

/* More keys than one batch, and no entry left out. */
static void many_keys_are_written_and_read_back(void **state)
{
	const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 20000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct policy p;

		compile(&p, sizes[i], "10.0.0.0/8");
		assert_int_equal(maps_apply(&harness.maps, &p, 0), 0);
		for (size_t k = 0; k < sizes[i]; k += 1 + k / 100)
			assert_int_equal(find(k), 0);
		if (sizes[i])
			assert_int_equal(find(sizes[i] - 1), 0);
		assert_int_equal(find(sizes[i]), -ENOENT);
		policy_fini(&p);
	}
}

/* What is in force, to be compared before and after a failure. */
struct picture {
	uint32_t slot;
	struct pc_policy head;
	bool keys[4];
	bool blocked;
};

static void take(struct picture *out)
{
	memset(out, 0, sizeof(*out));
	out->slot = *harness.maps.active_word;
	assert_int_equal(maps_read_policy(&harness.maps, &out->head), 0);
	for (size_t k = 0; k < 4; k++)
		out->keys[k] = !find(k);
	out->blocked = blocked("10.0.0.1");
}

static void assert_refused(struct policy *p, int want)
{
	struct picture before, after;

	take(&before);
	assert_int_equal(maps_apply(&harness.maps, p, 0), want);
	take(&after);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void a_policy_that_fails_changes_nothing(void **state)
{
	struct policy good, bad;
	int fd;

	(void)state;
	compile(&good, 3, "10.0.0.1");
	assert_int_equal(maps_apply(&harness.maps, &good, 0), 0);

	compile(&bad, 4, "10.0.0.2 10.0.0.3");
	bad.prefixes[1].key = bad.prefixes[0].key;
	assert_refused(&bad, -EEXIST);
	bad.prefixes[1].key.len = 500;
	assert_refused(&bad, -EINVAL);
	policy_fini(&bad);

	/* Two values for one key: the second overwrites, the check sees it. */
	compile(&bad, 4, "10.0.0.2");
	bad.keys[1].digest = bad.keys[0].digest;
	assert_refused(&bad, -EILSEQ);
	policy_fini(&bad);

	/* Each map out of reach in its turn. */
	compile(&bad, 4, "10.0.0.2");
	fd = harness.maps.answers;
	harness.maps.answers = -1;
	assert_refused(&bad, -EBADF);
	harness.maps.answers = fd;
	fd = harness.maps.lists;
	harness.maps.lists = -1;
	assert_refused(&bad, -EBADF);
	harness.maps.lists = fd;
	fd = harness.maps.keys;
	harness.maps.keys = -1;
	assert_refused(&bad, -EBADF);
	harness.maps.keys = fd;
	/* And with everything back it takes. */
	assert_int_equal(maps_apply(&harness.maps, &bad, 0), 0);
	assert_false(blocked("10.0.0.1"));
	assert_true(blocked("10.0.0.2"));
	policy_fini(&bad);
	policy_fini(&good);
}

/* A reload between two packets of one connection: no state is lost. */
static void programs_see_the_new_generation_at_once(void **state)
{
	struct policy_options opt = harness_options();
	struct client c;

	(void)state;
	request_use(&opt);
	c = client_open(CLIENT);
	assert_reason(client_say(&c, MESSAGES(LIVE)), PC_R_KEY_LIVE, "first");
	for (int i = 0; i < 3; i++) {
		c.s.ack += 10;
		request_keys[0].e.status = PC_STATUS_OTHER;
		opt.generation++;
		opt.monitor = true;
		request_use(&opt);
		assert_reason(client_say(&c, MESSAGES(LIVE)), PC_R_KEY_DISABLED,
			      "revoked");
		c.s.ack += 10;
		request_keys[0].e.status = PC_STATUS_ACTIVE;
		request_use(&opt);
		assert_reason(client_say(&c, MESSAGES(LIVE)), PC_R_KEY_LIVE,
			      "given back");
	}
}

static void rules_of_keys_are_found_by_set(void **state)
{
	struct pc_digest d = digest_of(BLACKLISTED);
	struct prefix in = address(IN_BLACK), in6 = address(IN_BLACK6);
	struct prefix out = address(CLIENT);
	struct pc_rule rule;
	struct pc_key key;

	(void)state;
	request_use_default();
	assert_int_equal(maps_find_key(&harness.maps, &d, &key), 0);
	assert_int_not_equal(key.rule_set, 0);
	assert_int_equal(tries_match(&harness.maps, true,
				     PC_BLACK_SET(key.rule_set), &in, NULL,
				     &rule),
			 0);
	assert_int_equal(rule.reason, PC_R_ADDRESS_DENIED);
	assert_int_equal(tries_match(&harness.maps, true,
				     PC_BLACK_SET(key.rule_set), &in6, NULL,
				     &rule),
			 0);
	assert_int_equal(tries_match(&harness.maps, true,
				     PC_BLACK_SET(key.rule_set), &out, NULL,
				     &rule),
			 -ENOENT);
	assert_int_equal(tries_match(&harness.maps, true,
				     PC_WHITE_SET(key.rule_set), &in, NULL,
				     &rule),
			 -ENOENT);
}

static void the_clock_is_what_was_set(void **state)
{
	struct pc_clock clock = { 1, 2, 3, 4, 5, 6 }, got;

	(void)state;
	maps_set_clock(&harness.maps, &clock);
	assert_int_equal(maps_clock(&harness.maps, &got), 0);
	assert_memory_equal(&got, &clock, sizeof(got));
}

/* A second process that opens the pins sees the same policy. */
static void pinned_maps_are_adopted(void **state)
{
	struct loader *second;
	struct policy p;
	struct maps m;

	(void)state;
	compile(&p, 7, "10.0.0.1");
	assert_int_equal(maps_apply(&harness.maps, &p, 0), 0);
	assert_int_equal(loader_load(&second, harness.dir), 0);
	assert_int_equal(maps_open_pinned(&m, harness.dir), 0);
	assert_int_equal(*m.active_word, *harness.maps.active_word);
	loader_free(second);
	maps_close(&m);
	assert_int_equal(find(6), 0);
	policy_fini(&p);
}

/* One blocked prefix, and three keys. */
static int put(struct maps *m, const char *block, uint64_t confirm_ns)
{
	struct policy p;
	int rc;

	compile(&p, 3, block);
	rc = maps_apply(m, &p, confirm_ns);
	policy_fini(&p);
	return rc;
}

static void wait_for_lapse(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	while (clock_boot_ns() / 1000000 <=
	       pc_active_until_ms(*harness.maps.active_word))
		nanosleep(&ms, NULL);
}

/* As maps.c and as the program has it. */
static void assert_blocked(const char *text, bool want)
{
	const struct shape shape = {
		.from = text,
		.to = "10.77.0.1",
		.dport = HARNESS_PORT,
	};
	const struct outcome *o = run_shape(harness.xdp, &shape);

	assert_int_equal(o->retval, want ? XDP_DROP_ : XDP_PASS_);
	assert_int_equal(blocked(text), want);
}

#define OLD "192.0.2.1"
#define NEW "192.0.2.2"
#define LONG_NS UINT64_C(60000000000)
#define SHORT_NS UINT64_C(30000000)

static void assert_in_force(const char *block)
{
	assert_blocked(OLD, !strcmp(block, OLD));
	assert_blocked(NEW, !strcmp(block, NEW));
}

/* Nobody does anything but wait, and both sides go by the one before. */
static void unconfirmed_is_gone_in_time(void **state)
{
	struct maps *m = &harness.maps;

	(void)state;
	assert_int_equal(put(m, OLD, 0), 0);
	assert_int_equal(maps_confirm(m, false), -ENOENT);
	assert_int_equal(maps_confirm(m, true), -ENOENT);
	assert_int_equal(put(m, NEW, LONG_NS), 0);
	assert_in_force(NEW);
	assert_int_equal(maps_settle(m), MAPS_PENDING);
	assert_true(maps_pending_ns(m) > LONG_NS / 2);
	assert_int_equal(put(m, "10.0.0.9", 0), -EBUSY);
	assert_in_force(NEW);
	assert_int_equal(maps_confirm(m, true), 0);
	assert_int_equal(maps_settle(m), MAPS_ROLLED_BACK);

	assert_int_equal(put(m, NEW, SHORT_NS), 0);
	wait_for_lapse();
	assert_int_equal(maps_pending_ns(m), 0);
	assert_in_force(OLD);
	assert_int_equal(maps_confirm(m, false), -ETIME);
	assert_int_equal(maps_confirm(m, true), -ETIME);
	assert_in_force(OLD);
	assert_int_equal(maps_settle(m), MAPS_ROLLED_BACK);
	assert_int_equal(maps_settle(m), MAPS_SETTLED);
	assert_in_force(OLD);
	assert_int_equal(maps_confirm(m, false), -ENOENT);
}

/* A failure then still leaves the one that came back. */
static void a_lapsed_one_is_what_is_written_over(void **state)
{
	struct maps *m = &harness.maps;
	int fd = m->answers;

	(void)state;
	assert_int_equal(put(m, OLD, 0), 0);
	assert_int_equal(put(m, NEW, SHORT_NS), 0);
	wait_for_lapse();
	m->answers = -1;
	assert_int_equal(put(m, "10.0.0.9", 0), -EBADF);
	m->answers = fd;
	assert_in_force(OLD);
	assert_int_equal(put(m, NEW, 0), 0);
	assert_in_force(NEW);
	assert_int_equal(maps_settle(m), MAPS_SETTLED);
}

/* By another process, as portcullis confirm is one. */
static void what_others_say_is_told_apart(void **state)
{
	struct maps other;

	(void)state;
	assert_int_equal(maps_open_pinned(&other, harness.dir), 0);
	assert_int_equal(put(&harness.maps, OLD, 0), 0);
	assert_int_equal(put(&harness.maps, NEW, LONG_NS), 0);
	assert_int_equal(maps_confirm(&other, true), 0);
	assert_in_force(OLD);
	assert_int_equal(maps_settle(&harness.maps), MAPS_ROLLED_BACK);
	assert_in_force(OLD);

	assert_int_equal(put(&harness.maps, NEW, LONG_NS), 0);
	assert_int_equal(maps_confirm(&other, false), 0);
	assert_in_force(NEW);
	assert_int_equal(maps_settle(&harness.maps), MAPS_CONFIRMED);
	assert_int_equal(maps_settle(&harness.maps), MAPS_SETTLED);
	assert_in_force(NEW);
	maps_close(&other);
}

static uint8_t status_of(size_t k)
{
	struct pc_digest d = { 0 };
	struct pc_key key;

	memcpy(d.bytes, &k, sizeof(k));
	assert_int_equal(maps_find_key(&harness.maps, &d, &key), 0);
	return key.status;
}

static int disable(struct maps *m, size_t k)
{
	const struct pc_key value = { .expires_ns = PC_NEVER,
				      .status = PC_STATUS_OTHER };
	struct pc_digest d = { 0 };

	memcpy(d.bytes, &k, sizeof(k));
	return maps_put_key(m, &d, &value);
}

/* Of the one on approval while it is, then of the one that is back. */
static void keys_are_told_where_they_are_judged(void **state)
{
	struct maps next;

	(void)state;
	assert_int_equal(put(&harness.maps, OLD, 0), 0);
	assert_int_equal(put(&harness.maps, NEW, LONG_NS), 0);
	assert_int_equal(disable(&harness.maps, 0), 0);
	assert_int_equal(status_of(0), PC_STATUS_OTHER);
	assert_int_equal(maps_confirm(&harness.maps, true), 0);
	assert_int_equal(status_of(0), PC_STATUS_ACTIVE);
	assert_int_equal(disable(&harness.maps, 1), 0);
	assert_int_equal(status_of(1), PC_STATUS_OTHER);
	assert_int_equal(maps_settle(&harness.maps), MAPS_ROLLED_BACK);
	assert_int_equal(disable(&harness.maps, 2), 0);
	assert_int_equal(status_of(2), PC_STATUS_OTHER);

	/* Also what an earlier run has left. */
	assert_int_equal(maps_open_pinned(&next, harness.dir), 0);
	assert_int_equal(put(&next, NEW, LONG_NS), 0);
	assert_int_equal(maps_confirm(&next, true), 0);
	assert_int_equal(maps_settle(&next), MAPS_ROLLED_BACK);
	assert_int_equal(status_of(0), PC_STATUS_ACTIVE);
	assert_int_equal(disable(&next, 0), 0);
	assert_int_equal(status_of(0), PC_STATUS_OTHER);
	maps_close(&next);
}

/* Another blocked prefix, and the keys that are in force. */
static int put_list(struct maps *m, const char *block)
{
	struct policy_options opt = harness_options();
	struct policy first, p;
	struct prefix items[4];
	int rc;

	compile(&first, 3, OLD);
	opt.block = harness_prefixes(items, block);
	assert_int_equal(policy_renew(&p, &first.base, &opt), 0);
	rc = maps_apply(m, &p, 0);
	policy_fini(&p);
	policy_fini(&first);
	return rc;
}

/* With all that was told of them, and what is told from then on. */
static void keys_stay_when_lists_change(void **state)
{
	struct maps *m = &harness.maps;
	int fd = m->answers;

	(void)state;
	assert_int_equal(put(m, OLD, 0), 0);
	assert_int_equal(disable(m, 0), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(put_list(m, i & 1 ? OLD : NEW), 0);
		assert_in_force(i & 1 ? OLD : NEW);
		assert_int_equal(status_of(0), PC_STATUS_OTHER);
		assert_int_equal(status_of(1), PC_STATUS_ACTIVE);
	}
	/* The other slot has let go of them, or failed to take them over. */
	m->answers = -1;
	assert_int_equal(put_list(m, OLD), -EBADF);
	m->answers = fd;
	assert_in_force(NEW);
	assert_int_equal(disable(m, 1), 0);
	assert_int_equal(status_of(1), PC_STATUS_OTHER);
	assert_int_equal(status_of(2), PC_STATUS_ACTIVE);

	/* What is then on approval has keys of its own. */
	assert_int_equal(put(m, OLD, LONG_NS), 0);
	assert_int_equal(status_of(0), PC_STATUS_ACTIVE);
	assert_int_equal(disable(m, 2), 0);
	assert_int_equal(put_list(m, NEW), -EBUSY);
	assert_int_equal(maps_confirm(m, true), 0);
	assert_in_force(NEW);
	assert_int_equal(status_of(0), PC_STATUS_OTHER);
	assert_int_equal(status_of(2), PC_STATUS_ACTIVE);
	assert_int_equal(maps_settle(m), MAPS_ROLLED_BACK);
}

/* Those of an earlier run are not known here. */
static void keys_of_others_are_not_taken_over(void **state)
{
	struct maps next;

	(void)state;
	assert_int_equal(put(&harness.maps, OLD, 0), 0);
	assert_int_equal(maps_open_pinned(&next, harness.dir), 0);
	assert_int_equal(put_list(&next, NEW), -EBADF);
	assert_in_force(OLD);
	assert_int_equal(status_of(0), PC_STATUS_ACTIVE);
	maps_close(&next);
}

/* While it is held, and not any more. */
static void what_is_held_comes_back(void **state)
{
	struct maps *m = &harness.maps;
	struct pc_policy head;

	(void)state;
	assert_int_equal(put(m, OLD, 0), 0);
	assert_int_equal(maps_go_back(m), -ENOENT);
	maps_hold(m);
	assert_int_equal(maps_go_back(m), -ENOENT);
	assert_in_force(OLD);
	for (uint64_t confirm_ns = 0; confirm_ns <= LONG_NS;
	     confirm_ns += LONG_NS) {
		maps_hold(m);
		assert_int_equal(put(m, NEW, confirm_ns), 0);
		assert_in_force(NEW);
		assert_int_equal(maps_go_back(m), 0);
		assert_in_force(OLD);
		assert_int_equal(status_of(0), PC_STATUS_ACTIVE);
		assert_int_equal(maps_settle(m), MAPS_SETTLED);
		assert_int_equal(maps_go_back(m), -ENOENT);
		assert_in_force(OLD);
	}
	/* It has come back by itself. */
	maps_hold(m);
	assert_int_equal(put(m, NEW, SHORT_NS), 0);
	wait_for_lapse();
	assert_int_equal(maps_go_back(m), 0);
	assert_in_force(OLD);
	/* Somebody has decided. */
	maps_hold(m);
	assert_int_equal(put(m, NEW, LONG_NS), 0);
	assert_int_equal(maps_confirm(m, true), 0);
	assert_int_equal(maps_go_back(m), 0);
	assert_in_force(OLD);
	maps_hold(m);
	assert_int_equal(put(m, NEW, LONG_NS), 0);
	assert_int_equal(maps_confirm(m, false), 0);
	assert_int_equal(maps_go_back(m), -ENOENT);
	assert_in_force(NEW);
	maps_hold(m);
	assert_int_equal(put(m, OLD, 0), 0);
	maps_let_go(m);
	assert_int_equal(maps_go_back(m), -ENOENT);
	assert_in_force(OLD);
	assert_int_equal(maps_read_policy(m, &head), 0);
}

/* Generation 8 was not confirmed, 7 is in force. */
static void put_and_revert(struct maps *m)
{
	for (uint64_t g = 7; g <= 8; g++) {
		struct policy p;

		compile(&p, 3, g == 7 ? OLD : NEW);
		p.head.generation = g;
		assert_int_equal(maps_apply(m, &p, g == 7 ? 0 : LONG_NS), 0);
		policy_fini(&p);
	}
	assert_int_equal(maps_confirm(m, true), 0);
	assert_in_force(OLD);
}

/* Dies as it clears the header: the page in its middle cannot be written. */
static void settle_and_die(struct maps *m)
{
	uintptr_t page = (uintptr_t)getpagesize(), middle;

	middle = (uintptr_t)&m->policies[!maps_active_slot(m)] +
		 sizeof(struct pc_policy) / 2;
	signal(SIGSEGV, SIG_DFL);
	if (!mprotect((void *)(middle / page * page), page, PROT_READ))
		maps_settle(m);
	_exit(0);
}

static void a_number_is_known_whoever_is_killed(void **state)
{
	struct maps *m = &harness.maps;
	pid_t child;
	int status;

	(void)state;
	put_and_revert(m);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		settle_and_die(m);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(maps_last_generation(m), 8);
	assert_int_equal(maps_settle(m), MAPS_ROLLED_BACK);
	assert_int_equal(maps_last_generation(m), 8);
	assert_in_force(OLD);
}

#define FLIPS 5000

/* As an agent does, with less in between: a slot is cleared behind each flip.
 */
static void *flip_often(void *arg)
{
	const struct timespec pause = { .tv_nsec = 10000 };
	struct maps *m = arg;

	for (uint64_t g = 2; g <= FLIPS; g++) {
		struct pc_policy *next = &m->policies[g & 1];

		memset(next, 0, sizeof(*next));
		next->n_keys = next->gone = g;
		__atomic_store_n(&next->generation, g, __ATOMIC_RELEASE);
		__atomic_store_n(m->active_word, g & 1, __ATOMIC_RELEASE);
		memset(&m->policies[!(g & 1)], 0, sizeof(*next));
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void a_header_is_read_whole(void **state)
{
	static struct pc_policy policies[2];
	uint64_t word = 1;
	struct maps m = { .active_word = &word, .policies = policies };
	struct pc_policy head = { 0 };
	pthread_t thread;
	size_t torn = 0;

	(void)state;
	policies[1].generation = policies[1].n_keys = policies[1].gone = 1;
	assert_int_equal(pthread_create(&thread, NULL, flip_often, &m), 0);
	while (head.generation < FLIPS && !torn)
		torn += maps_read_policy(&m, &head) ||
			head.n_keys != head.generation ||
			head.gone != head.generation;
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(torn, 0);
}

/* The number of the map in a place; 0: none. */
static uint32_t chunk_at(uint32_t key)
{
	uint32_t id;

	return bpf_map_lookup_elem(harness.maps.image, &key, &id) ? 0 : id;
}

/* Killed as it emptied a slot: the first chunks are gone, others are not. */
static void what_a_killed_run_left_is_cleared(void **state)
{
	uint32_t idle, from, to;
	struct maps next;
	uint32_t id;
	int fd;

	(void)state;
	assert_int_equal(put(&harness.maps, OLD, 0), 0);
	assert_int_equal(maps_open_pinned(&next, harness.dir), 0);
	idle = !(*harness.maps.active_word & 1);
	from = PC_CHUNK_INDEX(!idle, 0);
	to = PC_CHUNK_INDEX(idle, 7 * PC_CHUNK_LINES);
	assert_int_equal(bpf_map_lookup_elem(harness.maps.image, &from, &id),
			 0);
	fd = bpf_map_get_fd_by_id(id);
	assert_true(fd >= 0);
	assert_int_equal(
		bpf_map_update_elem(harness.maps.image, &to, &fd, BPF_ANY), 0);
	close(fd);
	assert_int_equal(chunk_at(to), id);
	assert_int_equal(put(&next, NEW, 0), 0);
	assert_in_force(NEW);
	assert_int_not_equal(chunk_at(to), id);
	maps_close(&next);
}

/* The inner map of a slot; 0: none. */
static uint32_t inner_at(int outer, uint32_t slot)
{
	uint32_t id;

	return bpf_map_lookup_elem(outer, &slot, &id) ? 0 : id;
}

/* The maps that wait there are used: no other is put, which would take time. */
static void an_empty_slot_is_filled_where_it_is(void **state)
{
	struct maps *m = &harness.maps;

	(void)state;
	assert_int_equal(put(m, OLD, 0), 0);
	assert_int_equal(put(m, NEW, 0), 0);
	for (int i = 0; i < 4; i++) {
		uint32_t idle = !(*m->active_word & 1);
		uint32_t chunk = chunk_at(PC_CHUNK_INDEX(idle, 0));
		uint32_t trie = inner_at(m->prefixes, idle);
		uint32_t rules = inner_at(m->key_rules, idle);

		assert_true(chunk && trie && rules);
		assert_int_equal(put(m, i & 1 ? NEW : OLD, 0), 0);
		assert_in_force(i & 1 ? NEW : OLD);
		assert_int_equal(*m->active_word & 1, idle);
		assert_int_equal(chunk_at(PC_CHUNK_INDEX(idle, 0)), chunk);
		assert_int_equal(inner_at(m->prefixes, idle), trie);
		assert_int_equal(inner_at(m->key_rules, idle), rules);
	}
}

/* Whatever a run believes to have kept there. */
static void maps_that_others_put_there_are_seen(void **state)
{
	struct prefix new = address(NEW), matched;
	struct maps *m = &harness.maps, other;
	struct pc_rule rule;

	(void)state;
	assert_int_equal(put(m, OLD, 0), 0);
	assert_int_equal(maps_open_pinned(&other, harness.dir), 0);
	assert_int_equal(put(&other, NEW, 0), 0);
	assert_int_equal(put(&other, OLD, 0), 0);
	assert_int_equal(put(&other, NEW, 0), 0);
	assert_int_equal(put(&other, OLD, 0), 0);
	/* What this one has kept is in no slot any more. */
	assert_int_equal(put(m, NEW, 0), 0);
	assert_in_force(NEW);
	maps_close(&other);
	assert_int_equal(maps_open_pinned(&other, harness.dir), 0);
	assert_int_equal(
		tries_match(&other, false, PC_SET_DENY, &new, &matched, &rule),
		0);
	maps_close(&other);
}

/* More than a slot keeps room for.  Kernel 6.1 waits for each chunk of it. */
#define BIG 140000

/* n times half a /24, each of which takes lines of its own. */
static void put_halves(size_t n)
{
	struct prefix *items = calloc(n, sizeof(*items));
	struct policy_options opt = harness_options();
	struct snapshot s = { 0 };
	struct policy p;

	assert_non_null(items);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t addr = htonl((11 << 24) + (i << 8));

		items[i] = (struct prefix){ .family = AF_INET, .len = 25 };
		memcpy(items[i].addr, &addr, sizeof(addr));
	}
	opt.block = (struct prefix_list){ items, n };
	assert_int_equal(policy_compile(&p, &s, &opt), 0);
	assert_int_equal(maps_apply(&harness.maps, &p, 0), 0);
	policy_fini(&p);
	free(items);
}

static void assert_dropped(const char *text, bool want)
{
	const struct shape shape = {
		.from = text,
		.to = "10.77.0.1",
		.dport = HARNESS_PORT,
	};

	assert_int_equal(run_shape(harness.xdp, &shape)->retval,
			 want ? XDP_DROP_ : XDP_PASS_);
}

/* From what fits into the spare chunks of the one before, and back. */
static void images_grow_and_shrink_whole(void **state)
{
	static const struct {
		size_t n;
		const char *last;
		const char *none;
	} rows[] = {
		{ 1, "11.0.0.1", "11.0.1.1" },
		{ BIG, "13.34.223.1", "13.34.224.1" },
		{ 2, "11.0.1.1", "11.0.2.1" },
		{ 40000, "11.156.63.1", "11.156.64.1" },
		{ 1, "11.0.0.1", "11.0.1.1" },
		{ BIG, "13.34.223.1", "13.34.224.1" },
		{ 3, "11.0.2.1", "11.0.3.1" },
	};
	struct pc_policy head;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put_halves(rows[i].n);
		assert_int_equal(maps_read_policy(&harness.maps, &head), 0);
		assert_int_equal(maps_check_image(&harness.maps, &head), 0);
		assert_dropped("11.0.0.1", true);
		assert_dropped("11.0.0.129", false);
		assert_dropped(rows[i].last, true);
		assert_dropped(rows[i].none, false);
	}
}

/* How much the chunks of the idle slot take: a small image's at most. */
static void a_big_image_is_not_kept_room_for(void **state)
{
	uint32_t idle, blank, last;

	(void)state;
	put_halves(BIG);
	put_halves(BIG);
	idle = !(*harness.maps.active_word & 1);
	blank = chunk_at(PC_CHUNK_INDEX(idle, 0));
	last = PC_CHUNK_INDEX(idle, 9 * PC_CHUNK_LINES);
	assert_true(blank);
	assert_int_equal(chunk_at(last), blank);
	/* It stays there: putting another would wait for nothing. */
	put_halves(1);
	assert_int_equal(chunk_at(last), blank);
	put_halves(1);
	assert_int_equal(chunk_at(last), blank);
	assert_int_not_equal(chunk_at(PC_CHUNK_INDEX(idle, 0)), blank);
}

static void it_is_said_how_long_it_took(void **state)
{
	struct pc_policy head;

	(void)state;
	assert_int_equal(put(&harness.maps, OLD, 0), 0);
	assert_int_equal(maps_read_policy(&harness.maps, &head), 0);
	assert_true(head.put_ns > 0);
}

/* A longer name is cut by the kernel, and two could become one. */
static void names_survive_the_kernel(void **state)
{
	static const char *const pins[] = {
		"pc_active",   "pc_ban_lens",  "pc_capture", "pc_policy",
		"pc_prefixes", "pc_key_rules", "pc_keys",    "pc_answers",
		"pc_clock",    "pc_flows",     "pc_counts",
	};
	/* Of those that are variables. */
	static const char *const words[] = {
		".data.active",
		".data.ban_lens",
		".data.capture",
		".data.policy",
	};
	const int progs[] = { harness.xdp, harness.request };
	struct bpf_prog_info prog;
	struct bpf_map_info map;
	uint32_t size;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
		char path[128];
		int fd;

		snprintf(path, sizeof(path), "%s/%s", harness.dir, pins[i]);
		fd = bpf_obj_get(path);
		assert_true(fd >= 0);
		memset(&map, 0, sizeof(map));
		size = sizeof(map);
		assert_int_equal(bpf_obj_get_info_by_fd(fd, &map, &size), 0);
		assert_string_equal(map.name,
				    i < ARRAY_SIZE(words) ? words[i] : pins[i]);
		assert_true(strlen(map.name) <= NAME_MAX_);
		close(fd);
	}
	for (size_t i = 0; i < ARRAY_SIZE(progs); i++) {
		memset(&prog, 0, sizeof(prog));
		size = sizeof(prog);
		assert_int_equal(bpf_obj_get_info_by_fd(progs[i], &prog, &size),
				 0);
		assert_string_equal(prog.name, i ? "pc_request" : "pc_xdp");
		assert_true(strlen(prog.name) <= NAME_MAX_);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_in_force_at_first),
		cmocka_unit_test(generations_flip_whole),
		cmocka_unit_test(many_keys_are_written_and_read_back),
		cmocka_unit_test(a_policy_that_fails_changes_nothing),
		cmocka_unit_test(programs_see_the_new_generation_at_once),
		cmocka_unit_test(rules_of_keys_are_found_by_set),
		cmocka_unit_test(the_clock_is_what_was_set),
		cmocka_unit_test(pinned_maps_are_adopted),
		cmocka_unit_test(unconfirmed_is_gone_in_time),
		cmocka_unit_test(a_lapsed_one_is_what_is_written_over),
		cmocka_unit_test(what_others_say_is_told_apart),
		cmocka_unit_test(keys_are_told_where_they_are_judged),
		cmocka_unit_test(keys_stay_when_lists_change),
		cmocka_unit_test(keys_of_others_are_not_taken_over),
		cmocka_unit_test(what_is_held_comes_back),
		cmocka_unit_test(a_number_is_known_whoever_is_killed),
		cmocka_unit_test(a_header_is_read_whole),
		cmocka_unit_test(what_a_killed_run_left_is_cleared),
		cmocka_unit_test(an_empty_slot_is_filled_where_it_is),
		cmocka_unit_test(maps_that_others_put_there_are_seen),
		cmocka_unit_test(images_grow_and_shrink_whole),
		cmocka_unit_test(a_big_image_is_not_kept_room_for),
		cmocka_unit_test(it_is_said_how_long_it_took),
		cmocka_unit_test(names_survive_the_kernel),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
