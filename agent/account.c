// SPDX-License-Identifier: GPL-2.0-only
#include "account.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A sweep looks at this part of all heads, so that none takes long. */
#define SWEEP_PART 256

int accounts_init(struct accounts *as)
{
	as->cursor = 0;
	return index_init(&as->index);
}

static void drop(struct accounts *as, struct account *a)
{
	index_remove(&as->index, &a->link);
	meter_fini(&a->meter);
	free(a);
}

void accounts_fini(struct accounts *as)
{
	for (size_t i = 0; i < as->index.n_heads; i++) {
		while (as->index.heads[i])
			drop(as, INDEX_OF(as->index.heads[i], struct account,
					  link));
	}
	index_fini(&as->index);
}

static struct account *find(const struct accounts *as,
			    const struct account_id *id, uint64_t hash)
{
	struct index_link *link = index_first(&as->index, hash);

	for (; link; link = index_next(link)) {
		struct account *a = INDEX_OF(link, struct account, link);

		if (!memcmp(&a->id, id, sizeof(*id)))
			return a;
	}
	return NULL;
}

struct account *account_find(const struct accounts *as,
			     const struct account_id *id)
{
	return find(as, id, index_hash(&as->index, id, sizeof(*id)));
}

int account_make(struct account **out, struct accounts *as,
		 const struct account_id *id, int64_t since_ns)
{
	uint64_t hash = index_hash(&as->index, id, sizeof(*id));
	struct account *a = find(as, id, hash);

	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a)
			return -ENOMEM;
		a->id = *id;
		a->meter.asked = true;
		a->meter.since_ns = since_ns;
		index_add(&as->index, &a->link, hash);
	}
	*out = a;
	return 0;
}

static bool is_idle(const struct account *a, int64_t now_ns)
{
	const int64_t *length_ns =
		a->id.group_id ? window_of_group_ns : window_of_key_ns;

	if (a->meter.n || a->n_holds)
		return false;
	for (int i = 0; i < WINDOWS; i++) {
		if (window_runs(&a->windows[i], length_ns[i], now_ns))
			return false;
	}
	return true;
}

void accounts_sweep(struct accounts *as, int64_t before_ns, int64_t now_ns)
{
	struct index *x = &as->index;

	for (size_t n = x->n_heads / SWEEP_PART + 1; n; n--) {
		struct index_link *link, *next;

		as->cursor = (as->cursor + 1) & (x->n_heads - 1);
		for (link = x->heads[as->cursor]; link; link = next) {
			struct account *a =
				INDEX_OF(link, struct account, link);

			next = link->next;
			meter_forget(&a->meter, before_ns);
			if (is_idle(a, now_ns))
				drop(as, a);
		}
	}
}
