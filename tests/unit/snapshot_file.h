/* SPDX-License-Identifier: GPL-2.0-only */
/* Snapshot files for tests: written, loaded or refused, and removed. */
#ifndef SNAPSHOT_FILE_H
#define SNAPSHOT_FILE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshot.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Hashes of one repeated digit. */
#define H4(d) d d d d
#define H64(d) H4(H4(H4(d)))
#define A H64("a")
#define B H64("b")
#define C H64("c")

/* A line of NDJSON for hash h, with further members of the snapshot. */
#define LINE(h, more)                                                      \
	"{\"key_hash\":\"" h "\",\"snapshot\":{\"status\":\"active\"" more \
	"}}\n"
#define GOOD(h) LINE(h, "")
#define HEADER(more) "{\"portcullis\":{\"format\":1" more "}}\n"

/* A member of the object form. */
#define MEMBER(h) "\"" h "\":{\"status\":\"active\"}"

/* The file last written. */
static char path[4096];

static inline void write_file(const void *bytes, size_t size)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/portcullis-XXXXXX",
		 dir ? dir : "/tmp");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static inline struct snapshot load_bytes(const char *what, const void *bytes,
					 size_t size)
{
	char error[SNAPSHOT_ERROR_SIZE] = "";
	struct snapshot s = { 0 };
	int err;

	write_file(bytes, size);
	err = snapshot_load(&s, path, error);
	unlink(path);
	if (err)
		fail_msg("%s: %s", what, error);
	return s;
}

static inline struct snapshot load(const char *text)
{
	return load_bytes(text, text, strlen(text));
}

/* Asserts the error, and that nothing of the file was applied. */
static inline void refuse_bytes(const char *what, const void *bytes,
				size_t size, const char *expected)
{
	struct snapshot s, before;
	char error[SNAPSHOT_ERROR_SIZE] = "", full[5000];
	int err;

	memset(&s, 0x5a, sizeof(s));
	memcpy(&before, &s, sizeof(s));
	write_file(bytes, size);
	err = snapshot_load(&s, path, error);
	unlink(path);
	snprintf(full, sizeof(full), "%s: %s", path, expected);
	if (strcmp(error, full))
		fail_msg("%s: got \"%s\"", what, error);
	assert_int_equal(err, -EBADMSG);
	assert_memory_equal(&s, &before, sizeof(s));
}

struct refusal {
	const char *what;
	const char *text;
	const char *error;
};

static inline void refuse_rows(const struct refusal *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		refuse_bytes(rows[i].what, rows[i].text, strlen(rows[i].text),
			     rows[i].error);
}

static inline struct pc_digest digest_of(int byte)
{
	struct pc_digest d;

	memset(&d, byte, sizeof(d));
	return d;
}

#endif /* SNAPSHOT_FILE_H */
