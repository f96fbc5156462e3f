/* SPDX-License-Identifier: GPL-2.0-only */
/* Which entries of a block are a user's: 5 bytes a key, never changed. */
#ifndef ROSTER_H
#define ROSTER_H

#include <stddef.h>
#include <stdint.h>

#include "entry.h"

struct roster;

/* The block is borrowed.  0, -ENOMEM. */
int roster_new(struct roster **out, const struct entry *block, size_t n,
	       uint64_t secret);
void roster_free(struct roster *r);

/*
 * The next entry of a user, *at being 0 at first and the roster's afterwards;
 * NULL: no more.
 */
const struct entry *roster_next(const struct roster *r, int64_t user_id,
				size_t *at);

/* One of n buckets for a user's entries; secret as in table_new(). */
size_t roster_bucket(int64_t user_id, size_t n, uint64_t secret);

#endif /* ROSTER_H */
