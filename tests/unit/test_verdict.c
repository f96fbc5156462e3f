// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables against an oracle: the gateway's four middlewares written out as
 * plain conditions, in every combination of facts, status, time and question.
 */
#include "verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define EXPIRES_NS 1000

struct ask {
	struct pc_key k;
	struct pc_question q;
};

static bool has(const struct ask *a, __u32 fact)
{
	return a->k.facts & fact;
}

static enum pc_reason address(const struct ask *a)
{
	if (a->q.address == PC_ADDRESS_REFUSED)
		return PC_R_ADDRESS_DENIED;
	return a->q.address == PC_ADDRESS_UNSURE ? PC_R_ADDRESS_UNSURE
						 : PC_NEXT;
}

static enum pc_reason user(const struct ask *a)
{
	if (has(a, PC_F_USER_MISSING))
		return PC_R_USER_MISSING;
	return has(a, PC_F_USER_INACTIVE) ? PC_R_USER_INACTIVE : PC_NEXT;
}

static enum pc_reason group(const struct ask *a)
{
	if (has(a, PC_F_GROUP_DELETED))
		return PC_R_GROUP_DELETED;
	if (has(a, PC_F_GROUP_INACTIVE))
		return PC_R_GROUP_DISABLED;
	return has(a, PC_F_GROUP_FORBIDDEN) ? PC_R_GROUP_NOT_ALLOWED : PC_NEXT;
}

static enum pc_reason used_up(const struct ask *a)
{
	if (a->k.status == PC_STATUS_EXHAUSTED)
		return PC_R_KEY_EXHAUSTED;
	if (a->k.status == PC_STATUS_EXPIRED || a->q.now_ns > a->k.expires_ns)
		return PC_R_KEY_EXPIRED;
	return has(a, PC_F_QUOTA_REACHED) ? PC_R_KEY_EXHAUSTED : PC_NEXT;
}

static enum pc_reason no_subscription(const struct ask *a)
{
	if (!has(a, PC_F_SUBSCRIPTION))
		return PC_NEXT;
	if (a->q.subscription == PC_SUBSCRIPTION_UNSURE)
		return PC_R_SUBSCRIPTION_UNSURE;
	return a->q.subscription == PC_SUBSCRIPTION_MISSING
		       ? PC_R_SUBSCRIPTION_MISSING
		       : PC_NEXT;
}

static enum pc_reason bill(const struct ask *a)
{
	if (!has(a, PC_F_SUBSCRIPTION))
		return has(a, PC_F_BALANCE_EMPTY) ? PC_R_BALANCE_EMPTY
						  : PC_R_KEY_LIVE;
	if (a->q.subscription == PC_SUBSCRIPTION_INVALID)
		return PC_R_SUBSCRIPTION_INVALID;
	return a->q.subscription == PC_SUBSCRIPTION_OVER_LIMIT
		       ? PC_R_USAGE_LIMIT
		       : PC_R_KEY_LIVE;
}

static enum pc_reason seed_main(const struct ask *a)
{
	enum pc_reason r = PC_NEXT;

	if (a->k.status == PC_STATUS_OTHER)
		r = PC_R_KEY_DISABLED;
	if (r == PC_NEXT)
		r = used_up(a);
	if (r == PC_NEXT)
		r = address(a);
	if (r == PC_NEXT)
		r = user(a);
	if (r == PC_NEXT && a->q.run_mode == PC_RUN_SIMPLE)
		r = PC_R_KEY_LIVE;
	if (r == PC_NEXT)
		r = no_subscription(a);
	return r == PC_NEXT ? bill(a) : r;
}

static enum pc_reason seed_google(const struct ask *a)
{
	enum pc_reason r = PC_NEXT;

	if (a->k.status != PC_STATUS_ACTIVE)
		r = PC_R_KEY_DISABLED;
	if (r == PC_NEXT)
		r = user(a);
	if (r == PC_NEXT && a->q.run_mode == PC_RUN_SIMPLE)
		r = PC_R_KEY_LIVE;
	if (r == PC_NEXT)
		r = no_subscription(a);
	return r == PC_NEXT ? bill(a) : r;
}

