// SPDX-License-Identifier: GPL-2.0-only
/*
 * The key the kernel finds in a head, by rows and against agent/credential.c,
 * which reads the same headers as a list: the kernel may decline, never differ.
 */
#include "head_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../agent/credential.h"
#include "answer.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define N128                                                               \
	"0123456789012345678901234567890123456789012345678901234567890123" \
	"0123456789012345678901234567890123456789012345678901234567890123"

static struct pc_scan s;
static struct pc_query q;

static uint32_t find_at(struct pc_span *out, const char *query,
			const char *headers, uint8_t profile, uint8_t variant)
{
	struct pc_head_ask ask = { profile, variant };
	int n = snprintf((char *)s.buf, PC_HEAD_MAX,
			 "GET /v1/x?%s HTTP/1.1\r\nHost: a\r\n%s\r\n", query,
			 headers);

	s.filled = (__u32)n;
	assert_int_equal(pc_head_scan(&s), PC_NEXT);
	return pc_head_key_find(out, &s, &q, ask);
}

static uint32_t find(struct pc_span *out, const char *headers, uint8_t profile,
		     uint8_t variant)
{
	return find_at(out, "", headers, profile, variant);
}

#define BEARER(v) "Authorization: " v "\r\n"
#define XKEY(v) "x-api-key: " v "\r\n"
#define GOOG(v) "x-goog-api-key: " v "\r\n"
#define NONE NULL, PC_R_CREDENTIAL_MISSING
#define LONG NULL, PC_R_KEY_INVALID
#define UNSURE NULL, PC_R_KEY_TOO_LONG
/* A blank to Go, but only there where it trims more than blanks and tabs. */
#define NBSP "\xc2\xa0"
#define SEED PC_PROFILE_SEED, PC_VARIANT_MAIN
#define SEED_G PC_PROFILE_SEED, PC_VARIANT_GOOGLE
#define NEW PC_PROFILE_V0_1_179, PC_VARIANT_MAIN
#define NEW_G PC_PROFILE_V0_1_179, PC_VARIANT_GOOGLE

static const struct {
	const char *headers;
	uint8_t profile;
	uint8_t variant;
	const char *key;
	uint32_t reason;
} rows[] = {
	{ "", SEED, NONE },
	{ "", NEW, NONE },
	{ BEARER("Bearer k"), SEED, "k", PC_NEXT },
	{ BEARER("Bearer k"), NEW_G, "k", PC_NEXT },
	{ BEARER("bearer k"), SEED, NONE },
	{ BEARER("bearer k"), SEED_G, NONE },
	{ BEARER("bEARER k"), NEW, "k", PC_NEXT },
	{ BEARER("Bearer  k"), SEED, " k", PC_NEXT },
	{ BEARER("Bearer  k"), SEED_G, "k", PC_NEXT },
	{ BEARER("Bearer \t k"), NEW, "k", PC_NEXT },
	{ BEARER("Bearer      k") XKEY("x"), NEW, UNSURE },
	{ BEARER("Bearer      k") XKEY("x"), SEED_G, UNSURE },
	{ BEARER("Bearer      k") XKEY("x"), SEED, "     k", PC_NEXT },
	{ BEARER("Bearer      k") GOOG("g"), NEW_G, "g", PC_NEXT },
	{ BEARER("Bearer a b"), NEW, "a b", PC_NEXT },
	{ BEARER("Bearer"), NEW, NONE },
	{ BEARER("Bearer "), NEW, NONE },
	{ BEARER("Bearer\tk"), NEW, NONE },
	{ BEARER("Bearerk"), NEW, NONE },
	{ BEARER("Basic k"), NEW, NONE },
	{ BEARER("Basic k") XKEY("x"), NEW, "x", PC_NEXT },
	{ BEARER("Bearer k") XKEY("x") GOOG("g"), NEW, "k", PC_NEXT },
	{ BEARER("Bearer k") XKEY("x") GOOG("g"), NEW_G, "g", PC_NEXT },
	{ BEARER("Bearer k") XKEY("x") GOOG("g"), SEED, "k", PC_NEXT },
	{ BEARER("Bearer k") XKEY("x") GOOG("g"), SEED_G, "k", PC_NEXT },
	{ XKEY("x") GOOG("g"), NEW, "x", PC_NEXT },
	{ XKEY("x") GOOG("g"), NEW_G, "g", PC_NEXT },
	{ XKEY("x") GOOG("g"), SEED_G, "x", PC_NEXT },
	{ XKEY("") GOOG("g"), NEW, "g", PC_NEXT },
	{ XKEY("") XKEY("x"), NEW, NONE },
	{ GOOG("g"), NEW, "g", PC_NEXT },
	{ GOOG("g"), SEED, "g", PC_NEXT },
	{ XKEY(N128), NEW, N128, PC_NEXT },
	{ XKEY(N128 "x"), NEW, LONG },
	{ XKEY(N128 "x"), SEED, NULL, PC_R_KEY_UNKNOWN },
	{ XKEY(NBSP N128), SEED, UNSURE },
	{ XKEY(NBSP N128), NEW, LONG },
	{ BEARER("Bearer " N128 NBSP), NEW, UNSURE },
	{ BEARER("Basic " NBSP), NEW, NULL, PC_R_NO_CREDENTIAL },
	{ BEARER(NBSP "Bearer k"), NEW_G, UNSURE },
	{ BEARER(NBSP "Bearer k") XKEY("x"), NEW_G, UNSURE },
	{ BEARER(NBSP "Bearer k") XKEY("x"), SEED, "x", PC_NEXT },
	{ GOOG(NBSP), NEW_G, NBSP, PC_NEXT },
	{ BEARER("Bearer " N128), NEW, N128, PC_NEXT },
	{ BEARER("Bearer " N128 "x"), NEW, LONG },
	{ BEARER("Bearer " N128 N128), NEW, LONG },
	{ BEARER("Bearer k") XKEY(N128 "x"), NEW, LONG },
	{ BEARER("Bearer k") XKEY(N128 "x"), SEED, "k", PC_NEXT },
	{ BEARER("Bearer k") GOOG(N128 "x"), NEW, LONG },
	{ BEARER("Basic " N128 N128) XKEY("x"), NEW, LONG },
	{ BEARER("Basic " N128 N128) XKEY("x"), SEED, "x", PC_NEXT },
};

