/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet must have done, said in cmocka's terms. */
#ifndef TESTS_BPF_EXPECT_H
#define TESTS_BPF_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "harness.h"

static inline const char *harness_reason_name(enum pc_reason r)
{
	return r == PC_NEXT ? "(none)" : reason_name(r);
}

/* Exactly this counter rose, and no other. */
static inline void check_reason(const struct outcome *o, enum pc_reason want,
				const char *what, const char *file, int line)
{
	if (o->reason == want && o->other == PC_NEXT)
		return;
	print_error("%s: counted %s and %s, not %s\n", what,
		    harness_reason_name(o->reason),
		    harness_reason_name(o->other), harness_reason_name(want));
	_fail(file, line);
}

#define assert_reason(o, want, what) \
	check_reason(o, want, what, __FILE__, __LINE__)

/* Every reason but those listed was counted, and none of those was. */
static inline void check_seen(const enum pc_reason *never, size_t n)
{
	bool want[PC_R_MAX];
	int wrong = 0;

	memset(want, 1, sizeof(want));
	for (size_t i = 0; i < n; i++)
		want[never[i]] = false;
	for (int r = 0; r < PC_R_MAX; r++) {
		if (want[r] == harness.seen[r])
			continue;
		print_error("%s: %s\n", reason_name(r),
			    want[r] ? "never counted"
				    : "counted, but listed as impossible");
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

#endif /* TESTS_BPF_EXPECT_H */
