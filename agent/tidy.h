/* SPDX-License-Identifier: GPL-2.0-only */
/* What old rows of the journal's database become, a few at a time. */
#ifndef TIDY_H
#define TIDY_H

#include <stdbool.h>
#include <stdint.h>

#include "statement.h"
#include "window.h"

#define TIDY_SECOND_NS 1000000000LL
/* Folded when an hour old, and when a month old. */
#define TIDY_MONTH_NS (31 * WINDOW_DAY_NS)
/* Nothing says that a snapshot will ever contain a sum; this is long enough. */
#define TIDY_FORGET_NS (400 * WINDOW_DAY_NS)

/*
 * The beginning of the span of unit_ns that a charge belongs to.  The one that
 * taken_ns lies in is cut in two, so that no sum lies across.
 */
int64_t tidy_span_ns(int64_t at_ns, int64_t unit_ns, int64_t taken_ns);

#define TIDY_JOBS 5

/* Within a transaction.  SQLITE_OK or an error; *more: the job is not done. */
int tidy_do(bool *more, const struct statements *s, int job, int64_t now_ns,
	    int64_t taken_ns);

#endif /* TIDY_H */
