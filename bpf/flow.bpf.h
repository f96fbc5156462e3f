/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections to the gateway, followed by sequence numbers from their SYN, each
 * direction by itself: where does the next head begin?  Only a segment that
 * begins exactly there is ever judged, so nothing inside a body can be taken
 * for a head.
 */
#ifndef PC_FLOW_BPF_H
#define PC_FLOW_BPF_H

#include "chunk.h"
#include "maps.bpf.h"
#include "segment.bpf.h"

/* A body longer than this would make sequence comparisons ambiguous. */
#define PC_BODY_MAX (1u << 30)

/* a - b on the circle of sequence numbers. */
static __always_inline __s32 seq_distance(__u32 a, __u32 b)
{
	return (__s32)(a - b);
}

/* Just after what the segment occupies. */
static __always_inline __u32 segment_end(const struct pc_segment *g)
{
	return g->seq + g->payload_size + !!(g->flags & PC_TCP_FIN);
}

/* The key of a client's segment. */
static __always_inline void flow_key(struct pc_flow_key *key, __u32 ifindex,
				     const struct pc_pkt *p)
{
	key->ifindex = ifindex;
	key->sport = p->sport;
	key->dport = p->dport;
	__builtin_memcpy(key->saddr, p->saddr, sizeof(key->saddr));
	__builtin_memcpy(key->daddr, p->daddr, sizeof(key->daddr));
	key->family = p->is_v6 ? 6 : 4;
}

/* The same connection's key, of a segment from the gateway. */
static __always_inline void
flow_key_reply(struct pc_flow_key *key, __u32 ifindex, const struct pc_pkt *p)
{
	key->ifindex = ifindex;
	key->sport = p->dport;
	key->dport = p->sport;
	__builtin_memcpy(key->saddr, p->daddr, sizeof(key->saddr));
	__builtin_memcpy(key->daddr, p->saddr, sizeof(key->daddr));
	key->family = p->is_v6 ? 6 : 4;
}

static __always_inline enum pc_reason flow_opaque(struct pc_flow *flow,
						  enum pc_reason why)
{
	flow->client.phase = PC_PHASE_OPAQUE;
	flow->reason = why;
	return why;
}

/* Of a connection whose first byte is numbered next. */
static __always_inline struct pc_flow flow_new(__u32 next)
{
	return (struct pc_flow){
		.first = next,
		.client.next = next,
		.claimed = next - 1,
		.ahead_end = next - 1,
		.offended = next - 1,
	};
}

/* What a SYN says of its connection: can that be followed? */
static __always_inline enum pc_reason flow_syn(const struct pc_segment *g)
{
	/* A subflow joins in mid-stream, and an answer would have no place in
	 * the stream of them all.
	 */
	if (g->has_mptcp)
		return PC_R_MPTCP;
	return g->payload_size ? PC_R_SYN_DATA : PC_R_NO_PAYLOAD;
}

/*
 * A SYN begins a connection whatever was known of its addresses and ports.  It
 * may be made up, though, or come twice: one whose answers are heard is kept
 * until the gateway answers the SYN.
 */
static __noinline enum pc_reason flow_begin(const struct pc_flow_key *key,
					    const struct pc_segment *g)
{
	struct pc_flow flow = flow_new(g->seq + 1), *old;
	enum pc_reason r = flow_syn(g);

	if (r != PC_R_NO_PAYLOAD)
		flow.syn = flow_opaque(&flow, r);
	old = bpf_map_lookup_elem(&pc_flows, key);
	if (old && old->seen) {
		if (r != PC_R_NO_PAYLOAD && old->first != flow.first)
			old->syn = r;
		return r;
	}
	flow.living = !!bpf_map_lookup_elem(&pc_living, key);
	bpf_map_update_elem(&pc_flows, key, &flow, BPF_ANY);
	return r;
}

/* A new connection in the place of another, by the SYN-ACK it got. */
static __noinline void flow_replace(const struct pc_flow_key *key,
				    const struct pc_flow *old,
				    const struct pc_segment *g)
{
	struct pc_flow flow = flow_new(g->ack);

	if (old->syn || g->has_mptcp)
		flow_opaque(&flow, old->syn ? old->syn : PC_R_MPTCP);
	bpf_map_delete_elem(&pc_living, key);
	bpf_map_update_elem(&pc_flows, key, &flow, BPF_ANY);
}

/* The gateway's SYN-ACK: the connection is new, and its answers come by here.
 */
