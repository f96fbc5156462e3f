// SPDX-License-Identifier: GPL-2.0-only
/*
 * files.c, and ways.c below it: every way in which a file gets a new version is
 * noticed, and what has nothing to do with it is not.
 */
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <time.h>
#include <cmocka.h>

#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* The end of a burst; false: none came in time. */
static bool wait_for(struct files *f, int within_ms)
{
	long long end = now_ms() + within_ms;

	while (now_ms() < end) {
		struct pollfd fd = { .fd = files_fd(f), .events = POLLIN };

		poll(&fd, 1, (int)(end - now_ms()) + 1);
		if (files_take(f))
			return true;
	}
	return false;
}

/* Sooner than any look: only inotify can have told. */
#define TOLD_MS 4000

static void write_in_place(void)
{
	scratch_put("list", "new");
}

static void replace(void)
{
	scratch_replace("list", "new");
}

static void truncate_it(void)
{
	scratch_put("list", "");
}

static void unlink_it(void)
{
	scratch_unlink("list");
}

static void move_away(void)
{
	scratch_rename("list", "list.old");
}

static void edit(void)
{
	scratch_rename("list", "list~");
	scratch_put("list", "new");
	scratch_unlink("list~");
}

static void hard_link(void)
{
	assert_int_equal(link(scratch_path("other"), scratch_path("new")), 0);
}

static void make_new(void)
{
	scratch_put("new", "new");
}

static void link_new(void)
{
	scratch_link("other", "new");
}

static void make_dir(void)
{
	scratch_mkdir("far");
	scratch_mkdir("far/away");
	scratch_put("far/away/list", "new");
}

/* One volume of Kubernetes' over another. */
static void swap_data(void)
{
	scratch_mkdir("volume/..2");
	scratch_put("volume/..2/list", "new");
	scratch_link("..2", "volume/..tmp");
	scratch_rename("volume/..tmp", "volume/..data");
}

static void swap_data_and_remove(void)
{
	swap_data();
	scratch_unlink("volume/..1/list");
	assert_int_equal(rmdir(scratch_path("volume/..1")), 0);
}

static void write_target(void)
{
	scratch_put("volume/..1/list", "new");
}

static void relink(void)
{
	scratch_unlink("volume/list");
	scratch_link("../other", "volume/list");
}

static void remove_dir(void)
{
	scratch_unlink("dir/list");
	assert_int_equal(rmdir(scratch_path("dir")), 0);
}

static void move_dir(void)
{
	scratch_rename("dir", "dir.old");
}

static void move_grandparent(void)
{
	scratch_rename("deep", "deep.old");
}

static const struct change {
	const char *what;
	const char *path;
	void (*make)(void);
} changes[] = {
	{ "written in place", "list", write_in_place },
	{ "replaced by rename", "list", replace },
	{ "truncated", "list", truncate_it },
	{ "removed", "list", unlink_it },
	{ "moved away", "list", move_away },
	{ "edited with a backup", "list", edit },
	{ "made", "new", make_new },
	{ "linked", "new", hard_link },
	{ "made as a symbolic link", "new", link_new },
	{ "made with its directories", "far/away/list", make_dir },
	{ "volume swapped", "volume/list", swap_data },
	{ "volume swapped, old one removed", "volume/list",
	  swap_data_and_remove },
	{ "target written", "volume/list", write_target },
	{ "link replaced", "volume/list", relink },
	{ "directory removed", "dir/list", remove_dir },
	{ "directory moved", "dir/list", move_dir },
	{ "directory above moved", "deep/dir/list", move_grandparent },
	{ "by a way through ..", "dir/../list", write_in_place },
};

static void populate(void **state)
{
	scratch_make(state);
	scratch_put("list", "old");
	scratch_put("other", "other");
	scratch_put("quiet", "quiet");
	scratch_mkdir("dir");
	scratch_put("dir/list", "old");
	scratch_mkdir("deep");
	scratch_mkdir("deep/dir");
	scratch_put("deep/dir/list", "old");
	scratch_mkdir("volume");
	scratch_mkdir("volume/..1");
	scratch_put("volume/..1/list", "old");
	scratch_link("..1", "volume/..data");
	scratch_link("..data/list", "volume/list");
}

