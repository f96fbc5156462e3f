// SPDX-License-Identifier: GPL-2.0-only
#include "snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "snapshot_file.h"
#include "subscription.h"

/* One record's snapshot to an entry; the caller frees. */
static struct entry entry_of(const char *text)
{
	char error[SNAPSHOT_ERROR_SIZE] = "";
	struct entry e;

	if (snapshot_parse_text(&e, text, strlen(text), error))
		fail_msg("%s: %s", text, error);
	return e;
}

static const char full_record[] =
	"{\"not_found\":false,\"snapshot\":{\"version\":20,\"api_key_id\":7,"
	"\"user_id\":8,\"group_id\":9,\"status\":\"quota_exhausted\","
	"\"ip_whitelist\":[\"10.0.0.0/8\",\"\"],\"ip_blacklist\":[\"bad\"],"
	"\"user\":{\"id\":8,\"status\":\"active\",\"role\":\"user\","
	"\"balance\":-0.5,\"email\":\"a@example.org\","
	"\"allowed_groups\":[1,9]},"
	"\"group\":{\"id\":9,\"status\":\"active\",\"is_exclusive\":true,"
	"\"subscription_type\":\"subscription\",\"daily_limit_usd\":1.5,"
	"\"weekly_limit_usd\":2,\"monthly_limit_usd\":1e-7},"
	"\"quota\":12345678.123456789,\"quota_used\":0.30000000000000004,"
	"\"expires_at\":\"2026-02-03T20:00:00.123456+08:00\","
	"\"rate_limit_5h\":5,\"rate_limit_1d\":0.000000001,"
	"\"rate_limit_7d\":12345678.123456789}}";

static void a_full_record_is_read_exactly(void **state)
{
	struct entry e = entry_of(full_record);

	(void)state;
	assert_int_equal(e.key_id, 7);
	assert_int_equal(e.user_id, 8);
	assert_int_equal(e.group_id, 9);
	assert_int_equal(e.status, PC_STATUS_EXHAUSTED);
	assert_string_equal(e.whitelist[0], "10.0.0.0/8");
	assert_string_equal(e.whitelist[1], "");
	assert_null(e.whitelist[2]);
	assert_string_equal(e.blacklist[0], "bad");
	assert_null(e.blacklist[1]);
	assert_int_equal(e.balance_nusd, -500000000);
	assert_int_equal(e.daily_limit_nusd, 1500000000);
	assert_int_equal(e.weekly_limit_nusd, 2000000000);
	assert_int_equal(e.monthly_limit_nusd, 100);
	assert_int_equal(e.quota_nusd, 12345678123456789);
	assert_int_equal(e.quota_used_nusd, 300000000);
	assert_int_equal(e.expires_ns, 1770120000123456000);
	assert_int_equal(e.rate_limit_5h_nusd, 5000000000);
	assert_int_equal(e.rate_limit_1d_nusd, 1);
	assert_int_equal(e.rate_limit_7d_nusd, 12345678123456789);
	assert_null(e.subscription);
	assert_int_equal(e.group_status, GROUP_ACTIVE);
	assert_true(e.has_user && e.user_active);
	assert_true(e.has_group_id && e.has_group);
	assert_true(e.group_subscription && e.group_exclusive);
	assert_true(e.group_allowed);
	assert_false(e.not_found);
	entry_fini(&e);
}

static void what_is_absent_or_null_reads_as_in_go(void **state)
{
	static const char *const rows[] = {
		"{\"snapshot\":{}}",
		"{\"nothing\":1}",
		"{\"not_found\":null,\"snapshot\":{\"api_key_id\":null,"
		"\"group_id\":null,\"status\":null,\"ip_whitelist\":null,"
		"\"ip_blacklist\":[],\"user\":null,\"group\":null,"
		"\"quota\":null,\"quota_used\":null,\"expires_at\":null,"
		"\"rate_limit_5h\":null,\"rate_limit_1d\":null,"
		"\"rate_limit_7d\":null},\"subscription\":null}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct entry e = entry_of(rows[i]);

		assert_int_equal(e.status, PC_STATUS_OTHER);
		assert_int_equal(e.expires_ns, PC_NEVER);
		assert_int_equal(e.quota_nusd, 0);
		assert_int_equal(e.rate_limit_5h_nusd | e.rate_limit_1d_nusd |
					 e.rate_limit_7d_nusd,
				 0);
		assert_null(e.subscription);
		assert_null(e.whitelist);
		assert_null(e.blacklist);
		assert_false(e.has_user || e.has_group || e.has_group_id);
		assert_false(e.not_found);
	}
}

