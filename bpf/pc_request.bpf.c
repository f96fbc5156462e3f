// SPDX-License-Identifier: GPL-2.0-only
/*
 * The request plane, at TC ingress: may this key speak to the gateway?  Follows
 * connections to the gateway's ports, judges each request head that begins
 * where a head must begin, and answers for the gateway when it would refuse.
 * Whatever is not understood passes and is counted by reason.
 */
#include <stddef.h>

#include "confirm.bpf.h"
#include "judge.bpf.h"

/* Headers in the linear part, at most: Ethernet, two tags, IPv6 with a few
 * extensions, TCP with options.
 */
#define PC_HEADERS_MAX 192

/* Enough of an IP header to tell it from a link header: 20 bytes, addresses
 * and all.
 */
#define PC_LINK_LOOK 20

/*
 * After generic XDP has copied a packet (kernel 6.18, skb_pp_cow_data()), its
 * link header is there but not counted, and a program finds IP where Ethernet
 * should be.  Taking the header in again makes the packet like any other.
 */
static __noinline int restore_link(struct __sk_buff *skb)
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

/* Parses again with more bytes pulled in when the linear part was too short. */
static __noinline enum pc_reason read_packet(struct __sk_buff *skb,
					     struct pc_pkt *p)
{
	struct pc_cursor c = {
		.start = (void *)(long)skb->data,
		.end = (void *)(long)skb->data_end,
	};
	enum pc_reason r;

	__builtin_memset(p, 0, sizeof(*p));
	r = parse_packet(&c, p);
	if (r != PC_R_TRUNCATED || skb->len <= skb->data_end - skb->data)
		return r;
	__builtin_memset(p, 0, sizeof(*p));
	if (bpf_skb_pull_data(skb, skb->len < PC_HEADERS_MAX ? skb->len
							     : PC_HEADERS_MAX))
		return PC_R_TRUNCATED;
	c.start = (void *)(long)skb->data;
	c.end = (void *)(long)skb->data_end;
	return parse_packet(&c, p);
}

static __always_inline enum pc_reason read_segment(const struct pc_request *f)
{
	struct pc_pkt *p = &f->s->pkt;
	enum pc_reason r;

	if (restore_link(f->skb))
		return PC_R_NOT_IP;
	r = read_packet(f->skb, p);
	if (r != PC_NEXT)
		return r;
	if (!policy_has_port(f->policy, p->dport))
		return PC_R_OTHER_PORT;
	if (p->l4_proto != IPPROTO_TCP)
		return PC_R_NOT_TCP;
	if (p->is_frag)
		return PC_R_FRAGMENT;
	f->s->segment.has_ts = 0;
	f->s->segment.has_mptcp = 0;
	return segment_read(f->skb, f->s);
}

PC_GLOBAL __u32 scan_head(struct pc_scratch *s)
{
	return s ? pc_head_scan(&s->scan) : PC_R_NO_PAYLOAD;
}

/* Copies the segment's payload into the scan buffer and scans it. */
static __always_inline enum pc_reason read_head(struct __sk_buff *skb,
						struct pc_scratch *s)
{
	__u64 size = s->segment.payload_size;

	if (size > PC_HEAD_MAX)
		size = PC_HEAD_MAX;
	PC_LENGTH(size, PC_HEAD_MAX);
	if (bpf_skb_load_bytes(skb, s->segment.payload_at, s->scan.buf, size))
		return PC_R_TRUNCATED;
	s->scan.filled = size;
	return scan_head(s);
}

static __always_inline int has_answer(__u32 slot, struct pc_judgement j)
{
	__u32 index = PC_ANSWER_INDEX(slot, j.reason, j.dialect, 1);
	struct pc_answer *a = bpf_map_lookup_elem(&pc_answers, &index);

	return a && a->size;
}

static __always_inline int act(const struct pc_request *f, __u32 deny,
			       struct pc_judgement j)
{
	if (deny == PC_DENY_DROP)
		return TC_ACT_SHOT;
	if (deny == PC_DENY_RESET)
		return answer_reset(f);
	return answer_close(f, j.reason, j.dialect);
}

/* A denial that can be carried out, or the reason why it cannot. */
static __always_inline enum pc_reason
refuse_prepare(const struct pc_request *f, __u32 deny, struct pc_judgement j)
{
	if (deny == PC_DENY_DROP)
		return PC_NEXT;
	/* A rewritten packet keeps the place of its TCP header, which a partial
	 * checksum refers to, so there must be nothing before it to leave out.
	 */
	if (f->s->pkt.has_options)
		return PC_R_ANSWER_UNFIT;
	if (deny != PC_DENY_RESET && !has_answer(f->slot, j))
		return PC_R_ANSWER_UNFIT;
	return segment_prepare(f->skb, f->s) ? PC_R_ANSWER_UNFIT : PC_NEXT;
}

