/* SPDX-License-Identifier: GPL-2.0-only */
/* A directory of a test's own, for files that come and go. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_dir[256];

static inline int scratch_make(void **state)
{
	const char *dir = getenv("TMPDIR");

	(void)state;
	snprintf(scratch_dir, sizeof(scratch_dir), "%s/portcullis-XXXXXX",
		 dir ? dir : "/tmp");
	return mkdtemp(scratch_dir) ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
	char command[sizeof(scratch_dir) + 16];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", scratch_dir);
	return system(command);
}

/* The path of a file in it; eight of them hold at a time. */
static inline char *scratch_path(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, PATH_MAX, "%s/%s", scratch_dir, name);
	return path;
}

/* In place, as ">" of a shell does it. */
static inline void scratch_write(const char *name, const void *bytes,
				 size_t size)
{
	FILE *f = fopen(scratch_path(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static inline void scratch_put(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

/* Written beside it and renamed. */
static inline void scratch_replace(const char *name, const char *text)
{
	scratch_put("scratch.new", text);
	assert_int_equal(
		rename(scratch_path("scratch.new"), scratch_path(name)), 0);
}

static inline void scratch_mkdir(const char *name)
{
	assert_int_equal(mkdir(scratch_path(name), 0755), 0);
}

static inline void scratch_link(const char *target, const char *name)
{
	assert_int_equal(symlink(target, scratch_path(name)), 0);
}

static inline void scratch_unlink(const char *name)
{
	assert_int_equal(unlink(scratch_path(name)), 0);
}

static inline void scratch_rename(const char *from, const char *to)
{
	assert_int_equal(rename(scratch_path(from), scratch_path(to)), 0);
}

#endif /* SCRATCH_H */