static void statuses_compare_as_in_the_gateway(void **state)
{
	static const struct {
		const char *text;
		int key;
		bool user_active;
		int group;
	} rows[] = {
		{ "active", PC_STATUS_ACTIVE, true, GROUP_ACTIVE },
		{ "Active", PC_STATUS_OTHER, false, GROUP_INACTIVE },
		{ "expired", PC_STATUS_EXPIRED, false, GROUP_INACTIVE },
		{ "quota_exhausted", PC_STATUS_EXHAUSTED, false,
		  GROUP_INACTIVE },
		{ "deleted", PC_STATUS_OTHER, false, GROUP_DELETED },
		{ "DeLeTed", PC_STATUS_OTHER, false, GROUP_DELETED },
		{ "", PC_STATUS_OTHER, false, GROUP_INACTIVE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *t = rows[i].text;
		char text[256];
		struct entry e;

		snprintf(text, sizeof(text),
			 "{\"status\":\"%s\",\"user\":{\"status\":\"%s\"},"
			 "\"group\":{\"status\":\"%s\"}}",
			 t, t, t);
		e = entry_of(text);
		assert_int_equal(e.status, rows[i].key);
		assert_int_equal(e.user_active, rows[i].user_active);
		assert_int_equal(e.group_status, rows[i].group);
	}
}

static void a_group_is_allowed_if_the_user_lists_it(void **state)
{
	static const struct {
		const char *key;
		const char *user;
		bool allowed;
	} rows[] = {
		{ "\"group_id\":3,", "", false },
		{ "\"group_id\":3,", ",\"allowed_groups\":null", false },
		{ "\"group_id\":3,", ",\"allowed_groups\":[]", false },
		{ "\"group_id\":3,", ",\"allowed_groups\":[1,2]", false },
		{ "\"group_id\":3,", ",\"allowed_groups\":[1,3,2]", true },
		{ "", ",\"allowed_groups\":[0]", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "{%s\"user\":{\"status\":\"active\"%s}}", rows[i].key,
			 rows[i].user);
		assert_int_equal(entry_of(text).group_allowed, rows[i].allowed);
	}
}

static void amounts_are_read_from_the_text(void **state)
{
	static const struct {
		const char *what;
		const char *text;
		int64_t quota;
	} rows[] = {
		{ "an integer", "{\"quota\":5}", 5000000000 },
		{ "17 digits", "{\"quota\":12345678.123456789}",
		  12345678123456789 },
		{ "blanks", "{ \"quota\" : 12345678.123456789 }",
		  12345678123456789 },
		{ "the name within a string",
		  "{\"a\":\"\\\"quota\\\":1.5,\",\"quota\":2.5}", 2500000000 },
		{ "the name of a deeper member",
		  "{\"a\":{\"quota\":1.5},\"b\":[{\"quota\":1.5}],"
		  "\"quota\":2.5}",
		  2500000000 },
		{ "a string ending in a backslash",
		  "{\"a\":\"\\\\\",\"quota\":2.5}", 2500000000 },
		{ "a name as prefix of another",
		  "{\"quota_used\":1.5,\"quota\":2.5}", 2500000000 },
		{ "underflow is not nothing", "{\"quota\":1e-999}", 1 },
		{ "an escaped name is still a name", "{\"quot\\u0061\":0.1}",
		  100000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (entry_of(rows[i].text).quota_nusd != rows[i].quota)
			fail_msg("%s", rows[i].what);
	}
}

static void a_decoded_record_keeps_what_go_printed(void **state)
{
	json_t *json = json_loads("{\"quota\":0.1,\"quota_used\":1234567.891,"
				  "\"user\":{\"status\":\"active\","
				  "\"balance\":1e-7}}",
				  0, NULL);
	char error[SNAPSHOT_ERROR_SIZE];
	struct entry e;

	(void)state;
	assert_int_equal(snapshot_parse_record(&e, json, error), 0);
	assert_int_equal(e.quota_nusd, 100000000);
	assert_int_equal(e.quota_used_nusd, 1234567891000000);
	assert_int_equal(e.balance_nusd, 100);
	json_decref(json);

	json = json_string("no record");
	assert_int_equal(snapshot_parse_record(&e, json, error), -EBADMSG);
	assert_string_equal(error, "json: not an object");
	json_decref(json);
}

static const struct {
	const char *member;
	const char *error;
} wrong_types[] = {
	{ "\"api_key_id\":\"7\"", "api_key_id: not an integer" },
	{ "\"api_key_id\":1.0", "api_key_id: not an integer" },
	{ "\"user_id\":true", "user_id: not an integer" },
	{ "\"group_id\":[]", "group_id: not an integer" },
	{ "\"status\":1", "status: not a string" },
	{ "\"ip_whitelist\":\"10.0.0.1\"",
	  "ip_whitelist: not a list of strings" },
	{ "\"ip_whitelist\":[\"10.0.0.1\",7]",
	  "ip_whitelist: not a list of strings" },
	{ "\"ip_blacklist\":{}", "ip_blacklist: not a list of strings" },
	{ "\"ip_whitelist\":[\"a\"],\"ip_blacklist\":[null]",
	  "ip_blacklist: not a list of strings" },
	{ "\"quota\":\"5\"", "quota: not a number" },
	{ "\"quota\":true", "quota: not a number" },
	{ "\"quota_used\":[1]", "quota_used: not a number" },
	{ "\"expires_at\":1770120000", "expires_at: not a string" },
	{ "\"user\":[]", "user: not an object" },
	{ "\"user\":{}", "user.status: missing" },
	{ "\"user\":{\"status\":null}", "user.status: missing" },
	{ "\"user\":{\"status\":1}", "user.status: not a string" },
	{ "\"user\":{\"status\":\"\",\"balance\":\"1\"}",
	  "user.balance: not a number" },
	{ "\"group_id\":1,\"user\":{\"status\":\"\","
	  "\"allowed_groups\":1}",
	  "user.allowed_groups: not a list of integers" },
	{ "\"group_id\":1,\"user\":{\"status\":\"\","
	  "\"allowed_groups\":[1,\"2\"]}",
	  "user.allowed_groups: not a list of integers" },
	{ "\"user\":{\"status\":\"\",\"allowed_groups\":{}}",
	  "user.allowed_groups: not a list of integers" },
	{ "\"rate_limit_5h\":\"1\"", "rate_limit_5h: not a number" },
	{ "\"rate_limit_1d\":[]", "rate_limit_1d: not a number" },
	{ "\"rate_limit_7d\":true", "rate_limit_7d: not a number" },
	{ "\"group\":\"x\"", "group: not an object" },
	{ "\"group\":{\"status\":1}", "group.status: not a string" },
	{ "\"group\":{\"subscription_type\":1}",
	  "group.subscription_type: not a string" },
	{ "\"group\":{\"is_exclusive\":1}",
	  "group.is_exclusive: not true or false" },
	{ "\"group\":{\"daily_limit_usd\":\"\"}",
	  "group.daily_limit_usd: not a number" },
	{ "\"group\":{\"weekly_limit_usd\":{}}",
	  "group.weekly_limit_usd: not a number" },
	{ "\"group\":{\"monthly_limit_usd\":false}",
	  "group.monthly_limit_usd: not a number" },
};

static void a_wrong_type_refuses_the_snapshot(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong_types); i++) {
		char text[1024], error[256];

		snprintf(text, sizeof(text),
			 "%s{\"key_hash\":\"" B "\",\"snapshot\":{%s}}\n%s",
			 GOOD(A), wrong_types[i].member, GOOD(C));
		snprintf(error, sizeof(error), "line 2: %s",
			 wrong_types[i].error);
		refuse_bytes(wrong_types[i].member, text, strlen(text), error);
	}
}

