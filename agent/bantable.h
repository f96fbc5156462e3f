/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bans in the kernel: pc_bans with the lengths it is looked up by and the hits.
 * Outside the generations; pinned, so that it is there without an agent.  Agent
 * and commands take turns by a lock, and what one of them left half done when
 * it was killed the next one puts right.
 */
#ifndef BANTABLE_H
#define BANTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"
#include "prefix.h"

/* The lock, a directory in the one with the pins. */
#define BANTABLE_LOCK "pc_bans_lock"
/* In it, while the table may lack what is kept. */
#define BANTABLE_OWING "owing"

struct bantable_entry {
	struct pc_ban_key key;
	struct pc_ban ban;
};

struct bantable {
	int bans; /* -1: not open */
	int hits;
	struct pc_ban_lens *lens; /* mapped */
	const struct pc_clock *clock;
	int directory; /* what is locked */
	/* While it is locked. */
	struct bantable_entry *entries; /* as they were when it was locked */
	size_t n_entries;
	size_t n; /* in the table now */
	uint32_t n_of[2][129];
	uint64_t taken[PC_BANS_MAX / 64]; /* hits in use */
};

/* 0; -ENOENT: no filter is installed there; -errno. */
int bantable_open(struct bantable *t, const char *pin_dir);
void bantable_close(struct bantable *t);

/*
 * Nobody else changes bans until the unlock; entries are what there is. -EBUSY:
 * somebody else has it and went on for so long; -errno.
 */
int bantable_lock(struct bantable *t, unsigned int patience_ms);
void bantable_unlock(struct bantable *t);

/*
 * Puts a ban, or moves its end; its hits go on.  made_ns 0: unknown.  -ENOSPC:
 * the table is full; -E2BIG: its length would be one more than are looked up;
 * -errno.
 */
int bantable_put(struct bantable *t, const struct prefix *p, int64_t made_ns,
		 int64_t expires_ns);
/* -ENOENT: it is not there. */
int bantable_remove(struct bantable *t, const struct prefix *p);
/* -ENOENT: it is not there. */
int bantable_find(struct pc_ban *out, const struct bantable *t,
		  const struct prefix *p);
/* When it was made, as exactly as is known; 0: it is not. */
int64_t bantable_made_ns(const struct pc_ban *ban);
/*
 * Whoever keeps a ban says so first, and takes it back when the table has it:
 * what he leaves, killed or for want of room, the agent sees.  0 or -errno;
 * bantable_owe(): 1, it was said before.
 */
int bantable_owe(struct bantable *t);
int bantable_settle(struct bantable *t);
bool bantable_owes(const struct bantable *t);

/* How much is in use. */
struct bantable_use {
	size_t n;	/* bans */
	size_t lengths; /* of both families */
};
struct bantable_use bantable_use(const struct bantable *t);

/* Removes what is over.  0 or the first -errno. */
int bantable_sweep(struct bantable *t, int64_t now_ns);

/* How many there are, over or not; needs no lock.  0 or -errno. */
int bantable_count(size_t *out, const struct bantable *t);

/* Packets that a ban has dropped. */
int bantable_hits(struct pc_count *out, const struct bantable *t,
		  const struct pc_ban *ban);

/* Unix time as the programs have it. */
int64_t bantable_now_ns(const struct bantable *t);
/* Is that always the same time (--clock)? */
bool bantable_is_stopped(const struct bantable *t);

void bantable_prefix(struct prefix *out, const struct pc_ban_key *key);

/* For when the pins are removed.  0 or -errno. */
int bantable_remove_lock(const char *pin_dir);

#endif /* BANTABLE_H */
