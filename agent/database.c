// SPDX-License-Identifier: GPL-2.0-only
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "claim.h"
#include "filelock.h"
#include "schema.h"
#include "statement.h"
#include "tidy.h"

/* Longer than it takes to write a ban, on a slow disk, too. */
#define BUSY_MS 1000
#define CHECKPOINT_PAGES 1000

struct database {
	sqlite3 *sqlite;
	int file; /* holds the lock; -1: in memory, or not there */
	struct statements statements;
	int64_t now_ns; /* of the transaction */
	int64_t taken_ns;
	int job;      /* of tidying, the next one */
	bool is_left; /* one of this round's is not done */
	int wal_pages;
	char error[DATABASE_ERROR_SIZE];
};

static int told(struct database *db, int rc)
{
	if (rc != SQLITE_OK)
		snprintf(db->error, sizeof(db->error), "%s",
			 sqlite3_errmsg(db->sqlite));
	return statement_errno(rc);
}

static int note_wal(void *arg, sqlite3 *sqlite, const char *name, int pages)
{
	struct database *db = arg;

	(void)sqlite;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/*
 * Each service counts in its own memory, so two on one ledger would both admit
 * what there is room for once.  SQLite's own locks are of another kind.
 */
static int lock(struct database *db, const char *path)
{
	db->file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	/* What is wrong with a file that does not open SQLite will say. */
	if (db->file < 0 || !flock(db->file, LOCK_EX | LOCK_NB) ||
	    errno != EWOULDBLOCK)
		return 0;
	snprintf(db->error, sizeof(db->error), "another service writes it");
	return -EBUSY;
}

/* The schema first: a file that is not ours is not even made WAL. */
static int prepare(struct database *db)
{
	int rc;

	sqlite3_extended_result_codes(db->sqlite, 1);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	if (sqlite3_db_readonly(db->sqlite, "main") == 1) {
		snprintf(db->error, sizeof(db->error), "is read-only");
		return -EROFS;
	}
	rc = schema_ensure(db->sqlite, db->error, sizeof(db->error));
	if (rc == SQLITE_MISMATCH)
		return -EPROTO;
	if (rc == SQLITE_OK)
		rc = schema_use_wal(db->sqlite, BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->sqlite, "PRAGMA synchronous = FULL", NULL,
				  NULL, NULL);
	if (rc == SQLITE_OK)
		rc = statement_prepare(&db->statements, db->sqlite);
	/* A checkpoint within a commit would keep the answers waiting. */
	sqlite3_wal_hook(db->sqlite, note_wal, db);
	return told(db, rc);
}

int database_open(struct database **out, const char *path,
		  char error[static DATABASE_ERROR_SIZE])
{
	struct database *db = calloc(1, sizeof(*db));
	int err = 0;

	if (!db)
		return -ENOMEM;
	db->file = -1;
	if (path) {
		(void)schema_make_file(path);
		err = lock(db, path);
	}
	if (!err)
		err = told(db,
			   sqlite3_open_v2(
				   path ? path : ":memory:", &db->sqlite,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				   NULL));
	if (!err)
		err = prepare(db);
	if (err) {
		memcpy(error, db->error, sizeof(db->error));
		database_close(db);
		return err;
	}
	*out = db;
	return 0;
}

void database_close(struct database *db)
{
	if (!db)
		return;
	statement_finalize(&db->statements);
	sqlite3_close(db->sqlite);
	/* Last: to close any descriptor of the file ends SQLite's locks. */
	if (db->file >= 0)
		filelock_close(db->file);
	free(db);
}

const char *database_error(const struct database *db)
{
	return db->error;
}

static int run(struct database *db, enum statement which)
{
	return statement_run(statement_bind(&db->statements, which, ""));
}

int database_begin(struct database *db, int64_t now_ns, int64_t taken_ns)
{
	db->now_ns = now_ns;
	db->taken_ns = taken_ns;
	return told(db, run(db, STATEMENT_BEGIN));
}

/* What is written to a file that nobody can find again is not kept. */
static int check_place(struct database *db)
{
	int moved = 0;

	sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED,
			     &moved);
	if (!moved)
		return 0;
	snprintf(db->error, sizeof(db->error), "was moved or removed");
	return -ESTALE;
}

