// SPDX-License-Identifier: GPL-2.0-only
#include "schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#define WAIT_MS 5

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/*
 * What each version has that the one before it had not.
 *
 * claim: what a request id was used for.  held, ends_ns: a hold, and whether it
 * is open; charged: a charge.  Kept until keep_ns.
 *
 * spent: sums of charges by key, user and group (0: the user's balance paid)
 * over unit nanoseconds beginning with span.
 *
 * windows: 5h, 1d, 7d of a key (user and group 0), or 1, 7 and 30 days of
 * (user, group) (key empty); ends_ns is when all are over.
 *
 * ban: who is banned, prefix as prefix_print() has it, made_by as enum ban_by;
 * times: how often of itself.  Kept until keep_ns, for the next one to be
 * longer.
 *
 * All times are Unix time in nanoseconds, all amounts nano-USD.
 */
static const char *const steps[SCHEMA_VERSION] = {
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
	"CREATE TABLE probe (one INTEGER PRIMARY KEY, at_ns INTEGER) STRICT;",

	"CREATE TABLE ban (prefix TEXT PRIMARY KEY, made_ns INTEGER NOT NULL,"
	" expires_ns INTEGER NOT NULL, made_by INTEGER NOT NULL,"
	" times INTEGER NOT NULL, reason TEXT NOT NULL,"
	" keep_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX ban_keep ON ban (keep_ns);",
};

/* What a file says that it is. */
struct mark {
	int version;
	int application;
	int tables;
};

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

static int read_mark(struct mark *out, sqlite3 *db)
{
	int rc = ask(&out->version, db, "PRAGMA user_version");

	if (rc == SQLITE_OK)
		rc = ask(&out->application, db, "PRAGMA application_id");
	if (rc == SQLITE_OK)
		rc = ask(&out->tables, db,
			 "SELECT count(*) FROM sqlite_schema");
	return rc;
}

static bool is_blank(const struct mark *m)
{
	return !m->version && !m->application && !m->tables;
}

static int judge(const struct mark *m, char *error, size_t error_size)
{
	if (is_blank(m))
		return SQLITE_OK;
	if (m->application != SCHEMA_APPLICATION) {
		snprintf(error, error_size, "the database of another program");
		return SQLITE_MISMATCH;
	}
	if (m->version >= 1 && m->version <= SCHEMA_VERSION)
		return SQLITE_OK;
	snprintf(error, error_size,
		 "made by another version (schema %d, not %d)", m->version,
		 SCHEMA_VERSION);
	return SQLITE_MISMATCH;
}

static int take_steps(sqlite3 *db, int from)
{
	int rc = SQLITE_OK;

	for (int i = from; i < SCHEMA_VERSION && rc == SQLITE_OK; i++)
		rc = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
			db,
			"PRAGMA application_id = " TEXT(
				SCHEMA_APPLICATION) ";"
						    "PRAGMA user_version = " TEXT(
							    SCHEMA_VERSION),
			NULL, NULL, NULL);
	return rc;
}

/* In a transaction, within which another process cannot have done it, too. */
static int upgrade(sqlite3 *db, char *error, size_t error_size)
{
	struct mark m = { 0 };
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = read_mark(&m, db);
	if (rc == SQLITE_OK)
		rc = judge(&m, error, error_size);
	if (rc == SQLITE_OK)
		rc = take_steps(db, m.version);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	/* The connection's last error is the caller's to read: it stays. */
	return rc;
}

/* All of one moment: somebody else may be making the tables. */
static int look(struct mark *out, sqlite3 *db)
{
	int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = read_mark(out, db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

int schema_ensure(sqlite3 *db, char *error, size_t error_size)
{
	struct mark m = { 0 };
	int rc = look(&m, db);

	if (rc == SQLITE_OK)
		rc = judge(&m, error, error_size);
	if (rc == SQLITE_OK && m.version < SCHEMA_VERSION)
		rc = upgrade(db, error, error_size);
	return rc;
}

int schema_use_wal(sqlite3 *db, int patience_ms)
{
	int rc;

	do {
		rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL,
				  NULL);
		if ((rc & 0xff) != SQLITE_BUSY)
			break;
		patience_ms -= sqlite3_sleep(WAIT_MS);
	} while (patience_ms > 0);
	return rc;
}

int schema_make_file(const char *path)
{
	return mknod(path, S_IFREG | 0600, 0) && errno != EEXIST ? -errno : 0;
}
