// SPDX-License-Identifier: GPL-2.0-only
/* trail.c: the directories and names that lead to a file. */
#include "trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "scratch.h"

/* The steps below the scratch directory, "@" for that, with blanks between. */
static const char *walk(const char *path)
{
	static char text[1 << 16];
	size_t at = 0, skip = strlen(scratch_dir);
	struct trail t;

	*text = '\0';
	trail_init(&t, path);
	while (trail_next(&t)) {
		bool inside = !strncmp(t.dir, scratch_dir, skip);

		if (inside)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       "%s@%s:%s", at ? " " : "",
					       t.dir + skip, t.name);
	}
	return text;
}

static void ways_are_followed(void **state)
{
	static const struct {
		const char *path;
		const char *steps;
	} rows[] = {
		{ "file", "@:file" },
		{ "dir/file", "@:dir @/dir:file" },
		{ "dir//./file/", "@:dir @/dir:file" },
		{ "none", "@:none" },
		{ "none/x", "@:none @/none:x" },
		{ "link", "@:link @:dir @/dir:file" },
		{ "dir/up", "@:dir @/dir:up @/dir/..:file" },
		{ "to-dir/file", "@:to-dir @:dir @/dir:file" },
		{ "two", "@:two @:link @:dir @/dir:file" },
		{ "absolute", "@:absolute @:dir @/dir:file" },
		{ "dangling", "@:dangling @:nowhere @/nowhere:x" },
		{ "dir/../file", "@:dir @/dir/..:file" },
	};
	char target[300];

	(void)state;
	scratch_mkdir("dir");
	scratch_put("file", "");
	scratch_put("dir/file", "");
	scratch_link("dir/file", "link");
	scratch_link("../file", "dir/up");
	scratch_link("dir", "to-dir");
	scratch_link("link", "two");
	snprintf(target, sizeof(target), "%s/dir/file", scratch_dir);
	scratch_link(target, "absolute");
	scratch_link("nowhere/x", "dangling");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *steps = walk(scratch_path(rows[i].path));
		/* The directory's own way comes first, twice for a link. */
		const char *own = strstr(steps, "@:");

		if (!own || strcmp(own, rows[i].steps))
			fail_msg("%s: %s", rows[i].path, steps);
	}
}

static void loops_end(void **state)
{
	size_t n = 0;
	struct trail t;

	(void)state;
	scratch_link("loop", "loop");
	trail_init(&t, scratch_path("loop"));
	while (trail_next(&t))
		assert_true(++n < 100);
	assert_true(n > 40);
}

static void odd_paths_end(void **state)
{
	static char path[2 * PATH_MAX];
	struct trail t;

	(void)state;
	trail_init(&t, "");
	assert_false(trail_next(&t));
	trail_init(&t, "/");
	assert_false(trail_next(&t));
	trail_init(&t, "x");
	assert_true(trail_next(&t));
	assert_string_equal(t.path, "./x");
	assert_false(trail_next(&t));
	memset(path, 'x', sizeof(path) - 1);
	trail_init(&t, path);
	assert_false(trail_next(&t));
	/* Short names, but too many of them. */
	for (size_t i = 1; i < PATH_MAX - 2; i += 2)
		path[i] = '/';
	path[PATH_MAX - 1] = '\0';
	trail_init(&t, path);
	while (trail_next(&t))
		assert_true(strlen(t.path) < PATH_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways_are_followed),
		cmocka_unit_test(loops_end),
		cmocka_unit_test(odd_paths_end),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
