// SPDX-License-Identifier: GPL-2.0-only
#include "snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "snapshot_file.h"

static void a_miss_is_counted_and_not_kept(void **state)
{
	static const char *const rows[] = {
		"\"not_found\":true",
		"\"not_found\":true,\"snapshot\":{\"status\":5}",
		"\"not_found\":true,\"snapshot\":5",
		"\"not_found\":false",
		"\"snapshot\":null",
		"\"not_found\":false,\"snapshot\":null",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot s;
		char text[512];

		snprintf(text, sizeof(text), "{\"key_hash\":\"" A "\",%s}\n%s",
			 rows[i], GOOD(B));
		s = load(text);
		assert_int_equal(s.n_not_found, 1);
		assert_int_equal(s.n_entries, 1);
		snapshot_fini(&s);
	}
}

static void a_snapshot_may_have_no_entry(void **state)
{
	static const char *const rows[] = {
		"{}",
		" {\n} \n",
		HEADER(""),
		HEADER(",\"complete\":true"),
	};
	struct pc_digest a = digest_of(0xaa);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot s = load(rows[i]);

		assert_int_equal(s.n_entries, 0);
		assert_null(snapshot_find(&s, &a));
		assert_int_equal(s.complete, i == 3);
		snapshot_fini(&s);
	}
}

static void the_header_is_read(void **state)
{
	struct snapshot s = load(HEADER(
		",\"complete\":true,\"generated_at\":\"2026-02-03T12:00:00Z\","
		"\"ip_blacklist\":[\"192.0.2.7/24\"],\"ip_allowlist\":[],"
		"\"later\":{}") GOOD(A));

	(void)state;
	assert_true(s.complete);
	assert_int_equal(s.generated_ns, 1770120000000000000);
	assert_int_equal(s.taken_ns, 1770120000000000000);
	assert_string_equal(s.ip_blacklist[0], "192.0.2.7/24");
	assert_null(s.ip_blacklist[1]);
	assert_null(s.ip_allowlist);
	assert_int_equal(s.n_entries, 1);
	snapshot_fini(&s);
}

