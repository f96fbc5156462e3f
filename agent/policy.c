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
#include "keys.h"
#include "text.h"

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

/* Both forms; one the gateway never gives stays empty. */
static int compile_answer(struct policy *p, uint8_t profile, enum pc_reason r,
			  enum pc_dialect d)
{
	int err = 0;

	for (int closing = 0; !err && closing < 2; closing++)
		err = answer_compile(
			&p->answers[PC_ANSWER_INDEX(0, r, d, closing)], profile,
			d, r, closing);
	return err == -ENOENT ? 0 : err;
}

static int compile_answers(struct policy *p, uint8_t profile)
{
	int err = 0;

	p->answers = calloc(PC_ANSWER_INDEX(1, 0, 0, 0), sizeof(*p->answers));
	if (!p->answers)
		return -ENOMEM;
	for (int r = 0; r < PC_R_MAX; r++) {
		if (reason_class(r) != PC_CLASS_DENY)
			continue;
		for (int d = 0; !err && d < PC_DIALECT_MAX; d++)
			err = compile_answer(p, profile, r, d);
	}
	return err;
}

static void compile_head(struct policy *p, const struct policy_base *base,
			 const struct policy_options *opt)
{
	struct pc_policy *head = &p->head;

	head->generation = opt->generation;
	head->loaded_ns = opt->now_ns;
	head->n_entries = p->summary.n_entries;
	head->n_keys = base->n_keys;
	head->n_rule_prefixes = base->n_rule_prefixes;
	/* Lists, that is: the gateway's own addresses are not one. */
	head->n_prefixes = p->summary.n_prefixes[PC_SET_ALLOW] +
			   p->summary.n_prefixes[PC_SET_PROXY] +
			   p->summary.n_blocked;
	head->image = p->image.head;
	head->whole_host = opt->whole_host;
	head->offend_after = opt->offend_after;
	head->offend_window_ns = opt->offend_window_ns;
	head->n_rule_sets = (uint32_t)p->summary.n_rule_sets;
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
	head->complete_until_ns = base->complete_until_ns;
	if (opt->source)
		strncpy(head->source, opt->source, sizeof(head->source) - 1);
	text_to_ascii(head->source);
	for (size_t i = 0; i < opt->n_ports; i++)
		head->ports[opt->ports[i] / 8] |= 1u << opt->ports[i] % 8;
}

/* All but the keys' part. */
static int compile_rest(struct policy *p, const struct policy_base *base,
			const struct policy_options *opt)
{
	int err = addresses_compile(p, base, opt);

	if (!err)
		err = compile_answers(p, opt->profile);
	if (!err)
		compile_head(p, base, opt);
	return err;
}

int policy_compile(struct policy *out, const struct snapshot *s,
		   const struct policy_options *opt)
{
	struct policy p = { 0 };
	int err = keys_compile(&p, s, opt);

	if (!err)
		err = compile_rest(&p, &p.base, opt);
	if (err)
		policy_fini(&p);
	else
		*out = p;
	return err;
}

int policy_renew(struct policy *out, const struct policy_base *base,
		 const struct policy_options *opt)
{
	struct policy p = { .keys_stay = true, .summary = base->summary };
	int err = compile_rest(&p, base, opt);

	if (err)
		policy_fini(&p);
	else
		*out = p;
	return err;
}

void policy_base_fini(struct policy_base *base)
{
	free(base->allow.items);
	free(base->block.items);
	free(base->wide.items);
	*base = (struct policy_base){ 0 };
}

bool policy_base_holds(const struct policy_base *base, int64_t now_ns)
{
	return base->made_ns && (!base->wide.n || now_ns >= base->made_ns);
}

void policy_fini(struct policy *p)
{
	free(p->keys);
	free(p->key_rules);
	free(p->prefixes);
	free(p->answers);
	free(p->lists);
	image_fini(&p->image);
	policy_base_fini(&p->base);
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
