// SPDX-License-Identifier: GPL-2.0-only
/* lines.c: ends of lines and of files, and what is no text file. */
#include "lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <openssl/evp.h>
#include <cmocka.h>

#include "scratch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BOM "\xef\xbb\xbf"

/* All lines, each ended by "|", or "!" and the objection. */
static int read_all(char *out, size_t size, struct lines *l)
{
	struct span line;
	size_t at = 0;
	int rc;

	*out = '\0';
	while ((rc = lines_next(&line, l)) > 0)
		at += (size_t)snprintf(out + at, size - at, "%.*s|",
				       (int)line.size, line.text);
	if (rc)
		snprintf(out + at, size - at, "!%zu %s", lines_number(l),
			 lines_error(l));
	return rc;
}

static void lines_are_cut(void **state)
{
	static const struct {
		const char *what;
		const char *text;
		const char *lines;
	} rows[] = {
		{ "empty", "", "" },
		{ "one", "a\n", "a|" },
		{ "without an end", "a\nb", "a|b|" },
		{ "blank ones", "\n\na\n\n", "||a||" },
		{ "CR LF", "a\r\n\r\nb\r\n", "a||b|" },
		{ "CR at the end of the file", "a\r\nb\r", "a|b|" },
		{ "CR twice", "a\r\r\n", "a|" },
		{ "byte order mark", BOM "a\n" BOM "b\n", "a|" BOM "b|" },
		{ "only a byte order mark", BOM, "|" },
		{ "half a byte order mark", "\xef\xbb", "\xef\xbb|" },
		{ "CR inside", "a\nb\rc\n",
		  "a|!2 a carriage return that does not end the line" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lines *l;
		int rc;

		assert_int_equal(
			lines_open_text(&l, rows[i].text, strlen(rows[i].text)),
			0);
		rc = read_all(text, sizeof(text), l);
		if (strcmp(text, rows[i].lines))
			fail_msg("%s: %s", rows[i].what, text);
		assert_int_equal(rc, strchr(text, '!') ? -EBADMSG : 0);
		lines_close(l);
	}
}

static void a_nul_is_refused(void **state)
{
	static const char text[] = "a\nb\0c\n";
	struct lines *l;
	char out[256];

	(void)state;
	assert_int_equal(lines_open_text(&l, text, sizeof(text) - 1), 0);
	assert_int_equal(read_all(out, sizeof(out), l), -EBADMSG);
	assert_string_equal(out, "a|!2 a NUL byte: this is no text file");
	lines_close(l);
}

static void long_lines_are_refused(void **state)
{
	static const struct {
		size_t size;
		const char *end;
		int rc;
	} rows[] = {
		{ LINES_LINE_MAX, "\n", 0 },
		{ LINES_LINE_MAX, "\r\n", 0 },
		{ LINES_LINE_MAX, "", 0 },
		{ LINES_LINE_MAX + 1, "\n", -EBADMSG },
		{ LINES_LINE_MAX + 1, "\r\n", -EBADMSG },
		{ LINES_LINE_MAX + 1, "", -EBADMSG },
		{ 1 << 20, "\n", -EBADMSG },
		{ 1 << 20, "", -EBADMSG },
	};
	static char text[(1 << 20) + 16], out[8192];
	char what[LINES_WHAT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lines *l;
		int rc;

		memset(text, 'x', sizeof(text));
		memcpy(text, "ok\n", 3);
		strcpy(text + 3 + rows[i].size, rows[i].end);
		for (int file = 0; file < 2; file++) {
			scratch_put("long", text);
			rc = file ? lines_open(&l, scratch_path("long"), what)
				  : lines_open_text(&l, text, strlen(text));
			assert_int_equal(rc, 0);
			rc = read_all(out, sizeof(out), l);
			if (rc != rows[i].rc)
				fail_msg("%zu %d: %d", i, file, rc);
			if (rc)
				assert_string_equal(
					out, "ok|!2 longer than 4096 bytes");
			lines_close(l);
		}
	}
}

/* Bytes that are taken off in the end count, too. */
static void long_ends_are_refused(void **state)
{
	static char text[100000];
	char out[256];
	struct lines *l;

	(void)state;
	memset(text, '\r', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	assert_int_equal(lines_open_text(&l, text, sizeof(text)), 0);
	assert_int_equal(read_all(out, sizeof(out), l), -EBADMSG);
	assert_string_equal(out, "!1 longer than 4096 bytes");
	lines_close(l);
}

/* Lines of every size across the ends of buffers, as they were written. */
static void a_long_file_is_read_whole(void **state)
{
	static char text[1 << 20];
	char what[LINES_WHAT_SIZE];
	uint8_t digest[32], wanted[32];
	size_t size = 0, at = 0, n = 0;
	struct span line;
	struct lines *l;

	(void)state;
	while (size < sizeof(text) - 8192) {
		memset(text + size, 'a' + (char)(n % 26), n % 4000);
		size += n++ % 4000;
		text[size++] = '\n';
	}
	scratch_write("long", text, size);
	assert_int_equal(lines_open(&l, scratch_path("long"), what), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(lines_next(&line, l), 1);
		assert_int_equal(lines_number(l), i + 1);
		assert_int_equal(line.size, i % 4000);
		assert_memory_equal(line.text, text + at, line.size);
		at += line.size + 1;
	}
	assert_int_equal(lines_next(&line, l), 0);
	lines_digest(digest, l);
	EVP_Digest(text, size, wanted, NULL, EVP_sha256(), NULL);
	assert_memory_equal(digest, wanted, sizeof(wanted));
	lines_close(l);
}

static void refuse(const char *path, int err, const char *objection)
{
	char what[LINES_WHAT_SIZE];
	struct lines *l;

	assert_int_equal(lines_open(&l, path, what), err);
	assert_string_equal(what, objection);
}

/* None of them is waited for: the test would never end. */
static void what_is_no_file_is_refused(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s",
		 scratch_path("socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	scratch_link("loop", "loop");
	scratch_put("file", "");

	refuse(scratch_dir, -EISDIR, "it is a directory");
	refuse(scratch_path("fifo"), -EINVAL, "it is not a regular file");
	refuse(scratch_path("socket"), -EINVAL, "it is not a regular file");
	refuse("/dev/zero", -EINVAL, "it is not a regular file");
	refuse(scratch_path("none"), -ENOENT, "No such file or directory");
	refuse(scratch_path("loop"), -ELOOP,
	       "Too many levels of symbolic links");
	refuse(scratch_path("file/x"), -ENOTDIR, "Not a directory");
	refuse("", -ENOENT, "No such file or directory");
	close(fd);
}

static void huge_files_are_refused(void **state)
{
	int fd = open(scratch_path("huge"), O_CREAT | O_WRONLY, 0600);

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)LINES_FILE_MAX + 1), 0);
	close(fd);
	refuse(scratch_path("huge"), -EFBIG, "it is larger than 512 MiB");
	unlink(scratch_path("huge"));
}

