// SPDX-License-Identifier: GPL-2.0-only
#include "origin.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <unistd.h>

#include "pins.h"

#define MAX_PROG_MAPS 64

bool origin_is_ours(uint32_t prog_id, const char *pin_dir,
		    char name[static BPF_OBJ_NAME_LEN])
{
	uint32_t maps[MAX_PROG_MAPS], ours, size;
	struct bpf_prog_info info = {
		.nr_map_ids = MAX_PROG_MAPS,
		.map_ids = (uintptr_t)maps,
	};
	int fd = bpf_prog_get_fd_by_id(prog_id);
	bool found = false;

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
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
