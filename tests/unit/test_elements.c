// SPDX-License-Identifier: GPL-2.0-only
#include "snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>
#include <cmocka.h>

#include "snapshot_file.h"

static void every_form_reads_alike(void **state)
{
	static const char *const rows[] = {
		GOOD(B) GOOD(A),
		GOOD(B) "\n \t\r\n" GOOD(A) "\n\n",
		"{\"key_hash\":\"" B "\",\"status\":\"active\"}\r\n"
		"{\"status\":\"active\",\"key_hash\":\"" A "\"}",
		HEADER("") GOOD(A) GOOD(B),
		"\n\n" HEADER("") GOOD(A) GOOD(B),
		"{\"" A "\":{\"snapshot\":{\"status\":\"active\"}},"
		"\"" B "\":{\"status\":\"active\"}}",
		"\n{\n  \"" B "\" : {\n \"status\" : \"active\"\n }\n,\n\t\"" A
		"\":\n{\"a\":\"}{,\\\"\",\"status\":\"active\"} \n}\n\n",
		"{\"key_hash\":\"" A "\",\"snapshot\":{\"status\":\"active\"}}"
		"\n{\"key_hash\":\"" H64("B") "\",\"status\":\"active\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pc_digest b = digest_of(0xbb), c = digest_of(0xcc);
		struct snapshot s = load(rows[i]);

		assert_int_equal(s.n_entries, 2);
		assert_int_equal(s.entries[0].digest.bytes[0], 0xaa);
		assert_ptr_equal(snapshot_find(&s, &b), &s.entries[1]);
		assert_int_equal(s.entries[1].status, PC_STATUS_ACTIVE);
		assert_null(snapshot_find(&s, &c));
		snapshot_fini(&s);
	}
}

static const struct refusal bad_objects[] = {
	{ "cut after the brace", "{\n" MEMBER(A),
	  "line 2: json: ends inside the object" },
	{ "cut within a member", "{" MEMBER(A) ",\n\"" B "\":{",
	  "line 2: json: ends inside the object" },
	{ "cut within a string", "{\"" A "\":{\"status\":\"act",
	  "line 1: json: ends inside the object" },
	{ "cut after the name", "{\"" A "\"",
	  "line 1: json: expected a colon" },
	{ "cut after a comma", "{" MEMBER(A) ",",
	  "line 1: json: expected a name" },
	{ "trailing comma", "{" MEMBER(A) ",\n}",
	  "line 2: json: expected a name" },
	{ "no comma", "{" MEMBER(A) "\n" MEMBER(B) "}",
	  "line 1: json: text after the value at byte 86" },
	{ "no value", "{\"" A "\":,", "line 1: json: no value" },
	{ "blank value", "{\"" A "\": ,",
	  "line 1: json: ends too early at byte 1" },
	{ "a second name that is no hash", "{" MEMBER(A) ",\n\n\"sk-key\":{}}",
	  "line 3: key_hash: not 64 hex digits" },
	{ "a name that is too long", "{" MEMBER(A) "," MEMBER(B "b") "}",
	  "line 1: key_hash: not 64 hex digits" },
	{ "text after the object", "{" MEMBER(A) "}\n{}",
	  "line 2: json: text after the object" },
	{ "a second object", "{}\n" GOOD(A),
	  "line 2: json: text after the object" },
	{ "brackets that do not match", "{\"" A "\":{\"a\":[}]}",
	  "line 1: json: syntax error at byte 7" },
	{ "a closing bracket too many", "{\"" A "\":]{}}",
	  "line 1: json: syntax error at byte 1" },
	{ "a value that is no object", "{" MEMBER(A) ",\n\"" B "\":5}",
	  "line 2: json: not an object" },
	{ "a bad field", "{\n" MEMBER(A) ",\n\n\"" B "\":\n{\"status\":5}}",
	  "line 4: status: not a string" },
	{ "a pretty object whose first name is no hash", "{\n  \"abc\": {}\n}",
	  "line 1: json: ends too early at byte 1" },
};

static void a_bad_object_refuses_the_snapshot(void **state)
{
	(void)state;
	refuse_rows(bad_objects, ARRAY_SIZE(bad_objects));
}

static void emptiness_marks_and_nul_are_refused(void **state)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t size;
		const char *error;
	} rows[] = {
		{ "empty", "", 0, "line 1: json: empty" },
		{ "blank", "\n \n", 3, "line 3: json: empty" },
		{ "byte order mark", "\xef\xbb\xbf{}", 5,
		  "line 1: json: begins with a byte order mark" },
		{ "NUL", "\0", 1, "line 1: json: NUL byte" },
		{ "NUL after a line", GOOD(A) "\0", sizeof(GOOD(A)),
		  "line 2: json: NUL byte" },
		{ "NUL in an object", "{\"" A "\":{}\0}", 72,
		  "line 1: json: NUL byte" },
		{ "NUL after the object", "{}\0", 3,
		  "line 1: json: text after the object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refuse_bytes(rows[i].what, rows[i].bytes, rows[i].size,
			     rows[i].error);
}

/* before, then blanks so that the whole has size bytes, then after. */
static char *padded(const char *before, const char *after, size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	memset(text, ' ', size);
	memcpy(text, before, strlen(before));
	strcpy(text + size - strlen(after), after);
	return text;
}

