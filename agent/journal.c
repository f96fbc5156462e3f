// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that writes: batches, one transaction each, and what to do when
 * the database is not as it should be.
 */
#include "journal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "database.h"
#include "past.h"
#include "queue.h"

#define BATCH 512
/* So many are applied before the taker hears of it. */
#define BATCH_PART 32
#define MS 1000000LL
#define REOPEN_NS (2000 * MS)
#define PROBE_NS (500 * MS)
#define TIDY_NS (10000 * MS)
#define TIDY_MORE_NS (50 * MS)
/* Long enough for the entries to be there, by whose time sums are cut. */
#define TIDY_FIRST_NS (60000 * MS)

struct journal {
	char *path; /* NULL: in memory */
	struct queue queue;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t tried;
	/* Under the lock. */
	struct journal_health health; /* only the thread writes it */
	struct past *past;	      /* loaded, not restored yet */
	int64_t taken_ns;
	bool has_tried;
	bool has_loaded;
	bool wants_past; /* journal_restore() came too early */

	struct journal_item restored;
	/* The thread's own. */
	struct database *db; /* NULL: not open */
	int64_t due_ns;	     /* when to do something unasked; monotonic */
	struct journal_item *batch[BATCH];
	enum journal_state states[BATCH];
};

static int64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * MS + t.tv_nsec;
}

static void set_due(struct journal *j, int64_t in_ns)
{
	j->due_ns = monotonic_ns() + in_ns;
}

static int64_t taken_ns(struct journal *j)
{
	int64_t t;

	pthread_mutex_lock(&j->lock);
	t = j->taken_ns;
	pthread_mutex_unlock(&j->lock);
	return t;
}

/* Under the lock. */
static void tell_health(struct journal *j, int err, const char *error)
{
	j->health.available = !err;
	if (!err)
		j->health.error[0] = '\0';
	else
		snprintf(j->health.error, sizeof(j->health.error), "%s",
			 error[0] ? error : strerror(-err));
}

/*
 * What is to be done after something went well or not: where it may pass the
 * database is tried again, otherwise the file is opened anew.
 */
static void settle(struct journal *j, int err)
{
	bool may_pass = err == -EBUSY || err == -ENOSPC;

	pthread_mutex_lock(&j->lock);
	tell_health(j, err, database_error(j->db));
	pthread_mutex_unlock(&j->lock);
	if (!err)
		return;
	set_due(j, may_pass ? PROBE_NS : REOPEN_NS);
	if (may_pass)
		return;
	database_close(j->db);
	j->db = NULL;
}

static int apply(struct journal *j, size_t n)
{
	size_t posted = 0;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		err = database_apply(&j->states[i], j->db, j->batch[i]);
		if (err || (i + 1 < n && i + 1 - posted < BATCH_PART))
			continue;
		queue_post_new(&j->queue, j->batch + posted, j->states + posted,
			       i + 1 - posted);
		posted = i + 1;
	}
	return err;
}

static int commit(struct journal *j, size_t n)
{
	int err = database_begin(j->db, clock_now_ns(), taken_ns(j));

	if (err)
		return err;
	err = apply(j, n);
	if (!err)
		err = database_commit(j->db);
	if (err)
		database_rollback(j->db);
	return err;
}

/* Health first: who is told that an item failed may ask why. */
static void post_last(struct journal *j, size_t n, int err)
{
	uint64_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (err)
			j->states[i] = JOURNAL_FAILED;
		else if (j->states[i] == JOURNAL_NEW)
			j->states[i] = JOURNAL_KEPT;
		kept += j->states[i] == JOURNAL_KEPT;
	}
	pthread_mutex_lock(&j->lock);
	j->health.commits += !err;
	j->health.kept += kept;
	j->health.failed += err ? n : 0;
	pthread_mutex_unlock(&j->lock);
	queue_post_last(&j->queue, j->batch, j->states, n);
}

static void work(struct journal *j, size_t n)
{
	int err;

	if (!j->db) {
		post_last(j, n, -EIO);
		return;
	}
	err = commit(j, n);
	settle(j, err);
	post_last(j, n, err);
	if (err)
		return;
	err = database_checkpoint(j->db);
	if (err)
		settle(j, err);
}

static int load(struct past **out, struct database *db)
{
	struct past *p = calloc(1, sizeof(*p));
	int err = p ? database_load(p, db) : -ENOMEM;

	if (err)
		free(p);
	else
		*out = p;
	return err;
}

