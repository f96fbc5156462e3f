// SPDX-License-Identifier: GPL-2.0-only
/*
 * banstore.c and schema.c: bans outlive the process, beside a service that has
 * the same file open; a ledger of the version before bans goes on as it was.
 */
#include "banstore.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "database.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define S 1000000000LL
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define NOW (1780000000 * S)
#define WRITERS 6
#define WRITES 40

/* The tables of version 1, as they were made then. */
static const char version_1[] =
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
	"INSERT INTO claim VALUES ('paid', x'01', 7, 3, NULL, NULL, 0, 5, 9);"
	"INSERT INTO spent VALUES (1000000000, 1000000000, zeroblob(32), 7, 3,"
	" 1000000001, 1000000002, 12345);"
	"PRAGMA application_id = 1346587212;"
	"PRAGMA user_version = 1;"
	"COMMIT;"
	"PRAGMA journal_mode = WAL;";

static char dir[64];
static char path[160]; /* in a directory that is not there yet */

static int set_up(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s/*", dir);
	return system(command);
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse_strict(&p, text), 0);
	return p;
}

static struct ban ban_of(const char *prefix, int64_t expires_ns)
{
	return (struct ban){ .prefix = prefix_of(prefix),
			     .made_ns = NOW,
			     .expires_ns = expires_ns,
			     .made_by = BAN_BY_AUTO,
			     .times = 2,
			     .reason = "it's why" };
}

static struct banstore *open_store(enum banstore_mode mode)
{
	char error[BANSTORE_ERROR_SIZE] = "";
	struct banstore *s;

	if (banstore_open(&s, path, mode, error))
		fail_msg("%s", error);
	return s;
}

static void put(const struct ban *b, int64_t now_ns)
{
	struct banstore *s = open_store(BANSTORE_WRITE);

	assert_int_equal(banstore_begin(s), 0);
	assert_int_equal(banstore_put(s, b, now_ns), 0);
	assert_int_equal(banstore_commit(s), 0);
	banstore_close(s);
}

static int find(struct ban *out, const char *prefix)
{
	struct banstore *s = open_store(BANSTORE_READ);
	struct prefix p = prefix_of(prefix);
	int rc = banstore_find(out, s, &p);

	banstore_close(s);
	return rc;
}

static int count_one(const struct ban *b, void *arg)
{
	(void)b;
	++*(int *)arg;
	return 0;
}

/* Those in force. */
static int count(int64_t now_ns)
{
	struct banstore *s = open_store(BANSTORE_READ);
	int n = 0;

	assert_int_equal(banstore_each(s, now_ns, count_one, &n), 0);
	banstore_close(s);
	return n;
}

static void assert_same(const struct ban *a, const struct ban *b)
{
	assert_int_equal(prefix_compare(&a->prefix, &b->prefix), 0);
	assert_true(a->made_ns == b->made_ns);
	assert_true(a->expires_ns == b->expires_ns);
	assert_int_equal(a->made_by, b->made_by);
	assert_int_equal(a->times, b->times);
	assert_string_equal(a->reason, b->reason);
}

static void a_ban_is_read_as_it_was_written(void **state)
{
	static const char *const prefixes[] = {
		"192.0.2.1/32",	 "0.0.0.0/0",  "::/0",
		"2001:db8::/64", "10.0.0.0/9", "2001:db8::ffff/128",
	};
	struct stat st;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		struct ban b = ban_of(prefixes[i], NOW + HOUR), back;

		put(&b, NOW);
		assert_int_equal(find(&back, prefixes[i]), 0);
		assert_same(&b, &back);
		b.expires_ns = PC_NEVER;
		b.reason[0] = '\0';
		put(&b, NOW);
		assert_int_equal(find(&back, prefixes[i]), 0);
		assert_same(&b, &back);
	}
	assert_int_equal(count(NOW), ARRAY_SIZE(prefixes));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void what_is_over_is_kept_for_a_while(void **state)
{
	struct ban b = ban_of("192.0.2.1", NOW + HOUR), other;

	(void)state;
	put(&b, NOW);
	other = ban_of("192.0.2.2", NOW + 10 * DAY);
	put(&other, NOW + HOUR + DAY);
	assert_int_equal(count(NOW + HOUR), 2);
	assert_int_equal(count(NOW + HOUR + 1), 1);
	assert_int_equal(find(&b, "192.0.2.1"), 0);
	put(&other, NOW + HOUR + DAY + 1);
	assert_int_equal(find(&b, "192.0.2.1"), -ENOENT);
}

static void one_is_removed_by_its_very_name(void **state)
{
	struct ban b = ban_of("192.0.2.0/24", NOW + HOUR);
	struct prefix p = prefix_of("192.0.2.0/25");
	struct banstore *s;

	(void)state;
	put(&b, NOW);
	s = open_store(BANSTORE_CHANGE);
	assert_int_equal(banstore_remove(s, &p), -ENOENT);
	p = prefix_of("192.0.2.0/24");
	assert_int_equal(banstore_remove(s, &p), 0);
	assert_int_equal(banstore_remove(s, &p), -ENOENT);
	banstore_close(s);
	assert_int_equal(count(NOW), 0);
}

static void what_is_not_committed_never_was(void **state)
{
	struct ban b = ban_of("192.0.2.1", NOW + HOUR);
	struct banstore *s = open_store(BANSTORE_WRITE);

	(void)state;
	assert_int_equal(banstore_begin(s), 0);
	assert_int_equal(banstore_put(s, &b, NOW), 0);
	banstore_close(s);
	assert_int_equal(count(NOW), 0);
}

static void to_read_makes_no_file(void **state)
{
	char error[BANSTORE_ERROR_SIZE];
	struct banstore *s;

	(void)state;
	assert_int_equal(banstore_open(&s, path, BANSTORE_READ, error),
			 -ENOENT);
	assert_int_equal(banstore_open(&s, path, BANSTORE_CHANGE, error),
			 -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
}

static void execute(const char *sql)
{
	sqlite3 *db;
	char *error = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &error))
		fail_msg("%s", error);
	sqlite3_close(db);
}

