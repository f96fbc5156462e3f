// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address rules in one canonical form, so that equal rules are equal bytes and
 * a thousand keys with a tenant's office network cost one set.  A tree keeps
 * them: tenants choose the patterns, and a tree has no collisions to choose.
 */
#include "ruleset.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "pc_abi.h"
#include "span.h"

/* What the tree holds; the ruleset is the first member and the tree's key. */
struct numbered {
	struct ruleset rules;
	uint32_t number;
};

struct rulesets {
	void *tree;
	struct numbered **items; /* by number - 1 */
	size_t n;
};

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

/*
 * Sorts, and drops what an earlier prefix covers.  prefix_compare() puts a
 * prefix right before all that it contains.
 */
static void canonicalise(struct prefix_list *list)
{
	size_t n = 0;

	if (!list->n)
		return;
	qsort(list->items, list->n, sizeof(*list->items), compare_prefixes);
	for (size_t i = 1; i < list->n; i++) {
		if (!prefix_contains(&list->items[n], &list->items[i]))
			list->items[++n] = list->items[i];
	}
	list->n = n + 1;
}

/*
 * Later gateways trim a pattern, the seed takes it as it is.  0, -EINVAL: it
 * matches nothing, -ENOMEM.
 */
static int parse_pattern(struct prefix *out, uint8_t profile, const char *text)
{
	struct span s = span_of(text);
	char *copy;
	int err;

	if (profile != PC_PROFILE_SEED)
		s = span_trim(s);
	copy = strndup(s.text, s.size);
	if (!copy)
		return -ENOMEM;
	err = prefix_parse_pattern(out, copy);
	free(copy);
	return err;
}

int ruleset_parse_list(struct prefix_list *out, struct ruleset_waste *waste,
		       uint8_t profile, char *const *patterns)
{
	struct prefix_list list = { NULL, 0 };
	size_t n = 0;

	while (patterns && patterns[n])
		n++;
	if (n) {
		list.items = calloc(n, sizeof(*list.items));
		if (!list.items)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		int err = parse_pattern(&list.items[list.n], profile,
					patterns[i]);

		if (err == -ENOMEM) {
			free(list.items);
			return err;
		}
		if (!err)
			list.n++;
		else if (!waste->n++)
			waste->first = patterns[i];
	}
	canonicalise(&list);
	*out = list;
	return 0;
}

int ruleset_parse(struct ruleset *out, struct ruleset_waste *waste,
		  uint8_t profile, char *const *blacklist,
		  char *const *whitelist)
{
	struct ruleset r = { .has_white = whitelist && whitelist[0] };
	struct ruleset_waste w = { 0, NULL };
	int err = ruleset_parse_list(&r.black, &w, profile, blacklist);

	if (!err)
		err = ruleset_parse_list(&r.white, &w, profile, whitelist);
	if (err) {
		ruleset_fini(&r);
		return err;
	}
	*out = r;
	*waste = w;
	return 0;
}

void ruleset_fini(struct ruleset *r)
{
	free(r->black.items);
	free(r->white.items);
	*r = (struct ruleset){ 0 };
}

bool ruleset_refuses(const struct ruleset *r)
{
	return r->has_white || r->black.n;
}

static int compare_lists(const struct prefix_list *a,
			 const struct prefix_list *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = 0; i < a->n; i++) {
		int order = prefix_compare(&a->items[i], &b->items[i]);

		if (order)
			return order;
	}
	return 0;
}

static int compare_rulesets(const void *a, const void *b)
{
	const struct ruleset *x = a, *y = b;
	int order = x->has_white - y->has_white;

	if (!order)
		order = compare_lists(&x->black, &y->black);
	return order ? order : compare_lists(&x->white, &y->white);
}

struct rulesets *rulesets_new(void)
{
	return calloc(1, sizeof(struct rulesets));
}

/* The tree's nodes go by themselves; what they point to is in items too. */
static void keep(void *node)
{
	(void)node;
}

void rulesets_free(struct rulesets *all)
{
	if (!all)
		return;
	tdestroy(all->tree, keep);
	for (size_t i = 0; i < all->n; i++) {
		ruleset_fini(&all->items[i]->rules);
		free(all->items[i]);
	}
	free(all->items);
	free(all);
}

/* Makes room for one more, doubling. */
static int grow(struct rulesets *all)
{
	struct numbered **items;

	/* Full exactly when n is 0 or a power of two. */
	if (all->n & (all->n - 1))
		return 0;
	items = reallocarray(all->items, all->n ? 2 * all->n : 1,
			     sizeof(*items));
	if (!items)
		return -ENOMEM;
	all->items = items;
	return 0;
}

static int add(uint32_t *number, struct rulesets *all, const struct ruleset *r)
{
	struct numbered *new = malloc(sizeof(*new));

	if (!new || grow(all))
		goto fail;
	new->rules = *r;
	new->number = (uint32_t)all->n + 1;
	if (!tsearch(&new->rules, &all->tree, compare_rulesets))
		goto fail;
	all->items[all->n++] = new;
	*number = new->number;
	return 0;
fail:
	free(new);
	return -ENOMEM;
}

int rulesets_intern(uint32_t *number, struct rulesets *all, struct ruleset *r)
{
	/* A node points to its key, the first member of struct numbered. */
	struct numbered *const *node = tfind(r, &all->tree, compare_rulesets);
	int err = 0;

	if (node)
		*number = (*node)->number;
	else
		err = add(number, all, r);
	if (node || err)
		ruleset_fini(r);
	*r = (struct ruleset){ 0 };
	return err;
}

uint32_t rulesets_count(const struct rulesets *all)
{
	return (uint32_t)all->n;
}

const struct ruleset *rulesets_find(const struct rulesets *all, uint32_t number)
{
	return &all->items[number - 1]->rules;
}
