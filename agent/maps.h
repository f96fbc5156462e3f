/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's maps as the agent sees them.  The only file that writes policy:
 * it fills the slot that is not in force, reads it back, and flips.
 */
#ifndef MAPS_H
#define MAPS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pc_abi.h"
#include "policy.h"
#include "prefix.h"

/* Open maps.  Descriptors are owned; -1 where not open. */
struct maps {
	int active;
	int policy;
	int prefixes;
	int key_rules;
	int keys;
	int answers;
	int clock;
	int counts;
	/* What maps_put_key() writes: the keys of the last maps_apply(). */
	int live_keys;
	pthread_mutex_t live;  /* of live_keys; held for a system call or two */
	uint32_t *active_word; /* mapped, of pc_active */
	struct pc_clock *clock_word; /* mapped, of pc_clock */
};

/*
 * Opens the maps pinned in a directory.  0, -ENOENT (no filter there), other
 * -errno.
 */
int maps_open_pinned(struct maps *m, const char *pin_dir);
void maps_close(struct maps *m);

/*
 * Writes a policy into the idle slot, compares what can be read back, and makes
 * it live.  On failure the policy in force stays in force.  0 or -errno
 * (-EILSEQ: what was read back is not what was written).
 */
int maps_apply(struct maps *m, const struct policy *p);

/*
 * Changes status, facts and expiry of a key of the last maps_apply(), which may
 * run in another thread; its address rules stay.  0; -ENOENT: there is no such
 * key; -errno.
 */
int maps_put_key(struct maps *m, const struct pc_digest *d,
		 const struct pc_key *value);

/* The header in force.  -ENOENT: none yet. */
int maps_read_policy(struct maps *m, struct pc_policy *out);

/* A key's value in force.  -ENOENT: not there. */
int maps_find_key(struct maps *m, const struct pc_digest *d,
		  struct pc_key *out);

/*
 * The rule of the longest prefix of a set that holds an address, as the kernel
 * finds it.  matched, where not NULL, gets the address itself: tries do not say
 * which prefix matched.  -ENOENT: none.
 */
int maps_match(struct maps *m, bool key_rules, unsigned int set,
	       const struct prefix *addr, struct prefix *matched,
	       struct pc_rule *out);

/* A prefix of a host-wide set that lies in outer, or is it.  -ENOENT: none. */
int maps_find_within(struct prefix *out, struct maps *m, unsigned int set,
		     const struct prefix *outer);

int maps_clock(struct maps *m, struct pc_clock *out);
/* One field at a time, so that a program never sees half of one. */
void maps_set_clock(struct maps *m, const struct pc_clock *clock);
/* From now on refusals end their connection; maps_set_clock() may end that. */
void maps_set_draining(struct maps *m, bool draining);

/* The counter of a reason, summed over CPUs. */
int maps_count(struct maps *m, enum pc_reason reason, struct pc_count *out);

#endif /* MAPS_H */
