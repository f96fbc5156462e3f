// SPDX-License-Identifier: GPL-2.0-only
#include "statement.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define LIMIT " LIMIT " TEXT(STATEMENT_BATCH)

/* Integers become reals when they overflow, and a sum must not. */
#define SUM_SPENT                                                      \
	" ON CONFLICT DO UPDATE SET"                                   \
	" first_ns = min(first_ns, excluded.first_ns),"                \
	" last_ns = max(last_ns, excluded.last_ns),"                   \
	" cost = CASE WHEN cost > 9223372036854775807 - excluded.cost" \
	" THEN 9223372036854775807 ELSE cost + excluded.cost END"

static const char *const texts[STATEMENT_MAX] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
	[STATEMENT_PROBE] = "INSERT OR REPLACE INTO probe VALUES (1, ?1)",

	[STATEMENT_FIND_CLAIM] =
		"SELECT key, user_id, group_id, held, ends_ns, open, charged,"
		" keep_ns FROM claim WHERE id = ?1",
	[STATEMENT_PUT_CLAIM] =
		"INSERT INTO claim (id, key, user_id, group_id, held, ends_ns,"
		" open, charged, keep_ns) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)"
		" ON CONFLICT DO UPDATE SET key = ?2, user_id = ?3,"
		" group_id = ?4, open = ?7, charged = ?8, keep_ns = ?9",

	[STATEMENT_ADD_SPENT] =
		"INSERT INTO spent (unit, span, key, user_id, group_id,"
		" first_ns, last_ns, cost) VALUES (?1,?2,?3,?4,?5,?6,?6,?7)" SUM_SPENT,
	[STATEMENT_FIND_WINDOWS] =
		"SELECT start_1, used_1, start_2, used_2, start_3, used_3"
		" FROM windows"
		" WHERE key = ?1 AND user_id = ?2 AND group_id = ?3",
	[STATEMENT_PUT_WINDOWS] =
		"INSERT INTO windows (key, user_id, group_id, ends_ns,"
		" start_1, used_1, start_2, used_2, start_3, used_3)"
		" VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"
		" ON CONFLICT DO UPDATE SET ends_ns = ?4, start_1 = ?5,"
		" used_1 = ?6, start_2 = ?7, used_2 = ?8, start_3 = ?9,"
		" used_3 = ?10",

	/* Folding (unit, before, to unit, taken_ns), by whole spans. */
	[STATEMENT_FOLD_END] =
		"SELECT max(span) FROM (SELECT span FROM spent"
		" WHERE unit = ?1 AND span < ?2 ORDER BY span" LIMIT ")",
	[STATEMENT_FOLD] =
		"INSERT INTO spent (unit, span, key, user_id, group_id,"
		" first_ns, last_ns, cost)"
		" SELECT ?3, CASE WHEN first_ns > ?4"
		" AND first_ns - first_ns % ?3 <= ?4 THEN ?4 + 1"
		" ELSE first_ns - first_ns % ?3 END,"
		" key, user_id, group_id, first_ns, last_ns, cost"
		" FROM spent WHERE unit = ?1 AND span <= ?2" SUM_SPENT,
	[STATEMENT_FOLDED] = "DELETE FROM spent WHERE unit = ?1 AND span <= ?2",
	[STATEMENT_PRUNE_CLAIMS] =
		"DELETE FROM claim WHERE id IN (SELECT id FROM claim"
		" WHERE keep_ns < ?1 ORDER BY keep_ns" LIMIT ")",
	[STATEMENT_PRUNE_WINDOWS] =
		"DELETE FROM windows WHERE (key, user_id, group_id) IN"
		" (SELECT key, user_id, group_id FROM windows"
		" WHERE ends_ns < ?1 ORDER BY ends_ns" LIMIT ")",

	[STATEMENT_LOAD_SPENT] =
		"SELECT key, user_id, group_id, first_ns, last_ns, cost"
		" FROM spent WHERE unit = ?1 ORDER BY span",
	[STATEMENT_LOAD_WINDOWS] =
		"SELECT start_1, used_1, start_2, used_2, start_3, used_3,"
		" key, user_id, group_id FROM windows",
	[STATEMENT_LOAD_HOLDS] =
		"SELECT id, key, user_id, group_id, held, ends_ns FROM claim"
		" WHERE open",
};

int statement_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_BUSY:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_MISMATCH:
		return -EPROTO;
	default:
		return -EIO;
	}
}

int statement_prepare(struct statements *s, sqlite3 *db)
{
	struct statements made = { { NULL } };

	for (int i = 0; i < STATEMENT_MAX; i++) {
		int rc = sqlite3_prepare_v3(db, texts[i], -1,
					    SQLITE_PREPARE_PERSISTENT,
					    &made.prepared[i], NULL);

		if (rc != SQLITE_OK) {
			statement_finalize(&made);
			return rc;
		}
	}
	*s = made;
	return SQLITE_OK;
}

void statement_finalize(struct statements *s)
{
	for (int i = 0; i < STATEMENT_MAX; i++) {
		sqlite3_finalize(s->prepared[i]);
		s->prepared[i] = NULL;
	}
}

static void bind_digest(sqlite3_stmt *stmt, int i, const struct pc_digest *key)
{
	if (key)
		sqlite3_bind_blob(stmt, i, key->bytes, sizeof(key->bytes),
				  SQLITE_STATIC);
	else
		sqlite3_bind_zeroblob(stmt, i, 0);
}

static void bind_optional(sqlite3_stmt *stmt, int i, const int64_t *n)
{
	if (n)
		sqlite3_bind_int64(stmt, i, *n);
	else
		sqlite3_bind_null(stmt, i);
}

sqlite3_stmt *statement_bind(const struct statements *s, enum statement which,
			     const char *types, ...)
{
	sqlite3_stmt *stmt = s->prepared[which];
	va_list args;

	va_start(args, types);
	for (int i = 1; *types; i++, types++) {
		switch (*types) {
		case 'i':
			sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
			break;
		case 'o':
			bind_optional(stmt, i, va_arg(args, const int64_t *));
			break;
		case 't':
			sqlite3_bind_text(stmt, i, va_arg(args, const char *),
					  -1, SQLITE_STATIC);
			break;
		default:
			bind_digest(stmt, i,
				    va_arg(args, const struct pc_digest *));
			break;
		}
	}
	va_end(args);
	return stmt;
}

int statement_step(sqlite3_stmt *stmt)
{
	return sqlite3_step(stmt);
}

int statement_end(sqlite3_stmt *stmt)
{
	int rc = sqlite3_reset(stmt);

	sqlite3_clear_bindings(stmt);
	return rc;
}

int statement_run(sqlite3_stmt *stmt)
{
	sqlite3_step(stmt);
	return statement_end(stmt);
}

struct pc_digest statement_digest(sqlite3_stmt *stmt, int column)
{
	struct pc_digest digest = { { 0 } };

	if (sqlite3_column_bytes(stmt, column) == sizeof(digest.bytes))
		memcpy(digest.bytes, sqlite3_column_blob(stmt, column),
		       sizeof(digest.bytes));
	return digest;
}
