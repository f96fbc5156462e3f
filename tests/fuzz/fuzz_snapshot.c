// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a snapshot file, and as one record.  Beyond memory safety: a
 * failure touches nothing and words an error; a success is sorted and each of
 * its entries is found.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "prefix.h"
#include "snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *file_of(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("snapshot", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return path;
}

static void check_error(const char *error)
{
	size_t n = strnlen(error, SNAPSHOT_ERROR_SIZE);

	assert(n > 0 && n < SNAPSHOT_ERROR_SIZE);
	for (size_t i = 0; i < n; i++)
		assert(error[i] >= ' ' && error[i] <= '~');
}

static void read_patterns(char *const *list)
{
	for (; list && *list; list++) {
		char buf[PREFIX_STRLEN];
		struct prefix p, again;

		if (prefix_parse_pattern(&p, *list))
			continue;
		assert(!prefix_parse_strict(&again, prefix_print(&p, buf)));
		assert(!prefix_compare(&p, &again));
	}
}

static void check_snapshot(const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		const struct entry *e = &s->entries[i];

		assert(snapshot_find(s, &e->digest) == e);
		assert(!i || memcmp(&e->digest, &e[-1].digest,
				    sizeof(e->digest)) > 0);
		read_patterns(e->whitelist);
		read_patterns(e->blacklist);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[SNAPSHOT_ERROR_SIZE] = "";
	struct snapshot s, untouched;
	struct entry e;

	memset(&s, 0x5a, sizeof(s));
	memcpy(&untouched, &s, sizeof(s));
	if (snapshot_load(&s, file_of(data, size), error)) {
		check_error(error);
		assert(!memcmp(&s, &untouched, sizeof(s)));
	} else {
		check_snapshot(&s);
		snapshot_fini(&s);
	}

	if (snapshot_parse_text(&e, (const char *)data, size, error))
		check_error(error);
	else
		entry_fini(&e);
	return 0;
}
