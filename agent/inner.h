/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inner maps of one generation: made, filled, read back, and only then put
 * into a slot of their outer map.
 */
#ifndef INNER_H
#define INNER_H

#include <stddef.h>
#include <stdint.h>

#include "policy.h"

/* A descriptor, which the caller closes; -EILSEQ: what was read back is not
 * what was written; -errno.
 */
int inner_put_trie(int outer, uint32_t slot, const char *name,
		   const struct policy_prefix *p, size_t n);
int inner_put_keys(int outer, uint32_t slot, const struct policy *p);
/* The map of another slot, which stays there, as it is and as it will be. */
int inner_share(int outer, uint32_t slot, int fd);
/* Closes what one of these returned: 0, or its -errno. */
int inner_close(int fd);

/* Writes one element and compares what is there afterwards. */
int inner_put_element(int fd, uint32_t index, const void *value, size_t size);

/* Returns when every program that runs now has ended.  0 or -errno. */
int inner_wait_programs(void);

#endif /* INNER_H */
