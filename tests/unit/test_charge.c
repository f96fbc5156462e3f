// SPDX-License-Identifier: GPL-2.0-only
#include "charge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define SECOND_NS 1000000000LL
#define H16 "0123456789abcdef"
#define HASH H16 H16 H16 H16
#define ID "\"request_id\":\"r-1\""
#define KEY "\"key_hash\":\"" HASH "\""
#define COST "\"cost_nusd\":5"

static struct charge_list parse(enum charge_kind kind, const char *text)
{
	char error[CHARGE_ERROR_SIZE] = "";
	struct charge_list list;

	if (charge_parse(&list, kind, text, strlen(text), error))
		fail_msg("%s: %s", text, error);
	return list;
}

static void refuse_bytes(enum charge_kind kind, const char *text, size_t size,
			 const char *expected)
{
	char error[CHARGE_ERROR_SIZE] = "";
	struct charge_list list, before;

	memset(&list, 0x5a, sizeof(list));
	memcpy(&before, &list, sizeof(list));
	assert_int_equal(charge_parse(&list, kind, text, size, error),
			 -EBADMSG);
	if (strcmp(error, expected))
		fail_msg("%.200s: got \"%s\"", text, error);
	assert_memory_equal(&list, &before, sizeof(list));
}

static void refuse(enum charge_kind kind, const char *text,
		   const char *expected)
{
	refuse_bytes(kind, text, strlen(text), expected);
}

