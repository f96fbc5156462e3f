// SPDX-License-Identifier: GPL-2.0-only
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "clock.h"
#include "database.h"
#include "tidy.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define S 1000000000LL
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define NOW (1780000000 * S)
/* Than any charge. */
#define LATER (NOW + 1000 * 86400LL * S)
#define USD 1000000000LL

static char dir[64];
static char path[128];

static struct pc_digest digest_of(int key)
{
	return (struct pc_digest){ .bytes = { (__u8)(key + 1) } };
}

/* Odd keys are paid by their user's balance. */
static struct ledger_account account_of(int key)
{
	return (struct ledger_account){ .digest = digest_of(key),
					.user_id = key / 2 + 1,
					.group_id = key % 2 ? 0 : 7 };
}

static void remove_database(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".old" };
	char name[160];

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
}

static int set_up(void **state)
{
	(void)state;
	/* Where the test before failed half-way. */
	umount2(dir, MNT_DETACH);
	remove_database();
	return 0;
}

/* A journal and the end of it where items come out. */
struct desk {
	struct journal *j;
	struct ledger *l;
	int fd;
};

static struct ledger *new_ledger(void)
{
	const struct ledger_config cfg = { .hold_default_nusd = USD,
					   .hold_max_nusd = USD,
					   .hold_ttl_ns = 60 * S };
	struct ledger *l = NULL;

	assert_int_equal(ledger_new(&l, &cfg), 0);
	return l;
}

static struct desk desk_open(const char *at)
{
	struct desk d = { .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
			  .l = new_ledger() };

	assert_true(d.fd >= 0);
	assert_int_equal(journal_new(&d.j, at, d.fd), 0);
	return d;
}

static struct desk desk_restored(int64_t now_ns)
{
	struct desk d = desk_open(path);

	assert_int_equal(journal_restore(d.j, d.l, now_ns), 0);
	return d;
}

static void desk_close(struct desk *d)
{
	journal_free(d->j);
	ledger_free(d->l);
	close(d->fd);
}

/* The next item whose state changed. */
static struct journal_item *next(struct desk *d)
{
	struct pollfd p = { .fd = d->fd, .events = POLLIN };
	struct journal_item *item;
	uint64_t n;

	while (!(item = journal_take(d->j))) {
		if (poll(&p, 1, 20000) != 1)
			fail_msg("nothing came for 20 s");
		assert_int_equal(read(d->fd, &n, sizeof(n)), sizeof(n));
	}
	return item;
}

/* To its last state; NEW must come before KEPT, and may before FAILED. */
static enum journal_state put(struct desk *d, struct journal_item *item)
{
	bool was_new = false;

	journal_submit(d->j, item);
	assert_ptr_equal(next(d), item);
	if (item->state == JOURNAL_NEW) {
		was_new = true;
		assert_ptr_equal(next(d), item);
	}
	if (item->state != JOURNAL_FAILED)
		assert_int_equal(was_new, item->state == JOURNAL_KEPT);
	return item->state;
}

static struct journal_item charge_of(const char *id, int key, int64_t cost_nusd,
				     int64_t at_ns)
{
	struct journal_item item = { .op = JOURNAL_CHARGE,
				     .has_account = key >= 0,
				     .cost_nusd = cost_nusd,
				     .at_ns = at_ns };

	if (key >= 0)
		item.who = account_of(key);
	snprintf(item.id, sizeof(item.id), "%s", id);
	return item;
}

static enum journal_state put_charge(struct desk *d, const char *id, int key,
				     int64_t cost_nusd, int64_t at_ns)
{
	struct journal_item item = charge_of(id, key, cost_nusd, at_ns);

	return put(d, &item);
}

static enum journal_state put_hold(struct desk *d, const char *id, int key,
				   int64_t held_nusd, int64_t ends_ns)
{
	struct journal_item item = charge_of(id, key, held_nusd, ends_ns);

	item.op = JOURNAL_HOLD;
	return put(d, &item);
}

