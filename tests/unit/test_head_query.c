// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys in the query as the kernel finds them, by rows and, for random queries,
 * against agent/query.c, which decodes them into strings of their own.
 */
#include "head_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../../agent/query.h"
#include "../../agent/span.h"
#include "head.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct pc_scan s;
static struct pc_query q;

static void scan(const char *query)
{
	int n = snprintf((char *)s.buf, PC_HEAD_MAX,
			 "GET /v1/x?%s HTTP/1.1\r\nHost: a\r\n\r\n", query);

	s.filled = (__u32)n;
	if (pc_head_scan(&s) != PC_NEXT)
		fail_msg("%s: not a head", query);
	/* Whatever was there before. */
	memset(&q, 0xa5, sizeof(q));
	assert_int_equal(pc_head_query_scan(&s, &q), PC_NEXT);
}

#define NONE NULL, false
#define IS(v) v, false
#define ODD NULL, true

static const struct {
	const char *query;
	const char *key; /* NULL: none, or nothing but blanks */
	bool odd;
} rows[] = {
	{ "", NONE },
	{ "a=1", NONE },
	{ "key=x", IS("x") },
	{ "a=1&b=2&key=x", IS("x") },
	{ "key=x&a=1", IS("x") },
	{ "&&key=x&&", IS("x") },
	{ "key", NONE },
	{ "key=", NONE },
	{ "key=&key=x", NONE },
	{ "key=a&key=b", IS("a") },
	{ "key=a=b", IS("a=b") },
	{ "=key", NONE },
	{ "a=key", NONE },
	{ "a=1=key=x", NONE },
	{ "Key=x", NONE },
	{ "keys=x", NONE },
	{ "xkey=x", NONE },
	{ "pi_key=x", NONE },
	{ "xxapi_key=x", NONE },
	{ "?key=x", NONE },
	{ "%6Bey=x", IS("x") },
	{ "%6b%65%79=%41%2f%26%3d", IS("A/&=") },
	{ "k%2565y=x", NONE },
	{ "key%3dx", NONE },
	{ "key%3D=x", NONE },
	{ "key%00=x", NONE },
	{ "%00key=x", NONE },
	{ "key+=x", NONE },
	{ "+key=x", NONE },
	{ "key=%20+", NONE },
	{ "key=+%09%0a%0b%0c%0d", NONE },
	{ "key=+%09x+y%0d+", IS("x y") },
	{ "key=a%2Bb", IS("a+b") },
	{ "key=%zz", NONE },
	{ "key=%4&key=x", IS("x") },
	{ "key=%", NONE },
	{ "key=x%", NONE },
	{ "key=x%1", NONE },
	{ "key=%&key=y", IS("y") },
	{ "ke%7=1&key=x", IS("x") },
	{ "%g=1&key=x", IS("x") },
	{ "%6=1&%79key=1&key=x", IS("x") },
	{ "key=x;y", NONE },
	{ "a;key=x", NONE },
	{ "key=x;&key=y", IS("y") },
	{ "a;b&key=x", IS("x") },
	{ "key=a%3Bb", IS("a;b") },
	{ "key=%00", IS("\0") },
	{ "key=%C2%A0", ODD },
	{ "key=%a0&key=x", ODD },
	{ "key=%A0x", IS("\xa0x") },
};

static void the_first_good_pair_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *want = rows[i].key;
		size_t n = want && *want ? strlen(want) : !!want;

		scan(rows[i].query);
		if (q.key.solid != !!want ||
		    (!want && (q.key.odd != rows[i].odd)))
			fail_msg("%s: solid %u, odd %u", rows[i].query,
				 q.key.solid, q.key.odd);
		if (want && (q.key.end - q.key.at != n ||
			     memcmp(s.buf + q.key.at, want, n)))
			fail_msg("%s: %.*s", rows[i].query,
				 (int)(q.key.end - q.key.at), s.buf + q.key.at);
		assert_int_equal(q.api_key.found, 0);
		assert_int_equal(q.name, 0);
	}
}

static void the_two_names_are_apart(void **state)
{
	(void)state;
	scan("api_key=a&key=b");
	assert_int_equal(s.buf[q.api_key.at], 'a');
	assert_int_equal(s.buf[q.key.at], 'b');
	scan("api_key=+&x=y");
	assert_int_equal(q.api_key.found, 1);
	assert_int_equal(q.api_key.end, 0);
	assert_int_equal(q.key.found, 0);
	scan("api%5fkey=1");
	assert_int_equal(q.api_key.solid, 1);
}

/* What Go would call the value, or NULL, against what was found. */
static void check_same(const char *query, const char *name,
		       const struct pc_parameter *got)
{
	struct span want;
	char *value;

	assert_int_equal(query_find(&value, query, name), 0);
	if (!value) {
		if (got->found)
			fail_msg("%s: a %s too many", query, name);
		return;
	}
	want = span_trim(span_of(value));
	if (!got->found || (got->solid && !want.size) ||
	    (!got->solid && !got->odd && want.size))
		fail_msg("%s: %s: found %u, solid %u", query, name, got->found,
			 got->solid);
	/* agent/query.c has \x01 where a NUL was. */
	if (!got->odd && !strchr(value, '\x01') &&
	    (got->end - got->at != want.size ||
	     memcmp(s.buf + got->at, want.text, want.size)))
		fail_msg("%s: %s: %.*s", query, name, (int)(got->end - got->at),
			 s.buf + got->at);
	free(value);
}

static void random_queries_read_as_the_agent_reads_them(void **state)
{
	static const char *const parts[] = {
		"key", "api_key", "key=", "&",	"&",   "=",   "%6b", "%6B",
		"ey",  "%65",	  "y",	  ";",	"+",   "%20", "%",   "x",
		"%4",  "api_",	  "%5f",  "%g", "%a0", "%00", "Key", "%26",
	};
	char query[256];

	(void)state;
	srand(1);
	for (int i = 0; i < 300000; i++) {
		size_t n = (size_t)rand() % 12;

		*query = '\0';
		for (size_t k = 0; k < n; k++)
			strcat(query,
			       parts[(size_t)rand() % ARRAY_SIZE(parts)]);
		scan(query);
		check_same(query, "key", &q.key);
		check_same(query, "api_key", &q.api_key);
	}
}

static void the_longest_query_is_read_to_its_end(void **state)
{
	char query[PC_TARGET_MAX];
	size_t n = PC_TARGET_MAX - strlen("/v1/x?");

	(void)state;
	memset(query, '&', n);
	query[n] = '\0';
	memcpy(query + n - 5, "key=x", 5);
	scan(query);
	assert_int_equal(q.key.solid, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_good_pair_counts),
		cmocka_unit_test(the_two_names_are_apart),
		cmocka_unit_test(random_queries_read_as_the_agent_reads_them),
		cmocka_unit_test(the_longest_query_is_read_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
