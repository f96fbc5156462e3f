// SPDX-License-Identifier: GPL-2.0-only
#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "hostwide.h"
#include "timestamp.h"

#define DAY_NS ((int64_t)86400 * 1000000000)

/* The keys of a policy in the making. */
struct build {
	const struct snapshot *s;
	const struct policy_options *opt;
	struct rulesets *sets;
	bool *live; /* by rule set: has it a live key? */
	struct policy *p;
};

/* Would a plain request pass now, address and subscription aside? */
static enum pc_reason judge_key(const struct build *b, const struct pc_key *k)
{
	struct pc_question q = {
		.now_ns = b->opt->now_ns,
		.profile = b->opt->profile,
		.variant = PC_VARIANT_MAIN,
		.run_mode = b->opt->run_mode,
		.address = PC_ADDRESS_ALLOWED,
		.subscription = PC_SUBSCRIPTION_GOOD,
	};

	return pc_verdict(k, &q);
}

static void count_key(struct build *b, const struct pc_key *k)
{
	struct policy_summary *sum = &b->p->summary;
	enum pc_reason reason = judge_key(b, k);

	sum->n_with_rules += !!k->rule_set;
	if (reason != PC_R_KEY_LIVE) {
		sum->refused[reason]++;
		return;
	}
	sum->n_live++;
	b->live[k->rule_set] = true;
}

static int compile_rules(struct build *b, struct pc_key *k,
			 const struct entry *e)
{
	struct policy_summary *sum = &b->p->summary;
	struct ruleset_waste waste;
	struct ruleset r;
	int err = ruleset_parse(&r, &waste, b->opt->profile, e->blacklist,
				e->whitelist);

	if (err)
		return err;
	summary_warn_rules(sum, e->key_id, &r, &waste);
	if (r.has_white)
		k->facts |= PC_F_WHITELIST;
	if (ruleset_refuses(&r))
		return rulesets_intern(&k->rule_set, b->sets, &r);
	ruleset_fini(&r);
	return 0;
}

static int compile_keys(struct build *b)
{
	size_t n = b->s->n_entries;
	int err = 0;

	if (n > POLICY_MAX)
		return -E2BIG;
	b->p->keys = calloc(n + 1, sizeof(*b->p->keys));
	b->live = calloc(n + 1, sizeof(*b->live));
	if (!b->p->keys || !b->live)
		return -ENOMEM;
	b->p->summary.n_not_found = b->s->n_not_found;
	for (size_t i = 0; !err && i < n; i++) {
		const struct entry *e = &b->s->entries[i];
		struct policy_key *k = &b->p->keys[b->p->n_keys];

		b->p->summary.n_not_found += e->not_found;
		if (e->not_found)
			continue;
		k->digest = e->digest;
		decide_key(&k->value, e);
		if (!e->has_user)
			summary_warn(&b->p->summary, WARNING_USER,
				     "key %lld: its entry has no user",
				     (long long)e->key_id);
		err = compile_rules(b, &k->value, e);
		if (!err)
			count_key(b, &k->value);
		b->p->n_keys++;
	}
	b->p->summary.n_entries = b->p->n_keys + b->p->summary.n_not_found;
	return err;
}

static void add_rules(struct policy *p, uint32_t set,
		      const struct prefix_list *list, enum pc_reason reason,
		      uint32_t number)
{
	for (size_t i = 0; i < list->n; i++)
		p->key_rules[p->n_key_rules++] =
			policy_prefix_of(set, &list->items[i], reason, number);
}

static int compile_key_rules(struct build *b)
{
	uint32_t n_sets = rulesets_count(b->sets);
	struct policy *p = b->p;
	size_t n = 0;

	for (uint32_t i = 1; i <= n_sets; i++) {
		const struct ruleset *r = rulesets_find(b->sets, i);

		n += r->black.n + r->white.n;
	}
	if (n > POLICY_MAX)
		return -E2BIG;
	p->key_rules = calloc(n + 1, sizeof(*p->key_rules));
	if (!p->key_rules)
		return -ENOMEM;
	for (uint32_t i = 1; i <= n_sets; i++) {
		const struct ruleset *r = rulesets_find(b->sets, i);

		add_rules(p, PC_BLACK_SET(i), &r->black, PC_R_ADDRESS_DENIED,
			  i);
		add_rules(p, PC_WHITE_SET(i), &r->white, PC_R_KEY_LIVE, i);
	}
	p->summary.n_rule_sets = n_sets;
	p->summary.n_rule_prefixes = n;
	return 0;
}

