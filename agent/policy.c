// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshot and operator lists to one generation of maps.  Everything the kernel
 * will hold is built here in memory; nothing here reads, writes or asks the
 * time, so the same inputs always give the same policy.
 */
#include "policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "addresses.h"
#include "answer.h"
#include "decide.h"
#include "hostwide.h"
#include "timestamp.h"
#include "text.h"

#define DAY_NS ((int64_t)86400 * 1000000000)

/* A policy in the making. */
struct build {
	const struct snapshot *s;
	const struct policy_options *opt;
	struct rulesets *sets;
	bool *live; /* by rule set: has it a live key? */
	struct policy p;
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
	struct policy_summary *sum = &b->p.summary;
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
	struct policy_summary *sum = &b->p.summary;
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
	b->p.keys = calloc(n + 1, sizeof(*b->p.keys));
	b->live = calloc(n + 1, sizeof(*b->live));
	if (!b->p.keys || !b->live)
		return -ENOMEM;
	b->p.summary.n_not_found = b->s->n_not_found;
	for (size_t i = 0; !err && i < n; i++) {
		const struct entry *e = &b->s->entries[i];
		struct policy_key *k = &b->p.keys[b->p.n_keys];

		b->p.summary.n_not_found += e->not_found;
		if (e->not_found)
			continue;
		k->digest = e->digest;
		decide_key(&k->value, e);
		if (!e->has_user)
			summary_warn(&b->p.summary, WARNING_USER,
				     "key %lld: its entry has no user",
				     (long long)e->key_id);
		err = compile_rules(b, &k->value, e);
		if (!err)
			count_key(b, &k->value);
		b->p.n_keys++;
	}
	b->p.summary.n_entries = b->p.n_keys + b->p.summary.n_not_found;
	return err;
}

struct policy_prefix policy_prefix_of(uint32_t set, const struct prefix *p,
				      enum pc_reason reason, uint32_t source)
{
	struct policy_prefix out = {
		.key.len = PC_SCOPE_LEN + p->len,
		.key.scope = htonl(PC_SCOPE(set, p->family == AF_INET6)),
		.value = { .reason = reason, .source = source },
	};