static struct ledger_view look(struct desk *d, int key, int64_t taken_ns,
			       int64_t now_ns)
{
	struct entry e = { .digest = digest_of(key),
			   .user_id = key / 2 + 1,
			   .has_group = true,
			   .has_group_id = true,
			   .group_id = 7,
			   .group_subscription = key % 2 == 0,
			   .rate_limit_5h_nusd = USD,
			   .monthly_limit_nusd = USD };
	struct ledger_view v;

	ledger_look(&v, d->l, &e, taken_ns, now_ns);
	return v;
}

/*
 * Each step is made in one journal, and again with a journal of its own: what
 * an id was used for is known after a restart.
 */
static const struct {
	const char *what;
	enum journal_op op;
	const char *id;
	int key; /* -1: not told */
	int64_t cost_nusd;
	bool any_cost;
	enum journal_state state;
} steps[] = {
	{ "a charge", JOURNAL_CHARGE, "a", 0, 5, false, JOURNAL_KEPT },
	{ "again", JOURNAL_CHARGE, "a", 0, 5, false, JOURNAL_DUPLICATE },
	{ "another cost", JOURNAL_CHARGE, "a", 0, 6, false, JOURNAL_CONFLICT },
	{ "another key", JOURNAL_CHARGE, "a", 1, 5, false, JOURNAL_CONFLICT },
	{ "settled", JOURNAL_CHARGE, "a", -1, 5, false, JOURNAL_DUPLICATE },
	{ "otherwise", JOURNAL_CHARGE, "a", -1, 4, false, JOURNAL_CONFLICT },
	{ "held", JOURNAL_HOLD, "a", 0, 5, false, JOURNAL_CONFLICT },
	{ "released", JOURNAL_RELEASE, "a", -1, 0, false, JOURNAL_UNKNOWN },
	{ "no such hold", JOURNAL_CHARGE, "b", -1, 5, false, JOURNAL_UNKNOWN },
	{ "nor now", JOURNAL_RELEASE, "b", -1, 0, false, JOURNAL_UNKNOWN },
	{ "a hold", JOURNAL_HOLD, "b", 0, 5, false, JOURNAL_KEPT },
	{ "again", JOURNAL_HOLD, "b", 0, 5, false, JOURNAL_DUPLICATE },
	{ "another size", JOURNAL_HOLD, "b", 0, 6, false, JOURNAL_CONFLICT },
	{ "not asked for", JOURNAL_HOLD, "b", 0, 6, true, JOURNAL_DUPLICATE },
	{ "another key", JOURNAL_HOLD, "b", 1, 5, true, JOURNAL_CONFLICT },
	{ "another's", JOURNAL_CHARGE, "b", 1, 9, false, JOURNAL_CONFLICT },
	{ "settled", JOURNAL_CHARGE, "b", -1, 9, false, JOURNAL_KEPT },
	{ "again", JOURNAL_CHARGE, "b", -1, 9, false, JOURNAL_DUPLICATE },
	{ "as usage", JOURNAL_CHARGE, "b", 0, 9, false, JOURNAL_DUPLICATE },
	{ "otherwise", JOURNAL_CHARGE, "b", -1, 8, false, JOURNAL_CONFLICT },
	{ "too late", JOURNAL_RELEASE, "b", -1, 0, false, JOURNAL_DUPLICATE },
	{ "held before", JOURNAL_HOLD, "b", 0, 5, false, JOURNAL_DUPLICATE },
	{ "a hold", JOURNAL_HOLD, "c", 2, 5, false, JOURNAL_KEPT },
	{ "released", JOURNAL_RELEASE, "c", -1, 0, false, JOURNAL_KEPT },
	{ "again", JOURNAL_RELEASE, "c", -1, 0, false, JOURNAL_DUPLICATE },
	{ "settled after all", JOURNAL_CHARGE, "c", -1, 4, false,
	  JOURNAL_KEPT },
	{ "for nothing", JOURNAL_CHARGE, "d", 3, 0, false, JOURNAL_KEPT },
	{ "again", JOURNAL_CHARGE, "d", 3, 0, false, JOURNAL_DUPLICATE },
};

