/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scanned head to a verdict: is it a request that a key decides, which key,
 * and what does the gateway's order of checks say of it?  Changes no packet and
 * no flow.
 */
#ifndef PC_JUDGE_BPF_H
#define PC_JUDGE_BPF_H

#include "clock.bpf.h"
#include "digest.bpf.h"
#include "path.h"
#include "prefix.bpf.h"
#include "request.bpf.h"
#include "verdict.h"

struct pc_judgement {
	enum pc_reason reason;
	enum pc_dialect dialect;
};

static __always_inline int is_denial(enum pc_reason r)
{
	switch (r) {
#define X(id, name, class) \
	case PC_R_##id:    \
		return PC_CLASS_##class == PC_CLASS_DENY;
		PC_REASONS(X)
#undef X
	default:
		return 0;
	}
}

/*
 * How the key's rules judge the packet's source.  It is the client for certain
 * only if no proxy the gateway trusts could have put another one in its place.
 */
static __always_inline enum pc_address judge_address(const struct pc_request *f,
						     const struct pc_key *key)
{
	const struct pc_policy *policy = f->policy;
	const struct pc_pkt *p = &f->s->pkt;
	void *hosts, *rules;

	if (!key->rule_set)
		return PC_ADDRESS_ALLOWED;
	if (policy->trust_forwarded &&
	    (f->s->scan.head.flags & PC_H_FORWARDED ||
	     policy->custom_forwarded))
		return PC_ADDRESS_UNSURE;
	hosts = bpf_map_lookup_elem(&pc_prefixes, &f->slot);
	rules = bpf_map_lookup_elem(&pc_key_rules, &f->slot);
	if (!hosts || !rules ||
	    prefix_find(hosts, PC_SET_PROXY, p->is_v6, p->saddr))
		return PC_ADDRESS_UNSURE;
	if (prefix_find(rules, PC_BLACK_SET(key->rule_set), p->is_v6, p->saddr))
		return PC_ADDRESS_REFUSED;
	if (key->facts & PC_F_WHITELIST &&
	    !prefix_find(rules, PC_WHITE_SET(key->rule_set), p->is_v6,
			 p->saddr))
		return PC_ADDRESS_REFUSED;
	return PC_ADDRESS_ALLOWED;
}

static __always_inline struct pc_key *find_key(const struct pc_request *f)
{
	void *keys = bpf_map_lookup_elem(&pc_keys, &f->slot);

	return keys ? bpf_map_lookup_elem(keys, &f->s->digest) : NULL;
}

static __always_inline enum pc_dialect judge_dialect(__u32 path,
						     enum pc_reason r)
{
	if (path & PC_P_GOOGLE)
		return PC_DIALECT_GOOGLE;
	return path & PC_P_OPENAI && r == PC_R_KEY_EXHAUSTED ? PC_DIALECT_OPENAI
							     : PC_DIALECT_STD;
}

/* PC_NEXT when the request is one whose key decides, with PC_P_* in *path. */
static __always_inline enum pc_reason judge_target(const struct pc_request *f,
						   __u32 *path)
{
	const struct pc_scan *s = &f->s->scan;
	const struct pc_head *h = &s->head;

	if (h->method != PC_METHOD_GET && h->method != PC_METHOD_POST)
		return PC_R_OTHER_METHOD;
	if (h->flags & PC_H_UPGRADE)
		return PC_R_UPGRADE;
	if (!h->path.size)
		return s->target.bad == PC_R_TARGET_FORM ? PC_R_TARGET_FORM
							 : PC_R_PATH_UNSURE;
	*path = pc_path_for(h->path_class, f->policy->profile);
	return *path & PC_P_GUARDED ? PC_NEXT : PC_R_OTHER_PATH;
}

/* No check of any order objects to such a key, whenever and wherever from. */
static __always_inline int is_faultless(const struct pc_key *key)
{
	return key->status == PC_STATUS_ACTIVE && !key->facts &&
	       !key->rule_set && key->expires_ns == PC_NEVER;
}

/*
 * Do denials still hold, and, where it matters, what time is it?  Reading a
 * clock costs as much as a lookup.
 */
