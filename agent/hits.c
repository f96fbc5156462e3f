// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists are counted by number, and the numbers follow from the flags: a run
 * with other flags gives some to other lists.
 */
#include "hits.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Room for one counter of each processor. */
static struct pc_count *new_counter(void)
{
	int n = libbpf_num_possible_cpus();

	return n < 0 ? NULL : calloc((size_t)n, sizeof(struct pc_count));
}

int hits_sum(struct pc_count *out, int counters, uint32_t index)
{
	struct pc_count *per_cpu = new_counter(), sum = { 0 };
	int n = libbpf_num_possible_cpus(), rc = 0;

	if (!per_cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(counters, &index, per_cpu))
		rc = -errno;
	for (int i = 0; i < n && !rc; i++) {
		sum.done += per_cpu[i].done;
		sum.would += per_cpu[i].would;
	}
	free(per_cpu);
	if (!rc)
		*out = sum;
	return rc;
}

static int compare_names(bool *same, int lists, const uint32_t index[2])
{
	struct pc_list list[2];

	for (int i = 0; i < 2; i++) {
		if (bpf_map_lookup_elem(lists, &index[i], &list[i]))
			return -errno;
	}
	*same = !strncmp(list[0].name, list[1].name, sizeof(list[0].name));
	return 0;
}

static int forget(int counters, uint32_t index)
{
	struct pc_count *none = new_counter();
	int rc = none ? 0 : -ENOMEM;

	if (!rc && bpf_map_update_elem(counters, &index, none, BPF_ANY))
		rc = -errno;
	free(none);
	return rc;
}

int hits_rename(int counters, int lists, uint32_t from, uint32_t to)
{
	int rc = 0;

	for (uint32_t owner = 0; owner < PC_OWNERS && !rc; owner++) {
		const uint32_t index[] = { PC_LIST_INDEX(from, owner),
					   PC_LIST_INDEX(to, owner) };
		bool same;

		rc = compare_names(&same, lists, index);
		if (!rc && !same)
			rc = forget(counters, owner);
	}
	return rc;
}
