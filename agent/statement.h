/* SPDX-License-Identifier: GPL-2.0-only */
/* Every SQL statement of the journal, prepared once. */
#ifndef STATEMENT_H
#define STATEMENT_H

#include <sqlite3.h>
#include <stdint.h>

#include "pc_abi.h"

#define STATEMENT_BATCH 256 /* rows that one step of tidying is about */

enum statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_PROBE,
	STATEMENT_FIND_CLAIM,
	STATEMENT_PUT_CLAIM,
	STATEMENT_ADD_SPENT,
	STATEMENT_FIND_WINDOWS,
	STATEMENT_PUT_WINDOWS,
	STATEMENT_FOLD_END,
	STATEMENT_FOLD,
	STATEMENT_FOLDED,
	STATEMENT_PRUNE_CLAIMS,
	STATEMENT_PRUNE_WINDOWS,
	STATEMENT_LOAD_SPENT,
	STATEMENT_LOAD_WINDOWS,
	STATEMENT_LOAD_HOLDS,
	STATEMENT_MAX
};

struct statements {
	sqlite3_stmt *prepared[STATEMENT_MAX];
};

/* 0 or -errno for SQLite's result code; -EIO where none fits. */
int statement_errno(int rc);

/* SQLite's result code; what was prepared is freed either way. */
int statement_prepare(struct statements *s, sqlite3 *db);
void statement_finalize(struct statements *s);

/*
 * A statement ready to be stepped.  One letter a parameter: i int64_t, o
 * const int64_t * (NULL: null), t const char *, k const struct pc_digest *
 * (NULL: empty).  Texts and keys are borrowed until statement_end().
 */
sqlite3_stmt *statement_bind(const struct statements *s, enum statement which,
			     const char *types, ...);
/* SQLITE_ROW, SQLITE_DONE or an error. */
int statement_step(sqlite3_stmt *stmt);
/* Resets; SQLITE_OK unless the last step failed. */
int statement_end(sqlite3_stmt *stmt);
/* All three, for one without a result; SQLITE_OK or an error. */
int statement_run(sqlite3_stmt *stmt);

/* A digest column; all zero unless it has a digest's size. */
struct pc_digest statement_digest(sqlite3_stmt *stmt, int column);

#endif /* STATEMENT_H */
