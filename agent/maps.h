/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's maps as the agent sees them, and the only way to write policy:
 * it fills the slot that is not in force (slot.h), reads it back, and flips.
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
	struct pc_policy *policies; /* of both slots, mapped */
	int prefixes;
	int key_rules;
	int keys;
	int image;
	int lists;
	int tally;
	int answers;
	int clock;
	int counts;
	/*
	 * Inner maps that maps_apply() put: maps_put_key() writes to them, and
	 * without CAP_SYS_ADMIN there is no other way to them.  In the slot
	 * that is not in force they are empty.
	 */
	struct maps_inner {
		int keys;
		int key_rules;
		int prefixes;
	} of[2];	      /* by slot; -1: of an earlier run */
	struct chunks *spare; /* of the slot that is not in force; NULL: none */
	pthread_mutex_t live; /* of of[]; held for a system call or two */
	bool unsettled;	      /* the last one was on approval */
	uint32_t asked;	      /* its slot */
	bool hold;	      /* the policy before is not given up yet */
	bool held;	      /* it is whole, in the other slot */
	uint64_t *active_word;	     /* mapped, of pc_active */
	struct pc_clock *clock_word; /* mapped, of pc_clock */
};

/*
 * Opens the maps pinned in a directory.  0, -ENOENT (no filter there), other
 * -errno.
 */
int maps_open_pinned(struct maps *m, const char *pin_dir);
void maps_close(struct maps *m);

/* The slot in force. */
uint32_t maps_active_slot(const struct maps *m);
/* The inner map in force of one of the outer ones; the caller closes it. */
int maps_open_inner(const struct maps *m, int outer);

/*
 * Writes a policy into the idle slot, its header with the time that took,
 * compares what can be read back, and makes it live (if its keys stay, with
 * those of the last one, which is in force); confirm_ns not 0: for so long, and
 * if nobody confirms it by then the programs go back to the one before.  On
 * failure the policy in force stays in force.  0 or -errno (-EILSEQ: what was
 * read back is not what was written; -EBUSY: another one waits to be
 * confirmed).
 */
int maps_apply(struct maps *m, struct policy *p, uint64_t confirm_ns);

enum maps_approval {
	MAPS_SETTLED,	 /* nothing is on approval */
	MAPS_PENDING,	 /* neither confirmed nor too late yet */
	MAPS_CONFIRMED,	 /* since the last call; what was before is gone */
	MAPS_ROLLED_BACK /* since the last call; too late, or taken back */
};

/* What became of a policy on approval; gives the room of the other one back. */
enum maps_approval maps_settle(struct maps *m);

/*
 * Makes a policy on approval the one in force, or goes back at once.  Needs no
 * agent.  0; -ENOENT: none is; -ETIME: too late; -EAGAIN: ask again.
 */
int maps_confirm(struct maps *m, bool revert);

/*
 * Before a maps_apply() that maps_go_back() is to undo, as long as nobody says
 * maps_let_go().  0, also if it was taken back already; -ENOENT: there is
 * nothing to undo, or somebody has confirmed it.
 */
void maps_hold(struct maps *m);
int maps_go_back(struct maps *m);
void maps_let_go(struct maps *m);

/* How long it may still be confirmed; 0: there is nothing to confirm. */
uint64_t maps_pending_ns(struct maps *m);

/*
 * Changes status, facts and expiry of a key of the last maps_apply(), which may
 * run in another thread; its address rules stay.  0; -ENOENT: there is no such
 * key; -errno.
 */
int maps_put_key(struct maps *m, const struct pc_digest *d,
		 const struct pc_key *value);

/* The last generation that was written, also if it is gone; 0: none. */
uint64_t maps_last_generation(struct maps *m);
/* The header in force.  -ENOENT: none yet. */
int maps_read_policy(struct maps *m, struct pc_policy *out);

/* A key's value in force.  -ENOENT: not there. */
int maps_find_key(struct maps *m, const struct pc_digest *d,
		  struct pc_key *out);

/*
 * Who owns an address in the image in force, PC_OWNER_*, and what that list is
 * called.  0 or -errno.
 */
int maps_find_owner(struct maps *m, uint32_t *owner, struct pc_list *list,
		    const struct prefix *address);
int maps_read_list(struct maps *m, uint32_t owner, struct pc_list *out);
/* Is the image what its header says?  0; -EILSEQ: no; -errno. */
int maps_check_image(struct maps *m, const struct pc_policy *head);

int maps_clock(struct maps *m, struct pc_clock *out);
/* One field at a time, so that a program never sees half of one. */
void maps_set_clock(struct maps *m, const struct pc_clock *clock);
/* From now on refusals end their connection; maps_set_clock() may end that. */
void maps_set_draining(struct maps *m, bool draining);

/* The counter of a reason, summed over CPUs. */
int maps_count(struct maps *m, enum pc_reason reason, struct pc_count *out);
/* Of each list in force, since it was. */
int maps_count_lists(struct maps *m, struct pc_count out[static PC_OWNERS]);

#endif /* MAPS_H */
