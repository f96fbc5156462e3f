// SPDX-License-Identifier: GPL-2.0-only
/* list.c: feeds as they come, all or nothing, the limits, finding a line. */
#include "list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <cmocka.h>

#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static char spec_path[] = "x";
static const struct list_spec spec = { spec_path, 1000, 10 };

/* As text, with blanks between. */
static const char *print(const struct prefix_list *list)
{
	static char text[4096];
	char buf[PREFIX_STRLEN];
	size_t at = 0;

	*text = '\0';
	for (size_t i = 0; i < list->n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
				       i ? " " : "",
				       prefix_print(&list->items[i], buf));
	return text;
}

static const struct {
	const char *what;
	const char *text;
	const char *prefixes;
	size_t n_lines;
} feeds[] = {
	{ "Spamhaus DROP",
	  "; Spamhaus DROP List 2026/05/26 - (c) 2026 The Spamhaus "
	  "Project SLU\n"
	  "; https://www.spamhaus.org/drop/drop.txt\n"
	  "; Last-Modified: Tue, 26 May 2026 11:00:16 GMT\n"
	  "; Expires: Tue, 26 May 2026 12:14:02 GMT\n"
	  "1.10.16.0/20 ; SBL256894\n"
	  "1.19.0.0/16 ; SBL434604\n"
	  "1.32.128.0/18 ; SBL286275\n",
	  "1.10.16.0/20 1.19.0.0/16 1.32.128.0/18", 7 },
	{ "Spamhaus DROPv6",
	  "; Spamhaus DROPv6 List 2026/05/26\r\n"
	  "2001:678:254::/48 ; SBL633402\r\n"
	  "2a06:5280::/29 ; SBL303641\r\n",
	  "2001:678:254::/48 2a06:5280::/29", 3 },
	{ "FireHOL level 1",
	  "#\n"
	  "# firehol_level1\n"
	  "#\n"
	  "# ipv4 hash:net ipset\n"
	  "#\n"
	  "# Maintainer URL  : http://iplists.firehol.org/\n"
	  "# List source URL : \n"
	  "# This File Date  : Sat May  2 21:42:17 UTC 2026\n"
	  "# Entries         : 3753 subnets, 611405121 unique IPs\n"
	  "#\n"
	  "0.0.0.0/8\n"
	  "1.10.16.0/20\n"
	  "100.64.0.0/10\n"
	  "198.51.100.42\n"
	  "224.0.0.0/3\n",
	  "0.0.0.0/8 1.10.16.0/20 100.64.0.0/10 198.51.100.42/32 "
	  "224.0.0.0/3",
	  15 },
	{ "fail2ban",
	  "203.0.113.9\n"
	  "198.51.100.7 *: sshd\n"
	  "2001:db8::7 *: sshd\n"
	  "198.51.100.8 \t2026-01-30 12:00:01 + 600 = 2026-01-30 "
	  "12:10:01\n",
	  "198.51.100.7/32 198.51.100.8/32 203.0.113.9/32 "
	  "2001:db8::7/128",
	  4 },
	{ "ipdeny", "1.0.1.0/24\n1.0.2.0/23\n1.0.8.0/21",
	  "1.0.1.0/24 1.0.2.0/23 1.0.8.0/21", 3 },
	{ "by hand",
	  "\xef\xbb\xbf# ours\r\n"
	  "\r\n"
	  "  192.0.2.10 - 192.0.2.13  # lab\r\n"
	  "2001:db8::/32\r\n"
	  "::ffff:192.0.2.1\r\n",
	  "192.0.2.1/32 192.0.2.10/31 192.0.2.12/31 2001:db8::/32", 5 },
	{ "doubles and nested ones",
	  "192.0.2.0/24\n192.0.2.0/25\n192.0.2.0/24\n192.0.2.1\n"
	  "192.0.2.1/32\n",
	  "192.0.2.0/24 192.0.2.0/25 192.0.2.1/32", 5 },
	{ "empty", "", "", 0 },
	{ "only comments", "# nothing\n; here\n\n", "", 3 },
};

static void feeds_load_as_they_come(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(feeds); i++) {
		size_t size = strlen(feeds[i].text);
		char error[LIST_ERROR_SIZE];
		uint8_t digest[32];
		struct list list;

		if (list_parse(&list, feeds[i].text, size, &spec, error))
			fail_msg("%s: %s", feeds[i].what, error);
		if (strcmp(print(&list.prefixes), feeds[i].prefixes))
			fail_msg("%s: %s", feeds[i].what,
				 print(&list.prefixes));
		assert_int_equal(list.n_lines, feeds[i].n_lines);
		EVP_Digest(feeds[i].text, size, digest, NULL, EVP_sha256(),
			   NULL);
		assert_memory_equal(list.digest, digest, sizeof(digest));
		list_fini(&list);
	}
}