static struct files *open_files(int *number, const char *name)
{
	struct files *f;

	assert_int_equal(files_open(&f), 0);
	assert_int_equal(files_watch(f, scratch_path("quiet")), 0);
	*number = files_watch(f, scratch_path(name));
	assert_int_equal(*number, 1);
	return f;
}

static void every_change_is_told(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];
		struct files *f;
		int n;

		populate(state);
		f = open_files(&n, c->path);
		assert_false(files_changed(f, (size_t)n));
		c->make();
		if (!wait_for(f, TOLD_MS) || !files_changed(f, (size_t)n))
			fail_msg("%s: not told", c->what);
		assert_false(files_changed(f, (size_t)n));
		if (files_changed(f, 0))
			fail_msg("%s: told of another file", c->what);
		files_close(f);
		scratch_remove(state);
	}
}

/* What is found anew is watched anew. */
static void changes_are_told_again(void **state)
{
	struct files *f;
	int n;

	populate(state);
	f = open_files(&n, "volume/list");
	swap_data_and_remove();
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, (size_t)n));
	scratch_put("volume/..2/list", "newer");
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, (size_t)n));
	scratch_rename("volume", "volume.old");
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, (size_t)n));
	scratch_mkdir("volume");
	scratch_put("volume/list", "newest");
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, (size_t)n));
	scratch_replace("volume/list", "last");
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, (size_t)n));
	/* No longer on the way: quiet's change comes without it. */
	scratch_put("volume.old/..2/list", "never");
	scratch_put("quiet", "loud");
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, 0));
	assert_false(files_changed(f, (size_t)n));
	files_close(f);
	scratch_remove(state);
}

/* A file is told of when it was written, not when its writing began. */
static void a_new_file_is_told_of_when_written(void **state)
{
	struct files *f;
	FILE *file;
	int n;

	populate(state);
	f = open_files(&n, "new");
	file = fopen(scratch_path("new"), "w");
	assert_non_null(file);
	fputs("half", file);
	fflush(file);
	scratch_put("quiet", "loud");
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, 0));
	assert_false(files_changed(f, (size_t)n));
	fclose(file);
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, (size_t)n));
	files_close(f);
	scratch_remove(state);
}

static void a_burst_is_told_once(void **state)
{
	struct files *f;
	int n;

	populate(state);
	f = open_files(&n, "list");
	for (int i = 0; i < 20; i++)
		scratch_put("list", "new");
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, (size_t)n));
	scratch_put("quiet", "loud");
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, 0));
	assert_false(files_changed(f, (size_t)n));
	files_close(f);
	scratch_remove(state);
}

/* Nothing has to pass for what a rename puts there: it is whole. */
static void a_rename_is_told_of_at_once(void **state)
{
	struct files *f;
	int n;

	populate(state);
	f = open_files(&n, "list");
	scratch_replace("list", "new");
	assert_true(files_take(f));
	assert_true(files_changed(f, (size_t)n));
	assert_false(files_changed(f, 0));
	files_close(f);
	scratch_remove(state);
}

/* What may be half of it, or about to come back, waits for the rest. */
static void what_may_be_half_done_is_waited_for(void **state)
{
	static const struct {
		const char *what;
		void (*make)(void);
	} rows[] = {
		{ "written in place", write_in_place },
		{ "truncated", truncate_it },
		{ "removed", unlink_it },
		{ "moved away", move_away },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct files *f;
		int n;

		populate(state);
		f = open_files(&n, "list");
		rows[i].make();
		if (files_take(f))
			fail_msg("%s: told of at once", rows[i].what);
		/* Nor is it by a rename that comes in between. */
		scratch_replace("list", "new");
		if (files_take(f))
			fail_msg("%s, replaced: told of at once", rows[i].what);
		assert_true(wait_for(f, TOLD_MS) &&
			    files_changed(f, (size_t)n));
		files_close(f);
		scratch_remove(state);
	}
}

