/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of the kernel programs: packets by reason, and by list. */
#ifndef HITS_H
#define HITS_H

#include <stdint.h>

#include "pc_abi.h"

/* A counter of each processor's, added up.  0 or -errno. */
int hits_sum(struct pc_count *out, int counters, uint32_t index);

/*
 * Before a slot is in force instead of another: forgets what was counted for
 * numbers that are another list's there.  0 or -errno.
 */
int hits_rename(int counters, int lists, uint32_t from, uint32_t to);

#endif /* HITS_H */
