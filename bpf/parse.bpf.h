/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packet bytes in, struct pc_pkt out.  The only file that does pointer
 * arithmetic on packet data; both programs use it.
 */
#ifndef PC_PARSE_BPF_H
#define PC_PARSE_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "pc_abi.h"

/* More than any sane sender uses; a longer chain is not followed. */
#define PC_EXTHDR_MAX 6
#define PC_VLAN_MAX 2

#define ETH_P_8021AD_ 0x88A8

struct pc_vlan {
	__be16 tci;
	__be16 inner_proto;
};

/* How the packet's bytes are reached; a constant, or the verifier objects. */
enum pc_reach {
	PC_REACH_DIRECT,
	PC_REACH_XDP,
	PC_REACH_SKB
};

/* The largest header of a known size: IPv6. */
#define PC_COPY_SIZE 40

/*
 * Where parsing stands.  Packet pointers, so it cannot live in a map.  What a
 * program cannot point to, because drivers and the stack keep a packet in
 * pieces, is copied header by header.
 */
struct pc_cursor {
	enum pc_reach reach;
	void *start;
	void *pos;
	void *end;
	/* the rest is for copies */
	void *ctx;
	void *copy; /* PC_COPY_SIZE bytes */
	__u32 at;
	__u32 size; /* of the packet */
};

/*
 * L3 and L4 protocol numbers are kept in differently named fields on purpose:
 * a bare "int proto" invites comparing an ethertype with an IP protocol.
 */
struct pc_pkt {
	__be16 eth_proto;
	__u8 l4_proto;
	__u8 is_v6;
	__u8 is_frag;	  /* part of a fragmented packet */
	__u8 is_tail;	  /* not its first part: no ports */
	__u8 has_options; /* IPv4 options or IPv6 extension headers */
	__u8 has_addr;	  /* saddr and daddr are the packet's */
	__u16 l3_at;	  /* offsets from start */
	__u16 l4_at;
	__u32 l3_size;	/* bytes from l3_at that the IP header claims; 0: jumbo
			 */
	__u8 saddr[16]; /* IPv4 uses the first four bytes */
	__u8 daddr[16];
	__be16 sport;
	__be16 dport;
};

static __always_inline long pkt_load(const struct pc_cursor *c, __u32 n)
{
	if (c->reach == PC_REACH_XDP)
		return bpf_xdp_load_bytes(c->ctx, c->at, c->copy, n);
	return bpf_skb_load_bytes(c->ctx, c->at, c->copy, n);
}

/*
 * Claim n bytes at the cursor, a constant, until the next are claimed; NULL if
 * the packet is too short.
 */
static __always_inline void *pkt_pull(struct pc_cursor *c, __u32 n)
{
	void *hdr = c->pos;

	if (c->reach != PC_REACH_DIRECT) {
		if (pkt_load(c, n))
			return NULL;
		c->at += n;
		return c->copy;
	}
	if (hdr + n > c->end)
		return NULL;
	c->pos = hdr + n;
	return hdr;
}

/* Step over n bytes; 0: the packet is too short. */
static __always_inline int pkt_skip(struct pc_cursor *c, __u32 n)
{
	if (c->reach == PC_REACH_DIRECT)
		return pkt_pull(c, n) != NULL;
	c->at += n;
	return c->at <= c->size;
}

/* Give back the n bytes that were claimed last. */
static __always_inline void pkt_unpull(struct pc_cursor *c, __u32 n)
{
	c->pos -= n;
	c->at -= n;
}

static __always_inline __u16 pkt_offset(const struct pc_cursor *c)
{
	return c->reach == PC_REACH_DIRECT ? c->pos - c->start : c->at;
}

static __always_inline enum pc_reason parse_eth(struct pc_cursor *c,
						struct pc_pkt *p)
{
	struct ethhdr *eth = pkt_pull(c, sizeof(*eth));

	if (!eth)
		return PC_R_TRUNCATED;
	p->eth_proto = eth->h_proto;
	for (int i = 0; i < PC_VLAN_MAX; i++) {
		struct pc_vlan *vlan;

		if (p->eth_proto != bpf_htons(ETH_P_8021Q) &&
		    p->eth_proto != bpf_htons(ETH_P_8021AD_))
			break;
		vlan = pkt_pull(c, sizeof(*vlan));
		if (!vlan)
			return PC_R_TRUNCATED;
		p->eth_proto = vlan->inner_proto;
	}
	p->l3_at = pkt_offset(c);
	return PC_NEXT;
}

static __always_inline enum pc_reason parse_ip4(struct pc_cursor *c,
						struct pc_pkt *p)
{
	struct iphdr *ip = pkt_pull(c, sizeof(*ip));

