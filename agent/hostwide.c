// SPDX-License-Identifier: GPL-2.0-only
/*
 * Set arithmetic over all rule sets.  What comes out is dropped before anyone
 * asks for a key, so whatever is doubtful is left out and said.
 */
#include "hostwide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "scope.h"

/* What a rule set refuses: its blacklist, and all that its whitelist lacks. */
static struct scope *find_refused(const struct ruleset *r)
{
	struct scope *black = scope_new(r->black.items, r->black.n);
	struct scope *white = scope_new(r->white.items, r->white.n);
	struct scope *rest =
		r->has_white ? scope_everything() : scope_new(NULL, 0);
	int err = -ENOMEM;

	if (black && white && rest)
		err = scope_subtract(rest, white);
	if (!err)
		err = scope_unite(rest, black);
	scope_free(black);
	scope_free(white);
	if (!err)
		return rest;
	scope_free(rest);
	return NULL;
}

/* Narrows *all, NULL at first, to what r refuses as well.  0, -ENOMEM. */
static int narrow(struct scope **all, const struct ruleset *r)
{
	struct scope *refused = find_refused(r);
	int err;

	if (!refused)
		return -ENOMEM;
	if (!*all) {
		*all = refused;
		return 0;
	}
	err = scope_intersect(*all, refused);
	scope_free(refused);
	return err;
}

static struct scope *find_consensus(const struct rulesets *sets,
				    const bool *live)
{
	struct scope *all = NULL;

	/* Without rules a live key admits everyone. */
	for (uint32_t n = 1; !live[0] && n <= rulesets_count(sets); n++) {
		if (!live[n])
			continue;
		if (narrow(&all, rulesets_find(sets, n))) {
			scope_free(all);
			return NULL;
		}
		if (scope_is_empty(all))
			break;
	}
	/* Where nobody was asked nobody agreed. */
	return all ? all : scope_new(NULL, 0);
}

static struct scope *find_global(const struct rulesets *sets)
{
	struct prefix_list all = { NULL, 0 };
	struct scope *s;

	for (uint32_t n = 1; n <= rulesets_count(sets); n++)
		all.n += rulesets_find(sets, n)->black.n;
	all.items = calloc(all.n + 1, sizeof(*all.items));
	if (!all.items)
		return NULL;
	all.n = 0;
	for (uint32_t n = 1; n <= rulesets_count(sets); n++) {
		const struct prefix_list *black =
			&rulesets_find(sets, n)->black;

		for (size_t i = 0; i < black->n; i++)
			all.items[all.n++] = black->items[i];
	}
	s = scope_new(all.items, all.n);
	free(all.items);
	return s;
}

static void drop_absurd(struct scope *s, struct policy_summary *summary)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < 2; i++) {
		if (!scope_has_all(s, families[i]))
			continue;
		summary_warn(summary, WARNING_EVERYTHING,
			     "--ip-scope would drop every %s address; that "
			     "family is left out",
			     families[i] == AF_INET ? "IPv4" : "IPv6");
		scope_clear(s, families[i]);
	}
}

/* A proxy's address is not a client's, and loopback is the host itself. */
static int spare_own(struct scope *s, const struct prefix_list *proxies)
{
	static const struct prefix loopback[] = {
		{ .family = AF_INET, .len = 8, .addr = { 127 } },
		{ .family = AF_INET6, .len = 128, .addr = { [15] = 1 } },
	};
	struct scope *proxy = scope_new(proxies->items, proxies->n);
	struct scope *own = scope_new(loopback, 2);
	int err = -ENOMEM;

	if (proxy && own)
		err = scope_subtract(s, proxy);
	if (!err)
		err = scope_subtract(s, own);
	scope_free(proxy);
	scope_free(own);
	return err;
}

int hostwide_find(struct prefix_list *out, struct policy_summary *summary,
		  const struct policy_options *opt, const struct rulesets *sets,
		  const bool *live)
{
	struct prefix_list found = { NULL, 0 };
	struct scope *s = NULL;
	int err = -ENOMEM;

	if (opt->ip_scope == IP_SCOPE_CONSENSUS)
		s = find_consensus(sets, live);
	else if (opt->ip_scope == IP_SCOPE_GLOBAL)
		s = find_global(sets);
	else
		s = scope_new(NULL, 0);
	if (!s)
		return -ENOMEM;
	drop_absurd(s, summary);
	err = spare_own(s, &opt->proxies);
	if (!err)
		err = scope_prefixes(&found.items, &found.n, s);
	scope_free(s);
	if (err)
		return err;
	if (found.n)
		summary_warn(
			summary, WARNING_HOST_WIDE,
			"--ip-scope drops %zu prefixes for the whole host; "
			"this is right only where clients connect directly",
			found.n);
	*out = found;
	return 0;
}