static void step(struct desk *d, size_t i)
{
	int64_t at_ns = steps[i].op == JOURNAL_HOLD ? NOW + HOUR : NOW;
	struct journal_item item =
		charge_of(steps[i].id, steps[i].key, steps[i].cost_nusd, at_ns);
	enum journal_state state;

	item.op = steps[i].op;
	item.any_cost = steps[i].any_cost;
	state = put(d, &item);
	if (state != steps[i].state)
		fail_msg("%zu, %s, %s: %d", i, steps[i].id, steps[i].what,
			 (int)state);
	if (item.op == JOURNAL_CHARGE && steps[i].key < 0 &&
	    state == JOURNAL_KEPT)
		assert_int_equal(item.who.user_id,
				 steps[i].id[0] == 'b' ? 1 : 2);
}

static void assert_steps_kept(struct desk *d)
{
	assert_int_equal(look(d, 0, 0, NOW).entry.quota_used_nusd, 14);
	assert_int_equal(look(d, 0, 0, NOW).windows[0].used_nusd, 14);
	assert_int_equal(look(d, 0, 0, NOW).windows[1].used_nusd, 14);
	assert_int_equal(look(d, 2, 0, NOW).entry.quota_used_nusd, 4);
	assert_int_equal(look(d, 0, 0, NOW).held_nusd, 0);
}

static void an_id_is_used_once(void **state)
{
	struct desk d = desk_restored(NOW);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		step(&d, i);
	desk_close(&d);
	d = desk_restored(NOW);
	assert_steps_kept(&d);
	desk_close(&d);
}

static void an_id_is_used_once_over_restarts(void **state)
{
	struct desk d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		d = desk_restored(NOW);
		step(&d, i);
		desk_close(&d);
	}
	d = desk_restored(NOW);
	assert_steps_kept(&d);
	desk_close(&d);
}

static void in_memory_it_is_the_same(void **state)
{
	struct desk d = desk_open(NULL);

	(void)state;
	assert_int_equal(journal_restore(d.j, d.l, NOW), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		step(&d, i);
	desk_close(&d);
}

/* In one transaction: nobody is told of a duplicate of what is not kept. */
static void five_at_once_count_once(void **state)
{
	struct desk d = desk_restored(NOW);
	struct journal_item items[5];
	int kept = 0, duplicates = 0, fresh = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		items[i] = charge_of("one", 1, 5, NOW);
		journal_submit(d.j, &items[i]);
	}
	while (kept + duplicates < 5) {
		struct journal_item *item = next(&d);

		fresh += item->state == JOURNAL_NEW;
		kept += item->state == JOURNAL_KEPT;
		duplicates += item->state == JOURNAL_DUPLICATE;
	}
	assert_int_equal(fresh, 1);
	assert_int_equal(kept, 1);
	desk_close(&d);
	d = desk_restored(NOW);
	assert_int_equal(look(&d, 1, 0, NOW).entry.quota_used_nusd, 5);
	desk_close(&d);
}

static void what_was_kept_is_there_after_a_restart(void **state)
{
	struct desk d = desk_restored(NOW);
	struct ledger_view v;

	(void)state;
	put_charge(&d, "a", 0, 5, NOW - S / 2);
	put_charge(&d, "b", 0, 7, NOW + S);
	put_charge(&d, "c", 1, 11, NOW + HOUR);
	put_hold(&d, "h", 0, 100, NOW + DAY);
	put_hold(&d, "over", 1, 1000, NOW + S);
	desk_close(&d);

	d = desk_open(path);
	ledger_taken(d.l, NOW);
	assert_int_equal(journal_restore(d.j, d.l, NOW + HOUR), 0);
	v = look(&d, 0, NOW, NOW + HOUR);
	assert_int_equal(v.entry.quota_used_nusd, 7);
	assert_int_equal(v.held_nusd, 100);
	assert_int_equal(v.windows[0].used_nusd, 12);
	assert_int_equal(v.windows[0].ends_ns, NOW - S / 2 + 5 * HOUR);
	assert_int_equal(v.windows[1].used_nusd, 12);
	assert_int_equal(v.windows[1].ends_ns, NOW - S / 2 + 30 * DAY);
	v = look(&d, 1, NOW, NOW + HOUR);
	assert_int_equal(v.entry.quota_used_nusd, 11);
	assert_int_equal(v.entry.balance_nusd, -11);
	assert_int_equal(v.held_nusd, 0);
	assert_int_equal(ledger_find_hold(d.l, "h")->ends_ns, NOW + DAY);
	/* Run out, but known: what it was for still counts. */
	assert_int_equal(put_charge(&d, "over", -1, 3, NOW + HOUR),
			 JOURNAL_KEPT);
	desk_close(&d);
}

