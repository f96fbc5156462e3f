/* SPDX-License-Identifier: GPL-2.0-only */
/* The link header of a packet at TC, which generic XDP may have mislaid. */
#ifndef PC_LINK_BPF_H
#define PC_LINK_BPF_H

#include "parse.bpf.h"

/* Enough of an IP header to tell it from a link header: 20 bytes, addresses
 * and all.
 */
#define PC_LINK_LOOK 20

/*
 * After generic XDP has copied a packet (kernel 6.18, skb_pp_cow_data()), its
 * link header is there but not counted, and a program finds IP where Ethernet
 * should be.  Taking the header in again makes the packet like any other.
 */
static __noinline int link_put_back(struct __sk_buff *skb)
{
	__u8 ip[PC_LINK_LOOK], net[PC_LINK_LOOK];
	struct ethhdr eth;

	if (bpf_skb_load_bytes(skb, 0, ip, 1) ||
	    (ip[0] >> 4 != 4 && ip[0] >> 4 != 6))
		return 0;
	/* Or an address of the link that begins like IP. */
	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)) ||
	    bpf_skb_load_bytes_relative(skb, 0, net, sizeof(net),
					BPF_HDR_START_NET))
		return 0;
	for (unsigned int i = 0; i < sizeof(ip); i++) {
		if (ip[i] != net[i])
			return 0;
	}
	if (bpf_skb_load_bytes_relative(skb, 0, &eth, sizeof(eth),
					BPF_HDR_START_MAC) ||
	    eth.h_proto != skb->protocol ||
	    bpf_skb_change_head(skb, sizeof(eth), 0))
		return -1;
	return bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0);
}

/* Does the packet begin like IP?  One that cannot be seen may. */
static __always_inline int begins_like_ip(const struct __sk_buff *skb)
{
	const __u8 *first = (const void *)(long)skb->data;

	if ((const void *)(first + 1) > (const void *)(long)skb->data_end)
		return 1;
	return *first >> 4 == 4 || *first >> 4 == 6;
}

/* Before packet pointers are taken.  Nonzero: it stays mislaid. */
static __always_inline int link_restore(struct __sk_buff *skb)
{
	return begins_like_ip(skb) && link_put_back(skb);
}

#endif /* PC_LINK_BPF_H */
