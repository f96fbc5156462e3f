// SPDX-License-Identifier: GPL-2.0-only
#include "banstore.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "directory.h"
#include "filelock.h"
#include "schema.h"
#include "statement.h"

/* A person waits for a ban, the agent's loop does not. */
#define BUSY_MS 5000
#define QUICK_BUSY_MS 300
#define QUICK_PAGES 64
#define CHECKPOINT_PAGES 1000
/* More than one comes with each that is put. */
#define PRUNED "64"

struct banstore {
	sqlite3 *sqlite;
	int wal_pages; /* after the last commit */
	char error[BANSTORE_ERROR_SIZE];
};

static int told(struct banstore *s, int rc)
{
	if (rc != SQLITE_OK)
		snprintf(s->error, sizeof(s->error), "%s",
			 sqlite3_errmsg(s->sqlite));
	return statement_errno(rc);
}

static int fail(struct banstore *s, int err)
{
	snprintf(s->error, sizeof(s->error), "%s", strerror(-err));
	return err;
}

static int run(struct banstore *s, const char *sql)
{
	return told(s, sqlite3_exec(s->sqlite, sql, NULL, NULL, NULL));
}

/* A prepared statement, its first parameter bound; NULL, told: it failed. */
static sqlite3_stmt *prepare(struct banstore *s, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	told(s, sqlite3_prepare_v2(s->sqlite, sql, -1, &stmt, NULL));
	return stmt;
}

static int finish(struct banstore *s, sqlite3_stmt *stmt)
{
	return told(s, sqlite3_finalize(stmt));
}

static int make_file(struct banstore *s, const char *path,
		     enum banstore_mode mode)
{
	struct stat st;
	int err;

	if (mode == BANSTORE_READ || mode == BANSTORE_CHANGE) {
		if (stat(path, &st))
			return fail(s, -errno);
		/* Whoever makes it has not come to its tables yet. */
		return st.st_size ? 0 : fail(s, -ENOENT);
	}
	err = directory_make_parent(path, 0700);
	if (!err)
		err = schema_make_file(path);
	return err ? fail(s, err) : 0;
}

static bool is_patient(enum banstore_mode mode)
{
	return mode == BANSTORE_WRITE || mode == BANSTORE_CHANGE;
}

