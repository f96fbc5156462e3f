/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the gateway sends, as far as its answers can be followed: so that it is
 * known whether one is still to come.  Changes no packet.
 */
#ifndef PC_HEAR_BPF_H
#define PC_HEAR_BPF_H

#include "heard.h"
#include "request.bpf.h"
#include "walk.bpf.h"

/*
 * The head that the segment begins with, in one quick look, and a body that
 * ends with the segment or later.  0: it is still to be walked along.
 */
static __always_inline int hear_head(const struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	struct pc_stream *st = &f->flow->gateway;
	__u32 size = g->payload_size;
	int heard;

	if (size > PC_HEARD_MAX)
		size = PC_HEARD_MAX;
	f->s->scan.filled = 0;
	heard = !walk_load(f->skb, f->s, 0, size) && pc_heard_scan(&f->s->scan);
	walk_forget(f->s);
	if (!heard)
		return 0;
	walk_answer_head(f->flow, g->seq, &f->s->scan.head);
	if (st->phase == PC_PHASE_BODY && st->next == g->seq + g->payload_size)
		walk_answered(f->flow);
	return st->phase == PC_PHASE_OPAQUE ||
	       seq_distance(st->next, g->seq + g->payload_size) >= 0;
}

/* A segment from the gateway. */
static __always_inline void hear(const struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	struct pc_flow *flow = f->flow;
	enum pc_reason r;
	__u32 at = 0;

	flow->window = g->window;
	if (!g->payload_size)
		return;
	r = stream_place(&at, &flow->gateway, g);
	if (r == PC_R_BODY && flow->gateway.phase == PC_PHASE_BODY &&
	    g->seq + g->payload_size == flow->gateway.next)
		walk_answered(flow);
	if (r != PC_NEXT)
		return;
	if (!at && flow->gateway.phase == PC_PHASE_HEAD && hear_head(f))
		return;
	f->s->answer = 1;
	f->s->walk_heads = 1;
	walk(f->skb, f->s, flow);
	walk_forget(f->s);
}

#endif /* PC_HEAR_BPF_H */
