// SPDX-License-Identifier: GPL-2.0-only
#include "origin.h"

#include <bpf/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "pins.h"

#define MAX_PROG_MAPS 64

#define MAX_CLAIMED 16

static struct {
	uint32_t ids[MAX_CLAIMED];
	size_t n;
} claimed;

void origin_claim(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	if (claimed.n < MAX_CLAIMED &&
	    !bpf_obj_get_info_by_fd(prog_fd, &info, &size))
		claimed.ids[claimed.n++] = info.id;
}

static bool is_claimed(uint32_t prog_id)
{
	for (size_t i = 0; i < claimed.n; i++) {
		if (claimed.ids[i] == prog_id)
			return true;
	}
	return false;
}

bool origin_is_ours(uint32_t prog_id, const char *pin_dir,
		    char name[static BPF_OBJ_NAME_LEN])
{
	uint32_t maps[MAX_PROG_MAPS], ours, size;
	struct bpf_prog_info info = {
		.nr_map_ids = MAX_PROG_MAPS,
		.map_ids = (uintptr_t)maps,
	};
	bool found = false;
	int fd;

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	if (is_claimed(prog_id))
		return true;
	fd = bpf_prog_get_fd_by_id(prog_id);
	if (fd < 0)
		return false;
	size = sizeof(info);
	if (!bpf_obj_get_info_by_fd(fd, &info, &size)) {
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
		if (!pins_active_id(&ours, pin_dir)) {
			for (uint32_t i = 0;
			     i < info.nr_map_ids && i < MAX_PROG_MAPS; i++)
				found |= maps[i] == ours;
		}
	}
	close(fd);
	return found;
}
