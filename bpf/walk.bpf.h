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

/* Few heads are longer; what is behind one is not copied. */
#define PC_HEAD_USUAL 1024

/* The payload from "at" on to bytes [s->scan.filled, to) of the scan buffer. */
static __always_inline int walk_load(struct __sk_buff *skb,
				     struct pc_scratch *s, __u32 at, __u32 to)
{
	__u32 from = s->scan.filled & PC_HEAD_MASK;
	__u64 size = to - from;

	s->scan.filled = to;
	if (s->dirty < to)
		s->dirty = to;
	PC_LENGTH(size, PC_HEAD_MAX);
	return bpf_skb_load_bytes(skb, s->segment.payload_at + at,
				  s->scan.buf + from, size);
}

/*
 * Nothing a client sent stays in a map: not its key, not its prompt.  A read
 * that fails clears its destination (bpf_probe_read_kernel_common()), and one
 * from NULL always fails: the cheapest memset() a program has for many bytes.
 */
static __always_inline void walk_forget(struct pc_scratch *s)
{
	__u64 size = s->dirty;

	s->dirty = 0;
	/* Beyond its last byte: whole blocks of carry.bpf.h. */
	PC_NO_UNROLL
	for (__u32 i = 0; i < PC_HEAD_USUAL && i < size; i += 64) {
		volatile __u64 *p = (volatile void *)(s->scan.buf + i);

		PC_UNROLL
		for (int k = 0; k < 8; k++)
			p[k] = 0;
	}
	if (size <= PC_HEAD_USUAL)
		return;
	size = (size + PC_CARRY_BLOCK - 1) & -PC_CARRY_BLOCK;
	PC_LENGTH(size, PC_HEAD_MAX);
	bpf_probe_read_kernel(s->scan.buf, size, NULL);
}

PC_GLOBAL __u32 walk_more(struct pc_scratch *s)
{
	return s ? pc_head_scan_more(&s->scan) : PC_R_NO_PAYLOAD;
}

/* Scans what the segment has from "at" on, as much as is needed of it. */
static __always_inline __u32 walk_scan(struct __sk_buff *skb,
				       struct pc_scratch *s, __u32 at)
{
	__u32 begin = s->scan.filled, r;
	__u32 end = begin + s->segment.payload_size - at, usual;

	if (end > PC_HEAD_MAX)
		end = PC_HEAD_MAX;
	usual = begin + PC_HEAD_USUAL < end ? begin + PC_HEAD_USUAL : end;
	if (walk_load(skb, s, at, usual))
		return PC_R_TRUNCATED;
	r = walk_more(s);
	if (r != PC_R_HEAD_SPLIT || usual == end)
		return r;
	if (walk_load(skb, s, at + usual - begin, end))
		return PC_R_TRUNCATED;
	return walk_more(s);
}

static __always_inline void walk_begin(struct pc_scratch *s)
{
	pc_head_scan_begin(&s->scan, s->answer);
	s->scan.filled = 0;
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
	__u32 kept = 0, first, carried, r;

	if (!s || !st || at >= s->segment.payload_size)
		return PC_R_TRUNCATED;
	carried = st->carried;
	first = s->segment.seq + at - carried;
	if (!carried)
		walk_begin(s);
	else if (carry_load(s, first, carried))
		return PC_R_HEAD_LOST;
	else
		kept = s->scan.line_at;
	r = walk_scan(skb, s, at);
	if (r == PC_NEXT && carried)
		carry_finish(s, kept);
	if (r != PC_R_HEAD_SPLIT)
		return r;
	if (s->answer || carry_save(s, kept, first))
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
	int rc = 0;
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
		if (pc_chunk_step(st, s->window[i])) {
			rc = -1;
			break;
		}
	}
	/* Data and the next head may be in it. */
	__builtin_memset(s->window, 0, sizeof(s->window));
	return rc;
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
	/* So many are outstanding that they count like none. */
	if (flow->client.messages == flow->gateway.messages)
		flow->unsure = 1;
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

static __always_inline void walk_head(struct __sk_buff *skb,
				      struct pc_scratch *s,
				      struct pc_flow *flow,
				      struct pc_stream *st)
{
	__u32 at = st->next - s->segment.seq;
	__u32 seq = st->next - st->carried;
	__u32 r = walk_read_head(skb, s, st, at);

	if (s->answer) {
		if (r == PC_NEXT)
			walk_answer_head(flow, seq, &s->scan.head);
		else
			st->phase = PC_PHASE_OPAQUE;
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

static __always_inline void walk_body(struct __sk_buff *skb,
				      struct pc_scratch *s,
				      struct pc_flow *flow,
				      struct pc_stream *st)
{
	if (walk_chunk(skb, s, st)) {
		if (s->answer)
			st->phase = PC_PHASE_OPAQUE;
		else
			flow_opaque(flow, PC_R_CHUNK_SYNTAX);
	} else if (s->answer && st->phase == PC_PHASE_HEAD) {
		walk_answered(flow);
	}
}

/*
 * On from the stream's next byte, which is in the segment.  s->answer says
 * which stream; unless s->walk_heads, it stops where a message ends.
 */
PC_GLOBAL int walk(struct __sk_buff *skb, struct pc_scratch *s,
		   struct pc_flow *flow)
{
	struct pc_stream *st;

	if (!s || !flow)
		return -1;
	st = s->answer ? &flow->gateway : &flow->client;
	PC_NO_UNROLL
	for (int i = 0; i < PC_WALK_STEPS; i++) {
		__u32 at = st->next - s->segment.seq;

		if (st->phase == PC_PHASE_BODY && at <= s->segment.payload_size)
			walk_answered(flow);
		if (at >= s->segment.payload_size ||
		    st->phase == PC_PHASE_OPAQUE)
			break;
		if (st->phase != PC_PHASE_HEAD)
			walk_body(skb, s, flow, st);
		else if (s->walk_heads)
			walk_head(skb, s, flow, st);
		else
			break;
	}
	return 0;
}

/* Is it known where in the segment the client's request ends, or that it does
 * not?  Not behind more chunks than are followed in one.
 */
static __always_inline int walk_found_end(const struct pc_flow *flow,
					  const struct pc_segment *g)
{
	__u32 end = g->seq + g->payload_size;

	return flow->client.phase == PC_PHASE_HEAD ||
	       seq_distance(flow->client.next, end) >= 0;
}

#endif /* PC_WALK_BPF_H */