	if (!ip)
		return PC_R_TRUNCATED;
	if (ip->version != 4 || ip->ihl < 5)
		return PC_R_BAD_IP_HEADER;
	__builtin_memcpy(p->saddr, &ip->saddr, 4);
	__builtin_memcpy(p->daddr, &ip->daddr, 4);
	p->has_addr = 1;
	p->l4_proto = ip->protocol;
	p->l3_size = bpf_ntohs(ip->tot_len);
	p->is_frag = !!(ip->frag_off & bpf_htons(0x3fff));
	p->is_tail = !!(ip->frag_off & bpf_htons(0x1fff));
	p->has_options = ip->ihl > 5;
	/* Again, with the options: a length counted from the start cannot turn
	 * negative in the verifier's eyes.
	 */
	pkt_unpull(c, sizeof(*ip));
	return pkt_skip(c, ip->ihl * 4) ? PC_NEXT : PC_R_TRUNCATED;
}

/* One extension header; its type is in *next and replaced. */
static __always_inline enum pc_reason
parse_ip6_ext(struct pc_cursor *c, struct pc_pkt *p, __u8 *next)
{
	struct ipv6_opt_hdr *ext = pkt_pull(c, 8);
	__be16 offset;

	if (!ext)
		return PC_R_TRUNCATED;
	p->has_options = 1;
	if (*next == IPPROTO_FRAGMENT) {
		/* Always eight bytes: the second one is reserved, the sender
		 * controls it, and it is not a length.
		 */
		offset = ((__be16 *)ext)[1];
		p->is_frag = !!(offset & bpf_htons(0xfff9));
		p->is_tail = !!(offset & bpf_htons(0xfff8));
	} else if (!pkt_skip(c, ext->hdrlen * 8)) {
		return PC_R_TRUNCATED;
	}
	*next = ext->nexthdr;
	return PC_NEXT;
}

static __always_inline enum pc_reason parse_ip6(struct pc_cursor *c,
						struct pc_pkt *p)
{
	struct ipv6hdr *ip6 = pkt_pull(c, sizeof(*ip6));
	enum pc_reason r;
	__u8 next;

	if (!ip6)
		return PC_R_TRUNCATED;
	if (ip6->version != 6)
		return PC_R_BAD_IP_HEADER;
	__builtin_memcpy(p->saddr, &ip6->saddr, 16);
	__builtin_memcpy(p->daddr, &ip6->daddr, 16);
	p->has_addr = 1;
	p->is_v6 = 1;
	p->l3_size = bpf_ntohs(ip6->payload_len);
	if (p->l3_size)
		p->l3_size += sizeof(*ip6);
	next = ip6->nexthdr;

	for (int i = 0; i < PC_EXTHDR_MAX; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING &&
		    next != IPPROTO_DSTOPTS && next != IPPROTO_FRAGMENT) {
			p->l4_proto = next;
			return PC_NEXT;
		}
		/* What follows in a later fragment is no header. */
		if (p->is_tail)
			return PC_NEXT;
		r = parse_ip6_ext(c, p, &next);
		if (r != PC_NEXT)
			return r;
	}
	p->l4_proto = next;
	return p->is_tail || next == IPPROTO_TCP || next == IPPROTO_UDP
		       ? PC_NEXT
		       : PC_R_EXT_HEADER_LIMIT;
}

static __always_inline enum pc_reason parse_ip(struct pc_cursor *c,
					       struct pc_pkt *p)
{
	switch (p->eth_proto) {
	case bpf_htons(ETH_P_IP):
		return parse_ip4(c, p);
	case bpf_htons(ETH_P_IPV6):
		return parse_ip6(c, p);
	default:
		return PC_R_NOT_IP;
	}
}

/* TCP and UDP begin alike. */
static __always_inline enum pc_reason parse_ports(struct pc_cursor *c,
						  struct pc_pkt *p)
{
	__be16 *ports;

	if (p->is_tail)
		return PC_R_FRAGMENT;
	if (p->l4_proto != IPPROTO_TCP && p->l4_proto != IPPROTO_UDP)
		return PC_R_NOT_TCP_UDP;
	p->l4_at = pkt_offset(c);
	ports = pkt_pull(c, 4);
	if (!ports)
		return PC_R_TRUNCATED;
	p->sport = ports[0];
	p->dport = ports[1];
	return PC_NEXT;
}

/*
 * Everything up to the addresses, into *p, which starts zero.  What is wrong
 * behind them, or cannot be followed, does not matter then.
 */
static __always_inline enum pc_reason parse_addresses(struct pc_cursor *c,
						      struct pc_pkt *p)
{
	enum pc_reason r;

	c->pos = c->start;
	c->at = 0;
	r = parse_eth(c, p);
	if (r == PC_NEXT)
		r = parse_ip(c, p);
	return p->has_addr ? PC_NEXT : r;
}

/* Everything up to the ports, into *p, which starts zero. */
static __always_inline enum pc_reason parse_packet(struct pc_cursor *c,
						   struct pc_pkt *p)
{
	enum pc_reason r;

	c->pos = c->start;
	c->at = 0;
	r = parse_eth(c, p);
	if (r == PC_NEXT)
		r = parse_ip(c, p);
	if (r == PC_NEXT)
		r = parse_ports(c, p);
	return r;
}

#endif /* PC_PARSE_BPF_H */