/* Whatever is done to it between two lines. */
static void a_file_that_changes_is_refused(void **state)
{
	static const char text[] = "1\n2\n3\n";
	static const struct {
		const char *what;
		const char *mode;
		const char *add;
	} rows[] = {
		{ "grows", "a", "4\n" },
		{ "shrinks", "w", "" },
		{ "same size", "r+", "5\n" },
	};
	char out[256], what[LINES_WHAT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct timespec past[2] = { { 1, 0 }, { 1, 0 } };
		struct lines *l;
		FILE *f;

		scratch_put("file", text);
		assert_int_equal(
			utimensat(AT_FDCWD, scratch_path("file"), past, 0), 0);
		assert_int_equal(lines_open(&l, scratch_path("file"), what), 0);
		f = fopen(scratch_path("file"), rows[i].mode);
		assert_non_null(f);
		fputs(rows[i].add, f);
		fclose(f);
		if (read_all(out, sizeof(out), l) != -EAGAIN)
			fail_msg("%s: %s", rows[i].what, out);
		assert_string_equal(lines_error(l), "it was written to while "
						    "it was read");
		lines_close(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_cut),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(long_lines_are_refused),
		cmocka_unit_test(long_ends_are_refused),
		cmocka_unit_test(a_long_file_is_read_whole),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(huge_files_are_refused),
		cmocka_unit_test(a_file_that_changes_is_refused),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
