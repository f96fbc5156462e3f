// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists are counted by number, and the numbers follow from the flags: a run
 * with other flags gives some to other lists.  The counters only grow, and
 * nobody but the programs writes to them; what a list had nothing to do with is
 * in its base.
 */
#include "hits.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

static void add(struct pc_count *sum, const struct pc_count *n)
{
	sum->done += n->done;
	sum->would += n->would;
}

/* A base is more than its counter only as it is read while it is written. */
static uint64_t less(uint64_t n, uint64_t base)
{
	return n > base ? n - base : 0;
}

static void subtract(struct pc_count *from, const struct pc_count *n)
{
	from->done = less(from->done, n->done);
	from->would = less(from->would, n->would);
}

/* Of an element of a map, one of each processor's.  NULL: no memory. */
static void *new_values(size_t size)
{
	int n = libbpf_num_possible_cpus();

	return n < 0 ? NULL : calloc((size_t)n, size);
}

int hits_sum(struct pc_count *out, int counters, uint32_t index)
{
	struct pc_count *per_cpu = new_values(sizeof(*per_cpu)), sum = { 0 };
	int n = libbpf_num_possible_cpus(), rc = 0;

	if (!per_cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(counters, &index, per_cpu))
		rc = -errno;
	for (int i = 0; i < n && !rc; i++)
		add(&sum, &per_cpu[i]);
	free(per_cpu);
	if (!rc)
		*out = sum;
	return rc;
}

static int read_owners(struct pc_count out[static PC_OWNERS], int tally)
{
	struct pc_tally *per_cpu = new_values(sizeof(*per_cpu));
	int n = libbpf_num_possible_cpus(), rc = 0;
	uint32_t zero = 0;

	if (!per_cpu)
		return -ENOMEM;
	if (bpf_map_lookup_elem(tally, &zero, per_cpu))
		rc = -errno;
	else
		memset(out, 0, PC_OWNERS * sizeof(*out));
	for (int i = 0; i < n && !rc; i++) {
		for (size_t owner = 0; owner < PC_OWNERS; owner++)
			add(&out[owner], &per_cpu[i].owner[owner]);
	}
	free(per_cpu);
	return rc;
}

int hits_add_owners(struct pc_count *sum, int tally, enum pc_reason reason)
{
	struct pc_count owners[PC_OWNERS];
	int rc = read_owners(owners, tally);

	for (uint32_t i = PC_OWNER_OPERATOR; i < PC_OWNER_ALLOW && !rc; i++) {
		if (pc_owner_reason(i) == reason)
			add(sum, &owners[i]);
	}
	return rc;
}

/* Both slots' lists, by PC_LIST_INDEX(). */
static int read_lists(struct pc_list **out, int fd)
{
	const struct array_part both = { fd, 0, 2 * PC_OWNERS, sizeof(**out) };
	struct pc_list *lists = calloc(both.n, both.size);
	int rc = lists ? array_read(lists, &both) : -ENOMEM;

	if (rc)
		free(lists);
	else
		*out = lists;
	return rc;
}

typedef void rebase_fn(struct pc_list *list, const struct pc_list *other,
		       const struct pc_count *now);

static int rebase(int tally, int lists, uint32_t slot, rebase_fn *one)
{
	uint32_t first = PC_LIST_INDEX(slot, 0);
	const struct array_part part = { lists, first, PC_OWNERS,
					 sizeof(struct pc_list) };
	struct pc_count now[PC_OWNERS];
	struct pc_list *of;
	int rc = read_owners(now, tally);

	if (!rc)
		rc = read_lists(&of, lists);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < PC_OWNERS; i++)
		one(&of[first + i], &of[PC_LIST_INDEX(!slot, i)], &now[i]);
	rc = array_put(&part, &of[first]);
	free(of);
	return rc;
}

static bool is_same(const struct pc_list *a, const struct pc_list *b)
{
	return !strncmp(a->name, b->name, sizeof(a->name));
}

static void begin(struct pc_list *list, const struct pc_list *before,
		  const struct pc_count *now)
{
	list->base = is_same(list, before) ? before->base : *now;
}

static void resume(struct pc_list *list, const struct pc_list *other,
		   const struct pc_count *now)
{
	if (is_same(list, other))
		return;
	add(&list->base, now);
	subtract(&list->base, &other->base);
}

int hits_of_lists(struct pc_count out[static PC_OWNERS], int tally, int lists,
		  uint32_t slot, bool back)
{
	struct pc_list *of;
	int rc = read_lists(&of, lists);

	if (rc)
		return rc;
	/* After the bases, so that none is more than its counter. */
	rc = read_owners(out, tally);
	for (uint32_t i = 0; i < PC_OWNERS && !rc; i++) {
		struct pc_list *list = &of[PC_LIST_INDEX(slot, i)];

		if (back)
			resume(list, &of[PC_LIST_INDEX(!slot, i)], &out[i]);
		subtract(&out[i], &list->base);
	}
	free(of);
	return rc;
}

int hits_begin(int tally, int lists, uint32_t slot)
{
	return rebase(tally, lists, slot, begin);
}

int hits_resume(int tally, int lists, uint32_t slot)
{
	return rebase(tally, lists, slot, resume);
}
