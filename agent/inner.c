// SPDX-License-Identifier: GPL-2.0-only
#include "inner.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 4096

/*
 * An inner map must have the very flags of its prototype in bpf/maps.bpf.h.
 * Room that a trie does not use costs nothing.
 */
static int new_trie(const char *name)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, name,
				sizeof(struct pc_prefix_key),
				sizeof(struct pc_rule), POLICY_MAX, &opts);

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

static int open_at(const struct inner_place *at)
{
	uint32_t id;
	int fd;

	if (at->known >= 0)
		return at->known;
	if (bpf_map_lookup_elem(at->outer, &at->slot, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

/*
 * What is in a place if it is empty: it may stay, for each update waits for
 * running programs.  Negative: another must be made.
 */
static int take_empty(const struct inner_place *at)
{
	uint8_t key[sizeof(struct pc_digest)];
	int fd = open_at(at);

	if (fd < 0)
		return fd;
	if (bpf_map_get_next_key(fd, NULL, key) && errno == ENOENT)
		return fd;
	close(fd);
	return -EEXIST;
}

/* Takes a new map, and gives it back when it is in its place. */
static int put_new(const struct inner_place *at, int fd, int rc)
{
	if (!rc && bpf_map_update_elem(at->outer, &at->slot, &fd, BPF_ANY))
		rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

static int write_trie(int fd, const struct policy_prefix *p, size_t n)
{
	int rc = fill_trie(fd, p, n);

	return rc ? rc : verify_trie(fd, p, n);
}

int inner_put_trie(const struct inner_place *at, const char *name,
		   const struct policy_prefix *p, size_t n)
{
	int fd = take_empty(at), rc;

	if (fd < 0) {
		fd = new_trie(name);
		return fd < 0 ? fd : put_new(at, fd, write_trie(fd, p, n));
	}
	rc = write_trie(fd, p, n);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

/* Takes memory for all of its keys at once: one that is empty has no room. */
int inner_put_keys(const struct inner_place *at, const struct policy *p)
{
	int fd = take_empty(at), rc;

	if (fd >= 0 && !p->n_keys)
		return fd;
	inner_close(fd);
	fd = new_hash("pc_keys_inner", p->n_keys);
	if (fd < 0)
		return fd;
	rc = fill_keys(fd, p);
	return put_new(at, fd, rc ? rc : verify_keys(fd, p));
}

int inner_close(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int inner_share(int outer, uint32_t slot, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), rc;

	if (copy < 0)
		return -errno;
	if (!bpf_map_update_elem(outer, &slot, &fd, BPF_ANY))
		return copy;
	rc = -errno;
	close(copy);
	return rc;
}

/*
 * Updating an array of maps returns after every program that was running has
 * ended (kernel/bpf/syscall.c, maybe_wait_bpf_programs()), whichever it is.
 */
int inner_wait_programs(void)
{
	int leaf = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pc_wait_inner", 4, 4, 1,
				  NULL);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (uint32_t)leaf);
	uint32_t zero = 0;
	int outer = -1, rc = 0;

	if (leaf < 0)
		return -errno;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "pc_wait", 4, 4, 1,
			       &opts);
	if (outer < 0 || bpf_map_update_elem(outer, &zero, &leaf, BPF_ANY))
		rc = -errno;
	if (outer >= 0)
		close(outer);
	close(leaf);
	return rc;
}