static void keys_are_found_as_the_profile_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pc_span span = { 0, 0 };
		uint32_t r = find(&span, rows[i].headers, rows[i].profile,
				  rows[i].variant);

		if (r != rows[i].reason)
			fail_msg("row %zu, %s: %u", i, rows[i].headers, r);
		if (!rows[i].key)
			continue;
		assert_int_equal(span.size, strlen(rows[i].key));
		assert_memory_equal(s.buf + span.at, rows[i].key, span.size);
	}
}

static const char *const values[] = {
	"",
	"k",
	"Bearer k",
	"bearer k",
	"Bearer  k",
	"Bearer k ",
	"Bearer",
	"Bearer \t",
	"Basic x",
	" k ",
	"Bearer\tk",
	"Bearer a b",
	N128,
	"Bearer " N128,
	N128 "x",
	"BEARER k",
	"Bearer " N128 "x",
	"Bearerk k",
	"Bearer      k",
	"Bearer \t \t \t k",
	NBSP "Bearer k",
	NBSP,
	"Bearer " N128 NBSP,
};

static const char *const queries[] = {
	"",	     "",	"",	     "a=b",	     "key=k",
	"key=+k%0a", "key=%20", "api_key=1", "key=" N128 "x"
};

static const char *const names[] = { "Authorization", "X-Api-Key",
				     "x-goog-api-key", "authorization",
				     "x-other" };

/* Up to four headers of random names and values. */
static void random_headers(struct decide_request *req, struct header *list,
			   char text[2048])
{
	char *at = text;

	*at = '\0';
	req->headers = list;
	req->n_headers = (size_t)rand() % 5;
	for (size_t i = 0; i < req->n_headers; i++) {
		list[i].name = names[(size_t)rand() % ARRAY_SIZE(names)];
		list[i].value = values[(size_t)rand() % ARRAY_SIZE(values)];
		at += sprintf(at, "%s: %s\r\n", list[i].name, list[i].value);
	}
}

static void check_same(uint32_t got, struct pc_span span,
		       const struct credential *want, const char *text)
{
	/* Bytes or blanks that it does not follow: it judges nothing. */
	if (got == PC_R_KEY_TOO_LONG || got == PC_R_NO_CREDENTIAL ||
	    got == PC_R_QUERY_UNSURE)
		return;
	if (got != PC_NEXT && got == want->reason)
		return;
	if (got == PC_R_KEY_UNKNOWN && want->size > PC_KEY_MAX)
		return;
	/* No key that exists, and none that the kernel calls unknown. */
	if (got == PC_NEXT && !pc_head_key_plain(&s, &q, span.at, span.size))
		return;
	if (got != PC_NEXT || want->reason != PC_NEXT ||
	    span.size != want->size ||
	    memcmp(s.buf + span.at, want->key, want->size))
		fail_msg("%s: kernel %u, agent %u", text, got, want->reason);
}

static void the_agent_finds_the_same(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 200000; i++) {
		struct decide_config cfg = { .profile = i & 1 };
		struct decide_request req = { .method = "GET",
					      .path = "/v1beta/x",
					      .query = queries[rand() % 9],
					      .peer = "192.0.2.1:1",
					      .variant = i >> 1 & 1 };
		struct header list[4];
		struct credential want;
		struct pc_span span = { 0, 0 };
		char text[2048];
		uint32_t got;

		random_headers(&req, list, text);
		got = find_at(&span, req.query, text, cfg.profile, req.variant);
		assert_int_equal(credential_find(&want, &cfg, &req), 0);
		check_same(got, span, &want, text);
		credential_fini(&want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_found_as_the_profile_says),
		cmocka_unit_test(the_agent_finds_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
