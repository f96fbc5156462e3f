// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bad network, for kernels without netem.  Sits at the ingress of wire0 and
 * wire1 (tests/loss/lib.bash), forwards each packet out of the other one, and
 * on the way loses, doubles and delays some.
 *
 * What is delayed takes a detour: out of hold0, whose qdisc lets little
 * through, in at hold1 and from there to where it was going, behind packets
 * that came later.  An idle qdisc would let it pass at once, so a copy goes
 * first to keep it busy, and ends at hold1.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Interface numbers, given by tests/loss/lib.bash. */
#define WIRE0 100
#define WIRE1 101
#define HOLD0 102

static __always_inline int happens(__u32 percent)
{
	return bpf_get_prandom_u32() % 10000 < percent * 100;
}

static __always_inline int detour(struct __sk_buff *skb, __u32 to)
{
	skb->mark = 0;
	bpf_clone_redirect(skb, HOLD0, 0);
	skb->mark = to;
	return bpf_redirect(HOLD0, 0);
}

static __always_inline int forward(struct __sk_buff *skb, __u32 percent)
{
	__u32 to = skb->ifindex == WIRE0 ? WIRE1 : WIRE0;

	if (happens(percent))
		return TC_ACT_SHOT;
	if (happens(percent))
		bpf_clone_redirect(skb, to, 0);
	if (happens(percent))
		return detour(skb, to);
	return bpf_redirect(to, 0);
}

SEC("tc/percent0")
int percent0(struct __sk_buff *skb)
{
	return forward(skb, 0);
}

SEC("tc/percent1")
int percent1(struct __sk_buff *skb)
{
	return forward(skb, 1);
}

SEC("tc/percent5")
int percent5(struct __sk_buff *skb)
{
	return forward(skb, 5);
}

/* The first segment of a connection. */
static __always_inline int is_syn(struct __sk_buff *skb)
{
	int is_v6 = skb->protocol == bpf_htons(ETH_P_IPV6);
	__u8 protocol = 0, flags = 0;

	bpf_skb_load_bytes(skb, ETH_HLEN + (is_v6 ? 6 : 9), &protocol, 1);
	bpf_skb_load_bytes(skb, ETH_HLEN + (is_v6 ? 40 : 20) + 13, &flags, 1);
	return protocol == IPPROTO_TCP && (flags & 0x12) == 0x02;
}

/* Each SYN at once, and again when its connection has long begun. */
SEC("tc/late_syns")
int late_syns(struct __sk_buff *skb)
{
	__u32 to = skb->ifindex == WIRE0 ? WIRE1 : WIRE0;

	if (!is_syn(skb))
		return bpf_redirect(to, 0);
	bpf_clone_redirect(skb, to, 0);
	return detour(skb, to);
}

/* hold1: the mark says where to, none is the copy's. */
SEC("tc/release")
int release(struct __sk_buff *skb)
{
	return skb->mark ? bpf_redirect(skb->mark, 0) : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