static void what_is_queued_is_committed_at_the_end(void **state)
{
	struct desk d = desk_restored(NOW);
	static struct journal_item items[5000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		char id[16];

		snprintf(id, sizeof(id), "%zu", i);
		items[i] = charge_of(id, 1, 1, NOW);
		journal_submit(d.j, &items[i]);
	}
	desk_close(&d);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		assert_int_equal(items[i].state, JOURNAL_KEPT);
	d = desk_restored(NOW);
	assert_int_equal(look(&d, 1, 0, NOW).entry.quota_used_nusd, 5000);
	desk_close(&d);
}

static void wait_available(struct desk *d, bool available)
{
	struct journal_health h;

	for (int i = 0; i < 1000; i++) {
		journal_health(&h, d->j);
		if (h.available == available)
			return;
		usleep(10000);
	}
	fail_msg("still %s after 10 s: %s", h.available ? "there" : "away",
		 h.error);
}

static void assert_away(struct desk *d, const char *why)
{
	struct journal_health h;
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(put_charge(d, "away", 1, 5, NOW), JOURNAL_FAILED);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(b.tv_sec - a.tv_sec <= 1);
	journal_health(&h, d->j);
	assert_false(h.available);
	if (!strstr(h.error, why))
		fail_msg("\"%s\" does not say \"%s\"", h.error, why);
}

static void write_file(const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), (ssize_t)size);
	close(fd);
}

static size_t read_file(char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, size);
	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

static void execute(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void rename_away(void)
{
	char old[160];

	snprintf(old, sizeof(old), "%s.old", path);
	assert_int_equal(rename(path, old), 0);
}

/* Files that are not to be touched, made by SQL or of bytes. */
static const struct {
	const char *what;
	const char *sql;
	const char *bytes;
	const char *error;
} alien[] = {
	{ "no database", NULL,
	  "this is text, and more than a header of it: "
	  "0123456789 0123456789 0123456789 0123456789",
	  "not a database" },
	{ "another program's", "CREATE TABLE cookies (crumb TEXT)", NULL,
	  "another program" },
	{ "a newer version",
	  "PRAGMA application_id = 1346587212; PRAGMA user_version = 3", NULL,
	  "another version" },
	{ "a broken schema",
	  "PRAGMA application_id = 1346587212; PRAGMA user_version = 2", NULL,
	  "no such table" },
};

static void what_is_not_ours_is_left_alone(void **state)
{
	static char before[65536], after[65536];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(alien); i++) {
		struct desk d;
		size_t n;

		remove_database();
		if (alien[i].sql)
			execute(alien[i].sql);
		else
			write_file(alien[i].bytes, strlen(alien[i].bytes));
		n = read_file(before, sizeof(before));
		d = desk_open(path);
		assert_int_equal(journal_restore(d.j, d.l, NOW), -EAGAIN);
		assert_away(&d, alien[i].error);
		if (read_file(after, sizeof(after)) != n ||
		    memcmp(before, after, 96 < n ? 18 : n))
			fail_msg("%s: was changed", alien[i].what);
		/* Out of the way: it goes on with a new one. */
		rename_away();
		assert_int_equal(next(&d)->state, JOURNAL_RESTORED);
		assert_int_equal(journal_restore(d.j, d.l, NOW), 0);
		assert_int_equal(put_charge(&d, "a", 1, 5, NOW), JOURNAL_KEPT);
		desk_close(&d);
	}
}

