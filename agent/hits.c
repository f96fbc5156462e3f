// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists are counted by number, and the numbers follow from the flags: a run
 * with other flags gives some to other lists.
 */
#include "hits.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

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

static int read_lists(struct pc_list *out, int lists, uint32_t slot)
{
	const struct array_part part = {
		.fd = lists,
		.first = PC_LIST_INDEX(slot, 0),
		.n = PC_OWNERS,
		.size = sizeof(*out),
	};

	return array_read(out, &part);
}

int hits_add_owners(struct pc_count *sum, int list_hits, enum pc_reason reason)
{
	struct pc_count all = *sum;
	int rc = 0;

	for (uint32_t i = PC_OWNER_OPERATOR; i < PC_OWNER_ALLOW && !rc; i++) {
		struct pc_count n = { 0 };

		if (pc_owner_reason(i) == reason)
			rc = hits_sum(&n, list_hits, i);
		all.done += n.done;
		all.would += n.would;
	}
	if (!rc)
		*sum = all;
	return rc;
}

/* Takes a list's count to its reason, whose sum stays what it is. */
static int fold(const struct hits *h, uint32_t owner)
{
	uint32_t reason = pc_owner_reason(owner);
	struct pc_count *of_owner = new_counter(), *of_reason = new_counter();
	int n = libbpf_num_possible_cpus(), rc = 0;

	if (!of_owner || !of_reason)
		rc = -ENOMEM;
	else if (bpf_map_lookup_elem(h->list_hits, &owner, of_owner) ||
		 bpf_map_lookup_elem(h->counts, &reason, of_reason))
		rc = -errno;
	for (int i = 0; i < n && !rc; i++) {
		of_reason[i].done += of_owner[i].done;
		of_reason[i].would += of_owner[i].would;
		of_owner[i] = (struct pc_count){ 0 };
	}
	/* The allow entries' are in their reason's already. */
	if (!rc && owner != PC_OWNER_ALLOW &&
	    bpf_map_update_elem(h->counts, &reason, of_reason, BPF_ANY))
		rc = -errno;
	if (!rc && bpf_map_update_elem(h->list_hits, &owner, of_owner, BPF_ANY))
		rc = -errno;
	free(of_owner);
	free(of_reason);
	return rc;
}

int hits_rename(const struct hits *h, uint32_t from, uint32_t to)
{
	struct pc_list(*of)[PC_OWNERS] = calloc(2, sizeof(*of));
	int rc = of ? read_lists(of[0], h->lists, from) : -ENOMEM;

	if (!rc)
		rc = read_lists(of[1], h->lists, to);
	for (uint32_t owner = 1; owner < PC_OWNERS && !rc; owner++) {
		if (strncmp(of[0][owner].name, of[1][owner].name,
			    sizeof(of[0][owner].name)) != 0)
			rc = fold(h, owner);
	}
	free(of);
	return rc;
}