static int note_wal(void *arg, sqlite3 *sqlite, const char *name, int pages)
{
	struct banstore *s = arg;

	s->wal_pages = pages;
	/* What fails here is done by the next one. */
	if (pages >= CHECKPOINT_PAGES)
		sqlite3_wal_checkpoint_v2(
			sqlite, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

/*
 * Who closes a file last moves all to its place, with two syncs.  The agent's
 * loop is not to pay for that with each ban; but who opens it first reads again
 * what was not moved, so that is not to become much.
 */
static int set_tidying(struct banstore *s, bool tidies)
{
	return sqlite3_db_config(s->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
				 !tidies, NULL);
}

static int prepare_file(struct banstore *s, enum banstore_mode mode)
{
	int patience_ms = is_patient(mode) ? BUSY_MS : QUICK_BUSY_MS, rc;

	sqlite3_busy_timeout(s->sqlite, patience_ms);
	sqlite3_wal_hook(s->sqlite, note_wal, s);
	if (sqlite3_db_readonly(s->sqlite, "main") == 1)
		return fail(s, -EROFS);
	rc = schema_ensure(s->sqlite, s->error, sizeof(s->error));
	if (rc == SQLITE_MISMATCH)
		return -EPROTO;
	if (rc == SQLITE_OK)
		rc = schema_use_wal(s->sqlite, patience_ms);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->sqlite,
				  is_patient(mode)
					  ? "PRAGMA synchronous = FULL"
					  : "PRAGMA synchronous = NORMAL",
				  NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = set_tidying(s, is_patient(mode));
	return told(s, rc);
}

int banstore_open(struct banstore **out, const char *path,
		  enum banstore_mode mode,
		  char error[static BANSTORE_ERROR_SIZE])
{
	struct banstore *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	filelock_hold();
	err = make_file(s, path, mode);
	if (!err)
		err = told(s, sqlite3_open_v2(path, &s->sqlite,
					      SQLITE_OPEN_READWRITE |
						      SQLITE_OPEN_NOMUTEX,
					      NULL));
	if (!err)
		err = prepare_file(s, mode);
	if (err) {
		memcpy(error, s->error, sizeof(s->error));
		banstore_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void banstore_close(struct banstore *s)
{
	if (!s)
		return;
	if (s->wal_pages >= QUICK_PAGES)
		set_tidying(s, true);
	sqlite3_close(s->sqlite);
	filelock_release();
	free(s);
}

const char *banstore_error(const struct banstore *s)
{
	return s->error;
}

int banstore_begin(struct banstore *s)
{
	return run(s, "BEGIN IMMEDIATE");
}

/* What is written to a file that nobody can find again is not kept. */
int banstore_commit(struct banstore *s)
{
	int moved = 0;

	sqlite3_file_control(s->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	return moved ? fail(s, -ESTALE) : run(s, "COMMIT");
}

static void bind_prefix(sqlite3_stmt *stmt, const struct prefix *p)
{
	char text[PREFIX_STRLEN];

	sqlite3_bind_text(stmt, 1, prefix_print(p, text), -1, SQLITE_TRANSIENT);
}

/* A row as it is selected below; false: not one of ours. */
static bool read_row(struct ban *out, sqlite3_stmt *stmt)
{
	const char *prefix = (const char *)sqlite3_column_text(stmt, 0);
	const char *reason = (const char *)sqlite3_column_text(stmt, 5);
	struct ban b = {
		.made_ns = sqlite3_column_int64(stmt, 1),
		.expires_ns = sqlite3_column_int64(stmt, 2),
		.made_by = sqlite3_column_int(stmt, 3) == BAN_BY_AUTO,
		.times = (uint32_t)sqlite3_column_int64(stmt, 4),
	};

	if (!prefix || prefix_parse_strict(&b.prefix, prefix))
		return false;
	/* A ban holds, whatever somebody has made of its reason. */
	if (reason && !ban_check_reason(reason))
		strcpy(b.reason, reason);
	*out = b;
	return true;
}

#define SELECT \
	"SELECT prefix, made_ns, expires_ns, made_by, times, reason FROM ban "

int banstore_find(struct ban *out, struct banstore *s, const struct prefix *p)
{
	sqlite3_stmt *stmt = prepare(s, SELECT "WHERE prefix = ?1");
	bool found;
	int err;

	if (!stmt)
		return -EIO;
	bind_prefix(stmt, p);
	found = sqlite3_step(stmt) == SQLITE_ROW && read_row(out, stmt);
	err = finish(s, stmt);
	return err || found ? err : -ENOENT;
}

/* Moves one that is there. */
static int write_times(struct banstore *s, const struct ban *b)
{
	sqlite3_stmt *stmt =
		prepare(s, "UPDATE ban SET made_ns = ?2, expires_ns = ?3, "
			   "keep_ns = ?4 WHERE prefix = ?1");

	if (!stmt)
		return -EIO;
	bind_prefix(stmt, &b->prefix);
	sqlite3_bind_int64(stmt, 2, b->made_ns);
	sqlite3_bind_int64(stmt, 3, b->expires_ns);
	sqlite3_bind_int64(stmt, 4, ban_keep_ns(b));
	sqlite3_step(stmt);
	return finish(s, stmt);
}

static int prune(struct banstore *s, int64_t now_ns)
{
	sqlite3_stmt *stmt = prepare(
		s, "DELETE FROM ban WHERE prefix IN (SELECT prefix FROM ban "
		   "WHERE keep_ns < ?1 ORDER BY keep_ns LIMIT " PRUNED ")");

	if (!stmt)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, now_ns);
	sqlite3_step(stmt);
	return finish(s, stmt);
}

int banstore_put(struct banstore *s, const struct ban *b, int64_t now_ns)
{
	sqlite3_stmt *stmt = prepare(
		s, "INSERT OR REPLACE INTO ban (prefix, made_ns, expires_ns, "
		   "made_by, times, reason, keep_ns) "
		   "VALUES (?1,?2,?3,?4,?5,?6,?7)");
	int err;

	if (!stmt)
		return -EIO;
	bind_prefix(stmt, &b->prefix);
	sqlite3_bind_int64(stmt, 2, b->made_ns);
	sqlite3_bind_int64(stmt, 3, b->expires_ns);
	sqlite3_bind_int(stmt, 4, b->made_by);
	sqlite3_bind_int64(stmt, 5, b->times);
	sqlite3_bind_text(stmt, 6, b->reason, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 7, ban_keep_ns(b));
	sqlite3_step(stmt);
	err = finish(s, stmt);
	return err ? err : prune(s, now_ns);
}

/* What is changed is not found again: it was not made after that time. */
static int correct_each(struct banstore *s, sqlite3_stmt *found,
			bool (*correct)(struct ban *b, int64_t now_ns),
			int64_t now_ns)
{
	int n = 0, err = 0;
	struct ban b;

	while (!err && sqlite3_step(found) == SQLITE_ROW) {
		if (!read_row(&b, found) || !correct(&b, now_ns))
			continue;
		err = write_times(s, &b);
		n++;
	}
	return err ? err : n;
}

static int correct_all(struct banstore *s, int64_t after_ns,
		       bool (*correct)(struct ban *b, int64_t now_ns),
		       int64_t now_ns)
{
	int n = 0, err = banstore_begin(s);
	sqlite3_stmt *found =
		err ? NULL : prepare(s, SELECT "WHERE made_ns > ?1");

	if (err)
		return err;
	if (!found)
		return -EIO;
	sqlite3_bind_int64(found, 1, after_ns);
	n = correct_each(s, found, correct, now_ns);
	err = finish(s, found);
	if (n >= 0 && !err)
		err = banstore_commit(s);
	return n < 0 ? n : err ? err : n;
}

/* 1, 0 or -errno: whoever is at work is not waited for in vain. */
static int has_any_after(struct banstore *s, int64_t after_ns)
{
	sqlite3_stmt *stmt =
		prepare(s, "SELECT 1 FROM ban WHERE made_ns > ?1 LIMIT 1");
	bool any;
	int err;

	if (!stmt)
		return -EIO;
	sqlite3_bind_int64(stmt, 1, after_ns);
	any = sqlite3_step(stmt) == SQLITE_ROW;
	err = finish(s, stmt);
	return err ? err : any;
}

int banstore_correct(struct banstore *s, int64_t after_ns,
		     bool (*correct)(struct ban *b, int64_t now_ns),
		     int64_t now_ns)
{
	int any = has_any_after(s, after_ns);

	return any > 0 ? correct_all(s, after_ns, correct, now_ns) : any;
}

int banstore_remove(struct banstore *s, const struct prefix *p)
{
	sqlite3_stmt *stmt = prepare(s, "DELETE FROM ban WHERE prefix = ?1");
	int err;

	if (!stmt)
		return -EIO;
	bind_prefix(stmt, p);
	sqlite3_step(stmt);
	err = finish(s, stmt);
	return err || sqlite3_changes(s->sqlite) ? err : -ENOENT;
}

int banstore_each(struct banstore *s, int64_t now_ns,
		  int (*take)(const struct ban *b, void *arg), void *arg)
{
	sqlite3_stmt *stmt = prepare(s, SELECT "WHERE expires_ns >= ?1");
	int err = stmt ? 0 : -EIO, rc;
	struct ban b;

	sqlite3_bind_int64(stmt, 1, now_ns);
	while (!err && sqlite3_step(stmt) == SQLITE_ROW) {
		if (read_row(&b, stmt))
			err = take(&b, arg);
	}
	rc = finish(s, stmt);
	return err ? err : rc;
}