	memcpy(out.key.addr, p->addr, sizeof(out.key.addr));
	return out;
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
	struct policy *p = &b->p;
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

static int compile_prefixes(struct build *b)
{
	struct prefix_list wide = { NULL, 0 };
	int err = hostwide_find(&wide, &b->p.summary, b->opt, b->sets, b->live);

	if (!err)
		err = addresses_compile(&b->p, b->s, b->opt, &wide);
	free(wide.items);
	return err;
}

/* Both forms; one the gateway never gives stays empty. */
static int compile_answer(struct build *b, enum pc_reason r, enum pc_dialect d)
{
	int err = 0;

	for (int closing = 0; !err && closing < 2; closing++)
		err = answer_compile(
			&b->p.answers[PC_ANSWER_INDEX(0, r, d, closing)],
			b->opt->profile, d, r, closing);
	return err == -ENOENT ? 0 : err;
}

static int compile_answers(struct build *b)
{
	int err = 0;

	b->p.answers =
		calloc(PC_ANSWER_INDEX(1, 0, 0, 0), sizeof(*b->p.answers));
	if (!b->p.answers)
		return -ENOMEM;
	for (int r = 0; r < PC_R_MAX; r++) {
		if (reason_class(r) != PC_CLASS_DENY)
			continue;
		for (int d = 0; !err && d < PC_DIALECT_MAX; d++)
			err = compile_answer(b, r, d);
	}
	return err;
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
int64_t policy_complete_until(const struct snapshot *s, uint64_t lease_ns,
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
	until_ns = policy_complete_until(b->s, opt->lease_ns, opt->now_ns);
	if (!until_ns)
		summary_warn(&b->p.summary, WARNING_COMPLETE,
			     "unknown keys pass: the snapshot %s",
			     b->s->complete
				     ? "has no keys"
				     : "does not say that it is complete");
	else if (until_ns <= opt->now_ns)
		summary_warn(&b->p.summary, WARNING_COMPLETE,
			     "unknown keys pass: the snapshot, made at %s, is "
			     "older than the lease",
			     timestamp_print(made_ns(b->s, opt->now_ns), when));
	return until_ns;
}

static void compile_head(struct build *b)
{
	const struct policy_options *opt = b->opt;
	struct pc_policy *head = &b->p.head;

	head->generation = opt->generation;
	head->loaded_ns = opt->now_ns;
	head->n_entries = b->p.summary.n_entries;
	head->n_keys = b->p.n_keys;
	head->n_rule_prefixes = b->p.n_key_rules;
	/* Lists, that is: the gateway's own addresses are not one. */
	head->n_prefixes = b->p.summary.n_prefixes[PC_SET_ALLOW] +
			   b->p.summary.n_prefixes[PC_SET_PROXY] +
			   b->p.summary.n_blocked;
	head->image = b->p.image.head;
	head->whole_host = opt->whole_host;
	head->offend_after = opt->offend_after;
	head->offend_window_ns = opt->offend_window_ns;
	head->n_rule_sets = rulesets_count(b->sets);
	head->profile = opt->profile;
	head->run_mode = opt->run_mode;
	head->monitor = opt->monitor;
	/* The seed believes forwarding headers from anyone, whatever it is
	 * told.
	 */
	head->trust_forwarded =
		opt->trust_forwarded || opt->profile == PC_PROFILE_SEED;
	head->custom_forwarded = opt->custom_forwarded;
	memset(head->deny, opt->deny, PC_R_MAX);
	for (int r = 0; r < PC_R_MAX; r++) {
		if (opt->deny_of[r])
			head->deny[r] = opt->deny_of[r] - 1;
	}
	head->complete_until_ns = complete_until(b);
	if (opt->source)
		strncpy(head->source, opt->source, sizeof(head->source) - 1);
	text_to_ascii(head->source);
	for (size_t i = 0; i < opt->n_ports; i++)
		head->ports[opt->ports[i] / 8] |= 1u << opt->ports[i] % 8;
}

static void warn_age(struct build *b)
{
	char made[TIMESTAMP_STRLEN];
	int64_t at_ns = b->s->generated_ns;

	/* Both are moments since 1970: the difference cannot overflow. */
	if (at_ns > 0 && b->opt->now_ns - at_ns > DAY_NS)
		summary_warn(&b->p.summary, WARNING_AGE,
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
	size_t n = b->p.n_keys;
	int64_t *ids = calloc(n + 1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		ids[i] = b->p.keys[i].value.key_id;
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < n; i++) {
		if (ids[i] == ids[i - 1])
			summary_warn(&b->p.summary, WARNING_DUPLICATE,
				     "key %lld: several entries have this id",
				     (long long)ids[i]);
	}
	free(ids);
	return 0;
}

int policy_compile(struct policy *out, const struct snapshot *s,
		   const struct policy_options *opt)
{
	struct build b = { .s = s, .opt = opt, .sets = rulesets_new() };
	int err = b.sets ? compile_keys(&b) : -ENOMEM;

	if (!err)
		err = compile_key_rules(&b);
	if (!err)
		err = compile_prefixes(&b);
	if (!err)
		err = compile_answers(&b);
	if (!err)
		err = warn_duplicates(&b);
	if (!err) {
		warn_age(&b);
		compile_head(&b);
		*out = b.p;
	} else {
		policy_fini(&b.p);
	}
	rulesets_free(b.sets);
	free(b.live);
	return err;
}

void policy_fini(struct policy *p)
{
	free(p->keys);
	free(p->key_rules);
	free(p->prefixes);
	free(p->answers);
	free(p->lists);
	image_fini(&p->image);
	memset(p, 0, sizeof(*p));
}

char *policy_print(const struct policy *p)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	summary_print(f, &p->summary);
	fclose(f);
	return text;
}
