/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections to the gateway, followed by sequence numbers from their SYN:
 * where does the next request head begin?  Only a segment that begins exactly
 * there is ever judged, so nothing inside a body can be taken for a head.
 */
#ifndef PC_FLOW_BPF_H
#define PC_FLOW_BPF_H

#include "maps.bpf.h"
#include "segment.bpf.h"

/* A body longer than this would make sequence comparisons ambiguous. */
#define PC_BODY_MAX (1u << 30)

/* a - b on the circle of sequence numbers. */
static __always_inline __s32 seq_distance(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

static __always_inline void flow_key(struct pc_flow_key *key,
				     const struct __sk_buff *skb,
				     const struct pc_pkt *p)
{
	key->ifindex = skb->ifindex;
	key->sport = p->sport;
	key->dport = p->dport;
	__builtin_memcpy(key->saddr, p->saddr, sizeof(key->saddr));
	__builtin_memcpy(key->daddr, p->daddr, sizeof(key->daddr));
	key->family = p->is_v6 ? 6 : 4;
}

static __always_inline enum pc_reason flow_opaque(struct pc_flow *flow,
						  enum pc_reason why)
{
	flow->state = PC_FLOW_OPAQUE;
	flow->reason = why;
	return why;
}

/* A SYN begins a connection whatever was known of its addresses and ports. */
static __always_inline enum pc_reason flow_begin(const struct pc_flow_key *key,
						 const struct pc_segment *g)
{
	struct pc_flow flow = { .next = g->seq + 1, .head_ack = 0 };

	enum pc_reason r = PC_R_NO_PAYLOAD;

	if (g->payload_size)
		r = flow_opaque(&flow, PC_R_SYN_DATA);
	/* A subflow joins in mid-stream, and an answer would have no place in
	 * the stream of them all.
	 */
	if (g->has_mptcp)
		r = flow_opaque(&flow, PC_R_MPTCP);
	bpf_map_update_elem(&pc_flows, key, &flow, BPF_ANY);
	return r;
}

/*
 * PC_NEXT when the segment begins with a head that nothing is outstanding
 * before; otherwise why it is not judged.
 */
static __always_inline enum pc_reason flow_place(struct pc_flow *flow,
						 const struct pc_segment *g)
{
	__s32 ahead = seq_distance(g->seq, flow->next);
	__s32 end = seq_distance(g->seq + g->payload_size, flow->next);

	if (flow->state == PC_FLOW_OPAQUE)
		return PC_R_OPAQUE;
	if (ahead > 0)
		return PC_R_GAP;
	if (ahead < 0 && end <= 0) {
		/* What comes back while a body is sent, 100 Continue, is not
		 * yet the request's answer.
		 */
		flow->head_ack = g->ack;
		return PC_R_BODY;
	}
	/* The end of a body and a head behind it, or a retransmission that
	 * reaches into new bytes.
	 */
	if (ahead < 0)
		return flow_opaque(flow, PC_R_PIPELINED);
	/* Nothing came back since the last head: its answer is outstanding. */
	if (flow->heads && g->ack == flow->head_ack)
		return flow_opaque(flow, PC_R_PIPELINED);
	return PC_NEXT;
}

/* Steps over a head that passes, and over its body. */
static __always_inline void flow_advance(struct pc_flow *flow,
					 const struct pc_segment *g,
					 const struct pc_head *h)
{
	if (h->flags & PC_H_UPGRADE) {
		flow_opaque(flow, PC_R_UPGRADE);
		return;
	}
	if (h->flags & PC_H_CHUNKED || h->content_length > PC_BODY_MAX) {
		flow_opaque(flow, PC_R_OPAQUE);
		return;
	}
	flow->next = g->seq + h->size + h->content_length;
	flow->head_ack = g->ack;
	if (flow->heads < 255)
		flow->heads++;
	/* More bytes than this request has: another one, not waited for. */
	if (seq_distance(g->seq + g->payload_size, flow->next) > 0)
		flow_opaque(flow, PC_R_PIPELINED);
}

#endif /* PC_FLOW_BPF_H */
