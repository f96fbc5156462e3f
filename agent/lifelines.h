/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses that this host hangs by: whoever drops one of them locks
 * somebody out.
 */
#ifndef LIFELINES_H
#define LIFELINES_H

#include <stddef.h>

#include "options.h"
#include "prefix.h"
#include "ruleset.h"

#define LIFELINE_WHAT_SIZE 64

struct lifeline {
	struct prefix prefix;
	char what[LIFELINE_WHAT_SIZE]; /* "the default gateway of eth0" */
};

struct lifelines {
	struct lifeline *items;
	size_t n;
};

/*
 * The gateways of default routes and the addresses of this network namespace
 * as they are now, the trusted proxies, and peers: the SSH clients of this
 * session (session.h).  Loopback addresses only where addresses are filtered
 * on lo: anywhere else nobody honest has them.  Free with lifelines_fini().
 * 0 or -errno.
 */
int lifelines_collect(struct lifelines *out, const struct options *o,
		      const struct prefix_list *peers);
void lifelines_fini(struct lifelines *l);

#endif /* LIFELINES_H */
