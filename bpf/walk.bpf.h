/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Along one direction of a connection through the segment at hand: over heads
 * and bodies, so that where the next head begins stays known.
 */
#ifndef PC_WALK_BPF_H
#define PC_WALK_BPF_H

#include "carry.bpf.h"
#include "flow.bpf.h"

/* Heads and chunks looked at in one segment; behind more, the place is lost. */
#define PC_WALK_STEPS 256

/* Payload from "at" on, behind what is carried, into the scan buffer. */
static __always_inline int
walk_load(struct __sk_buff *skb, struct pc_scratch *s, __u32 at, __u32 carried)
{
	__u64 size = s->segment.payload_size - at;

	carried &= PC_HEAD_MASK;
	if (size > PC_HEAD_MAX - carried)
		size = PC_HEAD_MAX - carried;
	s->scan.filled = carried + size;
	if (s->dirty < s->scan.filled)
		s->dirty = s->scan.filled;
	PC_LENGTH(size, PC_HEAD_MAX);
	return bpf_skb_load_bytes(skb, s->segment.payload_at + at,
				  s->scan.buf + carried, size);
}

/*
 * The head that begins at "at" in the segment, or goes on there; its first byte
 * is st->carried before that.  PC_R_HEAD_SPLIT: it goes on in the next segment,
 * and the stream is ready for that.  Answers come whole: those who write them
 * write a head at a time.
 */
PC_GLOBAL __u32 walk_read_head(struct __sk_buff *skb, struct pc_scratch *s,
			       struct pc_stream *st, __u32 at)
{
	__u32 kept = 0, r;

	if (!s || !st || at >= s->segment.payload_size)
		return PC_R_TRUNCATED;
	if (!st->carried)
		pc_head_scan_begin(&s->scan, s->answer);
	else if (carry_load(s))
		return PC_R_HEAD_LOST;
	else
		kept = s->scan.line_at;
	if (walk_load(skb, s, at, st->carried))
		return PC_R_TRUNCATED;
	r = pc_head_scan_more(&s->scan);
	if (r == PC_NEXT && st->carried)
		carry_finish(s, kept);
	if (r != PC_R_HEAD_SPLIT)
		return r;
	if (s->answer || carry_save(s, kept))
		return PC_R_HEAD_LOST;
	st->next = s->segment.seq + s->segment.payload_size;
	st->carried = s->scan.filled;
	return r;
}

/* Steps through a chunked body until its data, its end or the segment's. */
PC_GLOBAL int walk_chunk(struct __sk_buff *skb, struct pc_scratch *s,
			 struct pc_stream *st)
{
	__u32 at, base;
	__u64 n;

	if (!s || !st)
		return -1;
	base = st->next;
	at = base - s->segment.seq;
	if (at >= s->segment.payload_size)
		return -1;
	n = s->segment.payload_size - at;
	if (n > PC_WINDOW)
		n = PC_WINDOW;
	PC_LENGTH(n, PC_WINDOW);
	if (bpf_skb_load_bytes(skb, s->segment.payload_at + at, s->window, n))
		return -1;
	for (__u32 i = 0; i < PC_WINDOW; i++) {
		if (i >= n || st->next != base + i ||
		    st->phase == PC_PHASE_HEAD)
			break;
		if (pc_chunk_step(st, s->window[i]))
			return -1;
	}
	return 0;
}

/* A request that goes on to the gateway; "early": its client did not wait for
 * the answer to the one before.
 */
static __always_inline void walk_handed_on(struct pc_flow *flow, int is_head,
					   int early)
{
	int pending = flow->client.messages != flow->gateway.messages;

	/* Which of several answers has no body is not followed; and of answers
	 * that are not seen nobody knows how many have come.
	 */
	if (flow->seen ? pending && (is_head || flow->heads) : early)
		flow->unsure = 1;
	flow->head = flow->client.messages;
	flow->heads = is_head;
	flow->client.messages++;
}

