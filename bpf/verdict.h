/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict on a known key: which checks the gateway makes, in which order,
 * for each profile and middleware.  Plain C, compiled for BPF and natively; the
 * kernel, judge, explain and the policy compiler all run this table.
 *
 * It decides nothing about credentials, addresses or paths: it is told.
 */
#ifndef PC_VERDICT_H
#define PC_VERDICT_H

#include "loop.h"
#include "pc_abi.h"

/* In the order of the gateway's newest middleware; the tables say the rest. */
enum pc_check {
	PC_C_END,
	PC_C_STATUS_OTHER,
	PC_C_STATUS_INACTIVE, /* seed's Google middleware knows only active */
	PC_C_STATUS_EXHAUSTED,
	PC_C_STATUS_EXPIRED,
	PC_C_EXPIRY,
	PC_C_QUOTA,
	PC_C_ADDRESS,
	PC_C_USER_EXISTS,
	PC_C_USER_ACTIVE,
	PC_C_GROUP_EXISTS,
	PC_C_GROUP_ACTIVE,
	PC_C_GROUP_ALLOWED,
	PC_C_RUN_MODE, /* simple mode passes here */
	PC_C_EXEMPT,   /* billing-exempt paths pass here */
	PC_C_SUBSCRIPTION_EXISTS,
	PC_C_SUBSCRIPTION_VALID,
	PC_C_SUBSCRIPTION_LIMIT,
	PC_C_BALANCE,
	PC_C_MAX
};

#define PC_CHECKS 20 /* longest list below and its PC_C_END */

static const __u8 pc_checks[PC_PROFILE_MAX][PC_VARIANT_MAX][PC_CHECKS] = {
	[PC_PROFILE_SEED] = {
		[PC_VARIANT_MAIN] = {
			PC_C_STATUS_EXHAUSTED, PC_C_STATUS_EXPIRED,
			PC_C_STATUS_OTHER, PC_C_EXPIRY, PC_C_QUOTA,
			PC_C_ADDRESS, PC_C_USER_EXISTS, PC_C_USER_ACTIVE,
			PC_C_RUN_MODE, PC_C_SUBSCRIPTION_EXISTS,
			PC_C_SUBSCRIPTION_VALID, PC_C_SUBSCRIPTION_LIMIT,
			PC_C_BALANCE,
		},
		[PC_VARIANT_GOOGLE] = {
			PC_C_STATUS_INACTIVE, PC_C_USER_EXISTS,
			PC_C_USER_ACTIVE, PC_C_RUN_MODE,
			PC_C_SUBSCRIPTION_EXISTS, PC_C_SUBSCRIPTION_VALID,
			PC_C_SUBSCRIPTION_LIMIT, PC_C_BALANCE,
		},
	},
	[PC_PROFILE_V0_1_179] = {
		[PC_VARIANT_MAIN] = {
			PC_C_STATUS_OTHER, PC_C_ADDRESS, PC_C_USER_EXISTS,
			PC_C_USER_ACTIVE, PC_C_GROUP_EXISTS,
			PC_C_GROUP_ACTIVE, PC_C_GROUP_ALLOWED, PC_C_RUN_MODE,
			PC_C_EXEMPT, PC_C_SUBSCRIPTION_EXISTS,
			PC_C_STATUS_EXHAUSTED, PC_C_STATUS_EXPIRED,
			PC_C_EXPIRY, PC_C_QUOTA, PC_C_SUBSCRIPTION_VALID,
			PC_C_SUBSCRIPTION_LIMIT, PC_C_BALANCE,
		},
		[PC_VARIANT_GOOGLE] = {
			PC_C_STATUS_OTHER, PC_C_ADDRESS, PC_C_USER_EXISTS,
			PC_C_USER_ACTIVE, PC_C_GROUP_EXISTS,
			PC_C_GROUP_ACTIVE, PC_C_GROUP_ALLOWED, PC_C_RUN_MODE,
			PC_C_STATUS_EXHAUSTED, PC_C_STATUS_EXPIRED,
			PC_C_EXPIRY, PC_C_QUOTA, PC_C_SUBSCRIPTION_EXISTS,
			PC_C_SUBSCRIPTION_VALID, PC_C_SUBSCRIPTION_LIMIT,
			PC_C_BALANCE,
		},
	},
};

/* How the key's address rules judge the client. */
enum pc_address {
	PC_ADDRESS_UNSURE,  /* rules, but the client's address is not certain */
	PC_ADDRESS_ALLOWED, /* or the key has no rules */
	PC_ADDRESS_REFUSED,
};

/* The (user, group) subscription row, which no snapshot holds. */
enum pc_subscription {
	PC_SUBSCRIPTION_UNSURE,
	PC_SUBSCRIPTION_MISSING,
	PC_SUBSCRIPTION_INVALID,
	PC_SUBSCRIPTION_OVER_LIMIT,
	PC_SUBSCRIPTION_GOOD,
};

