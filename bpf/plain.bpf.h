/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way to the verdict on a plain packet: IPv4 in untagged Ethernet, no
 * options, no fragment, TCP or UDP; not banned, not allowed, nothing to tell of
 * it.  It finds what parse_for() and admit() would, and counts the same, or
 * does nothing and leaves the packet to them.
 */
#ifndef PC_PLAIN_BPF_H
#define PC_PLAIN_BPF_H

#include "event.bpf.h"

/* Not a verdict: it is for the long way. */
#define PC_PLAIN_NOT (-1)

/* The ethertype and the first two bytes of IP, the second of which is not asked
 * for: version 4, no options.
 */
static __always_inline int is_plain(const struct ethhdr *eth,
				    const struct iphdr *ip)
{
	__u32 both = *(const __u32 *)(const void *)&eth->h_proto;

	return (both & bpf_htonl(0xffffff00)) == bpf_htonl(0x08004500) &&
	       !(ip->frag_off & bpf_htons(0x3fff)) &&
	       (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP);
}

/* XDP_PASS, XDP_DROP or PC_PLAIN_NOT. */
static __always_inline int
plain_judge(struct xdp_md *ctx, const struct pc_policy *policy, __u32 slot)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const struct iphdr *ip = (const void *)(eth + 1);
	const __be16 *ports = (const void *)(ip + 1);
	struct pc_tally *t;
	__u32 owner;

	if ((const void *)(ports + 2) > (const void *)(long)ctx->data_end ||
	    !is_plain(eth, ip) || pc_ban_lens.n[0])
		return PC_PLAIN_NOT;
	if (!policy_has_port(policy, ports[1]) && !policy->whole_host) {
		count_add(PC_R_OTHER_PORT, 0);
		return XDP_PASS;
	}
	owner = pc_image_find4(&policy->image, &slot, bpf_ntohl(ip->saddr));
	if (owner == PC_OWNER_NONE) {
		count_add(PC_R_ADDRESS_PASS, 0);
		return XDP_PASS;
	}
	t = tally_find();
	if (!t || owner >= PC_OWNER_ALLOW || policy->monitor ||
	    event_wanted(&t->gate))
		return PC_PLAIN_NOT;
	owner_count(t, owner, 0);
	return XDP_DROP;
}

#endif /* PC_PLAIN_BPF_H */