/* Without a header's word, a snapshot is as old as its file. */
static void a_snapshot_is_as_old_as_it_says(void **state)
{
	static const struct {
		const char *text;
		struct timespec modified;
		int64_t taken_ns;
	} rows[] = {
		{ GOOD(A), { 1770120000, 5 }, 1770120000000000005 },
		{ HEADER("") GOOD(A), { 7, 0 }, 7000000000 },
		{ "{}", { 1, 999999999 }, 1999999999 },
		/* 0 is what says that nothing was loaded. */
		{ GOOD(A), { 0, 0 }, 1 },
		{ HEADER(",\"generated_at\":\"2026-02-03T12:00:00Z\""),
		  { 7, 0 },
		  1770120000000000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct timespec times[2] = { rows[i].modified,
					     rows[i].modified };
		char error[SNAPSHOT_ERROR_SIZE] = "";
		struct snapshot s;

		write_file(rows[i].text, strlen(rows[i].text));
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		assert_int_equal(snapshot_load(&s, path, error), 0);
		unlink(path);
		assert_int_equal(s.taken_ns, rows[i].taken_ns);
		snapshot_fini(&s);
	}
}

static const struct refusal bad_headers[] = {
	{ "no format", "{\"portcullis\":{}}",
	  "line 1: portcullis.format: not 1" },
	{ "another format", "{\"portcullis\":{\"format\":2}}",
	  "line 1: portcullis.format: not 1" },
	{ "format as text", "{\"portcullis\":{\"format\":\"1\"}}",
	  "line 1: portcullis.format: not an integer" },
	{ "no object", "{\"portcullis\":1}",
	  "line 1: portcullis: not an object" },
	{ "null", "{\"portcullis\":null}",
	  "line 1: portcullis: not an object" },
	{ "complete of a wrong type", HEADER(",\"complete\":1"),
	  "line 1: portcullis.complete: not true or false" },
	{ "bad time", HEADER(",\"generated_at\":\"now\""),
	  "line 1: portcullis.generated_at: \"now\" is not a time" },
	{ "list of a wrong type", HEADER(",\"ip_blacklist\":[1]"),
	  "line 1: portcullis.ip_blacklist: not a list of strings" },
	{ "bad pattern",
	  HEADER(",\"ip_blacklist\":[\"10.0.0.0/8\",\"10.0.0.01\"]"),
	  "line 1: portcullis.ip_blacklist: item 2 is not an address or "
	  "prefix" },
	{ "bad allowed pattern",
	  HEADER(",\"ip_blacklist\":[\"::1\"],\"ip_allowlist\":[\"\"]"),
	  "line 1: portcullis.ip_allowlist: item 1 is not an address or "
	  "prefix" },
	{ "second header", HEADER("") "\n" HEADER(""),
	  "line 3: portcullis: only the first line may be a header" },
	{ "late header", GOOD(A) HEADER(""),
	  "line 2: portcullis: only the first line may be a header" },
};

static void a_bad_header_refuses_the_snapshot(void **state)
{
	(void)state;
	refuse_rows(bad_headers, ARRAY_SIZE(bad_headers));
}

#define MISS(h) "{\"key_hash\":\"" h "\",\"not_found\":true}\n"

static const struct refusal duplicates[] = {
	{ "neighbours", GOOD(A) GOOD(A),
	  "line 2: key_hash: aaaaaaaa... is there twice" },
	{ "apart, in another case", GOOD(A) GOOD(B) "\n" GOOD(H64("A")),
	  "line 4: key_hash: aaaaaaaa... is there twice" },
	{ "the first repetition is told",
	  GOOD(C) GOOD(A) GOOD(C) GOOD(B) GOOD(A),
	  "line 3: key_hash: cccccccc... is there twice" },
	{ "with a miss", GOOD(A) "{\"key_hash\":\"" A "\",\"not_found\":true}",
	  "line 2: key_hash: aaaaaaaa... is there twice" },
	{ "with misses before and after",
	  MISS(B) GOOD(A) MISS(A) GOOD(A) MISS(A),
	  "line 3: key_hash: aaaaaaaa... is there twice" },
	{ "two misses", GOOD(C) MISS(A) MISS(B) MISS(A),
	  "line 4: key_hash: aaaaaaaa... is there twice" },
	{ "an entry after its miss", MISS(A) GOOD(B) GOOD(A),
	  "line 3: key_hash: aaaaaaaa... is there twice" },
	{ "in an object", "{" MEMBER(A) ",\n" MEMBER(B) ",\n" MEMBER(A) "}",
	  "line 3: key_hash: aaaaaaaa... is there twice" },
};

static void a_hash_that_comes_twice_refuses_the_snapshot(void **state)
{
	(void)state;
	refuse_rows(duplicates, ARRAY_SIZE(duplicates));
}

static void what_cannot_be_opened_is_told_by_name(void **state)
{
	char error[SNAPSHOT_ERROR_SIZE], name[1000];
	struct snapshot s;

	(void)state;
	assert_int_equal(snapshot_load(&s, "/no/such/file", error), -ENOENT);
	assert_string_equal(error, "/no/such/file: No such file or directory");
	assert_int_equal(snapshot_load(&s, "/", error), -EISDIR);
	assert_string_equal(error, "/: Is a directory");

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(snapshot_load(&s, name, error), -ENAMETOOLONG);
	assert_string_equal(error + 255, ": File name too long");
}

/* Enough to span many blocks and reallocations, in an order that is not theirs.
 */
static void many_entries_are_sorted_and_found(void **state)
{
	const unsigned int n = 20000;
	char *text = malloc(n * 200), *at = text;
	struct snapshot s;

	(void)state;
	for (unsigned int i = 0; i < n; i++)
		at += sprintf(at,
			      "{\"key_hash\":\"%08x%056x\",\"api_key_id\":%u,"
			      "\"ip_blacklist\":[\"10.0.0.%u\"]}\n",
			      i * 2654435761u, i, i, i % 256);
	s = load_bytes("many", text, (size_t)(at - text));
	assert_int_equal(s.n_entries, n);
	for (unsigned int i = 0; i < n; i++) {
		const struct entry *e = &s.entries[i];

		assert_ptr_equal(snapshot_find(&s, &e->digest), e);
		if (i)
			assert_true(memcmp(&e->digest, &e[-1].digest,
					   sizeof(e->digest)) > 0);
	}
	snapshot_fini(&s);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_miss_is_counted_and_not_kept),
		cmocka_unit_test(a_snapshot_may_have_no_entry),
		cmocka_unit_test(the_header_is_read),
		cmocka_unit_test(a_snapshot_is_as_old_as_it_says),
		cmocka_unit_test(a_bad_header_refuses_the_snapshot),
		cmocka_unit_test(a_hash_that_comes_twice_refuses_the_snapshot),
		cmocka_unit_test(what_cannot_be_opened_is_told_by_name),
		cmocka_unit_test(many_entries_are_sorted_and_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