/* Before anything is asked of it, what it had kept is read; once. */
static int open_loaded(struct journal *j, struct past **past,
		       char error[static DATABASE_ERROR_SIZE])
{
	struct database *db;
	int err = database_open(&db, j->path, error);

	if (err)
		return err;
	if (!j->has_loaded)
		err = load(past, db);
	if (err) {
		memcpy(error, database_error(db), DATABASE_ERROR_SIZE);
		database_close(db);
		return err;
	}
	j->db = db;
	return 0;
}

static void try_open(struct journal *j)
{
	char error[DATABASE_ERROR_SIZE] = "";
	struct past *past = NULL;
	int err = open_loaded(j, &past, error);
	bool is_late;

	set_due(j, err ? REOPEN_NS : TIDY_FIRST_NS);
	pthread_mutex_lock(&j->lock);
	tell_health(j, err, error);
	if (past) {
		j->past = past;
		j->has_loaded = true;
	}
	is_late = past && j->wants_past;
	j->has_tried = true;
	pthread_cond_broadcast(&j->tried);
	pthread_mutex_unlock(&j->lock);
	if (is_late)
		queue_post_own(&j->queue, &j->restored);
}

static void tidy(struct journal *j)
{
	bool more = false;
	int err = database_tidy(&more, j->db, clock_now_ns(), taken_ns(j));

	if (!err)
		err = database_checkpoint(j->db);
	set_due(j, more ? TIDY_MORE_NS : TIDY_NS);
	settle(j, err);
}

static void probe(struct journal *j)
{
	set_due(j, TIDY_NS);
	settle(j, database_probe(j->db));
}

static void chores(struct journal *j)
{
	if (monotonic_ns() < j->due_ns)
		return;
	if (!j->db)
		try_open(j);
	else if (!j->health.available)
		probe(j);
	else
		tidy(j);
}

static void *run(void *arg)
{
	struct journal *j = arg;
	int n;

	try_open(j);
	while ((n = queue_wait(&j->queue, j->batch, BATCH, j->due_ns)) >= 0) {
		if (n)
			work(j, (size_t)n);
		chores(j);
	}
	database_close(j->db);
	return NULL;
}

/* Signals are for the other threads. */
static int start(struct journal *j)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&j->thread, NULL, run, j);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

static void destroy(struct journal *j)
{
	if (j->past)
		past_fini(j->past);
	free(j->past);
	queue_fini(&j->queue);
	pthread_cond_destroy(&j->tried);
	pthread_mutex_destroy(&j->lock);
	free(j->path);
	free(j);
}

int journal_new(struct journal **out, const char *path, int event_fd)
{
	struct journal *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return -ENOMEM;
	queue_init(&j->queue, event_fd);
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->tried, NULL);
	j->restored.last = JOURNAL_RESTORED;
	j->path = path ? strdup(path) : NULL;
	err = path && !j->path ? -ENOMEM : start(j);
	if (err)
		destroy(j);
	else
		*out = j;
	return err;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	queue_end(&j->queue);
	pthread_join(j->thread, NULL);
	destroy(j);
}

int journal_restore(struct journal *j, struct ledger *l, int64_t now_ns)
{
	struct past *past;
	int err = 0;

	pthread_mutex_lock(&j->lock);
	while (!j->has_tried)
		pthread_cond_wait(&j->tried, &j->lock);
	past = j->past;
	j->past = NULL;
	if (!j->has_loaded) {
		j->wants_past = true;
		err = -EAGAIN;
	}
	pthread_mutex_unlock(&j->lock);
	if (!past)
		return err;
	err = past_apply(past, l, now_ns);
	past_fini(past);
	free(past);
	return err;
}

void journal_taken(struct journal *j, int64_t taken)
{
	pthread_mutex_lock(&j->lock);
	j->taken_ns = taken;
	pthread_mutex_unlock(&j->lock);
}

void journal_submit(struct journal *j, struct journal_item *item)
{
	queue_submit(&j->queue, item);
}

struct journal_item *journal_take(struct journal *j)
{
	return queue_take(&j->queue);
}

void journal_health(struct journal_health *out, struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	*out = j->health;
	pthread_mutex_unlock(&j->lock);
	out->queued = queue_size(&j->queue);
}
