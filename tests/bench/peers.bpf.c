// SPDX-License-Identifier: GPL-2.0-only
/*
 * What pc_xdp is compared with, all behind its own parser:
 *
 *   nothing  drops, looks at nothing
 *   bare     parses as far as the ports, counts and drops
 *   trie     the same with an LPM trie between, the smallest there can be
 */
#include "parse.bpf.h"

struct bench_prefix {
	__u32 len;
	__be32 addr;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct bench_prefix);
	__type(value, __u32);
} prefixes SEC(".maps");

/* Packets by what the program returned. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_REDIRECT + 1);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline int count(__u32 action)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &action);

	if (n)
		++*n;
	return action;
}

static __always_inline enum pc_reason parse(struct pc_pkt *p,
					    struct xdp_md *ctx)
{
	struct pc_cursor c = {
		.start = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};

	return parse_packet(&c, p);
}

SEC("xdp")
int nothing(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp")
int bare(struct xdp_md *ctx)
{
	struct pc_pkt p = {};

	return count(parse(&p, ctx) == PC_NEXT ? XDP_DROP : XDP_PASS);
}

SEC("xdp")
int trie(struct xdp_md *ctx)
{
	struct bench_prefix key = { .len = 32 };
	struct pc_pkt p = {};

	if (parse(&p, ctx) != PC_NEXT || p.is_v6)
		return count(XDP_PASS);
	__builtin_memcpy(&key.addr, p.saddr, sizeof(key.addr));
	return count(bpf_map_lookup_elem(&prefixes, &key) ? XDP_DROP
							  : XDP_PASS);
}

char LICENSE[] SEC("license") = "GPL";