static void a_page_that_is_broken_is_told(void **state)
{
	struct desk d = desk_restored(NOW);
	char junk[8192];
	struct stat st;
	int fd;

	(void)state;
	for (int i = 0; i < 500; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		put_charge(&d, id, i % 100, 5, NOW + i * S);
	}
	desk_close(&d);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 4096; at < st.st_size; at += 4096)
		assert_int_equal(pwrite(fd, junk, 4096, at), 4096);
	close(fd);
	d = desk_open(path);
	assert_int_equal(journal_restore(d.j, d.l, NOW), -EAGAIN);
	assert_away(&d, "malformed");
	desk_close(&d);
}

static void a_missing_directory_may_come(void **state)
{
	char below[160], file[176];
	struct desk d;

	(void)state;
	snprintf(below, sizeof(below), "%s/below", dir);
	snprintf(file, sizeof(file), "%s/journal", below);
	d = desk_open(file);
	assert_int_equal(journal_restore(d.j, d.l, NOW), -EAGAIN);
	assert_away(&d, "unable to open");
	assert_int_equal(mkdir(below, 0700), 0);
	wait_available(&d, true);
	assert_int_equal(next(&d)->state, JOURNAL_RESTORED);
	assert_int_equal(put_charge(&d, "a", 1, 5, NOW), JOURNAL_KEPT);
	desk_close(&d);
	unlink(file);
	rmdir(below);
}

static void a_lock_passes(void **state)
{
	struct desk d = desk_restored(NOW);
	sqlite3 *other;

	(void)state;
	assert_int_equal(put_charge(&d, "a", 1, 5, NOW), JOURNAL_KEPT);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", 0, 0, 0),
			 SQLITE_OK);
	assert_away(&d, "locked");
	assert_away(&d, "locked");
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", 0, 0, 0), SQLITE_OK);
	/* By itself. */
	wait_available(&d, true);
	assert_int_equal(put_charge(&d, "a", 1, 5, NOW), JOURNAL_DUPLICATE);
	assert_int_equal(put_charge(&d, "away", 1, 5, NOW), JOURNAL_KEPT);
	sqlite3_close(other);
	desk_close(&d);
}

static void a_lock_at_the_start_passes(void **state)
{
	struct desk d = desk_restored(NOW);
	sqlite3 *other;

	(void)state;
	assert_int_equal(put_charge(&d, "a", 1, 5, NOW), JOURNAL_KEPT);
	desk_close(&d);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other,
				      "PRAGMA locking_mode = EXCLUSIVE;"
				      "BEGIN EXCLUSIVE",
				      0, 0, 0),
			 SQLITE_OK);
	d = desk_open(path);
	assert_int_equal(journal_restore(d.j, d.l, NOW), -EAGAIN);
	assert_away(&d, "locked");
	assert_int_equal(look(&d, 1, 0, NOW).entry.quota_used_nusd, 0);
	sqlite3_close(other);
	assert_int_equal(next(&d)->state, JOURNAL_RESTORED);
	assert_int_equal(journal_restore(d.j, d.l, NOW), 0);
	assert_int_equal(look(&d, 1, 0, NOW).entry.quota_used_nusd, 5);
	/* Once only. */
	assert_int_equal(journal_restore(d.j, d.l, NOW), 0);
	assert_int_equal(look(&d, 1, 0, NOW).entry.quota_used_nusd, 5);
	desk_close(&d);
}

/* Two that count, each in its memory, would admit what there is room for twice.
 */
