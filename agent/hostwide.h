/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * --ip-scope consensus and global: from rules that belong to keys to addresses
 * that pc_xdp drops for everyone.  Pure.
 */
#ifndef HOSTWIDE_H
#define HOSTWIDE_H

#include <stdbool.h>

#include "policy.h"
#include "ruleset.h"
#include "summary.h"

/*
 * consensus: what every live key refuses.  live[n] tells whether a live key has
 * rule set n; live[0], whether one has no rules.  global: what any key's
 * blacklist names.  Trusted proxies and loopback are never in it.  A new array
 * in *out.  0, -ENOMEM.
 */
int hostwide_find(struct prefix_list *out, struct policy_summary *summary,
		  const struct policy_options *opt, const struct rulesets *sets,
		  const bool *live);

#endif /* HOSTWIDE_H */
