/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of the kernel programs: packets by reason, and by list. */
#ifndef HITS_H
#define HITS_H

#include <stdbool.h>
#include <stdint.h>

#include "pc_abi.h"

/* A counter of each processor's, added up.  0 or -errno. */
int hits_sum(struct pc_count *out, int counters, uint32_t index);

/* Adds what the lists of a reason have dropped.  0 or -errno. */
int hits_add_owners(struct pc_count *sum, int tally, enum pc_reason reason);

/*
 * By owner, of the lists in a slot, since they were; back: it is in force again
 * and nobody has called hits_resume() yet.  0 or -errno.
 */
int hits_of_lists(struct pc_count out[static PC_OWNERS], int tally, int lists,
		  uint32_t slot, bool back);

/*
 * Before a slot is in force instead of the other: a list of the same name and
 * number goes on being counted, all others begin at 0.  0 or -errno.
 */
int hits_begin(int tally, int lists, uint32_t slot);

/*
 * The slot is in force again: its lists go on, without what others were counted
 * under their numbers meanwhile.  0 or -errno.
 */
int hits_resume(int tally, int lists, uint32_t slot);

#endif /* HITS_H */
