// SPDX-License-Identifier: GPL-2.0-only
#include "lifelines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <errno.h>

#include "host.h"
#include "interfaces.h"
#include "routes.h"

/* The number of lo in every network namespace. */
#define LOOPBACK_IFINDEX 1

static bool is_loopback(const struct prefix *p)
{
	static const struct prefix nets[] = { { AF_INET, 8, { 127 } },
					      { AF_INET6, 128, { [15] = 1 } } };

	return prefix_contains(&nets[0], p) || prefix_contains(&nets[1], p);
}

static void add(struct lifelines *l, const struct prefix *p, const char *what,
		const char *of)
{
	struct lifeline *line = &l->items[l->n++];

	line->prefix = *p;
	snprintf(line->what, sizeof(line->what), "%s%s", what, of);
}

static void add_list(struct lifelines *l, const struct prefix_list *list,
		     const char *what)
{
	for (size_t i = 0; i < list->n; i++)
		add(l, &list->items[i], what, "");
}

static void drop_loopback(struct lifelines *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!is_loopback(&l->items[i].prefix))
			l->items[kept++] = l->items[i];
	}
	l->n = kept;
}

int lifelines_collect(struct lifelines *out, const struct options *o,
		      const struct prefix_list *peers)
{
	struct lifelines l = { NULL, 0 };
	struct prefix_list own = { NULL, 0 };
	struct routes routes = { NULL, 0 };
	int rc = host_addresses(&own.items, &own.n);

	if (!rc)
		rc = routes_find_gateways(&routes);
	if (!rc) {
		l.items = calloc(routes.n + own.n + o->proxies.n + peers->n + 1,
				 sizeof(*l.items));
		rc = l.items ? 0 : -ENOMEM;
	}
	if (!rc) {
		for (size_t i = 0; i < routes.n; i++)
			add(&l, &routes.items[i].gateway,
			    "the default gateway of ",
			    routes.items[i].interface);
		add_list(&l, &own, "this host's address");
		add_list(&l, &o->proxies, "a trusted proxy");
		add_list(&l, peers, "the SSH client of this session");
		if (!interfaces_listed(&o->interfaces, LOOPBACK_IFINDEX))
			drop_loopback(&l);
		*out = l;
	}
	free(own.items);
	routes_fini(&routes);
	return rc;
}

void lifelines_fini(struct lifelines *l)
{
	free(l->items);
	*l = (struct lifelines){ NULL, 0 };
}
