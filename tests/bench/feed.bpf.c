// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets from many sources.  A test run repeats one packet, so a program in
 * front of what is measured writes the next source address into it.
 *
 *   feed   then tail-calls what is measured; its own cost is known from a run
 *          with nothing behind it
 *   flood  then sends the packet out of an interface, for live frames
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_helpers.h>

#define N_SOURCES (1u << 20)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

__u32 source[N_SOURCES]; /* network order */
__u32 mask;		 /* how many of them take turns, less one */
__u32 at;
__u32 ifindex;

static __always_inline __u32 next_source(void)
{
	return source[at++ & mask & (N_SOURCES - 1)];
}

/* RFC 1624, for a checksum over what was before and is now after. */
static __always_inline __u16 adjust(__u16 check, __u32 before, __u32 after)
{
	__u32 sum = (__u16)~check;

	sum += (__u16)~before + (__u16)(~before >> 16);
	sum += (__u16)after + (after >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

SEC("xdp")
int feed(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	ip->saddr = next_source();
	bpf_tail_call(ctx, &target, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u32 addr;

	if ((void *)(tcp + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	addr = next_source();
	ip->check = adjust(ip->check, ip->saddr, addr);
	tcp->check = adjust(tcp->check, ip->saddr, addr);
	ip->saddr = addr;
	return bpf_redirect(ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
