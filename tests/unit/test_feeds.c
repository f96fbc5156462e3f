// SPDX-License-Identifier: GPL-2.0-only
/* feeds.c: which version of which list is there, whatever the files become. */
#include "feeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <poll.h>
#include <cmocka.h>

#include "scratch.h"

static struct list_specs block, allow;

static void name_lists(void)
{
	char why[VALUE_WHY_SIZE];

	assert_int_equal(spec_value(&block, scratch_path("a"), "", why), 0);
	assert_int_equal(spec_value(&block, scratch_path("b"), "", why), 0);
	assert_int_equal(spec_value(&allow, scratch_path("c"), "", why), 0);
}

static int set_up(void **state)
{
	if (scratch_make(state))
		return -1;
	scratch_put("a", "192.0.2.1\n");
	scratch_put("b", "192.0.2.1\n192.0.2.2\n");
	scratch_put("c", "192.0.2.1\n192.0.2.2\n192.0.2.3\n");
	name_lists();
	return 0;
}

static int tear_down(void **state)
{
	spec_fini(&block);
	spec_fini(&allow);
	return scratch_remove(state);
}

static struct feeds open_feeds(struct files *files)
{
	struct feeds f;

	assert_int_equal(feeds_open(&f, &block, &allow, files), 0);
	assert_int_equal(f.n, 3);
	return f;
}

static size_t count(const struct feeds *f, size_t i)
{
	return f->items[i].now.list.prefixes.n;
}

/* How many lines went to the log while the feeds were read again. */
static size_t reload_and_count_lines(size_t *changed, struct feeds *f)
{
	int err = dup(STDERR_FILENO), c;
	FILE *log = tmpfile();
	size_t n = 0;

	assert_non_null(log);
	dup2(fileno(log), STDERR_FILENO);
	*changed = feeds_reload(f, NULL);
	dup2(err, STDERR_FILENO);
	close(err);
	rewind(log);
	while ((c = getc(log)) != EOF)
		n += c == '\n';
	fclose(log);
	return n;
}

static void all_are_loaded(void **state)
{
	struct feeds f = open_feeds(NULL);

	(void)state;
	for (size_t i = 0; i < f.n; i++) {
		assert_int_equal(count(&f, i), i + 1);
		assert_int_equal(f.items[i].allow, i == 2);
		assert_true(f.items[i].now.loaded_ns > 0);
	}
	assert_ptr_equal(f.items[1].spec, &block.items[1]);
	assert_ptr_equal(f.items[2].spec, &allow.items[0]);
	feeds_fini(&f);
}

static void none_is_fine(void **state)
{
	struct list_specs none = { NULL, 0 };
	struct feeds f;

	(void)state;
	assert_int_equal(feeds_open(&f, &none, &none, NULL), 0);
	assert_int_equal(f.n, 0);
	assert_int_equal(feeds_reload(&f, NULL), 0);
	feeds_keep(&f);
	feeds_undo(&f);
	feeds_fini(&f);
}

static void a_bad_one_stops_the_start(void **state)
{
	struct feeds f, before;

	(void)state;
	memset(&f, 0x5a, sizeof(f));
	memcpy(&before, &f, sizeof(f));
	scratch_put("c", "foo\n");
	assert_int_equal(feeds_open(&f, &block, &allow, NULL), -EBADMSG);
	scratch_unlink("c");
	assert_int_equal(feeds_open(&f, &block, &allow, NULL), -ENOENT);
	assert_memory_equal(&f, &before, sizeof(f));
}

static void what_fails_stays(void **state)
{
	struct feeds f = open_feeds(NULL);
	size_t changed;

	(void)state;
	scratch_put("a", "foo\n");
	scratch_put("b", "198.51.100.0/24\n");
	scratch_unlink("c");
	assert_int_equal(reload_and_count_lines(&changed, &f), 3);
	assert_int_equal(changed, 1);
	assert_int_equal(count(&f, 0), 1);
	assert_int_equal(count(&f, 1), 1);
	assert_int_equal(count(&f, 2), 3);
	assert_string_not_equal(f.items[0].error, "");
	assert_string_equal(f.items[1].error, "");
	assert_string_not_equal(f.items[2].error, "");
	feeds_keep(&f);

	/* The same again is not said again; another thing is. */
	assert_int_equal(reload_and_count_lines(&changed, &f), 0);
	assert_int_equal(changed, 0);
	scratch_put("a", "bar\n");
	assert_int_equal(reload_and_count_lines(&changed, &f), 1);

	scratch_put("a", "192.0.2.1\n");
	scratch_put("c", "192.0.2.9\n");
	assert_int_equal(reload_and_count_lines(&changed, &f), 3);
	assert_int_equal(changed, 1);
	assert_string_equal(f.items[0].error, "");
	assert_string_equal(f.items[2].error, "");
	assert_int_equal(count(&f, 2), 1);
	feeds_fini(&f);
}

