/* SPDX-License-Identifier: GPL-2.0-only */
/* The digest memo of a loaded pc_request, seen from outside. */
#ifndef TESTS_BPF_MEMO_H
#define TESTS_BPF_MEMO_H

#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map.h"

#define MEMO_NOWHERE UINT32_MAX
#define MEMO_CPUS 1024

struct memo_value {
	uint64_t tag[2];
	uint8_t digest[32];
};

static inline int memo_open(int prog)
{
	return map_of(prog, "pc_memo");
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
