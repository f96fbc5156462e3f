/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inner maps of one generation: filled, read back, and in a slot of their
 * outer map, all before anything reads that slot.
 */
#ifndef INNER_H
#define INNER_H

#include <stddef.h>
#include <stdint.h>

#include "policy.h"

/* Where an inner map goes: a slot that no program reads. */
struct inner_place {
	int outer;
	uint32_t slot;
	int known; /* what is there now, the callee's to close; -1: not open */
};

/*
 * An empty trie is filled where it is, which waits for nobody.  A descriptor,
 * which the caller closes; -EILSEQ: what was read back is not what was written;
 * -errno.
 */
int inner_put_trie(const struct inner_place *at, const char *name,
		   const struct policy_prefix *p, size_t n);
int inner_put_keys(const struct inner_place *at, const struct policy *p);
/* The map of another slot, which stays there, as it is and as it will be. */
int inner_share(int outer, uint32_t slot, int fd);
/* Closes what one of these returned: 0, or its -errno. */
int inner_close(int fd);

/* Returns when every program that runs now has ended.  0 or -errno. */
int inner_wait_programs(void);

#endif /* INNER_H */