static __always_inline enum pc_reason judge_time(struct pc_question *q,
						 int matters)
{
	struct pc_clock *clock;
	__u32 zero = 0;

	clock = bpf_map_lookup_elem(&pc_clock, &zero);
	if (!clock ||
	    (clock->lease_ns && bpf_ktime_get_boot_ns() > clock->lease_ns))
		return PC_R_LEASE_LAPSED;
	if (matters)
		q->now_ns = now_ns(clock);
	return PC_NEXT;
}

/* Is there certainly a route, and so a middleware that asks for a key? */
PC_GLOBAL int judge_routed(struct pc_scratch *s, __u32 profile)
{
	const struct pc_head *h;

	if (!s)
		return 0;
	h = &s->scan.head;
	return pc_path_routed(s->scan.buf + (h->path.at & PC_HEAD_MASK),
			      h->path.size, profile,
			      h->method == PC_METHOD_GET);
}

/* A key that is not in the map: does it exist? */
static __always_inline enum pc_reason judge_unknown(const struct pc_request *f,
						    struct pc_question *q,
						    struct pc_span key)
{
	enum pc_reason r = judge_time(q, 1);
	struct pc_scratch *s = f->s;

	if (r != PC_NEXT)
		return r;
	if (q->now_ns >= f->policy->complete_until_ns ||
	    !pc_head_key_plain(&s->scan, &s->query, key.at, key.size))
		return PC_R_KEY_UNKNOWN;
	return PC_R_KEY_INVALID;
}

static __always_inline enum pc_reason judge_found(const struct pc_request *f,
						  struct pc_question *q,
						  struct pc_span span)
{
	enum pc_reason r = digest_key(f->s, span.at, span.size);
	struct pc_key *key;

	if (r != PC_NEXT)
		return r;
	key = find_key(f);
	if (!key)
		return judge_unknown(f, q, span);
	if (is_faultless(key))
		return PC_R_KEY_LIVE;
	r = judge_time(q, key->expires_ns != PC_NEVER);
	if (r != PC_NEXT)
		return r;
	q->address = judge_address(f, key);
	return pc_verdict(key, q);
}

PC_GLOBAL __u32 judge_find(struct pc_scratch *s, __u32 profile, __u32 variant)
{
	struct pc_head_ask ask = { profile, variant };

	return s ? pc_head_key_find(&s->found, &s->scan, &s->query, ask)
		 : PC_R_NO_CREDENTIAL;
}

/* The verdict, were every path a route. */
static __always_inline enum pc_reason
judge_credential(const struct pc_request *f, struct pc_question *q)
{
	enum pc_reason found = judge_find(f->s, q->profile, q->variant), r;

	if (found == PC_NEXT)
		return judge_found(f, q, f->s->found);
	if (found == PC_R_KEY_UNKNOWN)
		return judge_unknown(f, q, f->s->found);
	if (!is_denial(found))
		return found;
	r = judge_time(q, 0);
	return r == PC_NEXT ? found : r;
}

static __noinline enum pc_reason judge_key(const struct pc_request *f,
					   __u32 path)
{
	struct pc_question q = {
		.profile = f->policy->profile,
		.run_mode = f->policy->run_mode,
		.variant = path & PC_P_GOOGLE ? PC_VARIANT_GOOGLE
					      : PC_VARIANT_MAIN,
		.exempt = !!(path & PC_P_EXEMPT) ||
			  (path & PC_P_EXEMPT_GET &&
			   f->s->scan.head.method == PC_METHOD_GET),
	};
	enum pc_reason r = judge_credential(f, &q);

	/* Who has no key that is known may be nobody the gateway would ask. */
	if ((r == PC_R_KEY_INVALID || r == PC_R_QUERY_KEY ||
	     r == PC_R_CREDENTIAL_MISSING) &&
	    !judge_routed(f->s, q.profile))
		return PC_R_ROUTE_UNSURE;
	return r;
}

static __always_inline struct pc_judgement
judge_head(const struct pc_request *f)
{
	struct pc_judgement j = {};
	__u32 path = 0;

	j.reason = judge_target(f, &path);
	if (j.reason == PC_NEXT)
		j.reason = judge_key(f, path);
	j.dialect = judge_dialect(path, j.reason);
	return j;
}

#endif /* PC_JUDGE_BPF_H */
