/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP segments that portcullis makes itself: the packet at hand is rewritten in
 * place, towards the client or towards the gateway.
 */
#ifndef PC_SEGMENT_BPF_H
#define PC_SEGMENT_BPF_H

#include <stddef.h>

#include "address.h"
#include "head_key.h"
#include "maps.bpf.h"
#include "parse.bpf.h"
#include "sha256.h"

#define PC_TCP_FIN 0x01
#define PC_TCP_SYN 0x02
#define PC_TCP_RST 0x04
#define PC_TCP_PSH 0x08
#define PC_TCP_ACK 0x10
#define PC_TCP_URG 0x20
#define PC_TCP_ODD (PC_TCP_SYN | PC_TCP_RST | PC_TCP_URG) /* with payload */

#define PC_TCP_SIZE 20
#define PC_TCP_OPTIONS 40
#define PC_OPT_WSCALE 3
#define PC_OPT_TS 8
#define PC_OPT_MPTCP 30
#define PC_TS_SIZE 12 /* two NOPs and a timestamp option */
#define PC_TS_ALONE bpf_htonl(0x0101080a)

/* A segment as it came, kept while its packet is overwritten. */
struct pc_segment {
	__u32 seq; /* host order, both */
	__u32 ack;
	__be32 ts_value;
	__be32 ts_echo;
	__u32 payload_at;
	__u32 payload_size;
	__u16 window; /* as on the wire */
	__u8 flags;   /* PC_TCP_* */
	__u8 has_ts;
	__u8 has_mptcp;
	__u8 wscale;
	__u8 partial; /* the packet's checksum is left to be completed */
	__u8 mac[12]; /* as in the Ethernet header */
};

/* What to send. */
struct pc_send {
	__u32 seq;
	__u32 ack;
	__u32 payload_size; /* bytes of pc_scratch.payload */
	__u16 window;	    /* as on the wire */
	__u8 flags;
	__u8 to_client; /* else on to the gateway */
};

/* Room for a segment's payload: an answer and an address put into it. */
#define PC_PAYLOAD_SIZE 640
#define PC_PAYLOAD_ROOM 1024 /* for PC_LENGTH() */

#define PC_WINDOW 32 /* bytes of a chunked body looked at in one go */

/* A TCP header before and after its numbers were changed, zero behind it. */
#define PC_TCP_MAX (PC_TCP_SIZE + PC_TCP_OPTIONS)
struct pc_shift {
	__u8 old[64];
	__u8 new[64];
	__u32 sack_add; /* to the edges of SACK blocks */
	__u32 floor;	/* below which none of them may lie */
	__u32 has_floor;
};

/* What a run needs and the stack has no room for.  A run stays on its CPU.  In
 * the order of use: what every segment needs is in the first cache lines.
 */
struct pc_scratch {
	struct pc_pkt pkt;
	struct pc_segment segment;
	struct pc_flow_key key;
	__u32 dirty;	  /* bytes of scan.buf that hold a client's */
	__u32 answer;	  /* what is walked along comes from the gateway */
	__u32 walk_heads; /* the walk goes on from message to message */
	__u32 carried;	  /* bytes of the head at hand in earlier segments */
	struct pc_delta delta;	 /* of a living connection, else zero */
	struct pc_refused last;	 /* what that delta has come from */
	struct pc_stream before; /* the client's, before that head */
	struct pc_head first;	 /* of the segment */
	struct pc_query query;
	struct pc_span found; /* the key */
	struct pc_digest digest;
	struct pc_send send;
	struct pc_shift shift;
	struct pc_sha256 sha;
	__u8 window[PC_WINDOW]; /* of a chunked body */
	struct pc_text address; /* the client's */
	struct pc_scan scan;
	__u8 payload[PC_PAYLOAD_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_scratch);
} pc_scratch SEC(".maps");

struct pc_tcp_out {
	struct tcphdr tcp;
	__be32 options[PC_TS_SIZE / 4];
};