/* The file, and the directory it is to lie in, by hand. */
static void make_by(const char *sql)
{
	char *end = strrchr(path, '/');

	*end = '\0';
	assert_int_equal(mkdir(path, 0700), 0);
	*end = '/';
	execute(sql);
}

/* The only number that a query has. */
static int64_t ask(const char *sql)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static struct database *open_database(void)
{
	char error[DATABASE_ERROR_SIZE] = "";
	struct database *db;

	if (database_open(&db, path, error))
		fail_msg("%s", error);
	return db;
}

static void assert_kept_from_version_1(void)
{
	struct past past;
	struct database *db;

	assert_true(ask("SELECT charged FROM claim WHERE id = 'paid'") == 5);
	assert_true(ask("SELECT cost FROM spent") == 12345);
	assert_true(ask("PRAGMA user_version") == 2);
	db = open_database();
	assert_int_equal(database_load(&past, db), 0);
	past_fini(&past);
	database_close(db);
}

static void a_ledger_from_before_bans_goes_on(void **state)
{
	struct ban b = ban_of("192.0.2.1", NOW + HOUR);
	struct database *db;

	(void)state;
	make_by(version_1);
	put(&b, NOW);
	assert_kept_from_version_1();
	assert_int_equal(count(NOW), 1);

	assert_int_equal(set_up(NULL), 0);
	make_by(version_1);
	db = open_database();
	database_close(db);
	assert_kept_from_version_1();
	assert_int_equal(count(NOW), 0);
}

