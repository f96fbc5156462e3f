// SPDX-License-Identifier: GPL-2.0-only
#include "consent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "lifelines.h"
#include "log.h"
#include "session.h"

int consent_open(struct consent *out, const struct options *opt)
{
	struct consent c = { .opt = opt };
	int rc = session_find_clients(&c.clients);

	if (rc)
		return rc;
	*out = c;
	return 0;
}

void consent_close(struct consent *c)
{
	free(c->clients.items);
	*c = (struct consent){ 0 };
}

/* Nothing is dropped in monitor mode: there it is said what would be. */
static int answer(const struct options *opt, const struct guard_objections *g)
{
	if (!g->n)
		return 0;
	if (opt->force) {
		log_line("warning: forced: %s (and %zu more)", g->text[0],
			 g->n - 1 + g->n_more);
		return 0;
	}
	for (size_t i = 0; i < g->n; i++)
		log_line(opt->monitor ? "warning: enforced, %s"
				      : "%s; --force overrides",
			 g->text[i]);
	if (g->n_more)
		log_line("... and %zu more", g->n_more);
	return opt->monitor ? 0 : -EPERM;
}

/* What cannot be known cannot be guarded. */
static int collect(struct lifelines *out, const struct consent *c)
{
	int rc = lifelines_collect(out, c->opt, &c->clients);

	if (rc)
		log_line("cannot tell which addresses must not be dropped: %s",
			 strerror(-rc));
	if (rc && c->opt->force) {
		*out = (struct lifelines){ NULL, 0 };
		rc = 0;
	}
	return rc;
}

int consent_policy(const struct consent *c, const struct image *im,
		   const struct pc_list *lists)
{
	struct guard_objections g;
	struct lifelines lines;
	int rc;

	if (!im->head.n_lines)
		return 0;
	rc = collect(&lines, c);
	if (rc)
		return rc;
	guard_policy(&g, im, lists, &lines);
	lifelines_fini(&lines);
	return answer(c->opt, &g);
}

int consent_ban(const struct consent *c, const struct prefix *ban,
		const struct prefix_list *allow)
{
	struct guard_objections g;
	struct lifelines lines;
	int rc = collect(&lines, c);

	if (rc)
		return rc;
	guard_ban(&g, ban, &lines, allow);
	lifelines_fini(&lines);
	return answer(c->opt, &g);
}