int database_commit(struct database *db)
{
	int err = check_place(db);

	return err ? err : told(db, run(db, STATEMENT_COMMIT));
}

void database_rollback(struct database *db)
{
	/* Some errors have rolled back by themselves. */
	if (!sqlite3_get_autocommit(db->sqlite))
		run(db, STATEMENT_ROLLBACK);
}

static int add_spent(struct database *db, const struct journal_item *item)
{
	int64_t span_ns =
		tidy_span_ns(item->at_ns, TIDY_SECOND_NS, db->taken_ns);

	return statement_run(statement_bind(
		&db->statements, STATEMENT_ADD_SPENT, "iikiiii", TIDY_SECOND_NS,
		span_ns, &item->who.digest, item->who.user_id,
		item->who.group_id, item->at_ns, item->cost_nusd));
}

static void read_windows(struct window w[WINDOWS], sqlite3_stmt *stmt)
{
	for (int i = 0; i < WINDOWS; i++) {
		w[i].start_ns = sqlite3_column_int64(stmt, 2 * i);
		w[i].used_nusd = sqlite3_column_int64(stmt, 2 * i + 1);
	}
}

/* The key's windows, or those of (user, group) where key is NULL. */
static int add_windows(struct database *db, const struct journal_item *item,
		       const struct pc_digest *key)
{
	const int64_t *length_ns = key ? window_of_key_ns : window_of_group_ns;
	int64_t user_id = key ? 0 : item->who.user_id;
	int64_t group_id = key ? 0 : item->who.group_id;
	struct window w[WINDOWS] = { { 0 } };
	sqlite3_stmt *stmt =
		statement_bind(&db->statements, STATEMENT_FIND_WINDOWS, "kii",
			       key, user_id, group_id);
	int64_t ends_ns = 0;
	int rc;

	if (statement_step(stmt) == SQLITE_ROW)
		read_windows(w, stmt);
	rc = statement_end(stmt);
	if (rc != SQLITE_OK)
		return rc;
	for (int i = 0; i < WINDOWS; i++) {
		int64_t end_ns;

		window_add(&w[i], length_ns[i], item->at_ns, item->cost_nusd);
		end_ns = window_ends_ns(&w[i], length_ns[i]);
		if (end_ns > ends_ns)
			ends_ns = end_ns;
	}
	return statement_run(statement_bind(
		&db->statements, STATEMENT_PUT_WINDOWS, "kiiiiiiiii", key,
		user_id, group_id, ends_ns, w[0].start_ns, w[0].used_nusd,
		w[1].start_ns, w[1].used_nusd, w[2].start_ns, w[2].used_nusd));
}

static int add_charge(struct database *db, const struct journal_item *item)
{
	int rc;

	if (item->cost_nusd <= 0)
		return SQLITE_OK;
	rc = add_spent(db, item);
	if (rc == SQLITE_OK)
		rc = add_windows(db, item, &item->who.digest);
	if (rc == SQLITE_OK && item->who.group_id)
		rc = add_windows(db, item, NULL);
	return rc;
}

int database_apply(enum journal_state *out, struct database *db,
		   struct journal_item *item)
{
	enum journal_state state = JOURNAL_NEW;
	struct claim c;
	int rc = claim_find(&c, &db->statements, item->id);

	if (rc == SQLITE_OK)
		state = claim_judge(&c, item, db->now_ns);
	if (rc == SQLITE_OK && state == JOURNAL_NEW) {
		rc = claim_put(&c, &db->statements, item->id);
		if (rc == SQLITE_OK && item->op == JOURNAL_CHARGE)
			rc = add_charge(db, item);
	}
	if (rc == SQLITE_OK)
		*out = state;
	return told(db, rc);
}

