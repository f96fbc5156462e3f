// SPDX-License-Identifier: GPL-2.0-only
#include "past.h"

#include <errno.h>
#include <stdlib.h>

void past_fini(struct past *p)
{
	free(p->sums);
	free(p->windows);
	free(p->holds);
	*p = (struct past){ 0 };
}

/* Room for one more: arrays double, so only where n is a power of two. */
static void *grow(void *items, size_t n, size_t size)
{
	if (n & (n - 1))
		return items;
	return reallocarray(items, n ? 2 * n : 1, size);
}

int past_add_sum(struct past *p, const struct past_sum *sum)
{
	struct past_sum *grown = grow(p->sums, p->n_sums, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->sums = grown;
	p->sums[p->n_sums++] = *sum;
	return 0;
}

int past_add_windows(struct past *p, const struct past_windows *windows)
{
	struct past_windows *grown =
		grow(p->windows, p->n_windows, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->windows = grown;
	p->windows[p->n_windows++] = *windows;
	return 0;
}

int past_add_hold(struct past *p, const struct ledger_hold *hold)
{
	struct ledger_hold *grown = grow(p->holds, p->n_holds, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->holds = grown;
	p->holds[p->n_holds++] = *hold;
	return 0;
}

int past_apply(const struct past *p, struct ledger *l, int64_t now_ns)
{
	int failed = 0;

	for (size_t i = 0; i < p->n_sums; i++) {
		const struct past_sum *s = &p->sums[i];

		if (ledger_restore_sum(l, &s->who, s->first_ns, s->last_ns,
				       s->cost_nusd))
			failed = -ENOMEM;
	}
	for (size_t i = 0; i < p->n_windows; i++) {
		if (ledger_restore_windows(l, &p->windows[i].who,
					   p->windows[i].windows))
			failed = -ENOMEM;
	}
	for (size_t i = 0; i < p->n_holds; i++) {
		const struct ledger_hold *h = &p->holds[i];

		if (h->ends_ns > now_ns && ledger_hold(l, h) == -ENOMEM)
			failed = -ENOMEM;
	}
	return failed;
}