static void a_line_may_have_a_mebibyte_and_no_more(void **state)
{
	static const char long_line[] =
		"line 1: json: longer than 1048576 bytes";
	static const char before[] = "{\"key_hash\":\"" A "\"";
	struct snapshot s;
	char *text;

	(void)state;
	text = padded(before, "}\n", SNAPSHOT_LINE_MAX + 1);
	s = load_bytes("longest line", text, strlen(text));
	assert_int_equal(s.n_entries, 1);
	snapshot_fini(&s);
	free(text);

	text = padded(before, "}\n", SNAPSHOT_LINE_MAX + 2);
	refuse_bytes("long line", text, strlen(text), long_line);
	free(text);

	text = padded(before, "", SNAPSHOT_LINE_MAX + 1);
	refuse_bytes("no end of line", text, strlen(text), long_line);
	free(text);

	text = padded("{\"" A "\":{", "}}", 68 + SNAPSHOT_LINE_MAX + 1);
	s = load_bytes("longest member", text, strlen(text));
	assert_int_equal(s.n_entries, 1);
	snapshot_fini(&s);
	free(text);

	text = padded("{\"" A "\":{", "}}", 68 + SNAPSHOT_LINE_MAX + 2);
	refuse_bytes("long member", text, strlen(text), long_line);
	free(text);
}

static void deep_nesting_is_refused_and_not_followed(void **state)
{
	char *text = malloc(SNAPSHOT_LINE_MAX);
	size_t size;

	(void)state;
	size = (size_t)sprintf(text, "{\"key_hash\":\"" A "\",\"a\":");
	memset(text + size, '[', 500000);
	refuse_bytes("deep", text, size + 500000,
		     "line 1: json: nested too deeply at byte 2131");
	free(text);
}

/* text as one gzip member; the caller frees. */
static size_t gzip_at(unsigned char **out, const char *text, int level)
{
	size_t room = strlen(text) + 256;
	z_stream z = { 0 };
	size_t size;

	*out = malloc(room);
	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, 0),
			 Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)text;
	z.avail_in = (uInt)strlen(text);
	z.next_out = *out;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size = z.total_out;
	deflateEnd(&z);
	return size;
}

static size_t gzip(unsigned char **out, const char *text)
{
	return gzip_at(out, text, Z_BEST_COMPRESSION);
}

static void gzip_reads_as_plain(void **state)
{
	unsigned char *first, *second, *both;
	size_t n_first = gzip(&first, HEADER(",\"complete\":true") GOOD(A));
	size_t n_second = gzip(&second, GOOD(B));
	struct snapshot s;

	(void)state;
	s = load_bytes("gzip", first, n_first);
	assert_int_equal(s.n_entries, 1);
	assert_true(s.complete);
	snapshot_fini(&s);

	both = malloc(n_first + n_second);
	memcpy(both, first, n_first);
	memcpy(both + n_first, second, n_second);
	s = load_bytes("two members", both, n_first + n_second);
	assert_int_equal(s.n_entries, 2);
	snapshot_fini(&s);
	free(both);
	free(second);
	free(first);
}

/* Wherever the second member begins, a read of the file may end within it. */
static void gzip_members_may_meet_anywhere(void **state)
{
	unsigned char *first, *second, *both;
	size_t n_second = gzip(&second, GOOD(B));

	(void)state;
	for (size_t blanks = 65480; blanks < 65540; blanks++) {
		char *text = padded(GOOD(A), "", blanks);
		size_t n_first = gzip_at(&first, text, Z_NO_COMPRESSION);
		struct snapshot s;

		both = malloc(n_first + n_second);
		assert_non_null(both);
		memcpy(both, first, n_first);
		memcpy(both + n_first, second, n_second);
		s = load_bytes("members", both, n_first + n_second);
		assert_int_equal(s.n_entries, 2);
		snapshot_fini(&s);
		free(both);
		free(first);
		free(text);
	}
	free(second);
}

static void broken_gzip_is_refused(void **state)
{
	unsigned char *bytes;
	size_t size = gzip(&bytes, GOOD(A) GOOD(B));

	(void)state;
	/* From the first cut that still has both bytes of the magic. */
	for (size_t cut = 2; cut < size; cut++) {
		struct snapshot s;
		char error[SNAPSHOT_ERROR_SIZE];

		write_file(bytes, cut);
		assert_int_equal(snapshot_load(&s, path, error), -EBADMSG);
		unlink(path);
		assert_non_null(strstr(error, ": gzip: truncated"));
	}
	refuse_bytes("no trailer", bytes, size - 1, "line 3: gzip: truncated");

	bytes[size] = 0;
	refuse_bytes("zero after the end", bytes, size + 1,
		     "line 3: gzip: garbage after the end");
	bytes[size] = 0x1f;
	refuse_bytes("half a magic", bytes, size + 1,
		     "line 3: gzip: garbage after the end");
	bytes[size - 5] ^= 1;
	refuse_bytes("checksum", bytes, size, "line 3: gzip: corrupt");
	free(bytes);
}

static void gzip_of_an_object_cut_short_is_told_as_gzip(void **state)
{
	unsigned char *bytes;
	size_t size = gzip(&bytes, "{" MEMBER(A) ",\n" MEMBER(B) "}");

	(void)state;
	refuse_bytes("object", bytes, size - 8, "line 2: gzip: truncated");
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_reads_alike),
		cmocka_unit_test(a_bad_object_refuses_the_snapshot),
		cmocka_unit_test(emptiness_marks_and_nul_are_refused),
		cmocka_unit_test(a_line_may_have_a_mebibyte_and_no_more),
		cmocka_unit_test(deep_nesting_is_refused_and_not_followed),
		cmocka_unit_test(gzip_reads_as_plain),
		cmocka_unit_test(gzip_members_may_meet_anywhere),
		cmocka_unit_test(broken_gzip_is_refused),
		cmocka_unit_test(gzip_of_an_object_cut_short_is_told_as_gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