static int load_sums(struct past *out, struct database *db, int64_t unit_ns)
{
	sqlite3_stmt *s = statement_bind(&db->statements, STATEMENT_LOAD_SPENT,
					 "i", unit_ns);
	int err = 0, rc;

	while (!err && statement_step(s) == SQLITE_ROW) {
		struct past_sum sum = {
			.who.digest = statement_digest(s, 0),
			.who.user_id = sqlite3_column_int64(s, 1),
			.who.group_id = sqlite3_column_int64(s, 2),
			.first_ns = sqlite3_column_int64(s, 3),
			.last_ns = sqlite3_column_int64(s, 4),
			.cost_nusd = sqlite3_column_int64(s, 5),
		};

		err = past_add_sum(out, &sum);
	}
	rc = statement_end(s);
	return err ? err : told(db, rc);
}

static int load_windows(struct past *out, struct database *db)
{
	sqlite3_stmt *s =
		statement_bind(&db->statements, STATEMENT_LOAD_WINDOWS, "");
	int err = 0, rc;

	while (!err && statement_step(s) == SQLITE_ROW) {
		struct past_windows w = {
			.who.digest = statement_digest(s, 6),
			.who.user_id = sqlite3_column_int64(s, 7),
			.who.group_id = sqlite3_column_int64(s, 8),
		};

		read_windows(w.windows, s);
		err = past_add_windows(out, &w);
	}
	rc = statement_end(s);
	return err ? err : told(db, rc);
}

static int load_holds(struct past *out, struct database *db)
{
	sqlite3_stmt *s =
		statement_bind(&db->statements, STATEMENT_LOAD_HOLDS, "");
	int err = 0, rc;

	while (!err && statement_step(s) == SQLITE_ROW) {
		const unsigned char *id = sqlite3_column_text(s, 0);
		struct ledger_hold h = {
			.who.digest = statement_digest(s, 1),
			.who.user_id = sqlite3_column_int64(s, 2),
			.who.group_id = sqlite3_column_int64(s, 3),
			.held_nusd = sqlite3_column_int64(s, 4),
			.ends_ns = sqlite3_column_int64(s, 5),
		};

		snprintf(h.id, sizeof(h.id), "%s", id ? (const char *)id : "");
		err = past_add_hold(out, &h);
	}
	rc = statement_end(s);
	return err ? err : told(db, rc);
}

int database_load(struct past *out, struct database *db)
{
	struct past p = { 0 };
	/* Oldest first: the meters blur least so. */
	int err = load_sums(&p, db, TIDY_MONTH_NS);

	if (!err)
		err = load_sums(&p, db, WINDOW_HOUR_NS);
	if (!err)
		err = load_sums(&p, db, TIDY_SECOND_NS);
	if (!err)
		err = load_windows(&p, db);
	if (!err)
		err = load_holds(&p, db);
	if (err)
		past_fini(&p);
	else
		*out = p;
	return err;
}

int database_probe(struct database *db)
{
	int err = database_begin(db, db->now_ns, db->taken_ns);

	if (!err)
		err = told(db, statement_run(statement_bind(&db->statements,
							    STATEMENT_PROBE,
							    "i", db->now_ns)));
	if (!err)
		err = database_commit(db);
	if (err)
		database_rollback(db);
	return err;
}

int database_tidy(bool *more, struct database *db, int64_t now_ns,
		  int64_t taken_ns)
{
	bool left = false;
	int err = database_begin(db, now_ns, taken_ns);

	if (!err)
		err = told(db, tidy_do(&left, &db->statements, db->job, now_ns,
				       taken_ns));
	if (!err)
		err = database_commit(db);
	if (err) {
		database_rollback(db);
		return err;
	}
	db->is_left |= left;
	db->job = (db->job + 1) % TIDY_JOBS;
	*more = db->job || db->is_left;
	if (!db->job)
		db->is_left = false;
	return 0;
}

int database_checkpoint(struct database *db)
{
	int rc;

	if (db->wal_pages < CHECKPOINT_PAGES)
		return 0;
	db->wal_pages = 0;
	rc = sqlite3_wal_checkpoint_v2(db->sqlite, "main",
				       SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return (rc & 0xff) == SQLITE_BUSY ? 0 : told(db, rc);
}
