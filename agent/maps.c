// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chunks.h"
#include "clock.h"
#include "hits.h"
#include "inner.h"

#define PATH_SIZE 320
#define NS_PER_MS 1000000

/* The pinned name of each map, and where its descriptor goes. */
static const struct {
	const char *name;
	size_t at;
} map_files[] = {
	{ "pc_active", offsetof(struct maps, active) },
	{ "pc_policy", offsetof(struct maps, policy) },
	{ "pc_prefixes", offsetof(struct maps, prefixes) },
	{ "pc_key_rules", offsetof(struct maps, key_rules) },
	{ "pc_keys", offsetof(struct maps, keys) },
	{ "pc_image", offsetof(struct maps, image) },
	{ "pc_lists", offsetof(struct maps, lists) },
	{ "pc_list_hits", offsetof(struct maps, list_hits) },
	{ "pc_answers", offsetof(struct maps, answers) },
	{ "pc_clock", offsetof(struct maps, clock) },
	{ "pc_counts", offsetof(struct maps, counts) },
};

#define N_MAPS (sizeof(map_files) / sizeof(map_files[0]))

static int *map_fd(struct maps *m, size_t i)
{
	return (int *)(void *)((char *)m + map_files[i].at);
}

static void *map_page(int fd)
{
	void *p = mmap(NULL, (size_t)getpagesize(), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int maps_open_pinned(struct maps *m, const char *pin_dir)
{
	struct maps out = { .of = { { -1, -1, -1 }, { -1, -1, -1 } },
			    .live = PTHREAD_MUTEX_INITIALIZER };
	int rc = 0;

	for (size_t i = 0; i < N_MAPS; i++)
		*map_fd(&out, i) = -1;
	for (size_t i = 0; i < N_MAPS && !rc; i++) {
		char path[PATH_SIZE];

		snprintf(path, sizeof(path), "%s/%s", pin_dir,
			 map_files[i].name);
		*map_fd(&out, i) = bpf_obj_get(path);
		if (*map_fd(&out, i) < 0)
			rc = -errno;
	}
	if (!rc) {
		out.active_word = map_page(out.active);
		out.clock_word = map_page(out.clock);
		if (!out.active_word || !out.clock_word)
			rc = -errno;
	}
	if (rc)
		maps_close(&out);
	else
		*m = out;
	return rc;
}

static const struct maps_inner none_kept = { -1, -1, -1 };

/* Inner maps of a slot, in the place of those before. */
static void keep_inner(struct maps *m, uint32_t slot, struct maps_inner inner)
{
	struct maps_inner before;

	pthread_mutex_lock(&m->live);
	before = m->of[slot];
	m->of[slot] = inner;
	pthread_mutex_unlock(&m->live);
	if (before.keys >= 0)
		close(before.keys);
	if (before.key_rules >= 0)
		close(before.key_rules);
	if (before.prefixes >= 0)
		close(before.prefixes);
}

void maps_close(struct maps *m)
{
	if (m->active_word)
		munmap(m->active_word, (size_t)getpagesize());
	if (m->clock_word)
		munmap(m->clock_word, (size_t)getpagesize());
	for (size_t i = 0; i < N_MAPS; i++) {
		if (*map_fd(m, i) >= 0)
			close(*map_fd(m, i));
		*map_fd(m, i) = -1;
	}
	for (uint32_t slot = 0; slot < 2; slot++)
		keep_inner(m, slot, none_kept);
	m->active_word = NULL;
	m->clock_word = NULL;
}

static uint64_t active_word(const struct maps *m)
{
	return __atomic_load_n(m->active_word, __ATOMIC_ACQUIRE);
}

static uint64_t boot_ms(void)
{
	return clock_boot_ns() / NS_PER_MS;
}

uint32_t maps_active_slot(const struct maps *m)
{
	return pc_active_slot(active_word(m), boot_ms());
}

static int open_by_id(int outer, uint32_t slot)
{
	uint32_t id;
	int fd;

	if (bpf_map_lookup_elem(outer, &slot, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

int maps_open_inner(const struct maps *m, int outer)
{
	uint32_t slot = maps_active_slot(m);
	int fd = outer == m->prefixes ? m->of[slot].prefixes : -1;

	if (fd < 0)
		return open_by_id(outer, slot);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/*
 * What an earlier run put there may be in force again, at a time when nothing
 * can be opened by its id any more.
 */
static int adopt_inner(struct maps *m, uint32_t slot)
{
	struct maps_inner inner = none_kept;

	if (m->of[slot].keys >= 0)
		return 0;
	inner.keys = open_by_id(m->keys, slot);
	inner.prefixes = open_by_id(m->prefixes, slot);
	keep_inner(m, slot, inner);
	if (inner.keys < 0 && inner.keys != -ENOENT)
		return inner.keys;
	return inner.prefixes == -ENOENT || inner.prefixes >= 0
		       ? 0
		       : inner.prefixes;
}

static int put_answers(struct maps *m, uint32_t slot, const struct policy *p)
{
	uint32_t n = PC_ANSWER_INDEX(1, 0, 0, 0);
	int rc = 0;

	for (uint32_t i = 0; i < n && !rc; i++)
		rc = inner_put_element(m->answers, slot * n + i, &p->answers[i],
				       sizeof(p->answers[i]));
	return rc;
}

static int put_lists(struct maps *m, uint32_t slot, const struct policy *p)
{
	static const struct pc_list none;
	int rc = 0;

	for (uint32_t i = 0; i < PC_OWNERS && !rc; i++)
		rc = inner_put_element(m->lists, PC_LIST_INDEX(slot, i),
				       p->lists ? &p->lists[i] : &none,
				       sizeof(none));
	return rc;
}

static uint64_t last_generation_of(struct maps *m, uint32_t slot)
{
	struct pc_policy head;

	if (bpf_map_lookup_elem(m->policy, &slot, &head))
		return 0;
	return head.generation ? head.generation : head.gone;
}

/*
 * Empties a slot that nobody reads any more, so that only one generation takes
 * room.  The header first: without it the slot is no policy.  Each on its own:
 * where there is no room for a map that is empty, what is largest still goes.
 */
static void retire(struct maps *m, uint32_t slot)
{
	struct pc_policy none = { .gone = last_generation_of(m, slot) };
	struct policy empty = { 0 };

	inner_put_element(m->policy, slot, &none, sizeof(none));
	keep_inner(m, slot, none_kept);
	chunks_clear(m->image, slot);
	inner_close(
		inner_put_trie(m->prefixes, slot, "pc_prefix_inner", NULL, 0));
	inner_close(
		inner_put_trie(m->key_rules, slot, "pc_rules_inner", NULL, 0));
	inner_close(inner_put_keys(m->keys, slot, &empty));
}

/*
 * What is told of a key meanwhile is then told to both slots; the other one's
 * part of it ends when it is retired or filled.
 */
static int share_keys(struct maps *m, uint32_t slot, const struct policy *p,
		      struct maps_inner *inner)
{
	const struct maps_inner *now = &m->of[!slot];

	/* Where a slot keeps a map that is empty it must be its own. */
	if (p->head.n_rule_prefixes)
		inner->key_rules =
			inner_share(m->key_rules, slot, now->key_rules);
	else
		inner->key_rules = inner_put_trie(m->key_rules, slot,
						  "pc_rules_inner", NULL, 0);
	if (inner->key_rules < 0)
		return inner->key_rules;
	inner->keys = inner_share(m->keys, slot, now->keys);
	return inner->keys < 0 ? inner->keys : 0;
}

static int put_keys(struct maps *m, uint32_t slot, const struct policy *p,
		    struct maps_inner *inner)
{
	if (p->keys_stay)
		return share_keys(m, slot, p, inner);
	inner->key_rules = inner_put_trie(m->key_rules, slot, "pc_rules_inner",
					  p->key_rules, p->n_key_rules);
	if (inner->key_rules < 0)
		return inner->key_rules;
	inner->keys = inner_put_keys(m->keys, slot, p);
	return inner->keys < 0 ? inner->keys : 0;
}

/* Everything but the flip; *inner is the caller's, also of what failed. */
static int fill_slot(struct maps *m, uint32_t slot, const struct policy *p,
		     struct maps_inner *inner)
{
	int rc;

	inner->prefixes = inner_put_trie(m->prefixes, slot, "pc_prefix_inner",
					 p->prefixes, p->n_prefixes);
	if (inner->prefixes < 0)
		return inner->prefixes;
	rc = put_keys(m, slot, p, inner);
	if (!rc)
		rc = chunks_put(m->image, slot, &p->image);
	if (!rc)
		rc = put_lists(m, slot, p);
	if (!rc)
		rc = put_answers(m, slot, p);
	if (!rc)
		rc = inner_put_element(m->policy, slot, &p->head,
				       sizeof(p->head));
	return rc;
}

static void flip(struct maps *m, uint32_t slot, uint64_t until_ms)
{
	__atomic_store_n(m->active_word, pc_active_word(slot, until_ms),
			 __ATOMIC_RELEASE);
}

/* Live: what fails from here on only costs memory. */
static void retire_unread(struct maps *m, uint32_t slot)
{
	if (!inner_wait_programs())
		retire(m, slot);
}

static int rename_hits(struct maps *m, uint32_t from, uint32_t to)
{
	const struct hits h = { m->counts, m->list_hits, m->lists };

	return hits_rename(&h, from, to);
}

int maps_apply(struct maps *m, const struct policy *p, uint64_t confirm_ns)
{
	struct maps_inner inner = none_kept;
	uint64_t until_ms = 0;
	uint32_t old, slot;
	int rc = 0;

	if (maps_settle(m) == MAPS_PENDING)
		return -EBUSY;
	old = maps_active_slot(m);
	slot = !old;
	if (confirm_ns)
		rc = adopt_inner(m, old);
	if (rc)
		return rc;
	rc = fill_slot(m, slot, p, &inner);
	keep_inner(m, slot, inner);
	if (!rc)
		rc = rename_hits(m, old, slot);
	if (rc) {
		retire(m, slot);
		return rc;
	}
	if (confirm_ns)
		until_ms = boot_ms() + confirm_ns / NS_PER_MS;
	flip(m, slot, until_ms);
	m->unsettled = until_ms != 0;
	m->asked = slot;
	m->held = m->hold;
	if (!until_ms && !m->hold)
		retire_unread(m, old);
	return 0;
}

/* Is it too late?  Then the word is made to say so without a deadline. */
static bool lapse(struct maps *m, uint64_t word)
{
	uint64_t until_ms = pc_active_until_ms(word);

	/* Somebody may confirm it at this moment. */
	return boot_ms() > until_ms &&
	       __atomic_compare_exchange_n(
		       m->active_word, &word, pc_active_word(!(word & 1), 0),
		       false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

enum maps_approval maps_settle(struct maps *m)
{
	uint64_t word = active_word(m);
	bool lapsed = pc_active_until_ms(word) != 0;
	uint32_t slot;

	if (!lapsed && !m->unsettled)
		return MAPS_SETTLED;
	if (lapsed && !lapse(m, word))
		return MAPS_PENDING;
	/* Or it was confirmed, or taken back, by somebody else. */
	slot = lapsed ? !(word & 1) : word & 1;
	m->unsettled = false;
	/* By whom it was taken back has seen to it; what fails is a count. */
	if (lapsed)
		rename_hits(m, !slot, slot);
	retire_unread(m, !slot);
	return lapsed || slot != m->asked ? MAPS_ROLLED_BACK : MAPS_CONFIRMED;
}

int maps_confirm(struct maps *m, bool revert)
{
	uint64_t word = active_word(m), until_ms = pc_active_until_ms(word);
	uint32_t slot = (word & 1) ^ revert;

	if (!until_ms)
		return -ENOENT;
	if (boot_ms() > until_ms)
		return -ETIME;
	if (!__atomic_compare_exchange_n(m->active_word, &word,
					 pc_active_word(slot, 0), false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return -EAGAIN;
	return revert ? rename_hits(m, !slot, slot) : 0;
}

void maps_hold(struct maps *m)
{
	m->hold = true;
}

void maps_let_go(struct maps *m)
{
	/* Of one on approval maps_settle() sees to that. */
	if (m->held && !m->unsettled)
		retire_unread(m, !maps_active_slot(m));
	m->hold = m->held = false;
}

int maps_go_back(struct maps *m)
{
	uint32_t now = maps_active_slot(m);
	bool held = m->held;

	m->hold = m->held = false;
	/* It may be back, or given up, by what somebody else said meanwhile. */
	if (!held || (m->unsettled && maps_settle(m) != MAPS_PENDING))
		return -ENOENT;
	flip(m, !now, 0);
	m->unsettled = false;
	rename_hits(m, now, !now);
	retire_unread(m, now);
	return 0;
}

uint64_t maps_pending_ns(struct maps *m)
{
	uint64_t until_ms = pc_active_until_ms(active_word(m));
	uint64_t now_ms = boot_ms();

	return until_ms > now_ms ? (until_ms - now_ms) * NS_PER_MS : 0;
}

int maps_put_key(struct maps *m, const struct pc_digest *d,
		 const struct pc_key *value)
{
	struct pc_key now;
	int rc = 0, keys;

	pthread_mutex_lock(&m->live);
	keys = m->of[maps_active_slot(m)].keys;
	if (keys < 0) {
		rc = -ENOENT;
	} else if (bpf_map_lookup_elem(keys, d, &now)) {
		rc = -errno;
	} else {
		now.facts = (now.facts & PC_F_WHITELIST) |
			    (value->facts & ~PC_F_WHITELIST);
		now.status = value->status;
		now.expires_ns = value->expires_ns;
		if (bpf_map_update_elem(keys, d, &now, BPF_EXIST))
			rc = -errno;
	}
	pthread_mutex_unlock(&m->live);
	return rc;
}

uint64_t maps_last_generation(struct maps *m)
{
	uint64_t first = last_generation_of(m, 0);
	uint64_t second = last_generation_of(m, 1);

	return first > second ? first : second;
}

int maps_read_policy(struct maps *m, struct pc_policy *out)
{
	uint32_t slot = maps_active_slot(m);

	if (bpf_map_lookup_elem(m->policy, &slot, out))
		return -errno;
	return out->generation ? 0 : -ENOENT;
}

int maps_clock(struct maps *m, struct pc_clock *out)
{
	*out = *m->clock_word;
	return 0;
}

void maps_set_clock(struct maps *m, const struct pc_clock *clock)
{
	struct pc_clock *c = m->clock_word;

	__atomic_store_n(&c->stopped_ns, clock->stopped_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&c->draining, clock->draining, __ATOMIC_RELAXED);
	__atomic_store_n(&c->tai_offset_ns, clock->tai_offset_ns,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&c->lease_ns, clock->lease_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&c->heartbeat_ns, clock->heartbeat_ns,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&c->agent_pid, clock->agent_pid, __ATOMIC_RELAXED);
}

void maps_set_draining(struct maps *m, bool draining)
{
	__atomic_store_n(&m->clock_word->draining, draining, __ATOMIC_RELAXED);
}
