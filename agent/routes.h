/* SPDX-License-Identifier: GPL-2.0-only */
/* The way out of this network namespace: its default routes, by rtnetlink. */
#ifndef ROUTES_H
#define ROUTES_H

#include <net/if.h>
#include <stddef.h>

#include "prefix.h"

/* A next hop of a default route. */
struct route {
	struct prefix gateway;
	char interface[IF_NAMESIZE]; /* "?": unknown */
};

struct routes {
	struct route *items;
	size_t n;
};

/*
 * The gateways of the default routes of both families, of every table and every
 * next hop.  A route without a gateway has none to lose.  0 or -errno.
 */
int routes_find_gateways(struct routes *out);
void routes_fini(struct routes *r);

#endif /* ROUTES_H */
