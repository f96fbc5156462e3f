// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts the pieces of a decision together: who asks, with which key, from where.
 * The order of checks on a known key is bpf/verdict.h's and nobody else's.
 */
#include "decide.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "client.h"
#include "credential.h"
#include "path.h"
#include "query.h"

#define HOUR_NS (3600LL * 1000000000)

/* The decoded path, as much of it as matters, and its whole size. */
static int decode_path(uint8_t look[static PC_PATH_LOOK], size_t *size,
		       const char *path)
{
	char *decoded = NULL;
	int err = 0;

	/* Nearly always there is nothing to decode. */
	if (strchr(path, '%'))
		err = query_decode_path(&decoded, path);
	if (err)
		return err;
	if (decoded)
		path = decoded;
	*size = strlen(path);
	memset(look, 0, PC_PATH_LOOK);
	memcpy(look, path, *size < PC_PATH_LOOK ? *size : PC_PATH_LOOK);
	free(decoded);
	return 0;
}

uint32_t decide_path(bool *routed, uint8_t profile, const char *method,
		     const char *path)
{
	uint8_t look[PC_PATH_LOOK];
	bool get = !strcmp(method, "GET");
	size_t size;

	if (routed)
		*routed = false;
	if (decode_path(look, &size, path))
		return 0;
	if (routed)
		*routed = (get || !strcmp(method, "POST")) &&
			  pc_path_routed(look, (uint32_t)size, profile, get);
	return pc_path_classify(look, (uint32_t)size, profile);
}

static uint32_t group_facts(const struct entry *e)
{
	uint32_t facts = 0;

	if (e->has_group && e->group_subscription)
		facts |= PC_F_SUBSCRIPTION;
	/* Without an id the gateway looks at no group at all. */
	if (!e->has_group_id)
		return facts;
	if (!e->has_group || e->group_status == GROUP_DELETED)
		return facts | PC_F_GROUP_DELETED;
	if (e->group_status != GROUP_ACTIVE)
		facts |= PC_F_GROUP_INACTIVE;
	if (e->group_exclusive && !e->group_subscription && !e->group_allowed)
		facts |= PC_F_GROUP_FORBIDDEN;
	return facts;
}

void decide_key(struct pc_key *out, const struct entry *e)
{
	uint32_t facts = group_facts(e);

	if (e->quota_nusd > 0 && e->quota_used_nusd >= e->quota_nusd)
		facts |= PC_F_QUOTA_REACHED;
	if (!e->has_user)
		facts |= PC_F_USER_MISSING;
	else if (!e->user_active)
		facts |= PC_F_USER_INACTIVE;
	if (e->balance_nusd <= 0)
		facts |= PC_F_BALANCE_EMPTY;
	*out = (struct pc_key){
		.expires_ns = e->expires_ns,
		.key_id = e->key_id,
		.facts = (__u16)facts,
		.status = e->status,
	};
}

/* An error as the gateway's error type prints itself. */
static enum pc_subscription refuse(char *detail, enum pc_subscription state,
				   const char *reason, const char *message)
{
	if (detail)
		snprintf(
			detail, DECIDE_TEXT_SIZE,
			"error: code=%d reason=\"%s\" message=\"%s\" metadata=map[]",
			state == PC_SUBSCRIPTION_OVER_LIMIT ? 429 : 403, reason,
			message);
	return state;
}

/* Usage counts until its window has run out; one that never began is no end. */
static bool over_limit(int64_t used_nusd, int64_t limit_nusd, int64_t start_ns,
		       int64_t window_ns, int64_t now_ns)
{
	int64_t age_ns;

	if (limit_nusd <= 0 || used_nusd <= limit_nusd)
		return false;
	if (!start_ns)
		return true;
	if (__builtin_sub_overflow(now_ns, start_ns, &age_ns))
		return start_ns > now_ns;
	return age_ns < window_ns;
}

static enum pc_subscription row_limits(const struct subscription *s,
				       const struct entry *e, int64_t now_ns,
				       char *detail)
{
	if (over_limit(s->daily_nusd, e->daily_limit_nusd, s->daily_start_ns,
		       24 * HOUR_NS, now_ns))
		return refuse(detail, PC_SUBSCRIPTION_OVER_LIMIT,
			      "DAILY_LIMIT_EXCEEDED",
			      "daily usage limit exceeded");
	if (over_limit(s->weekly_nusd, e->weekly_limit_nusd, s->weekly_start_ns,
		       7 * 24 * HOUR_NS, now_ns))
		return refuse(detail, PC_SUBSCRIPTION_OVER_LIMIT,
			      "WEEKLY_LIMIT_EXCEEDED",
			      "weekly usage limit exceeded");
	if (over_limit(s->monthly_nusd, e->monthly_limit_nusd,
		       s->monthly_start_ns, 30 * 24 * HOUR_NS, now_ns))
		return refuse(detail, PC_SUBSCRIPTION_OVER_LIMIT,
			      "MONTHLY_LIMIT_EXCEEDED",
			      "monthly usage limit exceeded");
	return PC_SUBSCRIPTION_GOOD;
}