#define ROW "{\"status\":\"expired\",\"expires_at\":\"2026-02-03T12:00:00Z\"}"

static void a_subscription_stands_beside_the_snapshot(void **state)
{
	static const struct {
		const char *text;
		int known; /* -1: NULL */
	} rows[] = {
		{ "{\"snapshot\":{\"status\":\"active\"}}", -1 },
		{ "{\"snapshot\":{},\"subscription\":null}", -1 },
		{ "{\"snapshot\":{},\"subscription\":false}",
		  SUBSCRIPTION_NONE },
		{ "{\"subscription\":" ROW ",\"snapshot\":{}}",
		  SUBSCRIPTION_ROW },
		/* The gateway's own, whatever it may come to mean. */
		{ "{\"snapshot\":{\"subscription\":" ROW "}}", -1 },
		{ "{\"snapshot\":{\"subscription\":1}}", -1 },
		{ "{\"status\":\"active\",\"subscription\":" ROW "}", -1 },
		{ "{\"status\":\"active\",\"subscription\":7}", -1 },
		{ "{\"not_found\":true,\"subscription\":" ROW "}", -1 },
		{ "{\"not_found\":true,\"subscription\":7}", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct entry e = entry_of(rows[i].text);

		if ((e.subscription ? (int)e.subscription->known : -1) !=
		    rows[i].known)
			fail_msg("%s", rows[i].text);
		if (rows[i].known == SUBSCRIPTION_ROW)
			assert_int_equal(e.subscription->status, ROW_EXPIRED);
		entry_fini(&e);
	}
}

#define BESIDE(more) "{\"key_hash\":\"" A "\",\"snapshot\":{}," more "}"

static const struct refusal bad_records[] = {
	{ "bad time", LINE(A, ",\"expires_at\":\"tomorrow\""),
	  "line 1: expires_at: \"tomorrow\" is not a time" },
	{ "control characters in a time are not echoed",
	  LINE(A, ",\"expires_at\":\"\\u001b[2J\\n\\u00e9\""),
	  "line 1: expires_at: \"?[2J???\" is not a time" },
	{ "a long time is cut",
	  LINE(A, ",\"expires_at\":\"0123456789012345678901234567890123456789"
		  "x\""),
	  "line 1: expires_at: \"0123456789012345678901234567890123456789\" "
	  "is not a time" },
	{ "empty time", LINE(A, ",\"expires_at\":\"\""),
	  "line 1: expires_at: \"\" is not a time" },
	{ "no hash", "{\"snapshot\":{}}", "line 1: key_hash: missing" },
	{ "null hash", "{\"key_hash\":null}", "line 1: key_hash: missing" },
	{ "hash of a wrong type", "{\"key_hash\":1}",
	  "line 1: key_hash: not a string" },
	{ "a key for a hash", "{\"key_hash\":\"sk-secret\"}",
	  "line 1: key_hash: not 64 hex digits" },
	{ "63 digits", "{\"key_hash\":\"" H4(H4("aaa")) "aaaaaaaaaaaaaaa\"}",
	  "line 1: key_hash: not 64 hex digits" },
	{ "65 digits", "{\"key_hash\":\"" A "a\"}",
	  "line 1: key_hash: not 64 hex digits" },
	{ "not hex", "{\"key_hash\":\"" H64("g") "\"}",
	  "line 1: key_hash: not 64 hex digits" },
	{ "snapshot of a wrong type", "{\"key_hash\":\"" A "\",\"snapshot\":1}",
	  "line 1: snapshot: not an object" },
	{ "not_found of a wrong type",
	  "{\"key_hash\":\"" A "\",\"not_found\":1}",
	  "line 1: not_found: not true or false" },
	{ "a list", "[]", "line 1: json: not an object" },
	{ "a word", "true", "line 1: json: not an object" },
	{ "no JSON", "hello", "line 1: json: syntax error at byte 5" },
	{ "cut short",
	  GOOD(A) "{\"key_hash\":", "line 2: json: ends too early at byte 12" },
	{ "two on a line", "{} {}", "line 1: json: text after the object" },
	{ "two records on a line",
	  "{\"key_hash\":\"" A "\"}{\"key_hash\":\"" B "\"}",
	  "line 1: json: text after the value at byte 80" },
	{ "NaN", LINE(A, ",\"quota\":NaN"),
	  "line 1: json: syntax error at byte 120" },
	{ "Infinity", LINE(A, ",\"quota\":-Infinity"),
	  "line 1: json: syntax error at byte 118" },
	{ "too large for a double", LINE(A, ",\"quota\":1e999"),
	  "line 1: json: number out of range at byte 122" },
	{ "too large for an integer",
	  LINE(A, ",\"user_id\":9223372036854775808"),
	  "line 1: json: number out of range at byte 138" },
	{ "a member twice", LINE(A, ",\"quota\":1,\"quota\":2"),
	  "line 1: json: a name appears twice at byte 126" },
	{ "not UTF-8", LINE(A, ",\"name\":\"\xff\""),
	  "line 1: json: not UTF-8 at byte 117" },
	{ "escaped NUL", LINE(A, ",\"name\":\"\\u0000\""),
	  "line 1: json: NUL character at byte 124" },
	{ "subscription of a wrong type", BESIDE("\"subscription\":true"),
	  "line 1: subscription: neither an object nor false" },
	{ "subscription as a list", BESIDE("\"subscription\":[]"),
	  "line 1: subscription: neither an object nor false" },
	{ "empty subscription", BESIDE("\"subscription\":{}"),
	  "line 1: subscription.status: missing" },
	{ "an e-mail near a mistake is not echoed",
	  LINE(A, ",\"email\":\"a@example.org\"x"),
	  "line 1: json: syntax error at byte 133" },
};

static void a_bad_record_refuses_the_snapshot(void **state)
{
	(void)state;
	refuse_rows(bad_records, ARRAY_SIZE(bad_records));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_record_is_read_exactly),
		cmocka_unit_test(what_is_absent_or_null_reads_as_in_go),
		cmocka_unit_test(statuses_compare_as_in_the_gateway),
		cmocka_unit_test(a_group_is_allowed_if_the_user_lists_it),
		cmocka_unit_test(amounts_are_read_from_the_text),
		cmocka_unit_test(a_decoded_record_keeps_what_go_printed),
		cmocka_unit_test(a_subscription_stands_beside_the_snapshot),
		cmocka_unit_test(a_wrong_type_refuses_the_snapshot),
		cmocka_unit_test(a_bad_record_refuses_the_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
