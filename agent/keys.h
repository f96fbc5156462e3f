/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys' part of a policy: what the kernel is to know of each, their address
 * rules, and what else a policy takes of a snapshot.  Pure.
 */
#ifndef KEYS_H
#define KEYS_H

#include "policy.h"

/*
 * Fills in keys, key rules, base and what the summary says of them.  On failure
 * what is there already is the caller's to free.  0, -ENOMEM, -E2BIG.
 */
int keys_compile(struct policy *p, const struct snapshot *s,
		 const struct policy_options *opt);

/*
 * Until which Unix time a snapshot's word holds that there are no other keys;
 * 0: it does not say so.  A key may be made at any moment, so the word ages.
 */
int64_t keys_complete_until(const struct snapshot *s, uint64_t lease_ns,
			    int64_t now_ns);

#endif /* KEYS_H */