static void one_bad_line_refuses_the_file(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} rows[] = {
		{ "192.0.2.1\n\n# x\nfoo\nbar\n",
		  "x: line 4: \"foo\" is not an address, prefix or range" },
		{ "192.0.2.1\n10.0.0.1/8\n",
		  "x: line 2: \"10.0.0.1/8\": host bits are set; did you mean "
		  "10.0.0.0/8?" },
		{ "0.0.0.0/0",
		  "x: line 1: \"0.0.0.0/0\" is shorter than /8: too much for "
		  "one line" },
		{ "192.0.2.1\r192.0.2.2\n",
		  "x: line 1: a carriage return that does not end the line" },
		{ "192.0.2.1\n192.0.2.2 - 192.0.2.1\n",
		  "x: line 2: \"192.0.2.2 - 192.0.2.1\" ends before it "
		  "begins" },
	};
	struct list list, before;
	char error[LIST_ERROR_SIZE];

	(void)state;
	memset(&list, 0x5a, sizeof(list));
	memcpy(&before, &list, sizeof(list));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(list_parse(&list, rows[i].text,
					    strlen(rows[i].text), &spec, error),
				 -EBADMSG);
		assert_string_equal(error, rows[i].error);
		assert_memory_equal(&list, &before, sizeof(list));
	}
	assert_int_equal(list_parse(&list, "a\0b", 3, &spec, error), -EBADMSG);
	assert_string_equal(error,
			    "x: line 1: a NUL byte: this is no text file");
}

static void a_long_path_does_not_hide_the_line(void **state)
{
	char path[4000], error[LIST_ERROR_SIZE];
	struct list_spec s = { path, 10, 0 };
	struct list list;

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(list_parse(&list, "foo", 3, &s, error), -EBADMSG);
	assert_string_equal(strchr(error, ':'),
			    ": line 1: \"foo\" is not an address, prefix or "
			    "range");
}

static void there_is_a_maximum(void **state)
{
	struct list_spec four = { spec_path, 4, 0 };
	char error[LIST_ERROR_SIZE];
	struct list list;

	(void)state;
	assert_int_equal(list_parse(&list, "1.1.1.1-1.1.1.6", 15, &four, error),
			 0);
	assert_int_equal(list.prefixes.n, 4);
	list_fini(&list);
	assert_int_equal(
		list_parse(&list, "1.1.1.1-1.1.1.6\n9.9.9.9", 23, &four, error),
		-E2BIG);
	assert_string_equal(error, "x: line 2: more than 4 prefixes; max= "
				   "allows more");
	assert_int_equal(
		list_parse(&list, "1.1.1.1-1.1.1.14", 16, &four, error),
		-E2BIG);
	assert_string_equal(error, "x: line 1: more than 4 prefixes; max= "
				   "allows more");
}

static void write_addresses(size_t n)
{
	FILE *f = fopen(scratch_path("list"), "w");

	assert_non_null(f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "10.%zu.%zu.%zu\n", i >> 16, i >> 8 & 255, i & 255);
	fclose(f);
}

