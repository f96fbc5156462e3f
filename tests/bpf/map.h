/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of a loaded program, those included that are pinned nowhere. */
#ifndef TESTS_BPF_MAP_H
#define TESTS_BPF_MAP_H

#include <bpf/bpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A descriptor of the map of this name that a program uses, and what it is. */
static inline int map_open(int prog, const char *name, struct bpf_map_info *out)
{
	uint32_t ids[32], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = 32,
				      .map_ids = (uintptr_t)ids };

	if (bpf_obj_get_info_by_fd(prog, &info, &size))
		abort();
	for (uint32_t i = 0; i < info.nr_map_ids; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(ids[i]);

		size = sizeof(map);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &map, &size))
			abort();
		if (!strcmp(map.name, name)) {
			*out = map;
			return fd;
		}
		close(fd);
	}
	abort();
}

static inline int map_of(int prog, const char *name)
{
	struct bpf_map_info info;

	return map_open(prog, name, &info);
}

#endif /* TESTS_BPF_MAP_H */
