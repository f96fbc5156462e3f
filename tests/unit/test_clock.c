// SPDX-License-Identifier: GPL-2.0-only
/* Which clocks are believed when they say that a ban is from the future. */
#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define S 1000000000LL
#define DAY (86400 * S)
#define TODAY (20500 * DAY) /* in 2026 */

static void a_clock_is_believed_that_is_set_or_had_time(void **state)
{
	static const struct {
		const char *what;
		int64_t now_ns;
		uint64_t boot_ns;
		bool is_set;
		bool is_credible;
	} rows[] = {
		{ "just up", TODAY, 5 * S, false, false },
		{ "just up, and set", TODAY, 5 * S, true, true },
		{ "nobody sets it", TODAY, 600 * S, false, true },
		{ "not yet", TODAY, 600 * S - 1, false, false },
		/* No battery, and no network to ask: for longer than that. */
		{ "1970", 3600 * S, 3600 * S, false, false },
		{ "1970, and set", 3600 * S, 3600 * S, true, false },
		{ "before 1970", -1, 3600 * S, false, false },
		{ "what a system was made in", 19000 * DAY, DAY, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (clock_is_credible(rows[i].now_ns, rows[i].boot_ns,
				      rows[i].is_set) != rows[i].is_credible)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_is_believed_that_is_set_or_had_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
