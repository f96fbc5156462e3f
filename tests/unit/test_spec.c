// SPDX-License-Identifier: GPL-2.0-only
/* spec.c: what --block-file and --allow-file take. */
#include "spec.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Named from here. */
static void assert_path(const char *got, const char *want)
{
	char here[PATH_MAX], path[PATH_MAX + 32];

	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(path, sizeof(path), "%s/%s", here, want);
	assert_string_equal(got, *want == '/' ? want : path);
}

static void limits_are_read(void **state)
{
	static const struct {
		const char *text;
		const char *path;
		uint64_t max, factor;
	} rows[] = {
		{ "/etc/x.txt", "/etc/x.txt", 1000000, 10 },
		{ "x,max=5", "x", 5, 10 },
		{ "x,factor=0", "x", 1000000, 0 },
		{ "x,factor=2", "x", 1000000, 2 },
		{ "x,max=10000000,factor=1000000", "x", 10000000, 1000000 },
		{ "x,factor=3,max=7", "x", 7, 3 },
		{ "x,max=7,max=8", "x", 8, 10 },
		{ "max=7", "max=7", 1000000, 10 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct list_specs specs = { NULL, 0 };
		char why[VALUE_WHY_SIZE];

		if (spec_value(&specs, rows[i].text, "", why))
			fail_msg("%s: %s", rows[i].text, why);
		assert_int_equal(specs.n, 1);
		assert_path(specs.items[0].path, rows[i].path);
		assert_int_equal(specs.items[0].max, rows[i].max);
		assert_int_equal(specs.items[0].factor, rows[i].factor);
		spec_fini(&specs);
	}
}

static void bad_limits_are_refused(void **state)
{
	static const char max[] = "max= is 1 to 10000000 prefixes",
			  factor[] = "factor= is 2 to 1000000, or 0 for any",
			  other[] = "after the first comma goes max=N or "
				    "factor=F";
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
		{ "", "no file is named" },
		{ ",max=5", "no file is named" },
		{ "x,", other },
		{ "x,max", other },
		{ "x,Max=5", other },
		{ "x,5", other },
		{ "x,max=5,", other },
		{ "x,max=", max },
		{ "x,max=0", max },
		{ "x,max=-1", max },
		{ "x,max=10000001", max },
		{ "x,max=99999999999999999999", max },
		{ "x,max=5k", "a limit is a number" },
		{ "x,factor=", factor },
		{ "x,factor=1", factor },
		{ "x,factor=1000001", factor },
		{ "x,factor=2.5", "a limit is a number" },
		{ "known", "this file was named before" },
		{ "known,max=5", "this file was named before" },
	};
	struct list_specs specs = { NULL, 0 };
	char why[VALUE_WHY_SIZE];

	(void)state;
	assert_int_equal(spec_value(&specs, "known", "", why), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(spec_value(&specs, rows[i].text, "", why),
				 -EINVAL);
		if (strcmp(why, rows[i].why))
			fail_msg("%s: %s", rows[i].text, why);
		assert_int_equal(specs.n, 1);
	}
	spec_fini(&specs);
}

static void there_are_so_many_files(void **state)
{
	struct list_specs specs = { NULL, 0 };
	char why[VALUE_WHY_SIZE], name[16];

	(void)state;
	for (int i = 0; i < 250; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(spec_value(&specs, name, "", why), 0);
	}
	assert_int_equal(spec_value(&specs, "x", "", why), -EINVAL);
	assert_string_equal(why, "more than 250 files");
	assert_int_equal(specs.n, 250);
	assert_path(specs.items[249].path, "249");
	spec_fini(&specs);
	assert_int_equal(specs.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_read),
		cmocka_unit_test(bad_limits_are_refused),
		cmocka_unit_test(there_are_so_many_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