static int64_t made_ns(const struct snapshot *s, int64_t now_ns)
{
	return s->generated_ns <= 0 || s->generated_ns > now_ns
		       ? now_ns
		       : s->generated_ns;
}

/*
 * A snapshot without a single key is more likely a failed export than a gateway
 * with no customers.
 */
int64_t keys_complete_until(const struct snapshot *s, uint64_t lease_ns,
			    int64_t now_ns)
{
	int64_t until_ns;

	if (!s->complete || !s->n_entries)
		return 0;
	if (!lease_ns ||
	    __builtin_add_overflow(made_ns(s, now_ns), lease_ns, &until_ns))
		return PC_NEVER;
	return until_ns;
}

static int64_t complete_until(struct build *b)
{
	const struct policy_options *opt = b->opt;
	char when[TIMESTAMP_STRLEN];
	int64_t until_ns;

	if (!opt->deny_unknown)
		return 0;
	until_ns = keys_complete_until(b->s, opt->lease_ns, opt->now_ns);
	if (!until_ns)
		summary_warn(&b->p->summary, WARNING_COMPLETE,
			     "unknown keys pass: the snapshot %s",
			     b->s->complete
				     ? "has no keys"
				     : "does not say that it is complete");
	else if (until_ns <= opt->now_ns)
		summary_warn(&b->p->summary, WARNING_COMPLETE,
			     "unknown keys pass: the snapshot, made at %s, is "
			     "older than the lease",
			     timestamp_print(made_ns(b->s, opt->now_ns), when));
	return until_ns;
}

static void warn_age(struct build *b)
{
	char made[TIMESTAMP_STRLEN];
	int64_t at_ns = b->s->generated_ns;

	/* Both are moments since 1970: the difference cannot overflow. */
	if (at_ns > 0 && b->opt->now_ns - at_ns > DAY_NS)
		summary_warn(&b->p->summary, WARNING_AGE,
			     "the snapshot is old: it was made at %s",
			     timestamp_print(at_ns, made));
}

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int warn_duplicates(struct build *b)
{
	size_t n = b->p->n_keys;
	int64_t *ids = calloc(n + 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		ids[i] = b->p->keys[i].value.key_id;
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < n; i++) {
		if (ids[i] == ids[i - 1])
			summary_warn(&b->p->summary, WARNING_DUPLICATE,
				     "key %lld: several entries have this id",
				     (long long)ids[i]);
	}
	free(ids);
	return 0;
}

static int parse_header(struct build *b)
{
	struct policy_base *base = &b->p->base;
	struct ruleset_waste waste = { 0, NULL };
	char quote[SUMMARY_QUOTE_SIZE];
	int err = ruleset_parse_list(&base->allow, &waste, b->opt->profile,
				     b->s->ip_allowlist);

	if (!err)
		err = ruleset_parse_list(&base->block, &waste, b->opt->profile,
					 b->s->ip_blacklist);
	for (size_t i = 0; !err && i < waste.n; i++)
		summary_warn(
			&b->p->summary, WARNING_PATTERN,
			"the snapshot's header: pattern %s matches nothing",
			summary_quote(quote, waste.first));
	return err;
}

/* What does not change until there are other keys. */
static void fill_base(struct build *b)
{
	struct policy_base *base = &b->p->base;

	base->made_ns = b->opt->now_ns;
	base->n_keys = b->p->n_keys;
	base->n_rule_prefixes = b->p->n_key_rules;
	base->complete_until_ns = complete_until(b);
	base->summary = b->p->summary;
}

static int compile(struct build *b)
{
	struct policy *p = b->p;
	int err = compile_keys(b);

	if (!err)
		err = compile_key_rules(b);
	if (!err)
		err = hostwide_find(&p->base.wide, &p->summary, b->opt, b->sets,
				    b->live);
	if (!err)
		err = parse_header(b);
	if (!err)
		err = warn_duplicates(b);
	if (err)
		return err;
	warn_age(b);
	fill_base(b);
	return 0;
}

int keys_compile(struct policy *p, const struct snapshot *s,
		 const struct policy_options *opt)
{
	struct build b = { .s = s, .opt = opt, .sets = rulesets_new(), .p = p };
	int err = b.sets ? compile(&b) : -ENOMEM;

	rulesets_free(b.sets);
	free(b.live);
	return err;
}
