// SPDX-License-Identifier: GPL-2.0-only
#include "tidy.h"

int64_t tidy_span_ns(int64_t at_ns, int64_t unit_ns, int64_t taken_ns)
{
	int64_t span_ns = at_ns - at_ns % unit_ns;

	return span_ns <= taken_ns && at_ns > taken_ns ? taken_ns + 1 : span_ns;
}

static int run(bool *more, sqlite3_stmt *stmt)
{
	int rc = statement_run(stmt);

	*more = rc == SQLITE_OK &&
		sqlite3_changes(sqlite3_db_handle(stmt)) >= STATEMENT_BATCH;
	return rc;
}

/* The last of the first few spans before a moment; -1: there is none. */
static int fold_end(int64_t *out_ns, const struct statements *s,
		    int64_t unit_ns, int64_t before_ns)
{
	sqlite3_stmt *stmt =
		statement_bind(s, STATEMENT_FOLD_END, "ii", unit_ns, before_ns);

	*out_ns = -1;
	if (statement_step(stmt) == SQLITE_ROW &&
	    sqlite3_column_type(stmt, 0) != SQLITE_NULL)
		*out_ns = sqlite3_column_int64(stmt, 0);
	return statement_end(stmt);
}

/* Sums older than a unit of the next kind become a part of one. */
static int fold(bool *more, const struct statements *s, int64_t unit_ns,
		int64_t now_ns, int64_t taken_ns)
{
	int64_t to_ns =
		unit_ns == WINDOW_HOUR_NS ? TIDY_MONTH_NS : WINDOW_HOUR_NS;
	int64_t end_ns;
	int rc = fold_end(&end_ns, s, unit_ns, now_ns - to_ns);

	*more = false;
	if (rc != SQLITE_OK || end_ns < 0)
		return rc;
	rc = statement_run(statement_bind(s, STATEMENT_FOLD, "iiii", unit_ns,
					  end_ns, to_ns, taken_ns));
	if (rc != SQLITE_OK)
		return rc;
	return run(more,
		   statement_bind(s, STATEMENT_FOLDED, "ii", unit_ns, end_ns));
}

int tidy_do(bool *more, const struct statements *s, int job, int64_t now_ns,
	    int64_t taken_ns)
{
	switch (job) {
	case 0:
		return run(more, statement_bind(s, STATEMENT_PRUNE_CLAIMS, "i",
						now_ns));
	case 1:
		return fold(more, s, TIDY_SECOND_NS, now_ns, taken_ns);
	case 2:
		return fold(more, s, WINDOW_HOUR_NS, now_ns, taken_ns);
	case 3:
		return run(more, statement_bind(s, STATEMENT_FOLDED, "ii",
						TIDY_MONTH_NS,
						now_ns - TIDY_FORGET_NS));
	default:
		return run(more, statement_bind(s, STATEMENT_PRUNE_WINDOWS, "i",
						now_ns));
	}
}
