// SPDX-License-Identifier: GPL-2.0-only
/*
 *   bench_flip PIN-DIR NEW FILE COUNT
 *
 * Renames NEW to FILE, a --block-file of a running agent, and prints in how
 * many ms the kernel's word on which slot is in force has changed.  Fails
 * unless the generation then in force has a list of COUNT prefixes from that
 * file, or when nothing happens in a minute.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pc_abi.h"

#define WAIT_MS 60000
#define STEP_US 100

static void fail(const char *what)
{
	fprintf(stderr, "bench_flip: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int open_map(const char *dir, const char *name)
{
	char path[320];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		fail(path);
	return fd;
}

static const uint64_t *map_active(const char *dir)
{
	const void *page = mmap(NULL, (size_t)getpagesize(), PROT_READ,
				MAP_SHARED, open_map(dir, "pc_active"), 0);

	if (page == MAP_FAILED)
		fail("pc_active");
	return page;
}

/* Prefixes of the first --block-file in force. */
static uint64_t count_prefixes(const char *dir, uint64_t active)
{
	uint32_t index = PC_LIST_INDEX(active & 1, PC_OWNER_FILE);
	struct pc_list list;

	if (bpf_map_lookup_elem(open_map(dir, "pc_lists"), &index, &list))
		fail("pc_lists");
	return list.n_prefixes;
}

int main(int argc, char **argv)
{
	const volatile uint64_t *active;
	uint64_t before, expected, found;
	double start, ms;

	if (argc != 5) {
		fprintf(stderr, "usage: bench_flip PIN-DIR NEW FILE COUNT\n");
		return 2;
	}
	expected = strtoull(argv[4], NULL, 10);
	active = map_active(argv[1]);
	before = *active;
	start = now_ms();
	if (rename(argv[2], argv[3]))
		fail(argv[3]);
	/* It may have changed before we are back from there. */
	while (*active == before && now_ms() - start < WAIT_MS)
		usleep(STEP_US);
	ms = now_ms() - start;
	found = count_prefixes(argv[1], *active);
	if (*active == before || found != expected) {
		fprintf(stderr, "bench_flip: %llu of %llu prefixes in force\n",
			(unsigned long long)found,
			(unsigned long long)expected);
		return EXIT_FAILURE;
	}
	printf("%.1f\n", ms);
	return 0;
}