static __always_inline __u16 csum_fold(__u64 sum)
{
	for (int i = 0; i < 3; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The options that matter, wherever they stand. */
static __always_inline void segment_walk(struct pc_segment *g, const __u8 *opt,
					 __u32 size)
{
	__u32 at = 0;

	for (int i = 0; i < PC_TCP_OPTIONS; i++) {
		__u8 kind, len;

		if (at + 2 > size)
			return;
		at &= 63; /* at most 38 anyhow: for the verifier */
		kind = opt[at];
		len = opt[at + 1];
		if (!kind || (kind != 1 && len < 2))
			return;
		if (kind == PC_OPT_WSCALE)
			g->wscale = opt[at + 2] & 15;
		if (kind == PC_OPT_MPTCP)
			g->has_mptcp = 1;
		if (kind == PC_OPT_TS && len == 10) {
			__builtin_memcpy(&g->ts_value, opt + at + 2, 4);
			__builtin_memcpy(&g->ts_echo, opt + at + 6, 4);
			g->has_ts = 1;
		}
		at += kind == 1 ? 1 : len;
	}
}

/* From the end of the fixed header to the payload. */
static __always_inline int segment_options(struct pc_segment *g,
					   struct __sk_buff *skb, __u32 at)
{
	__u64 size = g->payload_at - at;
	__u8 options[80] = {};

	if (!size)
		return 0;
	if (size > PC_TCP_OPTIONS)
		return -1;
	PC_LENGTH(size, 64);
	if (bpf_skb_load_bytes(skb, at, options, size))
		return -1;
	segment_walk(g, options, size);
	return 0;
}

#define PC_L4_NEAR 1023 /* a mask: further away, helpers read headers */

/* What is "at" in the linear part, where it may be read; not checked. */
static __always_inline const void *segment_near(const struct __sk_buff *skb,
						__u64 at)
{
	PC_OPAQUE(at);
	return (const void *)(long)skb->data + (at & PC_L4_NEAR);
}

/* All options of nearly every segment: a timestamp.  0: it has others. */
static __always_inline int
segment_timestamp(struct pc_segment *g, const struct __sk_buff *skb, __u32 at)
{
	const __be32 *near = segment_near(skb, at);

	if (g->payload_at - at != PC_TS_SIZE || at > PC_L4_NEAR ||
	    (const void *)(near + 3) > (const void *)(long)skb->data_end ||
	    near[0] != PC_TS_ALONE)
		return 0;
	g->ts_value = near[1];
	g->ts_echo = near[2];
	g->has_ts = 1;
	return 1;
}

static __always_inline enum pc_reason segment_take(struct pc_segment *g,
						   const struct tcphdr *tcp,
						   const struct pc_pkt *p,
						   __u32 packet_size)
{
	__u32 l3_end = p->l3_size ? p->l3_at + p->l3_size : packet_size;
	__u32 size = ((const __u8 *)tcp)[12] >> 4 << 2;

	if (size < PC_TCP_SIZE || l3_end > packet_size ||
	    p->l4_at + size > l3_end)
		return PC_R_TRUNCATED;
	g->seq = bpf_ntohl(tcp->seq);
	g->ack = bpf_ntohl(tcp->ack_seq);
	g->flags = ((const __u8 *)tcp)[13];
	g->window = tcp->window;
	g->payload_at = p->l4_at + size;
	g->payload_size = l3_end - g->payload_at;
	return PC_NEXT;
}

/* Reads the TCP header at p->l4_at.  PC_NEXT, or why it cannot be used. */
static __always_inline enum pc_reason segment_read(struct __sk_buff *skb,
						   struct pc_scratch *s)
{
	const struct pc_pkt *p = &s->pkt;
	const struct tcphdr *near = segment_near(skb, p->l4_at);
	struct tcphdr tcp;

	if (p->l4_at <= PC_L4_NEAR &&
	    (const void *)(near + 1) <= (const void *)(long)skb->data_end)
		return segment_take(&s->segment, near, p, skb->len);
	if (bpf_skb_load_bytes(skb, p->l4_at, &tcp, sizeof(tcp)))
		return PC_R_TRUNCATED;
	return segment_take(&s->segment, &tcp, p, skb->len);
}

/*
 * What only an answer needs: addresses of the link, timestamps, and whether the
 * checksum is partial.  The last is not visible to a program, but a plain
 * bpf_l4_csum_replace() leaves a partial checksum as it is.
 */
static __always_inline int segment_inspect(struct __sk_buff *skb,
					   struct pc_segment *g,
					   const struct pc_pkt *p)
{
	__u32 check_at = p->l4_at + offsetof(struct tcphdr, check);
	__u16 before, after;

	if (bpf_skb_load_bytes(skb, 0, g->mac, sizeof(g->mac)) ||
	    (!segment_timestamp(g, skb, p->l4_at + PC_TCP_SIZE) &&
	     segment_options(g, skb, p->l4_at + PC_TCP_SIZE)))
		return -1;
	if (bpf_skb_load_bytes(skb, check_at, &before, 2) ||
	    bpf_l4_csum_replace(skb, check_at, 0, 1, 0) ||
	    bpf_skb_load_bytes(skb, check_at, &after, 2))
		return -1;
	g->partial = before == after;
	return 0;
}

PC_GLOBAL int segment_prepare(struct __sk_buff *skb, struct pc_scratch *s)
{
	return s ? segment_inspect(skb, &s->segment, &s->pkt) : -1;
}

static __always_inline int segment_write_link(struct __sk_buff *skb,
					      const struct pc_scratch *s)
{
	const struct pc_segment *g = &s->segment;
	const struct pc_send *out = &s->send;
	__u32 first = out->to_client ? 6 : 0;
	__u16 mac[6];

	for (__u32 i = 0; i < 6; i += 2) {
		mac[i / 2] = PC_LOAD(__u16, g->mac + first + i);
		mac[i / 2 + 3] = PC_LOAD(__u16, g->mac + 6 - first + i);
	}
	return bpf_skb_store_bytes(skb, 0, mac, sizeof(mac), 0);
}

static __always_inline int segment_write_ip4(struct __sk_buff *skb,
					     const struct pc_scratch *s,
					     __u32 l4_size)
{
	const struct pc_send *out = &s->send;
	const struct pc_pkt *p = &s->pkt;
	const __u8 *from = out->to_client ? p->daddr : p->saddr;
	const __u8 *to = out->to_client ? p->saddr : p->daddr;
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(ip) + l4_size),
		.frag_off = bpf_htons(0x4000),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
	};

	ip.saddr = PC_LOAD(__be32, from);
	ip.daddr = PC_LOAD(__be32, to);
	ip.check = csum_fold(bpf_csum_diff(0, 0, (__be32 *)&ip, sizeof(ip), 0));
	return bpf_skb_store_bytes(skb, p->l3_at, &ip, sizeof(ip),
				   BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int segment_write_ip6(struct __sk_buff *skb,
					     const struct pc_scratch *s,
					     __u32 l4_size)
{
	const struct pc_send *out = &s->send;
	const struct pc_pkt *p = &s->pkt;
	struct ipv6hdr ip = {
		.version = 6,
		.payload_len = bpf_htons(l4_size),
		.nexthdr = IPPROTO_TCP,
		.hop_limit = 64,
	};

	__builtin_memcpy(&ip.saddr, out->to_client ? p->daddr : p->saddr, 16);
	__builtin_memcpy(&ip.daddr, out->to_client ? p->saddr : p->daddr, 16);
	return bpf_skb_store_bytes(skb, p->l3_at, &ip, sizeof(ip),
				   BPF_F_RECOMPUTE_CSUM);
}

/* The sum both addresses, the protocol and the length contribute. */
static __always_inline __u64 segment_pseudo(const struct pc_pkt *p,
					    __u32 l4_size)
{
	__be32 rest[2] = { bpf_htonl(l4_size), bpf_htonl(IPPROTO_TCP) };
	__u32 addr_size = p->is_v6 ? 16 : 4;
	__u64 sum;

	sum = bpf_csum_diff(0, 0, (__be32 *)rest, sizeof(rest), 0);
	if (addr_size == 4) {
		sum = bpf_csum_diff(0, 0, (__be32 *)p->saddr, 4, sum);
		return bpf_csum_diff(0, 0, (__be32 *)p->daddr, 4, sum);
	}
	sum = bpf_csum_diff(0, 0, (__be32 *)p->saddr, 16, sum);
	return bpf_csum_diff(0, 0, (__be32 *)p->daddr, 16, sum);
}

#define PC_SUM_MAX 512 /* bytes that bpf_csum_diff() takes at once */

static __always_inline __u64 segment_sum_payload(const struct pc_scratch *s,
						 __u64 sum)
{
	__be32 *p = (__be32 *)s->payload;
	/* In fours: zero comes behind. */
	__u64 size = (s->send.payload_size + 3) & -4, first = size;

	if (!size)
		return sum;
	if (first > PC_SUM_MAX)
		first = PC_SUM_MAX;
	size -= first;
	PC_LENGTH(first, PC_SUM_MAX);
	sum = bpf_csum_diff(0, 0, p, first, sum);
	if (!size)
		return sum;
	p += PC_SUM_MAX / sizeof(*p);
	PC_LENGTH(size, PC_PAYLOAD_ROOM - PC_SUM_MAX);
	return bpf_csum_diff(0, 0, p, size, sum);
}

/* Whole, or just the pseudo header's where the rest is left to be completed. */
static __always_inline __u16 segment_checksum(const struct pc_scratch *s,
					      struct pc_tcp_out *t,
					      __u32 hdr_size)
{
	__u64 sum = segment_pseudo(&s->pkt, hdr_size + s->send.payload_size);

	if (s->segment.partial)
		return ~csum_fold(sum);
	sum = bpf_csum_diff(0, 0, (__be32 *)t, sizeof(*t), sum);
	return csum_fold(segment_sum_payload(s, sum));
}

static __always_inline int segment_write_tcp(struct __sk_buff *skb,
					     struct pc_scratch *s)
{
	const struct pc_segment *g = &s->segment;
	const struct pc_send *out = &s->send;
	const struct pc_pkt *p = &s->pkt;
	__u32 hdr_size = PC_TCP_SIZE + (g->has_ts ? PC_TS_SIZE : 0);
	struct pc_tcp_out t = {};

	t.tcp.source = out->to_client ? p->dport : p->sport;
	t.tcp.dest = out->to_client ? p->sport : p->dport;
	t.tcp.seq = bpf_htonl(out->seq);
	t.tcp.ack_seq = bpf_htonl(out->ack);
	t.tcp.window = out->window;
	((__u8 *)&t.tcp)[12] = hdr_size / 4 << 4;
	((__u8 *)&t.tcp)[13] = out->flags;
	if (g->has_ts) {
		t.options[0] = bpf_htonl(0x0101080a);
		/* To the client its own clock comes back, with the gateway's
		 * last; to the gateway the client's segment goes as it came.
		 */
		t.options[1] = out->to_client ? g->ts_echo : g->ts_value;
		t.options[2] = out->to_client ? g->ts_value : g->ts_echo;
	}
	t.tcp.check = segment_checksum(s, &t, hdr_size);
	if (g->has_ts)
		return bpf_skb_store_bytes(skb, p->l4_at, &t,
					   PC_TCP_SIZE + PC_TS_SIZE,
					   BPF_F_RECOMPUTE_CSUM);
	return bpf_skb_store_bytes(skb, p->l4_at, &t, PC_TCP_SIZE,
				   BPF_F_RECOMPUTE_CSUM);
}

/* Turns the packet into s->send; up to three bytes of s->payload behind its
 * size must be zero.
 */
PC_GLOBAL int segment_write(struct __sk_buff *skb, struct pc_scratch *s)
{
	const struct pc_pkt *p;
	__u32 hdr_size, l4_size;
	__u64 size;

	if (!s)
		return -1;
	p = &s->pkt;
	hdr_size = PC_TCP_SIZE + (s->segment.has_ts ? PC_TS_SIZE : 0);
	size = s->send.payload_size;
	l4_size = hdr_size + size;

	if (bpf_skb_change_tail(skb, p->l4_at + l4_size, 0))
		return -1;
	if (segment_write_link(skb, s))
		return -1;
	if (p->is_v6 ? segment_write_ip6(skb, s, l4_size)
		     : segment_write_ip4(skb, s, l4_size))
		return -1;
	if (segment_write_tcp(skb, s))
		return -1;
	if (!size)
		return 0;
	if (size > PC_PAYLOAD_SIZE)
		return -1;
	PC_LENGTH(size, PC_PAYLOAD_ROOM);
	return bpf_skb_store_bytes(skb, p->l4_at + hdr_size, s->payload, size,
				   BPF_F_RECOMPUTE_CSUM);
}

#endif /* PC_SEGMENT_BPF_H */
