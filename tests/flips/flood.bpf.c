// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live frames of a test run go out of an interface, from several addresses in
 * turn, and never more at a time than a veth queue holds until the filter has
 * counted them: what is missing in the end was dropped by it.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#include "pc_abi.h"

#define QUEUE 192 /* of 256; the last batch is still on its way */
#define N_SOURCES 3

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_R_MAX);
	__type(key, __u32);
	__type(value, struct pc_count);
} pc_counts SEC(".maps"); /* the filter's own */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_tally);
} pc_tally SEC(".maps"); /* the filter's own, of what lists drop */

__u32 ifindex;
__u32 n_cpus;
__u8 source[2][N_SOURCES][16]; /* by family */
__u64 sent[2][N_SOURCES];
__u64 n_sent;
__u64 judged; /* when it was last asked */
__u32 turn;

static int add_cpu(__u32 cpu, __u64 *sum)
{
	static const __u32 any[] = { PC_R_ADDRESS_PASS, PC_R_BLOCK_LIST,
				     PC_R_NO_POLICY, PC_R_IMAGE_DAMAGED };
	struct pc_tally *t;
	__u32 zero = 0;

	for (int i = 0; i < 4; i++) {
		__u32 reason = any[i];
		struct pc_count *n;

		n = bpf_map_lookup_percpu_elem(&pc_counts, &reason, cpu);
		if (n)
			*sum += n->done;
	}
	t = bpf_map_lookup_percpu_elem(&pc_tally, &zero, cpu);
	for (__u32 i = PC_OWNER_OPERATOR; t && i <= PC_OWNER_FILE; i++)
		*sum += t->owner[i].done;
	return 0;
}

static __always_inline int is_full(void)
{
	__u64 sum = 0;

	if (n_sent - judged < QUEUE)
		return 0;
	bpf_loop(n_cpus, add_cpu, &sum, 0);
	judged = sum;
	return n_sent - judged >= QUEUE;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u8 *l3 = (void *)(eth + 1);
	__u32 i = turn, v6;

	if ((void *)(l3 + 24) > end || i >= N_SOURCES)
		return XDP_ABORTED;
	if (is_full())
		return XDP_DROP;
	v6 = *l3 >> 4 == 6;
	if (v6)
		__builtin_memcpy(l3 + 8, source[1][i], 16);
	else
		__builtin_memcpy(l3 + 12, source[0][i], 4);
	turn = i + 1 < N_SOURCES ? i + 1 : 0;
	sent[v6][i]++;
	n_sent++;
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