static void one_service_has_a_ledger(void **state)
{
	struct desk first = desk_restored(NOW), second;

	(void)state;
	assert_int_equal(put_charge(&first, "a", 1, 5, NOW), JOURNAL_KEPT);
	second = desk_open(path);
	assert_int_equal(journal_restore(second.j, second.l, NOW), -EAGAIN);
	assert_away(&second, "another service writes it");
	assert_int_equal(put_charge(&first, "b", 1, 5, NOW), JOURNAL_KEPT);
	desk_close(&first);
	/* By itself. */
	wait_available(&second, true);
	assert_int_equal(next(&second)->state, JOURNAL_RESTORED);
	assert_int_equal(look(&second, 1, 0, NOW).entry.quota_used_nusd, 0);
	assert_int_equal(journal_restore(second.j, second.l, NOW), 0);
	assert_int_equal(look(&second, 1, 0, NOW).entry.quota_used_nusd, 10);
	assert_int_equal(put_charge(&second, "a", 1, 5, NOW),
			 JOURNAL_DUPLICATE);
	desk_close(&second);
}

static void a_file_that_is_gone_keeps_nothing(void **state)
{
	struct desk d = desk_restored(NOW);

	(void)state;
	assert_int_equal(put_charge(&d, "a", 1, 5, NOW), JOURNAL_KEPT);
	remove_database();
	assert_away(&d, "removed");
	wait_available(&d, true);
	assert_int_equal(put_charge(&d, "b", 1, 5, NOW), JOURNAL_KEPT);
	desk_close(&d);
	d = desk_restored(NOW);
	assert_int_equal(look(&d, 1, 0, NOW).entry.quota_used_nusd, 5);
	desk_close(&d);
}

/* Charges until one fails, and then some; returns how many were kept. */
static int fill(struct desk *d)
{
	struct journal_health h;
	int kept = 0, failed = 0;

	for (int i = 0; i < 100000 && failed < 20; i++) {
		char id[LEDGER_ID_MAX + 1];
		enum journal_state s;

		snprintf(id, sizeof(id), "%0100d", i);
		s = put_charge(d, id, 1, 1, NOW + i * S);
		kept += s == JOURNAL_KEPT;
		failed += s == JOURNAL_FAILED;
	}
	assert_int_equal(failed, 20);
	journal_health(&h, d->j);
	assert_false(h.available);
	assert_int_equal(h.kept, kept);
	assert_int_equal(h.failed, 20);
	return kept;
}

/* Every one that was kept is, no other is, and it goes on. */
static void assert_filled(struct desk *d, int kept)
{
	wait_available(d, true);
	assert_int_equal(put_charge(d, "more", 1, 1, NOW), JOURNAL_KEPT);
	desk_close(d);
	*d = desk_restored(NOW);
	assert_int_equal(look(d, 1, 0, LATER).entry.quota_used_nusd, kept + 1);
	desk_close(d);
}

static void a_full_disk_loses_nothing_acknowledged(void **state)
{
	char file[160];
	struct desk d;
	int kept;

	(void)state;
	if (mount("none", dir, "tmpfs", 0, "size=8m"))
		skip();
	d = desk_restored(NOW);
	kept = fill(&d);
	assert_true(kept > 100);
	assert_int_equal(mount("none", dir, "tmpfs", MS_REMOUNT, "size=32m"),
			 0);
	assert_filled(&d, kept);
	remove_database();
	snprintf(file, sizeof(file), "%s", dir);
	assert_int_equal(umount2(file, MNT_DETACH), 0);
}

static void a_file_size_limit_is_a_full_disk(void **state)
{
	struct desk d = desk_restored(NOW);
	struct rlimit old, low;
	int kept;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = 2048 * 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	kept = fill(&d);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(kept > 20);
	assert_filled(&d, kept);
}

/*
 * kill -9.  A child reports ids with many in flight and writes each one that
 * was kept to a pipe.  The next child begins with those nobody heard of.
 */
#define FLIGHT 256

