// SPDX-License-Identifier: GPL-2.0-only
#include "schema.h"

#include <stdio.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/*
 * claim: what a request id was used for.  held, ends_ns: a hold, and whether it
 * is open; charged: a charge.  Kept until keep_ns.
 *
 * spent: sums of charges by key, user and group (0: the user's balance paid)
 * over unit nanoseconds beginning with span.
 *
 * windows: 5h, 1d, 7d of a key (user and group 0), or 1, 7 and 30 days of
 * (user, group) (key empty); ends_ns is when all are over.
 *
 * All times are Unix time in nanoseconds, all amounts nano-USD.
 */
static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE claim (id TEXT PRIMARY KEY, key BLOB NOT NULL,"
	" user_id INTEGER NOT NULL, group_id INTEGER NOT NULL, held INTEGER,"
	" ends_ns INTEGER, open INTEGER NOT NULL, charged INTEGER,"
	" keep_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX claim_keep ON claim (keep_ns);"
	"CREATE INDEX claim_open ON claim (ends_ns) WHERE open;"
	"CREATE TABLE spent (unit INTEGER NOT NULL, span INTEGER NOT NULL,"
	" key BLOB NOT NULL, user_id INTEGER NOT NULL,"
	" group_id INTEGER NOT NULL, first_ns INTEGER NOT NULL,"
	" last_ns INTEGER NOT NULL, cost INTEGER NOT NULL,"
	" PRIMARY KEY (unit, span, key, user_id, group_id))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE windows (key BLOB NOT NULL, user_id INTEGER NOT NULL,"
	" group_id INTEGER NOT NULL, ends_ns INTEGER NOT NULL,"
	" start_1 INTEGER NOT NULL, used_1 INTEGER NOT NULL,"
	" start_2 INTEGER NOT NULL, used_2 INTEGER NOT NULL,"
	" start_3 INTEGER NOT NULL, used_3 INTEGER NOT NULL,"
	" PRIMARY KEY (key, user_id, group_id)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX windows_end ON windows (ends_ns);"
	"CREATE TABLE probe (one INTEGER PRIMARY KEY, at_ns INTEGER) STRICT;"
	"PRAGMA application_id = " TEXT(
		SCHEMA_APPLICATION) ";"
				    "PRAGMA user_version = " TEXT(
					    SCHEMA_VERSION) ";"
							    "COMMIT";

static int ask(int *out, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int(stmt, 0);
	return sqlite3_finalize(stmt);
}

int schema_ensure(sqlite3 *db, char *error, size_t error_size)
{
	int version = 0, application = 0, tables = 0;
	int rc = ask(&version, db, "PRAGMA user_version");

	if (rc == SQLITE_OK)
		rc = ask(&application, db, "PRAGMA application_id");
	if (rc == SQLITE_OK)
		rc = ask(&tables, db, "SELECT count(*) FROM sqlite_schema");
	if (rc != SQLITE_OK)
		return rc;
	if (!version && !application && !tables)
		return sqlite3_exec(db, schema, NULL, NULL, NULL);
	if (application == SCHEMA_APPLICATION && version == SCHEMA_VERSION)
		return SQLITE_OK;
	if (application == SCHEMA_APPLICATION)
		snprintf(error, error_size,
			 "made by another version (schema %d, not %d)", version,
			 SCHEMA_VERSION);
	else
		snprintf(error, error_size, "the database of another program");
	return SQLITE_MISMATCH;
}
