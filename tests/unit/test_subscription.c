// SPDX-License-Identifier: GPL-2.0-only
#include "subscription.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "snapshot.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static int parse(struct subscription *out, const char *text,
		 char what[static SNAPSHOT_WHAT_SIZE])
{
	struct object row = { .path = "row.", .what = what };
	int err = object_parse(&row, (struct jsontext){ text, strlen(text) });

	assert_int_equal(err, 0);
	err = subscription_parse(out, &row);
	object_fini(&row);
	return err;
}

#define MUST "\"status\":\"active\",\"expires_at\":\"2026-02-03T12:00:00Z\""
#define NOON_NS 1770120000000000000

static void a_row_is_read_exactly(void **state)
{
	static const char text[] =
		"{" MUST ",\"daily_usage_usd\":12345678.123456789,"
		"\"weekly_usage_usd\":0.30000000000000004,"
		"\"monthly_usage_usd\":1e-10,"
		"\"daily_window_start\":\"2026-02-03T12:00:00Z\","
		"\"weekly_window_start\":\"2026-02-03T20:00:00.5+08:00\","
		"\"monthly_window_start\":\"2026-02-03T12:00:00.000000001Z\"}";
	char what[SNAPSHOT_WHAT_SIZE] = "";
	struct subscription s;

	(void)state;
	assert_int_equal(parse(&s, text, what), 0);
	assert_int_equal(s.known, SUBSCRIPTION_ROW);
	assert_int_equal(s.status, ROW_ACTIVE);
	assert_int_equal(s.expires_ns, NOON_NS);
	assert_int_equal(s.daily_nusd, 12345678123456789);
	assert_int_equal(s.weekly_nusd, 300000000);
	assert_int_equal(s.monthly_nusd, 0);
	assert_int_equal(s.daily_start_ns, NOON_NS);
	assert_int_equal(s.weekly_start_ns, NOON_NS + 500000000);
	assert_int_equal(s.monthly_start_ns, NOON_NS + 1);
}

static void use_and_windows_may_be_missing(void **state)
{
	static const char *const rows[] = {
		"{" MUST "}",
		"{" MUST ",\"daily_usage_usd\":null,\"weekly_usage_usd\":null,"
		"\"monthly_usage_usd\":null,\"daily_window_start\":null,"
		"\"weekly_window_start\":null,\"monthly_window_start\":null}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char what[SNAPSHOT_WHAT_SIZE] = "";
		struct subscription s;

		assert_int_equal(parse(&s, rows[i], what), 0);
		assert_int_equal(s.daily_nusd | s.weekly_nusd | s.monthly_nusd,
				 0);
		assert_int_equal(s.daily_start_ns | s.weekly_start_ns |
					 s.monthly_start_ns,
				 0);
	}
}

static void statuses_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{ "active", ROW_ACTIVE },
		{ "expired", ROW_EXPIRED },
		{ "suspended", ROW_SUSPENDED },
		{ "Active", ROW_OTHER },
		{ "", ROW_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char what[SNAPSHOT_WHAT_SIZE] = "", text[128];
		struct subscription s;

		snprintf(text, sizeof(text),
			 "{\"expires_at\":\"2026-02-03T12:00:00Z\","
			 "\"status\":\"%s\"}",
			 rows[i].text);
		assert_int_equal(parse(&s, text, what), 0);
		assert_int_equal(s.status, rows[i].status);
	}
}

static void a_bad_row_changes_nothing(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} rows[] = {
		{ "{}", "row.status: missing" },
		{ "{\"status\":1}", "row.status: not a string" },
		{ "{\"status\":\"active\"}", "row.expires_at: missing" },
		{ "{\"status\":\"active\",\"expires_at\":null}",
		  "row.expires_at: missing" },
		{ "{\"status\":\"active\",\"expires_at\":1}",
		  "row.expires_at: not a string" },
		{ "{\"status\":\"active\",\"expires_at\":\"soon\"}",
		  "row.expires_at: \"soon\" is not a time" },
		{ "{" MUST ",\"daily_usage_usd\":\"1\"}",
		  "row.daily_usage_usd: not a number" },
		{ "{" MUST ",\"weekly_usage_usd\":true}",
		  "row.weekly_usage_usd: not a number" },
		{ "{" MUST ",\"monthly_usage_usd\":[]}",
		  "row.monthly_usage_usd: not a number" },
		{ "{" MUST ",\"daily_window_start\":5}",
		  "row.daily_window_start: not a string" },
		{ "{" MUST ",\"weekly_window_start\":{}}",
		  "row.weekly_window_start: not a string" },
		{ "{" MUST ",\"monthly_window_start\":\"\"}",
		  "row.monthly_window_start: \"\" is not a time" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char what[SNAPSHOT_WHAT_SIZE] = "";
		struct subscription s, before;

		memset(&s, 0x5a, sizeof(s));
		memcpy(&before, &s, sizeof(s));
		assert_int_equal(parse(&s, rows[i].text, what), -EBADMSG);
		assert_string_equal(what, rows[i].error);
		assert_memory_equal(&s, &before, sizeof(s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_read_exactly),
		cmocka_unit_test(use_and_windows_may_be_missing),
		cmocka_unit_test(statuses_are_told_apart),
		cmocka_unit_test(a_bad_row_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
