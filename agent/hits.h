/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of the kernel programs: packets by reason, and by list. */
#ifndef HITS_H
#define HITS_H

#include <stdint.h>

#include "pc_abi.h"

/* A counter of each processor's, added up.  0 or -errno. */
int hits_sum(struct pc_count *out, int counters, uint32_t index);

/* Adds what the lists of a reason have dropped.  0 or -errno. */
int hits_add_owners(struct pc_count *sum, int list_hits, enum pc_reason reason);

struct hits {
	int counts;    /* by reason */
	int list_hits; /* by owner */
	int lists;     /* their names */
};

/*
 * Before a slot is in force instead of another: what was counted for numbers
 * that are another list's there is their reason's from now on.  0 or -errno.
 */
int hits_rename(const struct hits *h, uint32_t from, uint32_t to);

#endif /* HITS_H */