static void only_what_changed_is_read(void **state)
{
	struct prefix *items;
	struct files *files;
	struct pollfd fd;
	struct feeds f;

	(void)state;
	assert_int_equal(files_open(&files), 0);
	f = open_feeds(files);
	items = f.items[0].now.list.prefixes.items;
	scratch_replace("b", "198.51.100.0/24\n198.51.101.0/24\n10.0.0.1\n");
	fd = (struct pollfd){ .fd = files_fd(files), .events = POLLIN };
	do {
		assert_int_equal(poll(&fd, 1, 10000), 1);
	} while (!files_take(files));
	/* Bad by now, but nobody has told of it. */
	free(f.items[0].spec->path);
	block.items[0].path = strdup("/none");
	assert_int_equal(feeds_reload(&f, files), 1);
	assert_int_equal(count(&f, 1), 3);
	assert_ptr_equal(f.items[0].now.list.prefixes.items, items);
	assert_string_equal(f.items[0].error, "");
	assert_int_equal(feeds_reload(&f, files), 0);
	feeds_fini(&f);
	files_close(files);
}

static void what_is_not_in_force_goes_back(void **state)
{
	struct feeds f = open_feeds(NULL);
	int64_t loaded_ns = f.items[0].now.loaded_ns;

	(void)state;
	scratch_put("a", "10.0.0.1\n10.0.0.2\n");
	assert_int_equal(feeds_reload(&f, NULL), 1);
	assert_int_equal(count(&f, 0), 2);
	scratch_put("a", "10.0.0.1\n10.0.0.2\n10.0.0.3\n10.0.0.4\n");
	assert_int_equal(feeds_reload(&f, NULL), 1);
	assert_int_equal(count(&f, 0), 4);
	feeds_undo(&f);
	assert_int_equal(count(&f, 0), 1);
	assert_true(f.items[0].now.loaded_ns == loaded_ns);
	assert_int_equal(f.items[0].now.list.prefixes.items[0].addr[0], 192);

	assert_int_equal(feeds_reload(&f, NULL), 1);
	feeds_keep(&f);
	feeds_undo(&f);
	assert_int_equal(count(&f, 0), 4);
	feeds_fini(&f);
}

/* Nobody tells of it again: its file has not changed. */
static void what_went_back_is_owed(void **state)
{
	struct files *files;
	struct feeds f;

	(void)state;
	assert_int_equal(files_open(&files), 0);
	f = open_feeds(files);
	scratch_put("a", "10.0.0.1\n10.0.0.2\n");
	scratch_put("b", "10.0.0.3\n");
	assert_int_equal(feeds_reload(&f, NULL), 2);
	assert_false(feeds_retry(&f, 0));
	feeds_undo(&f);
	assert_int_equal(feeds_reload(&f, files), 2);
	feeds_undo(&f);

	assert_true(feeds_retry(&f, 0));
	assert_int_equal(count(&f, 0), 2);
	feeds_keep(&f);
	assert_false(feeds_retry(&f, 0));
	assert_false(feeds_retry(&f, 2));

	/* It is what it was before by now. */
	scratch_put("b", "192.0.2.1\n192.0.2.2\n");
	assert_false(feeds_retry(&f, 1));
	assert_int_equal(feeds_reload(&f, files), 0);
	feeds_fini(&f);
	files_close(files);
}

static void put_addresses(const char *name, unsigned int n)
{
	FILE *file = fopen(scratch_path(name), "w");

	assert_non_null(file);
	for (unsigned int i = 0; i < n; i++)
		fprintf(file, "10.0.%u.%u\n", i >> 8, i & 255);
	fclose(file);
}

/* Step by step it may become anything that its factor allows. */
static void the_factor_goes_by_what_is_there(void **state)
{
	struct feeds f = open_feeds(NULL);

	(void)state;
	put_addresses("a", 200);
	assert_int_equal(feeds_reload(&f, NULL), 1);
	feeds_keep(&f);
	put_addresses("a", 3000);
	assert_int_equal(feeds_reload(&f, NULL), 0);
	assert_int_equal(count(&f, 0), 200);
	scratch_put("a", "");
	assert_int_equal(feeds_reload(&f, NULL), 0);
	assert_int_equal(count(&f, 0), 200);
	put_addresses("a", 2000);
	assert_int_equal(feeds_reload(&f, NULL), 1);
	feeds_keep(&f);
	put_addresses("a", 3000);
	assert_int_equal(feeds_reload(&f, NULL), 1);
	assert_int_equal(count(&f, 0), 3000);
	feeds_fini(&f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_are_loaded),
		TEST(none_is_fine),
		TEST(a_bad_one_stops_the_start),
		TEST(what_fails_stays),
		TEST(only_what_changed_is_read),
		TEST(what_is_not_in_force_goes_back),
		TEST(what_went_back_is_owed),
		TEST(the_factor_goes_by_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