/* The gateway's after all. */
static __always_inline int leave(const struct pc_request *f, enum pc_reason r,
				 __u32 would)
{
	count_add(r, would);
	flow_advance(f->flow, &f->s->segment, &f->s->scan.head);
	return PC_TC_PASS;
}

static __always_inline int refuse(const struct pc_request *f,
				  struct pc_judgement j)
{
	__u32 index = j.reason, deny;
	enum pc_reason r;

	/* The compiler knows the enum's range and drops the mask otherwise. */
	PC_OPAQUE(index);
	deny = f->policy->deny[index & 127];
	r = confirm(f);
	if (r == PC_NEXT && f->policy->monitor)
		return leave(f, j.reason, 1);
	if (r == PC_NEXT)
		r = refuse_prepare(f, deny, j);
	if (r != PC_NEXT)
		return leave(f, r, 0);
	count_add(j.reason, 0);
	return act(f, deny, j);
}

static __always_inline int closing(const struct pc_request *f)
{
	enum pc_reason r;

	if (f->s->segment.flags & PC_TCP_RST) {
		bpf_map_delete_elem(&pc_flows, &f->s->key);
		count_add(PC_R_CLOSED, 0);
		return PC_TC_PASS;
	}
	if (f->s->pkt.has_options || segment_prepare(f->skb, f->s))
		r = PC_R_CLOSED;
	else
		r = closing_step(f);
	count_add(r, 0);
	return TC_ACT_SHOT;
}

static __always_inline int pass(enum pc_reason r)
{
	count_add(r, 0);
	return PC_TC_PASS;
}

/*
 * Nothing a client sent stays in a map: not its key, not its prompt, not words
 * of the digest's schedule, from which a key can be computed back.  A read that
 * fails clears its destination (bpf_probe_read_kernel_common()), and one from
 * NULL always fails: the cheapest memset() a program has.
 */
static __always_inline void forget(struct pc_scratch *s)
{
	__u64 size = s->scan.filled;

	PC_LENGTH(size, PC_HEAD_MAX);
	bpf_probe_read_kernel(s->scan.buf, size, NULL);
	bpf_probe_read_kernel(&s->sha, sizeof(s->sha), NULL);
}

static __always_inline int judge_segment(const struct pc_request *f)
{
	struct pc_judgement j = {};
	enum pc_reason place = flow_place(f->flow, &f->s->segment), head;

	if (place != PC_NEXT)
		return pass(place);
	f->s->scan.filled = 0;
	head = read_head(f->skb, f->s);
	if (head == PC_NEXT)
		j = judge_head(f);
	forget(f->s);
	if (head != PC_NEXT)
		return pass(flow_opaque(f->flow, head));
	if (is_denial(j.reason))
		return refuse(f, j);
	flow_advance(f->flow, &f->s->segment, &f->s->scan.head);
	return pass(j.reason);
}

static __always_inline enum pc_reason begin(const struct pc_request *f)
{
	struct pc_segment *g = &f->s->segment;

	if (segment_options(g, f->skb, f->s->pkt.l4_at + PC_TCP_SIZE))
		return PC_R_TRUNCATED;
	return flow_begin(&f->s->key, g);
}

/* Connection bookkeeping, and what becomes of a segment in its place. */
static __always_inline int follow(struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;

	flow_key(&f->s->key, f->skb, &f->s->pkt);
	if ((g->flags & (PC_TCP_SYN | PC_TCP_ACK)) == PC_TCP_SYN)
		return pass(begin(f));
	f->flow = bpf_map_lookup_elem(&pc_flows, &f->s->key);
	if (f->flow && f->flow->state == PC_FLOW_CLOSING)
		return closing(f);
	if (!g->payload_size)
		return pass(PC_R_NO_PAYLOAD);
	/* Such data is read differently, or not at all. */
	if (!(g->flags & PC_TCP_ACK) || g->flags & PC_TCP_ODD)
		return pass(f->flow ? flow_opaque(f->flow, PC_R_ODD_FLAGS)
				    : PC_R_ODD_FLAGS);
	return f->flow ? judge_segment(f) : pass(PC_R_MID_STREAM);
}

SEC("tc")
int pc_request(struct __sk_buff *skb)
{
	struct pc_request f = { .skb = skb };
	enum pc_reason r;
	__u32 zero = 0;

	f.policy = policy_find(&f.slot);
	f.s = bpf_map_lookup_elem(&pc_scratch, &zero);
	if (!f.policy || !f.s)
		return pass(PC_R_NO_POLICY);
	r = read_segment(&f);
	return r == PC_NEXT ? follow(&f) : pass(r);
}

char LICENSE[] SEC("license") = "GPL";