static enum pc_reason later_basics(const struct ask *a)
{
	enum pc_reason r = PC_NEXT;

	if (a->k.status == PC_STATUS_OTHER)
		r = PC_R_KEY_DISABLED;
	if (r == PC_NEXT)
		r = address(a);
	if (r == PC_NEXT)
		r = user(a);
	if (r == PC_NEXT)
		r = group(a);
	if (r == PC_NEXT && a->q.run_mode == PC_RUN_SIMPLE)
		r = PC_R_KEY_LIVE;
	return r;
}

static enum pc_reason later_main(const struct ask *a)
{
	enum pc_reason r = later_basics(a);

	if (r == PC_NEXT && a->q.exempt)
		r = PC_R_KEY_LIVE;
	if (r == PC_NEXT)
		r = no_subscription(a);
	if (r == PC_NEXT)
		r = used_up(a);
	return r == PC_NEXT ? bill(a) : r;
}

static enum pc_reason later_google(const struct ask *a)
{
	enum pc_reason r = later_basics(a);

	if (r == PC_NEXT)
		r = used_up(a);
	if (r == PC_NEXT)
		r = no_subscription(a);
	return r == PC_NEXT ? bill(a) : r;
}

static enum pc_reason oracle(const struct ask *a)
{
	if (a->q.profile == PC_PROFILE_SEED)
		return a->q.variant == PC_VARIANT_MAIN ? seed_main(a)
						       : seed_google(a);
	return a->q.variant == PC_VARIANT_MAIN ? later_main(a)
					       : later_google(a);
}

/* One digit of a mixed-radix counter. */
static unsigned int digit(unsigned int *n, unsigned int radix)
{
	unsigned int d = *n % radix;

	*n /= radix;
	return d;
}

static bool make(struct ask *a, unsigned int n)
{
	memset(a, 0, sizeof(*a));
	a->k.facts = (__u16)digit(&n, 256);
	a->k.status = (__u8)digit(&n, 4);
	a->k.expires_ns = EXPIRES_NS;
	a->q.now_ns = EXPIRES_NS - 1 + digit(&n, 3);
	a->q.profile = (__u8)digit(&n, PC_PROFILE_MAX);
	a->q.variant = (__u8)digit(&n, PC_VARIANT_MAX);
	a->q.run_mode = (__u8)digit(&n, 2);
	a->q.exempt = (__u8)digit(&n, 2);
	a->q.address = (__u8)digit(&n, 3);
	a->q.subscription = (__u8)digit(&n, 5);
	return !n;
}

static void tables_agree_with_the_middlewares(void **state)
{
	unsigned int n = 0;
	struct ask a;

	(void)state;
	for (; make(&a, n); n++) {
		enum pc_reason got = pc_verdict(&a.k, &a.q);
		enum pc_reason want = oracle(&a);

		if (got != want)
			fail_msg("combination %u: %d, not %d", n, got, want);
	}
	assert_int_equal(n, 256 * 4 * 3 * 2 * 2 * 2 * 2 * 3 * 5);
}

static void every_table_ends(void **state)
{
	(void)state;
	for (int p = 0; p < PC_PROFILE_MAX; p++) {
		for (int v = 0; v < PC_VARIANT_MAX; v++)
			assert_int_equal(pc_checks[p][v][PC_CHECKS - 1],
					 PC_C_END);
	}
}

static void a_key_without_expiry_never_expires(void **state)
{
	const struct pc_key k = { .expires_ns = PC_NEVER };
	const struct pc_question q = { .now_ns = PC_NEVER,
				       .address = PC_ADDRESS_ALLOWED };

	(void)state;
	assert_int_equal(pc_verdict(&k, &q), PC_R_KEY_LIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_agree_with_the_middlewares),
		cmocka_unit_test(every_table_ends),
		cmocka_unit_test(a_key_without_expiry_never_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