static void a_change_beyond_the_factor_is_refused(void **state)
{
	static const struct {
		size_t was, is;
		uint64_t factor;
		const char *error; /* NULL: none */
	} rows[] = {
		{ 1000, 1000, 10, NULL },
		{ 1000, 100, 10, NULL },
		{ 1000, 10000, 10, NULL },
		{ 1000, 99, 10,
		  "99 prefixes where 1000 were: more than factor=10 allows at "
		  "once" },
		{ 1000, 10001, 10,
		  "10001 prefixes where 1000 were: more than factor=10 allows "
		  "at once" },
		{ 1000, 0, 1000000,
		  "0 prefixes where 1000 were: more than factor=1000000 "
		  "allows at once" },
		{ 1000, 499, 2,
		  "499 prefixes where 1000 were: more than factor=2 allows at "
		  "once" },
		{ 1000, 500, 2, NULL },
		{ 1000, 0, 0, NULL },
		{ 1000, 20000, 0, NULL },
		{ 100, 9, 10,
		  "9 prefixes where 100 were: more than factor=10 allows at "
		  "once" },
		{ 99, 0, 10, NULL },
		{ 99, 20000, 10, NULL },
		{ 0, 20000, 10, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct list_spec s = { scratch_path("list"), 100000,
				       rows[i].factor };
		char error[LIST_ERROR_SIZE] = "", full[LIST_ERROR_SIZE] = "";
		struct list was, is;
		int rc;

		write_addresses(rows[i].was);
		assert_int_equal(list_load(&was, &s, NULL, error), 0);
		assert_int_equal(was.prefixes.n, rows[i].was);
		write_addresses(rows[i].is);
		rc = list_load(&is, &s, &was, error);
		if (rows[i].error)
			snprintf(full, sizeof(full), "%s: %s", s.path,
				 rows[i].error);
		assert_string_equal(error, full);
		assert_int_equal(rc, rows[i].error ? -ERANGE : 0);
		if (!rc) {
			assert_int_equal(is.prefixes.n, rows[i].is);
			list_fini(&is);
		}
		list_fini(&was);
	}
}

static void no_file_is_an_error(void **state)
{
	struct list_spec s = { scratch_path("none"), 10, 0 };
	char error[LIST_ERROR_SIZE], full[LIST_ERROR_SIZE];
	struct list list;

	(void)state;
	assert_int_equal(list_load(&list, &s, NULL, error), -ENOENT);
	snprintf(full, sizeof(full), "%s: No such file or directory", s.path);
	assert_string_equal(error, full);
	s.path = scratch_dir;
	assert_int_equal(list_load(&list, &s, NULL, error), -EISDIR);
	snprintf(full, sizeof(full), "%s: it is a directory", s.path);
	assert_string_equal(error, full);
}

static void the_line_of_an_address_is_found(void **state)
{
	static const char text[] = "# ours\n"
				   "10.0.0.0/8\n"
				   "10.1.0.0/16 ; first\n"
				   "nonsense\n"
				   "10.1.0.0/16 ; again\n"
				   "192.0.2.1 - 192.0.2.6\n"
				   "2001:db8::/32\n"
				   "::ffff:198.51.100.1\n";
	static const struct {
		const char *address;
		size_t line; /* 0: none */
		const char *prefix;
	} rows[] = {
		{ "10.2.0.1", 2, "10.0.0.0/8" },
		{ "10.1.0.1", 3, "10.1.0.0/16" },
		{ "192.0.2.0", 0, NULL },
		{ "192.0.2.1", 6, "192.0.2.1/32" },
		{ "192.0.2.5", 6, "192.0.2.4/31" },
		{ "192.0.2.6", 6, "192.0.2.6/32" },
		{ "192.0.2.7", 0, NULL },
		{ "2001:db8::1", 7, "2001:db8::/32" },
		{ "2001:db9::1", 0, NULL },
		{ "198.51.100.1", 8, "198.51.100.1/32" },
	};
	const char *path = scratch_path("list");
	uint8_t digest[32];

	(void)state;
	scratch_put("list", text);
	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char error[LIST_ERROR_SIZE], buf[PREFIX_STRLEN];
		struct list_place place;
		struct prefix address;
		int rc;

		prefix_parse_address(&address, rows[i].address);
		rc = list_find(&place, path, &address, error);
		if (rc != (rows[i].line ? 0 : -ENODATA))
			fail_msg("%s: %d", rows[i].address, rc);
		if (rc)
			continue;
		assert_int_equal(place.line, rows[i].line);
		assert_string_equal(prefix_print(&place.prefix, buf),
				    rows[i].prefix);
		assert_memory_equal(place.digest, digest, sizeof(digest));
	}
}

static void a_file_that_is_gone_has_no_lines(void **state)
{
	struct prefix address = { 2, 32, { 10 } };
	char error[LIST_ERROR_SIZE] = "";
	struct list_place place;

	(void)state;
	assert_int_equal(list_find(&place, "/none", &address, error), -ENOENT);
	assert_string_equal(error, "/none: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feeds_load_as_they_come),
		cmocka_unit_test(one_bad_line_refuses_the_file),
		cmocka_unit_test(a_long_path_does_not_hide_the_line),
		cmocka_unit_test(there_is_a_maximum),
		cmocka_unit_test(a_change_beyond_the_factor_is_refused),
		cmocka_unit_test(no_file_is_an_error),
		cmocka_unit_test(the_line_of_an_address_is_found),
		cmocka_unit_test(a_file_that_is_gone_has_no_lines),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