static void report(int pipe_fd, int first)
{
	static struct journal_item items[FLIGHT];
	struct desk d = desk_restored(NOW);
	int id = first;

	for (int i = 0; i < FLIGHT; i++, id++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", id);
		items[i] = charge_of(text, 1, 1, NOW);
		journal_submit(d.j, &items[i]);
	}
	for (;;) {
		struct journal_item *item = next(&d);
		int done = atoi(item->id);
		char text[16];

		if (item->state == JOURNAL_NEW)
			continue;
		if (item->state != JOURNAL_KEPT &&
		    item->state != JOURNAL_DUPLICATE)
			_exit(1);
		if (write(pipe_fd, &done, sizeof(done)) != sizeof(done))
			_exit(2);
		snprintf(text, sizeof(text), "%d", id++);
		*item = charge_of(text, 1, 1, NOW);
		journal_submit(d.j, item);
	}
}

/* Runs a child for a while; returns how many it said were kept. */
static int run_and_kill(bool *acknowledged, int n, int first, int for_us)
{
	int fds[2], status, id, count = 0;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(fds[0]);
		report(fds[1], first);
		_exit(3);
	}
	close(fds[1]);
	/* From its first word on: to open may take its time. */
	while (read(fds[0], &id, sizeof(id)) == sizeof(id)) {
		assert_true(id < n);
		acknowledged[id] = true;
		if (!count++) {
			/* The pipe holds what it says meanwhile. */
			fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
			usleep((useconds_t)for_us);
			kill(pid, SIGKILL);
		}
	}
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return count;
}

static int64_t count_rows(const char *sql)
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

/* Marks the ids that were charged; how many. */
static int64_t read_claims(bool *charged, int n)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int64_t count = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT id FROM claim", -1, &stmt, NULL),
		SQLITE_OK);
	for (; sqlite3_step(stmt) == SQLITE_ROW; count++) {
		int id = sqlite3_column_int(stmt, 0);

		assert_true(id >= 0 && id < n);
		charged[id] = true;
	}
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	sqlite3_close(db);
	return count;
}

/* Short lives: what matters is where in a commit the end comes. */
static void kill_9_loses_nothing_and_doubles_nothing(void **state)
{
	enum {
		MAX = 8000000
	};
	const char *wish = getenv("JOURNAL_KILLS");
	int rounds = wish ? atoi(wish) : 20, first = 0;
	bool *acknowledged = calloc(MAX, sizeof(bool));
	bool *charged = calloc(MAX, sizeof(bool));
	int64_t total = 0, us = 0;

	(void)state;
	assert_non_null(acknowledged);
	assert_non_null(charged);
	srandom((unsigned int)getpid());
	for (int i = 0; i < rounds; i++) {
		int for_us = (int)(random() % 60000);
		struct desk d;

		total += run_and_kill(acknowledged, MAX, first, for_us);
		us += for_us;
		/* Each id once, in the ids and in the sum. */
		d = desk_restored(NOW);
		assert_int_equal(look(&d, 1, 0, NOW).entry.quota_used_nusd,
				 read_claims(charged, MAX));
		desk_close(&d);
		for (int id = 0; id < MAX; id++) {
			if (acknowledged[id] && !charged[id])
				fail_msg("round %d: %d was lost", i, id);
		}
		/* The next reports those again that nobody heard of. */
		while (acknowledged[first])
			first++;
	}
	print_message("# %d kills, %lld reports acknowledged a second\n",
		      rounds, (long long)(total * 1000000 / us));
	free(charged);
	free(acknowledged);
}

/* What a database has, added up by a ledger that cuts at a moment. */
static void assert_sums(struct database *db, int64_t taken_ns, int64_t after,
			int64_t all)
{
	struct desk d = { .l = new_ledger() };
	struct past p;

	assert_int_equal(database_load(&p, db), 0);
	ledger_taken(d.l, taken_ns);
	assert_int_equal(past_apply(&p, d.l, 0), 0);
	past_fini(&p);
	assert_int_equal(look(&d, 1, taken_ns, LATER).entry.quota_used_nusd,
			 after);
	assert_int_equal(look(&d, 1, 0, LATER).entry.quota_used_nusd, all);
	ledger_free(d.l);
}

