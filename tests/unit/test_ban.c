// SPDX-License-Identifier: GPL-2.0-only
/* ban.c: when a ban ends, what a second one makes of it, what a reason may be.
 */
#include "ban.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define S 1000000000LL
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define NOW (1780000000 * S)

static struct ban ban_of(int64_t made_ns, int64_t expires_ns,
			 const char *reason)
{
	struct ban b = { .prefix = { AF_INET, 32, { 192, 0, 2, 1 } },
			 .made_ns = made_ns,
			 .expires_ns = expires_ns };

	strcpy(b.reason, reason);
	return b;
}

static void assert_same(const struct ban *a, const struct ban *b)
{
	assert_int_equal(prefix_compare(&a->prefix, &b->prefix), 0);
	assert_true(a->made_ns == b->made_ns);
	assert_true(a->expires_ns == b->expires_ns);
	assert_int_equal(a->made_by, b->made_by);
	assert_int_equal(a->times, b->times);
	assert_string_equal(a->reason, b->reason);
}

static void it_is_over_after_its_end(void **state)
{
	struct ban b = ban_of(NOW, NOW + HOUR, "");

	(void)state;
	assert_true(ban_holds(&b, NOW + HOUR - 1));
	assert_true(ban_holds(&b, NOW + HOUR));
	assert_false(ban_holds(&b, NOW + HOUR + 1));
	b.expires_ns = PC_NEVER;
	assert_true(ban_holds(&b, INT64_MAX));
	assert_true(ban_end_ns(NOW, HOUR) == NOW + HOUR);
	assert_true(ban_end_ns(NOW, 0) == PC_NEVER);
	assert_true(ban_end_ns(NOW, INT64_MAX) == PC_NEVER);
	assert_true(ban_end_ns(NOW, UINT64_MAX) == PC_NEVER);
}

static void one_from_the_future_is_as_long_from_now_on(void **state)
{
	static const struct {
		const char *what;
		int64_t made, expires, holds_until;
		bool corrected;
	} rows[] = {
		{ "a clock a year ahead", NOW + 365 * DAY,
		  NOW + 365 * DAY + HOUR, NOW + HOUR, true },
		{ "for ever stays for ever", NOW + DAY, PC_NEVER, PC_NEVER,
		  true },
		{ "made now", NOW, NOW + HOUR, NOW + HOUR, false },
		{ "made before", NOW - DAY, NOW + HOUR, NOW + HOUR, false },
		{ "a clock that is set by a little", NOW + 10 * S,
		  NOW + 10 * S + HOUR, NOW + 10 * S + HOUR, false },
		{ "by more", NOW + 10 * S + 1, NOW + 10 * S + 1 + HOUR,
		  NOW + HOUR, true },
		{ "the end of all time", INT64_MAX, INT64_MAX - 1, NOW - 1,
		  true },
		{ "over before it was made", INT64_MAX, INT64_MIN, INT64_MIN,
		  true },
		{ "before all time", INT64_MIN, NOW, NOW, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ban b = ban_of(rows[i].made, rows[i].expires, "");

		if (ban_correct(&b, NOW) != rows[i].corrected ||
		    b.expires_ns != rows[i].holds_until ||
		    b.expires_ns > rows[i].expires ||
		    b.made_ns != (rows[i].corrected ? NOW : rows[i].made))
			fail_msg("%s", rows[i].what);
		if (ban_correct(&b, NOW))
			fail_msg("%s: again", rows[i].what);
	}
}

static const struct {
	const char *what;
	struct {
		int64_t made, expires;
		const char *reason;
	} old, want, holds;
} merges[] = {
	{ "a later end extends",
	  { NOW - HOUR, NOW + HOUR, "old" },
	  { NOW, NOW + 2 * HOUR, "new" },
	  { NOW - HOUR, NOW + 2 * HOUR, "new" } },
	{ "an earlier end shortens nothing",
	  { NOW - HOUR, NOW + HOUR, "old" },
	  { NOW, NOW + 1, "new" },
	  { NOW - HOUR, NOW + HOUR, "new" } },
	{ "for ever stays for ever",
	  { NOW - HOUR, PC_NEVER, "old" },
	  { NOW, NOW + HOUR, "" },
	  { NOW - HOUR, PC_NEVER, "old" } },
	{ "in its last moment it is extended",
	  { NOW - HOUR, NOW, "old" },
	  { NOW, NOW + HOUR, "" },
	  { NOW - HOUR, NOW + HOUR, "old" } },
	{ "one that is over is none",
	  { NOW - HOUR, NOW - 1, "old" },
	  { NOW, NOW + 1, "" },
	  { NOW, NOW + 1, "" } },
};

static void a_second_one_never_shortens_the_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(merges); i++) {
		struct ban old =
			ban_of(merges[i].old.made, merges[i].old.expires,
			       merges[i].old.reason);
		struct ban want =
			ban_of(merges[i].want.made, merges[i].want.expires,
			       merges[i].want.reason);
		struct ban b;

		old.times = 3;
		ban_merge(&b, &old, &want);
		if (b.made_ns != merges[i].holds.made ||
		    b.expires_ns != merges[i].holds.expires || b.times != 3 ||
		    strcmp(b.reason, merges[i].holds.reason))
			fail_msg("%s", merges[i].what);
		ban_merge(&b, NULL, &want);
		assert_same(&b, &want);
	}
}

