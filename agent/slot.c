// SPDX-License-Identifier: GPL-2.0-only
#include "slot.h"

#include <stddef.h>
#include <string.h>

#include "array.h"
#include "chunks.h"
#include "inner.h"

const struct maps_inner slot_none = { -1, -1, -1 };

/* Inner maps of a slot, in the place of those before, which are returned. */
static struct maps_inner swap(struct maps *m, uint32_t slot,
			      struct maps_inner inner)
{
	struct maps_inner before;

	pthread_mutex_lock(&m->live);
	before = m->of[slot];
	m->of[slot] = inner;
	pthread_mutex_unlock(&m->live);
	return before;
}

void slot_keep(struct maps *m, uint32_t slot, struct maps_inner inner)
{
	struct maps_inner before = swap(m, slot, inner);

	inner_close(before.keys);
	inner_close(before.prefixes);
	inner_close(before.key_rules);
}

void slot_drop_spare(struct maps *m)
{
	chunks_free(m->spare);
	m->spare = NULL;
}

static int put_answers(struct maps *m, uint32_t slot, const struct policy *p)
{
	const struct array_part part = {
		.fd = m->answers,
		.first = PC_ANSWER_INDEX(slot, 0, 0, 0),
		.n = PC_ANSWER_INDEX(1, 0, 0, 0),
		.size = sizeof(*p->answers),
	};

	return array_put(&part, p->answers);
}

static int put_lists(struct maps *m, uint32_t slot, const struct policy *p)
{
	static const struct pc_list none[PC_OWNERS];
	const struct array_part part = {
		.fd = m->lists,
		.first = PC_LIST_INDEX(slot, 0),
		.n = PC_OWNERS,
		.size = sizeof(*none),
	};

	return array_put(&part, p->lists ? p->lists : none);
}

/* What is told of a key meanwhile is told to both slots then. */
static int put_keys(struct maps *m, const struct inner_place *at,
		    const struct policy *p)
{
	if (!p->keys_stay || !p->head.n_keys)
		return inner_put_keys(at, p);
	inner_close(at->known);
	return inner_share(at->outer, at->slot, m->of[!at->slot].keys);
}

/* A trie that is empty may be filled where it is: it is never shared. */
static int put_key_rules(struct maps *m, const struct inner_place *at,
			 const struct policy *p)
{
	if (!p->keys_stay || !p->head.n_rule_prefixes)
		return inner_put_trie(at, "pc_rules_inner", p->key_rules,
				      p->n_key_rules);
	inner_close(at->known);
	return inner_share(at->outer, at->slot, m->of[!at->slot].key_rules);
}

/* What is in tries and hashes; *inner is the caller's, also of what failed. */
static int put_inner(struct maps_inner *inner, struct maps *m, uint32_t slot,
		     const struct policy *p)
{
	struct maps_inner was = swap(m, slot, slot_none);
	const struct inner_place keys = { m->keys, slot, was.keys };
	const struct inner_place prefixes = { m->prefixes, slot, was.prefixes };
	const struct inner_place rules = { m->key_rules, slot, was.key_rules };

	/* Each on its own: where one fails, what is larger still goes. */
	inner->prefixes = inner_put_trie(&prefixes, "pc_prefix_inner",
					 p->prefixes, p->n_prefixes);
	inner->key_rules = put_key_rules(m, &rules, p);
	inner->keys = put_keys(m, &keys, p);
	if (inner->prefixes < 0)
		return inner->prefixes;
	if (inner->key_rules < 0)
		return inner->key_rules;
	return inner->keys < 0 ? inner->keys : 0;
}

uint64_t slot_last_generation(const struct maps *m, uint32_t slot)
{
	const struct pc_policy *head = &m->policies[slot];

	return head->generation ? head->generation : head->gone;
}

/* The header first: without it the slot is no policy. */
static void forget(struct pc_policy *head, uint64_t gone)
{
	/* A run that is killed in between leaves the number, here or there. */
	__atomic_store_n(&head->gone, gone, __ATOMIC_RELEASE);
	memset(head, 0, offsetof(struct pc_policy, gone));
}

void slot_retire(struct maps *m, uint32_t slot)
{
	uint32_t n_lines = m->policies[!slot].image.n_lines;
	struct maps_inner inner = slot_none;
	struct policy empty = { 0 };

	forget(&m->policies[slot], slot_last_generation(m, slot));
	slot_drop_spare(m);
	m->spare = chunks_clear(m->image, slot, n_lines);
	put_inner(&inner, m, slot, &empty);
	slot_keep(m, slot, inner);
}

int slot_fill(struct maps *m, uint32_t slot, const struct policy *p)
{
	struct maps_inner inner = slot_none;
	int rc = put_inner(&inner, m, slot, p);

	slot_keep(m, slot, inner);
	if (!rc)
		rc = chunks_put(m->image, slot, &p->image, m->spare);
	slot_drop_spare(m);
	if (!rc)
		rc = put_lists(m, slot, p);
	return rc ? rc : put_answers(m, slot, p);
}
