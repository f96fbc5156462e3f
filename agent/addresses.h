/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host-wide part of a policy: which addresses are spared, which speak for
 * others, where the gateway is, and the image of who is dropped, with the names
 * of the lists.  Pure.
 */
#ifndef ADDRESSES_H
#define ADDRESSES_H

#include "policy.h"

/*
 * Fills in prefixes, image, lists and what the head and the summary say of
 * them.  0, -ENOMEM, -EIO, -E2BIG.
 */
int addresses_compile(struct policy *p, const struct policy_base *base,
		      const struct policy_options *opt);

#endif /* ADDRESSES_H */