enum pc_subscription decide_subscription(const struct subscription *sub,
					 const struct entry *e, int64_t now_ns,
					 char detail[DECIDE_TEXT_SIZE])
{
	if (!sub || sub->known == SUBSCRIPTION_UNKNOWN)
		return PC_SUBSCRIPTION_UNSURE;
	if (sub->known == SUBSCRIPTION_NONE)
		return PC_SUBSCRIPTION_MISSING;
	if (sub->status == ROW_SUSPENDED)
		return refuse(detail, PC_SUBSCRIPTION_INVALID,
			      "SUBSCRIPTION_SUSPENDED",
			      "subscription is suspended");
	/* A status the gateway does not know is not held against the row. */
	if (sub->status == ROW_EXPIRED || now_ns > sub->expires_ns)
		return refuse(detail, PC_SUBSCRIPTION_INVALID,
			      "SUBSCRIPTION_EXPIRED",
			      "subscription has expired");
	return row_limits(sub, e, now_ns, detail);
}

static enum pc_reason check_entry(struct decision *d,
				  const struct decide_config *cfg,
				  const struct decide_request *req,
				  const struct decide_found *found,
				  uint32_t flags)
{
	const struct entry *e = found->entry;
	struct pc_question q = {
		.now_ns = req->now_ns,
		.profile = cfg->profile,
		.variant = req->variant,
		.run_mode = cfg->run_mode,
		.exempt = flags & PC_P_EXEMPT || (flags & PC_P_EXEMPT_GET &&
						  !strcmp(req->method, "GET")),
		.address = PC_ADDRESS_ALLOWED,
	};
	enum pc_reason reason;
	struct pc_key key;

	if (!client_allowed(cfg->profile, d->client, e->whitelist,
			    e->blacklist))
		q.address = PC_ADDRESS_REFUSED;
	q.subscription = (__u8)decide_subscription(found->sub, e, req->now_ns,
						   d->detail);
	decide_key(&key, e);
	reason = pc_verdict(&key, &q);
	/* Who is not billed has no windows either. */
	if (reason != PC_R_KEY_LIVE || found->over == PC_NEXT || q.exempt ||
	    q.run_mode == PC_RUN_SIMPLE)
		return reason;
	return found->over;
}

/* What the gateway says of the key it was given; PC_NEXT: it is known. */
static enum pc_reason find_entry(struct decide_found *out, uint8_t profile,
				 const struct credential *c,
				 decide_lookup *lookup, void *arg)
{
	int err = lookup(out, c->key, c->size, arg);

	if (err == -ENOENT || (!err && out->entry->not_found))
		return PC_R_KEY_INVALID;
	/* The seed has no slots to run out of: any trouble is a failure. */
	if (err == -EBUSY && profile != PC_PROFILE_SEED)
		return PC_R_LOOKUP_BUSY;
	return err ? PC_R_LOOKUP_FAILED : PC_NEXT;
}

void decide(struct decision *out, const struct decide_config *cfg,
	    const struct decide_request *req, decide_lookup *lookup, void *arg)
{
	uint32_t flags =
		decide_path(NULL, cfg->profile, req->method, req->path);
	/* What stands when there is no memory to read the credential. */
	struct decision d = { .reason = PC_R_LOOKUP_FAILED };
	struct decide_found found = { .over = PC_NEXT };
	struct credential c;

	client_address(d.client, cfg, req);
	if (!credential_find(&c, cfg, req)) {
		d.reason = c.reason;
		if (d.reason == PC_NEXT)
			d.reason = find_entry(&found, cfg->profile, &c, lookup,
					      arg);
		if (d.reason == PC_NEXT)
			d.reason = check_entry(&d, cfg, req, &found, flags);
		credential_fini(&c);
	}
	if (d.reason != PC_R_SUBSCRIPTION_INVALID &&
	    d.reason != PC_R_USAGE_LIMIT)
		d.detail[0] = '\0';
	d.dialect = answer_dialect(cfg->profile, req->variant, flags, d.reason);
	*out = d;
}
