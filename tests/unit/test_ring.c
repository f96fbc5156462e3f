// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring.c: whose file a writer maps, and what a reader makes of one that is cut
 * short while he reads.  What is in records: test_trace.c, test_eventlog.c.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SOMEBODY 65534

static const struct ring_kind kind = { "pctest1", 8, 16 };

/* 0 or what went wrong, as this user or another one. */
static int create(const char *path)
{
	struct ring *r = NULL;
	int err = ring_create(&r, path, &kind);

	ring_close(r);
	return err;
}

static char *make_directory(const char *name, mode_t mode, uid_t owner)
{
	char *path = scratch_path(name);

	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
	if (owner)
		assert_int_equal(chown(path, owner, (gid_t)-1), 0);
	return path;
}

static void nobody_else_may_write_to_the_directory(void **state)
{
	static const struct {
		const char *what;
		mode_t mode;
		uid_t owner; /* 0: ours */
		int want;
	} rows[] = {
		{ "ours", 0755, 0, 0 },
		{ "everybody's", 0777, 0, -ENOTUNIQ },
		{ "a group's", 0775, 0, -ENOTUNIQ },
		{ "sticky", 01777, 0, 0 },
		{ "another user's", 0755, SOMEBODY, -ENOTUNIQ },
		{ "another user's, sticky", 01777, SOMEBODY, -ENOTUNIQ },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[16], path[64];
		int err;

		if (rows[i].owner && geteuid())
			continue;
		snprintf(name, sizeof(name), "dir%zu", i);
		make_directory(name, rows[i].mode, rows[i].owner);
		snprintf(path, sizeof(path), "%s/ring", name);
		err = create(scratch_path(path));
		if (err != rows[i].want)
			fail_msg("%s: %d", rows[i].what, err);
		if (err && !access(scratch_path(path), F_OK))
			fail_msg("%s: was made", rows[i].what);
	}
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(create(scratch_path("target")), 0);
	assert_int_equal(truncate(scratch_path("target"), 0), 0);
	assert_int_equal(symlink("target", scratch_path("link")), 0);
	assert_int_equal(create(scratch_path("link")), -ELOOP);
	assert_int_equal(symlink("nowhere", scratch_path("dangling")), 0);
	assert_int_equal(create(scratch_path("dangling")), -ELOOP);
	assert_int_equal(access(scratch_path("nowhere"), F_OK), -1);
	assert_int_equal(stat(scratch_path("target"), &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void a_file_with_two_names_is_refused(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(create(scratch_path("one")), 0);
	assert_int_equal(chmod(scratch_path("one"), 0640), 0);
	assert_int_equal(link(scratch_path("one"), scratch_path("two")), 0);
	assert_int_equal(create(scratch_path("one")), -EMLINK);
	assert_int_equal(create(scratch_path("two")), -EMLINK);
	assert_int_equal(stat(scratch_path("one"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(unlink(scratch_path("two")), 0);
	assert_int_equal(create(scratch_path("one")), 0);
}

/* He could cut it short under our mapping. */
static void another_users_file_is_refused(void **state)
{
	struct stat st;

	(void)state;
	if (geteuid())
		skip();
	make_directory("sticky", 01777, 0);
	assert_int_equal(create(scratch_path("sticky/ring")), 0);
	assert_int_equal(chown(scratch_path("sticky/ring"), SOMEBODY, SOMEBODY),
			 0);
	assert_int_equal(create(scratch_path("sticky/ring")), -EPERM);
	assert_int_equal(stat(scratch_path("sticky/ring"), &st), 0);
	assert_int_equal(st.st_uid, SOMEBODY);
}

static void each_refusal_has_words(void **state)
{
	static const int errors[] = { -EBUSY,  -EPROTO, -EPERM,
				      -EMLINK, -ELOOP,	-ENOTUNIQ };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		assert_string_not_equal(ring_strerror(errors[i]),
					strerror(-errors[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(ring_strerror(errors[i]),
						ring_strerror(errors[k]));
	}
	assert_string_equal(ring_strerror(-ENOSPC), strerror(ENOSPC));
}

static void a_reader_survives_a_file_that_is_cut_short(void **state)
{
	const char *path = scratch_path("cut");
	uint64_t record = 7, lost, position = 0;
	struct ring *w, *r;
	struct stat st;

	(void)state;
	assert_int_equal(ring_create(&w, path, &kind), 0);
	ring_write(w, &record);
	ring_write(w, &record);
	assert_int_equal(ring_open(&r, path, &kind), 0);
	assert_true(ring_read(&record, &lost, r, &position));
	assert_int_equal(record, 7);
	ring_close(w);
	assert_int_equal(stat(path, &st), 0);
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		uint64_t at = position;

		assert_int_equal(truncate(path, size), 0);
		while (ring_read(&record, &lost, r, &at))
			assert_int_equal(record, 7);
	}
	ring_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_else_may_write_to_the_directory),
		cmocka_unit_test(a_symbolic_link_is_not_followed),
		cmocka_unit_test(a_file_with_two_names_is_refused),
		cmocka_unit_test(another_users_file_is_refused),
		cmocka_unit_test(each_refusal_has_words),
		cmocka_unit_test(a_reader_survives_a_file_that_is_cut_short),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