static void automatic_ones_double_up_to_a_bound(void **state)
{
	static const struct {
		struct ban_rule rule;
		uint32_t times;
		int64_t length_ns; /* 0: for ever */
	} rows[] = {
		{ { HOUR, DAY }, 0, HOUR },
		{ { HOUR, DAY }, 1, 2 * HOUR },
		{ { HOUR, DAY }, 4, 16 * HOUR },
		{ { HOUR, DAY }, 5, DAY },
		{ { HOUR, DAY }, UINT32_MAX, DAY },
		{ { HOUR, HOUR }, 9, HOUR },
		{ { DAY, HOUR }, 0, HOUR },
		{ { HOUR, 0 }, 10, 1024 * HOUR },
		{ { HOUR, 0 }, UINT32_MAX, 0 },
		{ { INT64_MAX - 1, INT64_MAX }, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ban want = ban_of(NOW, 0, "why");
		struct ban old = ban_of(NOW - DAY, NOW - 1, "why not"), b;
		int64_t end =
			rows[i].length_ns ? NOW + rows[i].length_ns : PC_NEVER;

		old.times = rows[i].times;
		assert_int_equal(ban_repeat(&b, &old, &want, &rows[i].rule), 0);
		assert_true(b.expires_ns == end);
		assert_true(b.times == rows[i].times + 1 ||
			    rows[i].times == UINT32_MAX);
		assert_true(b.times >= rows[i].times);
		assert_int_equal(b.made_by, BAN_BY_AUTO);
		assert_string_equal(b.reason, "why");
	}
}

static void one_in_force_is_left_alone(void **state)
{
	const struct ban_rule rule = { HOUR, DAY };
	struct ban want = ban_of(NOW, 0, "why");
	struct ban old = ban_of(NOW - DAY, NOW, "why not"), b;

	(void)state;
	assert_int_equal(ban_repeat(&b, &old, &want, &rule), -EALREADY);
	assert_same(&b, &old);
	assert_int_equal(ban_repeat(&b, NULL, &want, &rule), 0);
	assert_true(b.expires_ns == NOW + HOUR && b.times == 1);
}

static void it_is_remembered_for_a_day_or_its_own_length(void **state)
{
	struct ban b = ban_of(NOW, NOW + HOUR, "");

	(void)state;
	assert_true(ban_keep_ns(&b) == NOW + HOUR + DAY);
	b.expires_ns = NOW + 30 * DAY;
	assert_true(ban_keep_ns(&b) == NOW + 60 * DAY);
	b.expires_ns = PC_NEVER;
	assert_true(ban_keep_ns(&b) == PC_NEVER);
	b.expires_ns = PC_NEVER - 1;
	assert_true(ban_keep_ns(&b) == PC_NEVER);
}

static void reasons_are_short_text(void **state)
{
	char longest[BAN_REASON_SIZE], longer[BAN_REASON_SIZE + 1];
	const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "", true },
		{ "61 requests with dead keys, \"quoted\" \\", true },
		{ "zu viele Schl\xc3\xbcssel", true },
		{ "\xf0\x9f\x9a\xab", true },
		{ longest, true },
		{ longer, false },
		{ "two\nlines", false },
		{ "\x1b[2J", false },
		{ "tab\t", false },
		{ "del\x7f", false },
		{ "\xc2\x9b"
		  "2J",
		  false },
		{ "\xff", false },
		{ "cut \xc3", false },
		{ "\xed\xa0\x80", false },
	};

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!ban_check_reason(rows[i].text) != rows[i].ok)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_over_after_its_end),
		cmocka_unit_test(one_from_the_future_is_as_long_from_now_on),
		cmocka_unit_test(a_second_one_never_shortens_the_first),
		cmocka_unit_test(automatic_ones_double_up_to_a_bound),
		cmocka_unit_test(one_in_force_is_left_alone),
		cmocka_unit_test(it_is_remembered_for_a_day_or_its_own_length),
		cmocka_unit_test(reasons_are_short_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
