// SPDX-License-Identifier: GPL-2.0-only
#include "limiter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define S 1000000000LL
#define THRESHOLD 3
#define WINDOW (60 * S)
#define BLOCK (10 * S)

/* A script: 'f' counts a failure, 'b' expects a block, 'p' expects none. */
struct step {
	double t;
	const char *client;
	char act;
	uint32_t retry_s; /* of 'b' */
};

static const struct {
	const char *what;
	struct step steps[12];
} scripts[] = {
	{ "blocked at the threshold, not before",
	  { { 0, "192.0.2.1", 'f', 0 },
	    { 0, "192.0.2.1", 'f', 0 },
	    { 0, "192.0.2.1", 'p', 0 },
	    { 0, "192.0.2.1", 'f', 0 },
	    { 0, "192.0.2.1", 'b', 10 },
	    { 9.5, "192.0.2.1", 'b', 1 },
	    { 9.999999999, "192.0.2.1", 'b', 1 },
	    { 10, "192.0.2.1", 'p', 0 } } },
	{ "a window is fixed by its first failure",
	  { { 0, "192.0.2.1", 'f', 0 },
	    { 59, "192.0.2.1", 'f', 0 },
	    { 60, "192.0.2.1", 'f', 0 },
	    { 60, "192.0.2.1", 'p', 0 },
	    { 61, "192.0.2.1", 'f', 0 },
	    { 61, "192.0.2.1", 'p', 0 },
	    { 119, "192.0.2.1", 'f', 0 },
	    { 119, "192.0.2.1", 'b', 10 } } },
	{ "failures during a block neither prolong it nor count",
	  { { 0, "192.0.2.1", 'f', 0 },
	    { 0, "192.0.2.1", 'f', 0 },
	    { 0, "192.0.2.1", 'f', 0 },
	    { 5, "192.0.2.1", 'f', 0 },
	    { 5, "192.0.2.1", 'f', 0 },
	    { 5, "192.0.2.1", 'b', 5 },
	    { 10, "192.0.2.1", 'f', 0 },
	    { 10, "192.0.2.1", 'f', 0 },
	    { 10, "192.0.2.1", 'p', 0 },
	    { 69, "192.0.2.1", 'f', 0 },
	    { 69, "192.0.2.1", 'b', 10 } } },
	{ "addresses are apart",
	  { { 0, "192.0.2.1", 'f', 0 },
	    { 0, "192.0.2.2", 'f', 0 },
	    { 0, "192.0.2.1", 'f', 0 },
	    { 0, "192.0.2.2", 'f', 0 },
	    { 0, "192.0.2.1", 'f', 0 },
	    { 0, "192.0.2.1", 'b', 10 },
	    { 0, "192.0.2.2", 'p', 0 } } },
	{ "IPv6 by /64",
	  { { 0, "2001:db8:0:1::1", 'f', 0 },
	    { 0, "2001:db8:0:1:f::", 'f', 0 },
	    { 0, "2001:db8:0:1::3", 'f', 0 },
	    { 0, "2001:db8:0:1::4", 'b', 10 },
	    { 0, "2001:db8:0:2::1", 'p', 0 } } },
	{ "mapped is IPv4, a zone is dropped, blanks too",
	  { { 0, "::ffff:192.0.2.1", 'f', 0 },
	    { 0, " 192.0.2.1 ", 'f', 0 },
	    { 0, "192.0.2.1", 'f', 0 },
	    { 0, "::ffff:192.0.2.1%eth0", 'b', 10 },
	    { 0, "fe80::1%a", 'f', 0 },
	    { 0, "fe80::2%b", 'f', 0 },
	    { 0, "fe80::3", 'f', 0 },
	    { 0, "fe80::1", 'b', 10 } } },
	{ "all that is no address is one",
	  { { 0, "unknown", 'f', 0 },
	    { 0, "192.0.2.1%eth0", 'f', 0 },
	    { 0, "fe80::1%", 'f', 0 },
	    { 0, "", 'b', 10 },
	    { 0, "0.0.0.0", 'b', 10 } } },
	{ "a clock that goes back starts anew",
	  { { 100, "192.0.2.1", 'f', 0 },
	    { 100, "192.0.2.1", 'f', 0 },
	    { 50, "192.0.2.1", 'f', 0 },
	    { 50, "192.0.2.1", 'p', 0 } } },
};