/* From a request's head to just after it, or after its body. */
static __always_inline enum pc_reason
walk_over_head(struct pc_flow *flow, __u32 seq, const struct pc_head *h)
{
	if (h->flags & PC_H_UPGRADE)
		return flow_opaque(flow, PC_R_UPGRADE);
	if (h->content_length > PC_BODY_MAX)
		return flow_opaque(flow, PC_R_HEAD_FRAMING);
	stream_head(&flow->client, seq, h);
	return PC_NEXT;
}

static __always_inline void walk_answered(struct pc_flow *flow)
{
	flow->gateway.messages++;
	flow->gateway.phase = PC_PHASE_HEAD;
}

/* From an answer's head to its body. */
static __always_inline void walk_answer_head(struct pc_flow *flow, __u32 seq,
					     const struct pc_head *h)
{
	struct pc_stream *st = &flow->gateway;
	int bodyless = (flow->heads && flow->head == st->messages) ||
		       h->status == 204 || h->status == 304;

	if (flow->client.messages == st->messages || h->status == 101 ||
	    h->flags & PC_H_UPGRADE || h->content_length > PC_BODY_MAX) {
		st->phase = PC_PHASE_OPAQUE;
		return;
	}
	st->next = seq + h->size;
	if (h->status < 200)
		return; /* another head follows */
	if (bodyless) {
		walk_answered(flow);
		return;
	}
	stream_head(st, seq, h);
	if (h->flags & PC_H_CHUNKED)
		return;
	/* Neither length nor chunks: it ends with the connection. */
	st->phase = h->flags & PC_H_LENGTH ? PC_PHASE_BODY : PC_PHASE_OPAQUE;
}

struct pc_walk {
	struct __sk_buff *skb;
	struct pc_scratch *s;
	struct pc_flow *flow;
};

static __always_inline void walk_head(const struct pc_walk *w, __u32 at)
{
	struct pc_flow *flow = w->flow;
	struct pc_scratch *s = w->s;
	struct pc_stream *st = s->answer ? &flow->gateway : &flow->client;
	__u32 seq = s->segment.seq + at - st->carried;
	__u32 r = walk_read_head(w->skb, s, st, at);

	if (s->answer) {
		if (r == PC_NEXT)
			walk_answer_head(flow, seq, &s->scan.head);
		else
			flow->gateway.phase = PC_PHASE_OPAQUE;
		return;
	}
	if (r == PC_R_HEAD_SPLIT)
		return;
	if (r == PC_NEXT)
		r = walk_over_head(flow, seq, &s->scan.head);
	if (r == PC_NEXT)
		walk_handed_on(flow, s->scan.head.method == PC_METHOD_HEAD, 1);
	else
		flow_opaque(flow, r);
}

static __always_inline int walk_body(const struct pc_walk *w,
				     struct pc_stream *st)
{
	int answer = w->s->answer;

	if (walk_chunk(w->skb, w->s, st)) {
		if (answer)
			st->phase = PC_PHASE_OPAQUE;
		else
			flow_opaque(w->flow, PC_R_CHUNK_SYNTAX);
		return 1;
	}
	if (answer && st->phase == PC_PHASE_HEAD)
		walk_answered(w->flow);
	return 0;
}

static long walk_step(__u32 i, void *arg)
{
	const struct pc_walk *w = arg;
	struct pc_scratch *s = w->s;
	struct pc_stream *st = s->answer ? &w->flow->gateway : &w->flow->client;
	__u32 at = st->next - s->segment.seq;

	(void)i;
	if (st->phase == PC_PHASE_BODY && at <= s->segment.payload_size)
		walk_answered(w->flow);
	if (at >= s->segment.payload_size || st->phase == PC_PHASE_OPAQUE)
		return 1;
	if (st->phase != PC_PHASE_HEAD)
		return walk_body(w, st);
	if (!s->walk_heads)
		return 1;
	walk_head(w, at);
	return 0;
}

/*
 * On from the stream's next byte, which is in the segment.  s->answer says
 * which stream; unless s->walk_heads, it stops where a message ends.
 */
static __always_inline void walk(struct __sk_buff *skb, struct pc_scratch *s,
				 struct pc_flow *flow)
{
	struct pc_walk w = { .skb = skb, .s = s, .flow = flow };

	bpf_loop(PC_WALK_STEPS, walk_step, &w, 0);
}

#endif /* PC_WALK_BPF_H */
