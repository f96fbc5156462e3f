// SPDX-License-Identifier: GPL-2.0-only
#include "query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *what;
	const char *query;
	const char *value; /* of "key"; NULL: none */
} pairs[] = {
	{ "empty query", "", NULL },
	{ "only pair", "key=x", "x" },
	{ "last pair", "a=1&b=2&key=x", "x" },
	{ "no =", "key", "" },
	{ "no value", "key=", "" },
	{ "first of two", "key=a&key=b", "a" },
	{ "first though empty", "key=&key=b", "" },
	{ "value holds =", "key=a=b", "a=b" },
	{ "another case", "Key=x", NULL },
	{ "longer name", "keys=x", NULL },
	{ "shorter name", "ke=x", NULL },
	{ "encoded name", "%6b%65y=x", "x" },
	{ "encoded value", "key=%41%2f%26", "A/&" },
	{ "plus", "key=a+b", "a b" },
	{ "encoded plus", "key=a%2Bb", "a+b" },
	{ "bad escape in value", "key=%zz", NULL },
	{ "bad escape, then a good pair", "key=%4&key=x", "x" },
	{ "cut escape", "key=%", NULL },
	{ "bad escape in another name", "%g=1&key=x", "x" },
	{ "semicolon drops its pair", "key=a;b", NULL },
	{ "semicolon before", "a;key=x", NULL },
	{ "semicolon elsewhere", "a;b&key=x", "x" },
	{ "encoded semicolon stays", "key=a%3Bb", "a;b" },
	{ "empty pairs", "&&key=x&&", "x" },
	{ "nameless pair", "=key", NULL },
	{ "NUL is not an end", "key=a%00b",
	  "a\x01"
	  "b" },
	{ "NUL in a name", "key%00=x", NULL },
	{ "question mark is plain", "?key=x", NULL },
	{ "bytes past ASCII", "key=\xff%ff", "\xff\xff" },
};

static void pairs_are_found_as_go_finds_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		char *value = NULL;

		assert_int_equal(query_find(&value, pairs[i].query, "key"), 0);
		if (!value != !pairs[i].value ||
		    (value && strcmp(value, pairs[i].value)))
			fail_msg("%s: %s", pairs[i].what,
				 value ? value : "none");
		free(value);
	}
}

static const struct {
	const char *what;
	const char *path;
	const char *decoded; /* NULL: -EINVAL */
} paths[] = {
	{ "plain", "/v1/usage", "/v1/usage" },
	{ "empty", "", "" },
	{ "escape", "/v1/%75sage", "/v1/usage" },
	{ "upper-case hex", "/%2F%2f", "///" },
	{ "plus stays", "/a+b", "/a+b" },
	{ "once only", "/%2575", "/%75" },
	{ "no digits", "/%", NULL },
	{ "one digit", "/%7", NULL },
	{ "not hex", "/%7g", NULL },
	{ "NUL is not an end", "/v1/usage%00", "/v1/usage\x01" },
};

static void paths_are_decoded_as_go_decodes_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char *decoded = NULL;
		int err = query_decode_path(&decoded, paths[i].path);

		if (err != (paths[i].decoded ? 0 : -EINVAL) ||
		    (!err && strcmp(decoded, paths[i].decoded)))
			fail_msg("%s: %d %s", paths[i].what, err,
				 decoded ? decoded : "none");
		free(decoded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_found_as_go_finds_them),
		cmocka_unit_test(paths_are_decoded_as_go_decodes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