static void run_step(struct limiter *l, const struct step *s, const char *what)
{
	int64_t now_ns = (int64_t)(s->t * S + 0.5);
	uint32_t retry_s = 0;
	bool blocked;

	if (s->act == 'f') {
		limiter_record(l, s->client, now_ns);
		return;
	}
	blocked = limiter_blocked(l, s->client, now_ns, &retry_s);
	if (blocked != (s->act == 'b') || (blocked && retry_s != s->retry_s))
		fail_msg("%s: %s at %g: %d, retry %u", what, s->client, s->t,
			 blocked, retry_s);
}

static void scripts_end_as_in_the_gateway(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct limiter *l = limiter_new(THRESHOLD, WINDOW, BLOCK);

		for (const struct step *s = scripts[i].steps; s->act; s++)
			run_step(l, s, scripts[i].what);
		limiter_free(l);
	}
}

static void identities_beyond_the_capacity_share_one_count(void **state)
{
	static const struct step steps[] = {
		{ 0, "198.51.100.1", 'f', 0 },
		{ 0, "198.51.100.2", 'f', 0 },
		{ 0, "198.51.100.3", 'f', 0 },
		{ 0, "198.51.100.4", 'f', 0 },
		{ 0, "198.51.100.9", 'p', 0 },
		{ 0, "198.51.100.5", 'f', 0 },
		{ 0, "198.51.100.9", 'b', 10 },
		{ 0, "198.51.100.1", 'p', 0 },
		/* Full and expired: swept, and room for others. */
		{ 61, "198.51.100.9", 'p', 0 },
		{ 61, "198.51.100.9", 'f', 0 },
		{ 61, "198.51.100.9", 'f', 0 },
		{ 61, "198.51.100.9", 'f', 0 },
		{ 61, "198.51.100.9", 'b', 10 },
		{ 61, "198.51.100.8", 'p', 0 },
	};
	struct limiter *l = limiter_new(THRESHOLD, WINDOW, BLOCK);

	(void)state;
	limiter_cap(l, 2);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		run_step(l, &steps[i], "capacity");
	limiter_free(l);
}

/* The whole pool, twice over, in and out. */
static void a_spray_fills_the_pool_and_drains_from_it(void **state)
{
	struct limiter *l = limiter_new(1, WINDOW, BLOCK);
	uint32_t retry_s, blocked = 0;
	char client[32];

	(void)state;
	for (int round = 0; round < 2; round++) {
		int64_t now_ns = round * 1000 * S;

		blocked = 0;
		for (unsigned int i = 0; i < LIMITER_IDENTITIES; i++) {
			snprintf(client, sizeof(client), "10.%d.%u.%u", round,
				 i >> 8, i & 255);
			/* The sweep of a full pool takes its time. */
			limiter_record(l, client, now_ns + i * (S / 5));
			blocked += limiter_blocked(
				l, client, now_ns + i * (S / 5), &retry_s);
		}
		assert_int_equal(blocked, LIMITER_IDENTITIES);
	}
	limiter_free(l);
}

static void numbers_without_sense_switch_it_off(void **state)
{
	static const struct {
		uint32_t threshold;
		int64_t window_ns, block_ns;
	} off[] = { { 0, WINDOW, BLOCK }, { 1, 0, BLOCK }, { 1, WINDOW, -1 } };
	uint32_t retry_s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
		struct limiter *l = limiter_new(
			off[i].threshold, off[i].window_ns, off[i].block_ns);

		limiter_record(l, "192.0.2.1", 0);
		assert_false(limiter_blocked(l, "192.0.2.1", 0, &retry_s));
		limiter_free(l);
	}
}

static void only_bad_credentials_count(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (int i = 0; i < PC_R_MAX; i++)
		n += limiter_counts(i);
	assert_int_equal(n, 3);
	assert_true(limiter_counts(PC_R_QUERY_KEY));
	assert_true(limiter_counts(PC_R_CREDENTIAL_MISSING));
	assert_true(limiter_counts(PC_R_KEY_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts_end_as_in_the_gateway),
		cmocka_unit_test(
			identities_beyond_the_capacity_share_one_count),
		cmocka_unit_test(a_spray_fills_the_pool_and_drains_from_it),
		cmocka_unit_test(numbers_without_sense_switch_it_off),
		cmocka_unit_test(only_bad_credentials_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
