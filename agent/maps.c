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
#include "slot.h"

#define PATH_SIZE 320
#define NS_PER_MS 1000000
#define POLICIES_SIZE (2 * sizeof(struct pc_policy))
#define CHECKS 10 /* policies that may come in between */

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
	{ "pc_tally", offsetof(struct maps, tally) },
	{ "pc_answers", offsetof(struct maps, answers) },
	{ "pc_clock", offsetof(struct maps, clock) },
	{ "pc_counts", offsetof(struct maps, counts) },
};

#define N_MAPS (sizeof(map_files) / sizeof(map_files[0]))

static int *map_fd(struct maps *m, size_t i)
{
	return (int *)(void *)((char *)m + map_files[i].at);
}

/* In whole pages, as the kernel has it. */
static size_t mapped_size(size_t size)
{
	size_t page = (size_t)getpagesize();

	return (size + page - 1) / page * page;
}

static void *map_element(int fd, size_t size)
{
	void *p = mmap(NULL, mapped_size(size), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void unmap_element(void *element, size_t size)
{
	if (element)
		munmap(element, mapped_size(size));
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
		out.active_word =
			map_element(out.active, sizeof(*out.active_word));
		out.clock_word =
			map_element(out.clock, sizeof(*out.clock_word));
		out.policies = map_element(out.policy, POLICIES_SIZE);
		if (!out.active_word || !out.clock_word || !out.policies)
			rc = -errno;
	}
	if (rc)
		maps_close(&out);
	else
		*m = out;
	return rc;
}

void maps_close(struct maps *m)
{
	unmap_element(m->active_word, sizeof(*m->active_word));
	unmap_element(m->clock_word, sizeof(*m->clock_word));
	unmap_element(m->policies, POLICIES_SIZE);
	for (size_t i = 0; i < N_MAPS; i++) {
		if (*map_fd(m, i) >= 0)
			close(*map_fd(m, i));
		*map_fd(m, i) = -1;
	}
	for (uint32_t slot = 0; slot < 2; slot++)
		slot_keep(m, slot, slot_none);
	slot_drop_spare(m);
	m->active_word = NULL;
	m->clock_word = NULL;
	m->policies = NULL;
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
	struct maps_inner inner = slot_none;

	if (m->of[slot].keys >= 0)
		return 0;
	inner.keys = open_by_id(m->keys, slot);
	inner.prefixes = open_by_id(m->prefixes, slot);
	inner.key_rules = open_by_id(m->key_rules, slot);
	slot_keep(m, slot, inner);
	if (inner.keys < 0 && inner.keys != -ENOENT)
		return inner.keys;
	return inner.prefixes == -ENOENT || inner.prefixes >= 0
		       ? 0
		       : inner.prefixes;
}

uint64_t maps_last_generation(struct maps *m)
{
	uint64_t first = slot_last_generation(m, 0);
	uint64_t second = slot_last_generation(m, 1);

	return first > second ? first : second;
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
		slot_retire(m, slot);
}

static int write_slot(struct maps *m, uint32_t slot, struct policy *p)
{
	uint64_t start_ns = clock_boot_ns();
	int rc = slot_fill(m, slot, p);

	if (!rc)
		rc = hits_begin(m->tally, m->lists, slot);
	if (rc)
		return rc;
	p->head.put_ns = clock_boot_ns() - start_ns;
	m->policies[slot] = p->head;
	return 0;
}

int maps_apply(struct maps *m, struct policy *p, uint64_t confirm_ns)
{
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
	rc = write_slot(m, slot, p);
	if (rc) {
		slot_retire(m, slot);
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
		hits_resume(m->tally, m->lists, slot);
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
	return revert ? hits_resume(m->tally, m->lists, slot) : 0;
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
	enum maps_approval said = MAPS_PENDING;
	bool held = m->held;

	m->hold = m->held = false;
	if (!held)
		return -ENOENT;
	if (m->unsettled)
		said = maps_settle(m);
	/* It may be back, or given up, by what somebody else said meanwhile. */
	if (said != MAPS_PENDING)
		return said == MAPS_ROLLED_BACK ? 0 : -ENOENT;
	flip(m, !now, 0);
	m->unsettled = false;
	hits_resume(m->tally, m->lists, !now);
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

/* Whole: another process may flip, and clear what is just copied. */
int maps_read_policy(struct maps *m, struct pc_policy *out)
{
	const struct pc_policy *head;
	uint64_t number;

	do {
		head = &m->policies[maps_active_slot(m)];
		number = __atomic_load_n(&head->generation, __ATOMIC_ACQUIRE);
		*out = *head;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (head != &m->policies[maps_active_slot(m)] ||
		 number !=
			 __atomic_load_n(&head->generation, __ATOMIC_RELAXED));
	return number ? 0 : -ENOENT;
}

static int find_inner(const struct maps *m, int outer, const void *key,
		      void *value)
{
	int fd = maps_open_inner(m, outer), rc = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, key, value))
		rc = -errno;
	close(fd);
	return rc;
}

int maps_find_key(struct maps *m, const struct pc_digest *d, struct pc_key *out)
{
	return find_inner(m, m->keys, d, out);
}

int maps_find_owner(struct maps *m, uint32_t *owner, struct pc_list *list,
		    const struct prefix *address)
{
	uint32_t slot = maps_active_slot(m), index;
	struct pc_policy head;
	int rc = maps_read_policy(m, &head);

	if (!rc)
		rc = chunks_find(owner, m->image, slot, &head.image, address);
	if (rc || *owner >= PC_OWNERS)
		return rc;
	index = PC_LIST_INDEX(slot, *owner);
	return bpf_map_lookup_elem(m->lists, &index, list) ? -errno : 0;
}

int maps_read_list(struct maps *m, uint32_t owner, struct pc_list *out)
{
	uint32_t index = PC_LIST_INDEX(maps_active_slot(m), owner);

	return bpf_map_lookup_elem(m->lists, &index, out) ? -errno : 0;
}

static int compare_image(struct maps *m, const struct pc_policy *head)
{
	uint8_t digest[sizeof(head->image.digest)];
	int rc = chunks_digest(digest, m->image, maps_active_slot(m),
			       &head->image);

	if (rc)
		return rc;
	return memcmp(digest, head->image.digest, sizeof(digest)) ? -EILSEQ : 0;
}

/* It may have been replaced while it was looked at. */
int maps_check_image(struct maps *m, const struct pc_policy *head)
{
	struct pc_policy now = *head;
	int rc = compare_image(m, &now);

	for (int i = 0; rc && i < CHECKS; i++) {
		uint64_t checked = now.generation;

		if (maps_read_policy(m, &now) || now.generation == checked)
			break;
		rc = compare_image(m, &now);
	}
	return rc;
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

int maps_count(struct maps *m, enum pc_reason reason, struct pc_count *out)
{
	struct pc_count sum;
	int rc = hits_sum(&sum, m->counts, reason);

	/* What lists drop is counted by list alone. */
	if (!rc && (reason == PC_R_BLOCK_LIST || reason == PC_R_SNAPSHOT_LIST))
		rc = hits_add_owners(&sum, m->tally, reason);
	if (!rc)
		*out = sum;
	return rc;
}

int maps_count_lists(struct maps *m, struct pc_count out[static PC_OWNERS])
{
	uint64_t word = active_word(m);
	uint32_t slot = pc_active_slot(word, boot_ms());

	/* Its time was up, and no agent has settled that. */
	return hits_of_lists(out, m->tally, m->lists, slot, slot != (word & 1));
}