/* One at once, and the others each after a quiet time, or once a second. */
static void renames_without_end_are_gathered(void **state)
{
	long long start, took;
	struct files *f;
	int n, told = 0;

	populate(state);
	f = open_files(&n, "list");
	start = now_ms();
	for (int i = 0; i < 200; i++) {
		scratch_replace("list", "new");
		told += files_take(f);
	}
	took = now_ms() - start;
	assert_true(told > 0);
	if (told > 1 + took / 50)
		fail_msg("%d times in %lld ms", told, took);
	assert_true(wait_for(f, TOLD_MS));
	files_close(f);
	scratch_remove(state);
}

/* Or the work would be all that is done. */
static void renames_during_the_work_are_gathered(void **state)
{
	const struct timespec work = { .tv_nsec = 100000000 };
	struct files *f;
	int n;

	populate(state);
	f = open_files(&n, "list");
	scratch_replace("list", "new");
	assert_true(files_take(f));
	nanosleep(&work, NULL);
	scratch_replace("list", "newer");
	files_done(f);
	assert_false(files_take(f));
	assert_true(wait_for(f, TOLD_MS) && files_changed(f, (size_t)n));
	/* After a quiet time there is no such wait. */
	nanosleep(&work, NULL);
	scratch_replace("list", "newest");
	assert_true(files_take(f));
	files_close(f);
	scratch_remove(state);
}

/* Whoever never stops writing does not keep his changes from us. */
static void an_endless_burst_is_told_of(void **state)
{
	long long end = now_ms() + TOLD_MS;
	struct files *f;
	bool told = false;
	int n;

	populate(state);
	f = open_files(&n, "list");
	while (!told && now_ms() < end) {
		scratch_put("list", "new");
		told = wait_for(f, 20);
	}
	assert_true(told && files_changed(f, (size_t)n));
	files_close(f);
	scratch_remove(state);
}

/* More events than the kernel keeps, none of them about us. */
static void lost_events_are_looked_after(void **state)
{
	struct files *f;
	FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	int n, most;

	assert_non_null(limit);
	assert_int_equal(fscanf(limit, "%d", &most), 1);
	fclose(limit);
	if (most > 100000)
		skip();
	populate(state);
	f = open_files(&n, "list");
	for (int i = 0; i < most; i++) {
		scratch_rename("other", "another");
		scratch_rename("another", "other");
	}
	assert_true(wait_for(f, TOLD_MS));
	assert_true(files_changed(f, (size_t)n));
	assert_true(files_changed(f, 0));
	files_close(f);
	scratch_remove(state);
}

/* By a name that is on no way of ours, as from another host. */
static void unseen_changes_are_found(void **state)
{
	struct files *f;
	int n;

	populate(state);
	assert_int_equal(link(scratch_path("list"), scratch_path("deep/alias")),
			 0);
	f = open_files(&n, "list");
	scratch_put("deep/alias", "newer");
	assert_true(wait_for(f, 20000) && files_changed(f, (size_t)n));
	assert_false(files_changed(f, 0));
	files_close(f);
	scratch_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_change_is_told),
		cmocka_unit_test(changes_are_told_again),
		cmocka_unit_test(a_new_file_is_told_of_when_written),
		cmocka_unit_test(a_burst_is_told_once),
		cmocka_unit_test(a_rename_is_told_of_at_once),
		cmocka_unit_test(what_may_be_half_done_is_waited_for),
		cmocka_unit_test(renames_without_end_are_gathered),
		cmocka_unit_test(renames_during_the_work_are_gathered),
		cmocka_unit_test(an_endless_burst_is_told_of),
		cmocka_unit_test(lost_events_are_looked_after),
		cmocka_unit_test(unseen_changes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