static __always_inline void flow_accept(const struct pc_flow_key *key,
					const struct pc_segment *g)
{
	struct pc_flow *flow = bpf_map_lookup_elem(&pc_flows, key);

	if (flow && flow->seen && flow->first == g->ack)
		return; /* sent again */
	if (flow && (flow->seen || flow->living)) {
		flow_replace(key, flow, g);
		flow = bpf_map_lookup_elem(&pc_flows, key);
	}
	if (!flow || flow->client.next != g->ack) {
		bpf_map_delete_elem(&pc_living, key);
		bpf_map_delete_elem(&pc_flows, key);
		return;
	}
	flow->seen = 1;
	flow->gateway.next = g->seq + 1;
	flow->gateway_end = g->seq + 1;
	/* Only a SYN-ACK's own window is not scaled. */
	flow->window = bpf_htons(bpf_ntohs(g->window) >> g->wscale);
}

/*
 * Where in the segment the stream's next byte is, PC_NEXT with *at set; or why
 * there is nothing in it to look at.
 */
static __always_inline enum pc_reason
stream_place(__u32 *at, const struct pc_stream *st, const struct pc_segment *g)
{
	__s32 ahead = seq_distance(g->seq, st->next);
	__s32 end = seq_distance(g->seq + g->payload_size, st->next);

	if (st->phase == PC_PHASE_OPAQUE)
		return PC_R_OPAQUE;
	if (ahead > 0)
		return PC_R_GAP;
	if (end <= 0)
		return PC_R_BODY;
	*at = -ahead;
	return PC_NEXT;
}

/*
 * Data before its turn goes on, and waits at the gateway: nothing that comes
 * before it can then be left out of the stream.  Either who refuses sees it, or
 * it sees that something was refused: the exchanges are full barriers.
 */
static __always_inline int
flow_run_ahead(struct pc_flow *flow, const struct pc_segment *g, __u32 refusals)
{
	__u32 end = segment_end(g);

	if (seq_distance(end, flow->ahead_end) > 0)
		__sync_lock_test_and_set(&flow->ahead_end, end);
	return *(volatile __u32 *)&flow->living != refusals;
}

static __always_inline int flow_is_ahead(struct pc_flow *flow, __u32 seq)
{
	return seq_distance(*(volatile __u32 *)&flow->ahead_end, seq) > 0;
}

/*
 * What the gateway sends, up to "end".  Where nothing was asked of it, a
 * request may be refused at this moment, and what is said unasked must not go
 * where the answer goes: like flow_run_ahead(), who refuses sees it, or it sees
 * that.
 */
static __always_inline int flow_speak(struct pc_flow *flow, __u32 end,
				      __u32 refusals)
{
	if (seq_distance(end, flow->gateway_end) <= 0)
		return 0;
	if (flow->client.messages != flow->gateway.messages) {
		flow->gateway_end = end;
		return 0;
	}
	__sync_lock_test_and_set(&flow->gateway_end, end);
	return *(volatile __u32 *)&flow->living != refusals;
}

/* Has it sent nothing behind its byte number "end"? */
static __always_inline int flow_is_silent(struct pc_flow *flow, __u32 end)
{
	return *(volatile __u32 *)&flow->gateway_end == end;
}

/* Steps over a head at "at", and over a body whose length is known. */
static __always_inline void stream_head(struct pc_stream *st, __u32 seq,
					const struct pc_head *h)
{
	st->next = seq + h->size + h->content_length;
	st->carried = 0;
	if (h->flags & PC_H_CHUNKED)
		pc_chunk_begin(st);
}

/*
 * Is an answer still to come, or on its way?  Then no other may be put before
 * the rest of it.  PC_NEXT: none is.
 */
static __always_inline enum pc_reason
flow_outstanding(const struct pc_flow *f, const struct pc_segment *g,
		 const struct pc_delta *d)
{
	if (f->gateway.phase == PC_PHASE_OPAQUE || f->unsure)
		return PC_R_ANSWER_UNSURE;
	if (!f->seen)
		/* Nothing came back since the last head. */
		return f->client.messages && g->ack == f->head_ack
			       ? PC_R_PIPELINED
			       : PC_NEXT;
	return f->client.messages != f->gateway.messages ||
			       g->ack - d->added != f->gateway_end
		       ? PC_R_PIPELINED
		       : PC_NEXT;
}

#endif /* PC_FLOW_BPF_H */