/* What is asked of the key. */
struct pc_question {
	__s64 now_ns;	   /* Unix time */
	__u8 profile;	   /* enum pc_profile */
	__u8 variant;	   /* enum pc_variant */
	__u8 run_mode;	   /* enum pc_run_mode */
	__u8 exempt;	   /* the path is billing-exempt for this method */
	__u8 address;	   /* enum pc_address */
	__u8 subscription; /* enum pc_subscription */
	__u8 pad[2];
};

static inline __u32 pc_fact(const struct pc_key *k, __u32 fact, __u32 reason)
{
	return k->facts & fact ? reason : PC_NEXT;
}

static inline __u32 pc_check_address(const struct pc_question *q)
{
	if (q->address == PC_ADDRESS_REFUSED)
		return PC_R_ADDRESS_DENIED;
	return q->address == PC_ADDRESS_ALLOWED ? PC_NEXT : PC_R_ADDRESS_UNSURE;
}

/* Is the subscription at least in this state?  The states are ordered. */
static inline __u32 pc_check_subscription(const struct pc_key *k,
					  const struct pc_question *q,
					  __u32 bad, __u32 reason)
{
	if (!(k->facts & PC_F_SUBSCRIPTION))
		return PC_NEXT;
	if (q->subscription == PC_SUBSCRIPTION_UNSURE)
		return PC_R_SUBSCRIPTION_UNSURE;
	return q->subscription == bad ? reason : PC_NEXT;
}

/* A reason that ends the request, or PC_NEXT. */
static inline __u32 pc_check(__u32 check, const struct pc_key *k,
			     const struct pc_question *q)
{
	switch (check) {
	case PC_C_STATUS_OTHER:
		return k->status == PC_STATUS_OTHER ? PC_R_KEY_DISABLED
						    : PC_NEXT;
	case PC_C_STATUS_INACTIVE:
		return k->status != PC_STATUS_ACTIVE ? PC_R_KEY_DISABLED
						     : PC_NEXT;
	case PC_C_STATUS_EXHAUSTED:
		return k->status == PC_STATUS_EXHAUSTED ? PC_R_KEY_EXHAUSTED
							: PC_NEXT;
	case PC_C_STATUS_EXPIRED:
		return k->status == PC_STATUS_EXPIRED ? PC_R_KEY_EXPIRED
						      : PC_NEXT;
	case PC_C_EXPIRY:
		return q->now_ns > k->expires_ns ? PC_R_KEY_EXPIRED : PC_NEXT;
	case PC_C_QUOTA:
		return pc_fact(k, PC_F_QUOTA_REACHED, PC_R_KEY_EXHAUSTED);
	case PC_C_ADDRESS:
		return pc_check_address(q);
	case PC_C_USER_EXISTS:
		return pc_fact(k, PC_F_USER_MISSING, PC_R_USER_MISSING);
	case PC_C_USER_ACTIVE:
		return pc_fact(k, PC_F_USER_INACTIVE, PC_R_USER_INACTIVE);
	case PC_C_GROUP_EXISTS:
		return pc_fact(k, PC_F_GROUP_DELETED, PC_R_GROUP_DELETED);
	case PC_C_GROUP_ACTIVE:
		return pc_fact(k, PC_F_GROUP_INACTIVE, PC_R_GROUP_DISABLED);
	case PC_C_GROUP_ALLOWED:
		return pc_fact(k, PC_F_GROUP_FORBIDDEN, PC_R_GROUP_NOT_ALLOWED);
	case PC_C_RUN_MODE:
		return q->run_mode == PC_RUN_SIMPLE ? PC_R_KEY_LIVE : PC_NEXT;
	case PC_C_EXEMPT:
		return q->exempt ? PC_R_KEY_LIVE : PC_NEXT;
	case PC_C_SUBSCRIPTION_EXISTS:
		return pc_check_subscription(k, q, PC_SUBSCRIPTION_MISSING,
					     PC_R_SUBSCRIPTION_MISSING);
	case PC_C_SUBSCRIPTION_VALID:
		return pc_check_subscription(k, q, PC_SUBSCRIPTION_INVALID,
					     PC_R_SUBSCRIPTION_INVALID);
	case PC_C_SUBSCRIPTION_LIMIT:
		return pc_check_subscription(k, q, PC_SUBSCRIPTION_OVER_LIMIT,
					     PC_R_USAGE_LIMIT);
	case PC_C_BALANCE:
		if (k->facts & PC_F_SUBSCRIPTION)
			return PC_NEXT;
		return pc_fact(k, PC_F_BALANCE_EMPTY, PC_R_BALANCE_EMPTY);
	default:
		return PC_R_KEY_LIVE;
	}
}

/* The first check that ends the request; PC_R_KEY_LIVE when none objects. */
PC_GLOBAL __u32 pc_verdict(const struct pc_key *k, const struct pc_question *q)
{
	__u32 profile, variant;

	if (!k || !q)
		return PC_R_KEY_UNKNOWN;
	profile = q->profile % PC_PROFILE_MAX;
	variant = q->variant % PC_VARIANT_MAX;
	for (int i = 0; i < PC_CHECKS; i++) {
		__u32 r = pc_check(pc_checks[profile][variant][i], k, q);

		if (r != PC_NEXT)
			return r;
	}
	return PC_R_KEY_LIVE;
}

#endif /* PC_VERDICT_H */