static void another_programs_file_is_left_alone(void **state)
{
	static const struct {
		const char *sql, *error;
	} rows[] = {
		{ "CREATE TABLE cookies (crumb TEXT)",
		  "the database of another program" },
		{ "PRAGMA application_id = 1346587212;"
		  "PRAGMA user_version = 3",
		  "made by another version (schema 3, not 2)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char error[BANSTORE_ERROR_SIZE];
		struct banstore *s;

		assert_int_equal(set_up(NULL), 0);
		make_by(rows[i].sql);
		assert_int_equal(banstore_open(&s, path, BANSTORE_WRITE, error),
				 -EPROTO);
		assert_string_equal(error, rows[i].error);
		assert_true(ask("SELECT count(*) FROM sqlite_schema WHERE "
				"name = 'ban'") == 0);
	}
}

/* 0, or what went wrong, printed: a child must not go on with other tests. */
static int try_put(const struct ban *b)
{
	char error[BANSTORE_ERROR_SIZE] = "";
	struct banstore *s;
	int rc = banstore_open(&s, path, BANSTORE_WRITE, error);

	if (rc) {
		fprintf(stderr, "open: %s\n", error);
		return rc;
	}
	rc = banstore_begin(s);
	if (!rc)
		rc = banstore_put(s, b, NOW);
	if (!rc)
		rc = banstore_commit(s);
	if (rc)
		fprintf(stderr, "put: %s\n", banstore_error(s));
	banstore_close(s);
	return rc;
}

/* Many at once, on a file that none of them finds there. */
static void nobody_gets_in_anothers_way(void **state)
{
	pid_t pids[WRITERS];
	int failed = 0;

	(void)state;
	for (int w = 0; w < WRITERS; w++) {
		pids[w] = fork();
		if (pids[w])
			continue;
		for (int i = 0; i < WRITES; i++) {
			struct ban b = ban_of("10.0.0.0", NOW + HOUR);

			b.prefix.addr[2] = (uint8_t)w;
			b.prefix.addr[3] = (uint8_t)i;
			if (try_put(&b))
				_exit(1);
		}
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		int status = -1;

		waitpid(pids[w], &status, 0);
		failed |= status;
	}
	assert_int_equal(failed, 0);
	assert_int_equal(count(NOW), WRITERS * WRITES);
}

/* SQLite's lock of whoever has the file open, as another process sees it. */
static bool is_locked(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct flock lock = { .l_type = F_WRLCK,
				      .l_whence = SEEK_SET,
				      .l_start = 0x40000000 + 2,
				      .l_len = 510 };
		int fd = open(path, O_RDWR | O_CLOEXEC);

		_exit(fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void *close_database(void *arg)
{
	database_close(arg);
	return NULL;
}

/* POSIX ends a process's locks on a file when it closes any descriptor of it.
 */
static void the_service_does_not_end_our_locks(void **state)
{
	static const struct timespec pause = { 0, 1000000 };
	struct ban b = ban_of("192.0.2.1", NOW + HOUR);
	struct database *db;
	struct banstore *s;
	pthread_t thread;

	(void)state;
	put(&b, NOW);
	db = open_database();
	s = open_store(BANSTORE_WRITE);
	assert_int_equal(banstore_begin(s), 0);
	assert_int_equal(pthread_create(&thread, NULL, close_database, db), 0);
	for (int i = 0; i < 50; i++) {
		assert_true(is_locked());
		nanosleep(&pause, NULL);
	}
	assert_int_equal(banstore_put(s, &b, NOW), 0);
	assert_int_equal(banstore_commit(s), 0);
	banstore_close(s);
	pthread_join(thread, NULL);
	assert_int_equal(count(NOW), 1);
}

static void a_ban_waits_for_the_service(void **state)
{
	struct ban b = ban_of("192.0.2.1", NOW + HOUR);
	struct database *db;
	struct banstore *s;

	(void)state;
	put(&b, NOW);
	db = open_database();
	assert_int_equal(database_begin(db, NOW, NOW), 0);
	s = open_store(BANSTORE_QUICK);
	assert_int_equal(banstore_begin(s), -EBUSY);
	assert_string_equal(banstore_error(s), "database is locked");
	database_rollback(db);
	assert_int_equal(banstore_begin(s), 0);
	assert_int_equal(database_begin(db, NOW, NOW), -EBUSY);
	banstore_close(s);
	assert_int_equal(database_begin(db, NOW, NOW), 0);
	database_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_ban_is_read_as_it_was_written, set_up),
		cmocka_unit_test_setup(what_is_over_is_kept_for_a_while,
				       set_up),
		cmocka_unit_test_setup(one_is_removed_by_its_very_name, set_up),
		cmocka_unit_test_setup(what_is_not_committed_never_was, set_up),
		cmocka_unit_test_setup(to_read_makes_no_file, set_up),
		cmocka_unit_test_setup(a_ledger_from_before_bans_goes_on,
				       set_up),
		cmocka_unit_test_setup(another_programs_file_is_left_alone,
				       set_up),
		cmocka_unit_test_setup(nobody_gets_in_anothers_way, set_up),
		cmocka_unit_test_setup(the_service_does_not_end_our_locks,
				       set_up),
		cmocka_unit_test_setup(a_ban_waits_for_the_service, set_up),
	};
	char command[128];
	int rc;

	strcpy(dir, "/tmp/portcullis-test-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/state/ledger.db", dir);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || rc;
}