static void bodies_are_read_by_kind(void **state)
{
	static const struct {
		const char *what;
		enum charge_kind kind;
		const char *text;
		int64_t cost_nusd, ttl_s; /* -1: none */
		bool has_digest;
	} rows[] = {
		{ "usage", CHARGE_USAGE, "{" ID "," KEY "," COST "}", 5, -1,
		  true },
		{ "nothing spent", CHARGE_USAGE,
		  "{" ID "," KEY ",\"cost_nusd\":0}", 0, -1, true },
		{ "all that can be spent", CHARGE_USAGE,
		  "{" ID "," KEY ",\"cost_nusd\":9223372036854775807}",
		  INT64_MAX, -1, true },
		{ "no ttl of usage", CHARGE_USAGE,
		  "{" ID "," KEY "," COST ",\"ttl_s\":\"x\"}", 5, -1, true },
		{ "least reserve", CHARGE_RESERVE, "{" ID "," KEY "}", -1, -1,
		  true },
		{ "full reserve", CHARGE_RESERVE,
		  "{\"ttl_s\":86400," COST "," KEY "," ID "}", 5, 86400, true },
		{ "shortest ttl", CHARGE_RESERVE,
		  "{" ID "," KEY ",\"ttl_s\":1}", -1, 1, true },
		{ "null is absent", CHARGE_RESERVE,
		  "{" ID "," KEY ",\"cost_nusd\":null,\"ttl_s\":null}", -1, -1,
		  true },
		{ "settle", CHARGE_SETTLE, "{" ID "," COST "}", 5, -1, false },
		{ "settle, key named", CHARGE_SETTLE,
		  "{" ID "," COST "," KEY "}", 5, -1, true },
		{ "settle, key null", CHARGE_SETTLE,
		  "{" ID "," COST ",\"key_hash\":null}", 5, -1, false },
		{ "release", CHARGE_RELEASE, "{" ID "}", -1, -1, false },
		{ "members of others", CHARGE_RELEASE,
		  "{" ID ",\"key_hash\":1,\"cost_nusd\":-1,\"reports\":[]}", -1,
		  -1, false },
		{ "members of nobody", CHARGE_RELEASE,
		  " {\"a\":{\"b\":[1.5,null]}," ID "} \n", -1, -1, false },
		{ "an escaped name", CHARGE_RELEASE,
		  "{\"request\\u005fid\":\"\\u0072-1\"}", -1, -1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct charge_list l = parse(rows[i].kind, rows[i].text);
		const struct charge *c = l.items;

		if (l.n != 1 || l.many || strcmp(c->id, "r-1") ||
		    (c->has_cost ? c->cost_nusd : -1) != rows[i].cost_nusd ||
		    (c->has_ttl ? c->ttl_ns : -SECOND_NS) !=
			    rows[i].ttl_s * SECOND_NS ||
		    c->has_digest != rows[i].has_digest ||
		    c->digest.bytes[31] != (c->has_digest ? 0xef : 0))
			fail_msg("%s", rows[i].what);
		charge_list_fini(&l);
		assert_null(l.items);
	}
}

static void an_id_is_up_to_128_printable_bytes(void **state)
{
	char id[LEDGER_ID_MAX + 2], text[256];
	struct charge_list l;

	(void)state;
	for (size_t n = 1; n <= LEDGER_ID_MAX; n++) {
		memset(id, n % 2 ? '~' : ' ', n);
		id[n] = '\0';
		snprintf(text, sizeof(text), "{\"request_id\":\"%s\"}", id);
		l = parse(CHARGE_RELEASE, text);
		assert_string_equal(l.items->id, id);
		charge_list_fini(&l);
	}
	memset(id, 'x', LEDGER_ID_MAX + 1);
	id[LEDGER_ID_MAX + 1] = '\0';
	snprintf(text, sizeof(text), "{\"request_id\":\"%s\"}", id);
	refuse(CHARGE_RELEASE, text, "request_id: not 1 to 128 bytes");
}

static void what_is_not_exact_is_refused(void **state)
{
	static const struct {
		const char *text; /* a usage */
		const char *error;
	} rows[] = {
		{ "{" KEY "," COST "}", "request_id: missing" },
		{ "{\"request_id\":null," KEY "}", "request_id: missing" },
		{ "{\"request_id\":1}", "request_id: not a string" },
		{ "{\"request_id\":\"\"}", "request_id: not 1 to 128 bytes" },
		{ "{\"request_id\":\"a\\n\"}",
		  "request_id: not printable ASCII" },
		{ "{\"request_id\":\"a\\u007f\"}",
		  "request_id: not printable ASCII" },
		{ "{\"request_id\":\"\u00e9\"}",
		  "request_id: not printable ASCII" },
		{ "{\"request_id\":\"a\\u0000b\"}",
		  "json: NUL character at byte 24" },
		{ "{" ID "," COST "}", "key_hash: missing" },
		{ "{" ID ",\"key_hash\":null," COST "}", "key_hash: missing" },
		{ "{" ID ",\"key_hash\":7," COST "}",
		  "key_hash: not a string" },
		{ "{" ID ",\"key_hash\":\"" HASH "0\"," COST "}",
		  "key_hash: not 64 hex digits" },
		{ "{" ID ",\"key_hash\":\"sk-secret\"," COST "}",
		  "key_hash: not 64 hex digits" },
		{ "{" ID "," KEY "}", "cost_nusd: missing" },
		{ "{" ID "," KEY ",\"cost_nusd\":null}", "cost_nusd: missing" },
		{ "{" ID "," KEY ",\"cost_nusd\":-1}", "cost_nusd: negative" },
		{ "{" ID "," KEY ",\"cost_nusd\":-9223372036854775808}",
		  "cost_nusd: negative" },
		{ "{" ID "," KEY ",\"cost_nusd\":1.0}",
		  "cost_nusd: not an integer" },
		{ "{" ID "," KEY ",\"cost_nusd\":1e3}",
		  "cost_nusd: not an integer" },
		{ "{" ID "," KEY ",\"cost_nusd\":\"1\"}",
		  "cost_nusd: not an integer" },
		{ "{" ID "," KEY ",\"cost_nusd\":true}",
		  "cost_nusd: not an integer" },
		{ "{" ID ",\"cost_nusd\":9223372036854775808}",
		  "json: number out of range at byte 51" },
		{ "{" ID "," ID "}", "json: a name appears twice at byte 32" },
		{ "{" ID "," KEY "," COST ",\"a\":{\"b\":1,\"b\":1}}",
		  "json: a name appears twice at byte 126" },
		{ "", "json: ends too early at byte 0" },
		{ "{", "json: ends too early at byte 1" },
		{ "[]", "json: not an object" },
		{ "null", "json: not an object" },
		{ "{}{}", "json: text after the value at byte 3" },
		{ "{" ID ",}", "json: syntax error at byte 21" },
		{ "{\"request_id\":\"\xff\"}", "json: not UTF-8 at byte 15" },
		{ "{\"request_id\":NaN}", "json: syntax error at byte 17" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuse(CHARGE_USAGE, rows[i].text, rows[i].error);
	refuse_bytes(CHARGE_USAGE, "{\0}", 3, "json: ends too early at byte 2");
	refuse_bytes(CHARGE_RELEASE, "{" ID "}\0{}", sizeof("{" ID "}") + 2,
		     "json: text after the value at byte 21");
}

static void what_each_kind_needs_must_be_there(void **state)
{
	static const struct {
		enum charge_kind kind;
		const char *text;
		const char *error;
	} rows[] = {
		{ CHARGE_RESERVE, "{" ID "}", "key_hash: missing" },
		{ CHARGE_RESERVE, "{" ID "," KEY ",\"cost_nusd\":-5}",
		  "cost_nusd: negative" },
		{ CHARGE_RESERVE, "{" ID "," KEY ",\"cost_nusd\":0.5}",
		  "cost_nusd: not an integer" },
		{ CHARGE_RESERVE, "{" ID "," KEY ",\"ttl_s\":0}",
		  "ttl_s: not 1 to 86400" },
		{ CHARGE_RESERVE, "{" ID "," KEY ",\"ttl_s\":86401}",
		  "ttl_s: not 1 to 86400" },
		{ CHARGE_RESERVE, "{" ID "," KEY ",\"ttl_s\":-1}",
		  "ttl_s: not 1 to 86400" },
		{ CHARGE_RESERVE,
		  "{" ID "," KEY ",\"ttl_s\":9223372036854775807}",
		  "ttl_s: not 1 to 86400" },
		{ CHARGE_RESERVE, "{" ID "," KEY ",\"ttl_s\":1.5}",
		  "ttl_s: not an integer" },
		{ CHARGE_SETTLE, "{" ID "}", "cost_nusd: missing" },
		{ CHARGE_SETTLE, "{" ID "," COST ",\"key_hash\":\"\"}",
		  "key_hash: not 64 hex digits" },
		{ CHARGE_RELEASE, "{}", "request_id: missing" },
		{ CHARGE_RELEASE, "{\"reports\":[]}", "request_id: missing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuse(rows[i].kind, rows[i].text, rows[i].error);
}

/* A body of n reports, their costs counting from 0; the caller frees. */
static char *reports_of(size_t n)
{
	char *text = malloc(n * 160 + 32), *at = text;

	assert_non_null(text);
	at += sprintf(at, "{\"reports\":[");
	for (size_t i = 0; i < n; i++)
		at += sprintf(at,
			      "%s{\"request_id\":\"r-%zu\"," KEY
			      ",\"cost_nusd\":%zu}",
			      i ? "," : "", i, i);
	sprintf(at, "]}");
	return text;
}

static void reports_come_up_to_256_at_once(void **state)
{
	static const size_t sizes[] = { 1, 2, CHARGE_MAX };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		char *text = reports_of(sizes[k]), id[32];
		struct charge_list l = parse(CHARGE_USAGE, text);

		assert_true(l.many);
		assert_int_equal(l.n, sizes[k]);
		for (size_t i = 0; i < l.n; i++) {
			snprintf(id, sizeof(id), "r-%zu", i);
			assert_string_equal(l.items[i].id, id);
			assert_int_equal(l.items[i].cost_nusd, i);
			assert_true(l.items[i].has_digest);
		}
		charge_list_fini(&l);
		free(text);
	}
}

static void one_bad_report_refuses_them_all(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} rows[] = {
		{ "{\"reports\":[]}", "reports: not 1 to 256" },
		{ "{\"reports\":null}", "reports: missing" },
		{ "{\"reports\":{}}", "reports: not an array" },
		{ "{\"reports\":[1]}", "reports: not a list of objects" },
		{ "{\"reports\":[{" ID "," KEY "," COST "},null]}",
		  "reports: not a list of objects" },
		{ "{\"reports\":[{" ID "," KEY "," COST "},{" ID "," KEY "}]}",
		  "reports[1].cost_nusd: missing" },
		{ "{\"reports\":[{\"reports\":[]}]}",
		  "reports[0].request_id: missing" },
		/* Was the one outside to be counted, too? */
		{ "{" ID ",\"reports\":[{" ID "," KEY "," COST "}]}",
		  "reports: beside a request_id" },
	};
	char *text = reports_of(CHARGE_MAX + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuse(CHARGE_USAGE, rows[i].text, rows[i].error);
	refuse(CHARGE_USAGE, text, "reports: not 1 to 256");
	free(text);
}

/* 64 KiB of an opening bracket, or of brackets that match. */
static void depth_and_garbage_end_in_an_error(void **state)
{
	enum {
		SIZE = 1 << 16
	};
	char *text = malloc(SIZE);
	char error[CHARGE_ERROR_SIZE];
	struct charge_list list;
	unsigned int seed = 1;

	(void)state;
	memset(text, '[', SIZE);
	refuse_bytes(CHARGE_USAGE, text, SIZE,
		     "json: nested too deeply at byte 2049");
	memcpy(text, "{\"reports\":", 11);
	refuse_bytes(CHARGE_USAGE, text, SIZE,
		     "json: nested too deeply at byte 2059");
	memset(text + SIZE / 2, ']', SIZE / 2);
	refuse_bytes(CHARGE_USAGE, text, SIZE,
		     "json: nested too deeply at byte 2059");
	for (int round = 0; round < 100; round++) {
		for (size_t i = 0; i < SIZE; i++)
			text[i] = (char)rand_r(&seed);
		text[0] = '{';
		assert_int_equal(
			charge_parse(&list, CHARGE_USAGE, text, SIZE, error),
			-EBADMSG);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_read_by_kind),
		cmocka_unit_test(an_id_is_up_to_128_printable_bytes),
		cmocka_unit_test(what_is_not_exact_is_refused),
		cmocka_unit_test(what_each_kind_needs_must_be_there),
		cmocka_unit_test(reports_come_up_to_256_at_once),
		cmocka_unit_test(one_bad_report_refuses_them_all),
		cmocka_unit_test(depth_and_garbage_end_in_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
