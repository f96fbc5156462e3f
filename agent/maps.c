// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH_SIZE 320
#define BATCH 4096

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
	struct maps out = { .live_keys = -1,
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
	if (m->live_keys >= 0)
		close(m->live_keys);
	m->live_keys = -1;
	m->active_word = NULL;
	m->clock_word = NULL;
}

static uint32_t active_slot(const struct maps *m)
{
	return __atomic_load_n(m->active_word, __ATOMIC_ACQUIRE) & 1;
}

/* The inner map in force; the caller closes it. */
static int open_inner(const struct maps *m, int outer)
{
	uint32_t slot = active_slot(m), id;
	int fd;

	if (bpf_map_lookup_elem(outer, &slot, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

/* An inner map must have the very flags of its prototype in bpf/maps.bpf.h. */
static int new_trie(const char *name, size_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(
		BPF_MAP_TYPE_LPM_TRIE, name, sizeof(struct pc_prefix_key),
		sizeof(struct pc_rule), n ? (uint32_t)n : 1, &opts);

	return fd < 0 ? -errno : fd;
}

static int new_hash(const char *name, size_t n)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, name,
				sizeof(struct pc_digest), sizeof(struct pc_key),
				n ? (uint32_t)n : 1, NULL);

	return fd < 0 ? -errno : fd;
}

static int fill_trie(int fd, const struct policy_prefix *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bpf_map_update_elem(fd, &p[i].key, &p[i].value,
					BPF_NOEXIST))
			return -errno;
	}
	return 0;
}

/*
 * A trie answers a lookup of a prefix with the longest one that holds it, which
 * is that prefix itself when it is there.
 */
static int verify_trie(int fd, const struct policy_prefix *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct pc_rule rule;

		if (bpf_map_lookup_elem(fd, &p[i].key, &rule))
			return -errno;
		if (memcmp(&rule, &p[i].value, sizeof(rule)))
			return -EILSEQ;
	}
	return 0;
}

static int fill_keys(int fd, const struct policy *p)
{
	struct pc_digest *digests = calloc(BATCH, sizeof(*digests));
	struct pc_key *values = calloc(BATCH, sizeof(*values));
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	int rc = digests && values ? 0 : -ENOMEM;

	for (size_t done = 0; done < p->n_keys && !rc;) {
		uint32_t n = 0;

		for (; n < BATCH && done + n < p->n_keys; n++) {
			digests[n] = p->keys[done + n].digest;
			values[n] = p->keys[done + n].value;
		}
		done += n;
		if (bpf_map_update_batch(fd, digests, values, &n, &opts))
			rc = -errno;
	}
	free(digests);
	free(values);
	return rc;
}

static int verify_keys(int fd, const struct policy *p)
{
	for (size_t i = 0; i < p->n_keys; i++) {
		struct pc_key value;

		if (bpf_map_lookup_elem(fd, &p->keys[i].digest, &value))
			return -errno;
		if (memcmp(&value, &p->keys[i].value, sizeof(value)))
			return -EILSEQ;
	}
	return 0;
}

/*
 * A new inner map, filled, checked and put into the slot.  Its descriptor,
 * which the caller closes, or -errno.
 */
