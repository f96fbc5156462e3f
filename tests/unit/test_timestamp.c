// SPDX-License-Identifier: GPL-2.0-only
#include "timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define S INT64_C(1000000000)

static void times_read_to_the_nanosecond(void **state)
{
	static const struct {
		const char *what;
		const char *in;
		int64_t ns;
	} rows[] = {
		{ "epoch", "1970-01-01T00:00:00Z", 0 },
		{ "before it", "1969-12-31T23:59:59.999999999Z", -1 },
		{ "a day", "2026-02-03T12:00:00Z", 1770120000 * S },
		{ "tenths", "2026-02-03T12:00:00.5Z", 1770120000 * S + S / 2 },
		{ "micro", "2026-02-03T12:00:00.123456Z",
		  1770120000 * S + 123456000 },
		{ "nano", "2026-02-03T12:00:00.123456789Z",
		  1770120000 * S + 123456789 },
		{ "below nano is cut off", "2026-02-03T12:00:00.1234567899999Z",
		  1770120000 * S + 123456789 },
		{ "east", "2026-02-03T20:00:00+08:00", 1770120000 * S },
		{ "west", "2026-02-03T07:30:00-04:30", 1770120000 * S },
		{ "far east", "2026-02-04T11:59:00+23:59", 1770120000 * S },
		{ "minus zero", "2026-02-03T12:00:00-00:00", 1770120000 * S },
		{ "into the next day", "2026-02-02T23:30:00-12:30",
		  1770120000 * S },
		{ "leap day", "2024-02-29T00:00:00Z", 1709164800 * S },
		{ "leap day of a fourth century", "2000-02-29T00:00:00Z",
		  951782400 * S },
		{ "last in range", "2262-04-11T23:47:16.854775806Z",
		  INT64_MAX - 1 },
		{ "never is never meant", "2262-04-11T23:47:16.854775807Z",
		  INT64_MAX - 1 },
		{ "far future", "9999-12-31T23:59:59Z", INT64_MAX - 1 },
		{ "first in range", "1677-09-21T00:12:43.145224193Z",
		  INT64_MIN + 1 },
		{ "Go's zero time", "0001-01-01T00:00:00Z", INT64_MIN + 1 },
		{ "year 0", "0000-01-01T00:00:00+23:59", INT64_MIN + 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t ns = 42;

		if (timestamp_parse(&ns, rows[i].in, strlen(rows[i].in)) ||
		    ns != rows[i].ns)
			fail_msg("%s: %s is %" PRId64, rows[i].what, rows[i].in,
				 ns);
	}
}

static void what_go_refuses_is_refused(void **state)
{
	static const struct {
		const char *what;
		const char *in;
	} rows[] = {
		{ "empty", "" },
		{ "word", "tomorrow" },
		{ "date only", "2026-02-03" },
		{ "no zone", "2026-02-03T12:00:00" },
		{ "blank for T", "2026-02-03 12:00:00Z" },
		{ "small t", "2026-02-03t12:00:00Z" },
		{ "small z", "2026-02-03T12:00:00z" },
		{ "comma", "2026-02-03T12:00:00,5Z" },
		{ "point alone", "2026-02-03T12:00:00.Z" },
		{ "leap second", "2026-06-30T23:59:60Z" },
		{ "hour 24", "2026-02-03T24:00:00Z" },
		{ "minute 60", "2026-02-03T12:60:00Z" },
		{ "one-digit hour", "2026-02-03T1:00:00Z" },
		{ "one-digit day", "2026-02-3T12:00:00Z" },
		{ "month 0", "2026-00-03T12:00:00Z" },
		{ "month 13", "2026-13-03T12:00:00Z" },
		{ "day 0", "2026-02-00T12:00:00Z" },
		{ "no leap day", "2026-02-29T12:00:00Z" },
		{ "no leap day in a century", "1900-02-29T12:00:00Z" },
		{ "April 31", "2026-04-31T12:00:00Z" },
		{ "five-digit year", "12026-02-03T12:00:00Z" },
		{ "signed year", "-026-02-03T12:00:00Z" },
		{ "offset hour 24", "2026-02-03T12:00:00+24:00" },
		{ "offset minute 60", "2026-02-03T12:00:00+08:60" },
		{ "offset without colon", "2026-02-03T12:00:00+0800" },
		{ "offset hour alone", "2026-02-03T12:00:00+08" },
		{ "both zones", "2026-02-03T12:00:00Z+08:00" },
		{ "zone by name", "2026-02-03T12:00:00CST" },
		{ "blank after", "2026-02-03T12:00:00Z " },
		{ "blank before", " 2026-02-03T12:00:00Z" },
		{ "number", "1770120000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t ns = 42;

		if (timestamp_parse(&ns, rows[i].in, strlen(rows[i].in)) !=
		    -EINVAL)
			fail_msg("%s: %s", rows[i].what, rows[i].in);
		assert_int_equal(ns, 42);
	}
}

static void every_cut_of_a_time_is_refused(void **state)
{
	static const char text[] = "2026-02-03T12:00:00.123+08:00";
	int64_t ns;

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++)
		assert_int_equal(timestamp_parse(&ns, text, size), -EINVAL);
	assert_int_equal(timestamp_parse(&ns, text, sizeof(text)), -EINVAL);
	assert_int_equal(timestamp_parse(&ns, text, sizeof(text) - 1), 0);
}

/* Every day of 1678 to 2261, at a second that walks through the day. */
static void days_agree_with_timegm(void **state)
{
	time_t day = -9214560000, end = 9214560000;

	(void)state;
	for (; day < end; day += 86400 + 61) {
		char text[64];
		struct tm tm;
		int64_t ns;

		gmtime_r(&day, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		assert_int_equal(timestamp_parse(&ns, text, strlen(text)), 0);
		assert_int_equal(ns, timegm(&tm) * S);
	}
}

static void a_printed_time_reads_back(void **state)
{
	static const struct {
		int64_t ns;
		const char *out;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ -1, "1969-12-31T23:59:59.999999999Z" },
		{ 1770120000 * S + S / 2, "2026-02-03T12:00:00.5Z" },
		{ 1770120000 * S + 1, "2026-02-03T12:00:00.000000001Z" },
		{ INT64_MAX - 1, "2262-04-11T23:47:16.854775806Z" },
		{ INT64_MIN + 1, "1677-09-21T00:12:43.145224193Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char buf[TIMESTAMP_STRLEN];
		int64_t ns;

		assert_string_equal(timestamp_print(rows[i].ns, buf),
				    rows[i].out);
		assert_int_equal(timestamp_parse(&ns, buf, strlen(buf)), 0);
		assert_int_equal(ns, rows[i].ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_read_to_the_nanosecond),
		cmocka_unit_test(what_go_refuses_is_refused),
		cmocka_unit_test(every_cut_of_a_time_is_refused),
		cmocka_unit_test(days_agree_with_timegm),
		cmocka_unit_test(a_printed_time_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
