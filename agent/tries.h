/* SPDX-License-Identifier: GPL-2.0-only */
/* The prefix sets in force, asked the way the kernel asks, and looked through.
 */
#ifndef TRIES_H
#define TRIES_H

#include <stdbool.h>

#include "maps.h"
#include "prefix.h"
#include "ruleset.h"

/*
 * The rule of the longest prefix of a set that holds an address, as the kernel
 * finds it, and, where matched is not NULL, that prefix.  -ENOENT: none.
 */
int tries_match(struct maps *m, bool key_rules, unsigned int set,
		const struct prefix *addr, struct prefix *matched,
		struct pc_rule *out);

/* The prefixes of a host-wide set that lie in outer, or are it.  Free items. */
int tries_within(struct prefix_list *out, struct maps *m, unsigned int set,
		 const struct prefix *outer);

#endif /* TRIES_H */