static int put_trie(int outer, uint32_t slot, const char *name,
		    const struct policy_prefix *p, size_t n)
{
	int fd = new_trie(name, n), rc;

	if (fd < 0)
		return fd;
	rc = fill_trie(fd, p, n);
	if (!rc)
		rc = verify_trie(fd, p, n);
	if (!rc && bpf_map_update_elem(outer, &slot, &fd, BPF_ANY))
		rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static int close_put(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* As put_trie(). */
static int put_keys(int outer, uint32_t slot, const struct policy *p)
{
	int fd = new_hash("pc_keys_inner", p->n_keys), rc;

	if (fd < 0)
		return fd;
	rc = fill_keys(fd, p);
	if (!rc)
		rc = verify_keys(fd, p);
	if (!rc && bpf_map_update_elem(outer, &slot, &fd, BPF_ANY))
		rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

/* Writes one element and compares what is there afterwards. */
static int put_element(int fd, uint32_t index, const void *value, size_t size)
{
	void *back = calloc(1, size);
	int rc = back ? 0 : -ENOMEM;

	if (!rc && (bpf_map_update_elem(fd, &index, value, BPF_ANY) ||
		    bpf_map_lookup_elem(fd, &index, back)))
		rc = -errno;
	if (!rc && memcmp(value, back, size))
		rc = -EILSEQ;
	free(back);
	return rc;
}

static int put_answers(struct maps *m, uint32_t slot, const struct policy *p)
{
	uint32_t n = PC_ANSWER_INDEX(1, 0, 0, 0);
	int rc = 0;

	for (uint32_t i = 0; i < n && !rc; i++)
		rc = put_element(m->answers, slot * n + i, &p->answers[i],
				 sizeof(p->answers[i]));
	return rc;
}

/*
 * Empties a slot that is not in force, so that only one generation takes room.
 * A program that read the slot number just before a flip may still look here:
 * it finds no key and passes, for the microseconds it lives.  To spare even
 * those, maps_apply() waits for such programs first.
 */
static int retire(struct maps *m, uint32_t slot)
{
	struct pc_policy none = { 0 };
	struct policy empty = { 0 };
	int rc = close_put(
		put_trie(m->prefixes, slot, "pc_prefix_inner", NULL, 0));

	if (!rc)
		rc = close_put(put_trie(m->key_rules, slot, "pc_rules_inner",
					NULL, 0));
	if (!rc)
		rc = close_put(put_keys(m->keys, slot, &empty));
	return rc ? rc : put_element(m->policy, slot, &none, sizeof(none));
}

/* Inner maps of a slot, for the caller to close; negative: none. */
struct slot_maps {
	int prefixes;
	int keys;
};

/* Everything but the flip. */
static int fill_slot(struct maps *m, uint32_t slot, const struct policy *p,
		     struct slot_maps *inner)
{
	int rc;

	*inner = (struct slot_maps){ -1, -1 };
	inner->prefixes = put_trie(m->prefixes, slot, "pc_prefix_inner",
				   p->prefixes, p->n_prefixes);
	if (inner->prefixes < 0)
		return inner->prefixes;
	rc = close_put(put_trie(m->key_rules, slot, "pc_rules_inner",
				p->key_rules, p->n_key_rules));
	if (!rc) {
		inner->keys = put_keys(m->keys, slot, p);
		rc = inner->keys < 0 ? inner->keys : 0;
	}
	if (!rc)
		rc = put_answers(m, slot, p);
	if (!rc)
		rc = put_element(m->policy, slot, &p->head, sizeof(p->head));
	return rc;
}

/* A map is found again by its number only with CAP_SYS_ADMIN, so it is kept. */
static void flip(struct maps *m, uint32_t slot, struct slot_maps *inner)
{
	int before;

	pthread_mutex_lock(&m->live);
	__atomic_store_n(m->active_word, slot, __ATOMIC_RELEASE);
	before = m->live_keys;
	m->live_keys = inner->keys;
	pthread_mutex_unlock(&m->live);
	inner->keys = before;
}

/*
 * Updating an outer map returns after every program that was running has ended
 * (kernel/bpf/syscall.c, maybe_wait_bpf_programs()), whatever the update was:
 * so what the slot already holds is put there once more, and then nobody reads
 * the other one.
 */
int maps_apply(struct maps *m, const struct policy *p)
{
	uint32_t old = active_slot(m), slot = !old;
	struct slot_maps inner;
	int rc = fill_slot(m, slot, p, &inner);

	if (rc) {
		retire(m, slot);
	} else {
		flip(m, slot, &inner);
		/* Live: what fails from here on only costs memory. */
		if (!bpf_map_update_elem(m->prefixes, &slot, &inner.prefixes,
					 BPF_ANY))
			retire(m, old);
	}
	if (inner.prefixes >= 0)
		close(inner.prefixes);
	if (inner.keys >= 0)
		close(inner.keys);
	return rc;
}

int maps_put_key(struct maps *m, const struct pc_digest *d,
		 const struct pc_key *value)
{
	struct pc_key now;
	int rc = 0;

	pthread_mutex_lock(&m->live);
	if (m->live_keys < 0) {
		rc = -ENOENT;
	} else if (bpf_map_lookup_elem(m->live_keys, d, &now)) {
		rc = -errno;
	} else {
		now.facts = (now.facts & PC_F_WHITELIST) |
			    (value->facts & ~PC_F_WHITELIST);
		now.status = value->status;
		now.expires_ns = value->expires_ns;
		if (bpf_map_update_elem(m->live_keys, d, &now, BPF_EXIST))
			rc = -errno;
	}
	pthread_mutex_unlock(&m->live);
	return rc;
}

int maps_read_policy(struct maps *m, struct pc_policy *out)
{
	uint32_t slot = active_slot(m);

	if (bpf_map_lookup_elem(m->policy, &slot, out))
		return -errno;
	return out->generation ? 0 : -ENOENT;
}

static int find_inner(const struct maps *m, int outer, const void *key,
		      void *value)
{
	int fd = open_inner(m, outer), rc = 0;

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

int maps_match(struct maps *m, bool key_rules, unsigned int set,
	       const struct prefix *addr, struct prefix *matched,
	       struct pc_rule *out)
{
	struct pc_prefix_key key = {
		.len = PC_SCOPE_LEN + addr->len,
		.scope = htonl(PC_SCOPE(set, addr->family == AF_INET6)),
	};
	int rc;

	memcpy(key.addr, addr->addr, sizeof(key.addr));
	rc = find_inner(m, key_rules ? m->key_rules : m->prefixes, &key, out);
	if (!rc && matched)
		*matched = *addr;
	return rc;
}

int maps_find_within(struct prefix *out, struct maps *m, unsigned int set,
		     const struct prefix *outer)
{
	const __be32 scope = htonl(PC_SCOPE(set, outer->family == AF_INET6));
	int fd = open_inner(m, m->prefixes), rc;
	struct pc_prefix_key key;
	struct prefix p;

	if (fd < 0)
		return fd;
	rc = bpf_map_get_next_key(fd, NULL, &key);
	for (; !rc; rc = bpf_map_get_next_key(fd, &key, &key)) {
		if (key.scope != scope)
			continue;
		p = (struct prefix){ .family = outer->family,
				     .len = (uint8_t)(key.len - PC_SCOPE_LEN) };
		memcpy(p.addr, key.addr, sizeof(p.addr));
		if (prefix_contains(outer, &p))
			break;
	}
	if (rc)
		rc = -errno;
	else
		*out = p;
	close(fd);
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
	int n = libbpf_num_possible_cpus();
	struct pc_count *per_cpu, sum = { 0 };
	uint32_t index = reason;
	int rc = 0;

	if (n < 0)
		return n;
	per_cpu = calloc((size_t)n, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(m->counts, &index, per_cpu))
		rc = -errno;
	for (int i = 0; i < n && !rc; i++) {
		sum.done += per_cpu[i].done;
		sum.would += per_cpu[i].would;
	}
	free(per_cpu);
	if (!rc)
		*out = sum;
	return rc;
}
