// SPDX-License-Identifier: GPL-2.0-only
#include "gate.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_SIZE 320

int gate_open(const char *pin_dir)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/pc_tally", pin_dir);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int gate_read(struct pc_event_gate *out, int fd)
{
	int n = libbpf_num_possible_cpus(), rc = 0;
	struct pc_event_gate sum = { 0 };
	struct pc_tally *per_cpu;
	uint32_t zero = 0;

	if (n < 0)
		return n;
	per_cpu = calloc((size_t)n, sizeof(*per_cpu));
	if (!per_cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(fd, &zero, per_cpu))
		rc = -errno;
	for (int i = 0; i < n && !rc; i++) {
		sum.sent += per_cpu[i].gate.sent;
		sum.limited += per_cpu[i].gate.limited;
		sum.lost += per_cpu[i].gate.lost;
		sum.taken += per_cpu[i].gate.taken;
		sum.missed += per_cpu[i].gate.missed;
	}
	free(per_cpu);
	if (!rc)
		*out = sum;
	return rc;
}