static void tidy(struct database *db, int64_t now_ns, int64_t taken_ns)
{
	bool more = true;
	int n = 0;

	while (more && n++ < 1000)
		assert_int_equal(database_tidy(&more, db, now_ns, taken_ns), 0);
	assert_false(more);
}

static void old_sums_are_folded_and_stay_what_they_are(void **state)
{
	static const struct {
		int64_t now_ns, rows, claims;
	} ages[] = {
		/* As they were, one second cut in two. */
		{ NOW + 30 * 60 * S, 3601, 7200 },
		/* Two hours, one of them cut in two. */
		{ NOW + 3 * HOUR, 3, 7200 },
		{ NOW + DAY, 3, 7200 },
		{ NOW + DAY + 1, 3, 0 },
		{ NOW + 40 * DAY, 2, 0 },
		{ NOW + 500 * DAY, 0, 0 },
	};
	int64_t taken_ns = NOW + 10 * S + 5, after = 0;
	char error[DATABASE_ERROR_SIZE];
	struct database *db = NULL;

	(void)state;
	assert_int_equal(database_open(&db, path, error), 0);
	assert_int_equal(database_begin(db, NOW, taken_ns), 0);
	for (int i = 0; i < 7200; i++) {
		enum journal_state s;
		char id[16];
		struct journal_item item;

		snprintf(id, sizeof(id), "%d", i);
		item = charge_of(id, 1, i, NOW - HOUR / 2 + i * S / 2);
		after += item.at_ns > taken_ns ? i : 0;
		assert_int_equal(database_apply(&s, db, &item), 0);
		assert_int_equal(s, JOURNAL_NEW);
	}
	assert_int_equal(database_commit(db), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		int64_t left = ages[i].rows > 0;

		tidy(db, ages[i].now_ns, taken_ns);
		assert_int_equal(count_rows("SELECT count(*) FROM spent"),
				 ages[i].rows);
		assert_int_equal(count_rows("SELECT count(*) FROM claim"),
				 ages[i].claims);
		assert_sums(db, taken_ns, left * after, left * 7199 * 3600);
	}
	assert_int_equal(count_rows("SELECT count(*) FROM windows"), 0);
	database_close(db);
}

static void a_sum_saturates(void **state)
{
	struct desk d = desk_restored(NOW);

	(void)state;
	assert_int_equal(put_charge(&d, "a", 1, INT64_MAX, NOW), JOURNAL_KEPT);
	assert_int_equal(put_charge(&d, "b", 1, INT64_MAX, NOW), JOURNAL_KEPT);
	desk_close(&d);
	d = desk_restored(NOW);
	assert_int_equal(look(&d, 1, 0, NOW).entry.quota_used_nusd, INT64_MAX);
	desk_close(&d);
}

static int set_up_all(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-journal-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/journal", dir);
	return 0;
}

static int tear_down_all(void **state)
{
	(void)state;
	umount2(dir, MNT_DETACH);
	remove_database();
	return rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_id_is_used_once),
		TEST(an_id_is_used_once_over_restarts),
		TEST(in_memory_it_is_the_same),
		TEST(five_at_once_count_once),
		TEST(what_was_kept_is_there_after_a_restart),
		TEST(what_is_queued_is_committed_at_the_end),
		TEST(what_is_not_ours_is_left_alone),
		TEST(a_page_that_is_broken_is_told),
		TEST(a_missing_directory_may_come),
		TEST(a_lock_passes),
		TEST(a_lock_at_the_start_passes),
		TEST(one_service_has_a_ledger),
		TEST(a_file_that_is_gone_keeps_nothing),
		TEST(a_full_disk_loses_nothing_acknowledged),
		TEST(a_file_size_limit_is_a_full_disk),
		TEST(kill_9_loses_nothing_and_doubles_nothing),
		TEST(old_sums_are_folded_and_stay_what_they_are),
		TEST(a_sum_saturates),
	};

	return cmocka_run_group_tests_name("journal", tests, set_up_all,
					   tear_down_all);
}
