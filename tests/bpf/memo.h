/* SPDX-License-Identifier: GPL-2.0-only */
/* The digest memo of a loaded pc_request, seen from outside. */
#ifndef TESTS_BPF_MEMO_H
#define TESTS_BPF_MEMO_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMO_NOWHERE UINT32_MAX
#define MEMO_CPUS 1024

struct memo_value {
	uint64_t tag[2];
	uint8_t digest[32];
};

/* The map of this name that a program uses, which is pinned nowhere. */
static inline int memo_open_map(int prog, const char *name,
				struct bpf_map_info *map)
{
	uint32_t ids[32], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = 32,
				      .map_ids = (uintptr_t)ids };

	if (bpf_obj_get_info_by_fd(prog, &info, &size))
		abort();
	for (uint32_t i = 0; i < info.nr_map_ids; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]);

		memset(map, 0, sizeof(*map));
		size = sizeof(*map);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, map, &size))
			abort();
		if (!strcmp(map->name, name))
			return fd;
		close(fd);
	}
	abort();
}

static inline int memo_open(int prog)
{
	struct bpf_map_info map;

	return memo_open_map(prog, "pc_memo", &map);
}

/* One value a CPU. */
static inline struct memo_value *memo_values(void)
{
	static struct memo_value values[MEMO_CPUS];

	if (libbpf_num_possible_cpus() > MEMO_CPUS)
		abort();
	return values;
}

static inline void memo_clear(int memo)
{
	struct memo_value *v = memo_values();

	memset(v, 0, MEMO_CPUS * sizeof(*v));
	for (uint32_t at = 0; !bpf_map_update_elem(memo, &at, v, BPF_ANY); at++)
		;
}

/* The first place in use from "from" on, its values in memo_values(). */
static inline uint32_t memo_next(int memo, uint32_t from)
{
	struct memo_value *v = memo_values();

	for (uint32_t at = from; !bpf_map_lookup_elem(memo, &at, v); at++) {
		for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
			if (v[cpu].tag[0] || v[cpu].tag[1])
				return at;
		}
	}
	return MEMO_NOWHERE;
}

/* The only place in use. */
static inline uint32_t memo_find(int memo)
{
	uint32_t at = memo_next(memo, 0);

	if (at == MEMO_NOWHERE || memo_next(memo, at + 1) != MEMO_NOWHERE)
		return MEMO_NOWHERE;
	return at;
}

#endif /* TESTS_BPF_MEMO_H */
