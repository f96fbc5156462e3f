/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusals on a connection that goes on: the answer continues the gateway's
 * side of the stream, the request is acknowledged and never reaches the
 * gateway, and what either end sends from then on is translated.
 */
#ifndef PC_LIVING_BPF_H
#define PC_LIVING_BPF_H

#include "answer.bpf.h"
#include "walk.bpf.h"

/* May the connection go on after this refusal, or is that doubtful? */
static __always_inline int living_may_be(const struct pc_request *f)
{
	const struct pc_head *h = &f->s->first;
	struct pc_clock *clock;
	__u32 zero = 0;

	clock = bpf_map_lookup_elem(&pc_clock, &zero);
	return clock && !clock->draining && f->flow->seen &&
	       !(f->s->segment.flags & PC_TCP_FIN) && !f->s->carried &&
	       walk_found_end(f->flow, &f->s->segment) &&
	       !flow_is_ahead(f->flow, f->s->segment.seq) &&
	       !(h->flags & (PC_H_HTTP10 | PC_H_CLOSE | PC_H_EXPECT)) &&
	       h->content_length <= PC_SWALLOW_MAX;
}

/* The entry of a connection that is refused something, new or not; NULL when
 * the table is full.
 */
static __noinline struct pc_living *living_open(struct pc_flow_key *key)
{
	struct pc_living fresh = {}, *l = bpf_map_lookup_elem(&pc_living, key);

	if (l)
		return l;
	bpf_map_update_elem(&pc_living, key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&pc_living, key);
}

/* Status and body, for a client that may not have them. */
static __always_inline struct pc_send living_reply(const struct pc_request *f)
{
	const struct pc_refused *last = &f->s->last;

	return (struct pc_send){
		.seq = last->answer_seq,
		.ack = last->taken,
		.flags = PC_TCP_PSH | PC_TCP_ACK,
		.window = f->living->window,
		.payload_size = last->answer_size,
	};
}

/* Only what was taken so far. */
static __always_inline struct pc_send
living_acknowledge(const struct pc_request *f)
{
	const struct pc_refused *last = &f->s->last;

	return (struct pc_send){
		.seq = last->answer_seq +
		       (last->swallowing ? 0 : last->answer_size),
		.ack = last->taken,
		.flags = PC_TCP_ACK,
		.window = f->living->window,
	};
}

/* Neither end can be helped any more. */
static __always_inline int living_reset(const struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	const struct pc_refused *last = &f->s->last;
	/* The gateway believes no other number than that of its next byte. */
	__u32 end = last->swallowing ? last->taken : f->living->client_end;
	__u32 seq = end - f->s->delta.skipped, ack = answer_gateway_ack(f);

	if (answer_reset_client(f, g->ack, segment_end(g)))
		count_add(PC_R_ANSWER_FAILED, 0);
	bpf_map_delete_elem(&pc_living, &f->s->key);
	if (f->flow)
		flow_opaque(f->flow, PC_R_CLOSED);
	return answer_to_gateway(f, seq, ack, PC_TCP_RST | PC_TCP_ACK);
}

/* The refusal in f->s->last, and what the ends disagree by from now on. */
static __always_inline void living_remember(const struct pc_request *f,
					    struct pc_living *l)
{
	const struct pc_refused *last = &f->s->last;
	struct pc_delta d = f->s->delta;

	l->window = f->flow->window;
	l->repeats = 0;
	l->client_ack = last->answer_seq;
	l->client_end = last->taken;
	l->gateway_end = f->flow->gateway_end;
	d.mark = last->answer_seq - d.added;
	d.added_before = d.added;
	d.added += last->answer_size;
	d.skipped += last->taken - last->from;
	delta_write(l, &d, last);
	__sync_lock_test_and_set(&f->flow->living,
				 f->refusals + 1 ? f->refusals + 1 : 1);
}

/* The request that the segment begins with, as far as it goes in it. */
static __always_inline void living_note(struct pc_request *f, __u32 reason,
					__u32 dialect, __u32 size)
{
	const struct pc_segment *g = &f->s->segment;
	const struct pc_stream *st = &f->flow->client;
	__u32 end = g->seq + g->payload_size;

	/* What lies behind it, the client will send again. */
	if (st->phase == PC_PHASE_HEAD && seq_distance(end, st->next) > 0)
		end = st->next;
	f->s->last = (struct pc_refused){
		.from = g->seq,
		.taken = end,
		.answer_seq = g->ack,
		.answer_size = size,
		.reason = reason,
		.dialect = dialect,
		.swallowing = st->phase != PC_PHASE_HEAD || st->next != end,
	};
}

/* How frames to the client begin, for whoever must reset it from outside. */
static __always_inline void living_remember_link(const struct pc_request *f,
						 struct pc_living *l)
{
	__u64 size = f->s->pkt.l3_at;

	if (f->skb->vlan_present) {
		l->vlan_proto = f->skb->vlan_proto;
		l->vlan_tci = f->skb->vlan_tci;
	}
	if (size > sizeof(l->link))
		return;
	l->link_size = size;
	/* Three sizes, each a constant: Ethernet and up to two tags. */
	bpf_skb_load_bytes(f->skb, 0, l->link, 14);
	if (size >= 18)
		bpf_skb_load_bytes(f->skb, 14, l->link + 14, 4);
	if (size >= 22)
		bpf_skb_load_bytes(f->skb, 18, l->link + 18, 4);
}

/*
 * Answers the request that the segment begins with, or, where more of its body
 * is to come, begins to swallow that: clients that get an answer before they
 * have sent everything give their connection up.  The gateway must still learn
 * what the client acknowledged.
 */
static __always_inline int living_refuse(struct pc_request *f, __u32 reason,
					 __u32 dialect)
{
	__u32 index = PC_ANSWER_INDEX(f->slot, reason, dialect, 0);
	__u32 seq = answer_gateway_seq(f), ack = answer_gateway_ack(f);
	__u32 size = answer_fill(f->s, index);
	struct pc_living *l = living_open(&f->s->key);
	/* Nothing but our own answers came since it was last told. */
	int told = f->living && ack == f->s->delta.mark;
	struct pc_send out;

	if (!size || !l)
		return answer_close(f, reason, dialect);
	living_note(f, reason, dialect, size);
	living_remember(f, l);
	living_remember_link(f, l);
	f->living = l;
	/* On other processors, since it was asked before. */
	if (!flow_is_silent(f->flow, f->s->segment.ack - f->s->delta.added)) {
		count_add(PC_R_ANSWER_FAILED, 0);
		return answer_reset(f);
	}
	if (flow_is_ahead(f->flow, f->s->segment.seq))
		return answer_close(f, reason, dialect);
	out = f->s->last.swallowing ? living_acknowledge(f) : living_reply(f);
	if (told)
		return answer_redirect(f, out);
	if (answer_send(f, out))
		count_add(PC_R_ANSWER_FAILED, 0);
	return answer_to_gateway(f, seq, ack, PC_TCP_ACK);
}

/*
 * The answer to a client that has not acknowledged it; else, and before the
 * request is complete, just an acknowledgement.  So the answer goes out with
 * that of the request's last byte, and who has not got it will send that again.
 */
static __noinline enum pc_reason living_answer(struct pc_request *f)
{
	const struct pc_refused *last = &f->s->last;
	__u32 index = PC_ANSWER_INDEX(f->slot, last->reason, last->dialect, 0);
	__u32 end = last->answer_seq + last->answer_size;
	struct pc_living *l = f->living;

	if (last->swallowing || seq_distance(f->s->segment.ack, end) >= 0 ||
	    l->repeats >= PC_REPEATS_MAX) {
		f->action = answer_redirect(f, living_acknowledge(f));
		return PC_R_SWALLOWED;
	}
	l->repeats++;
	/* Another policy's would not fit into its place. */
	if (answer_fill_again(f->s, index, last->answer_size)) {
		f->action = living_reset(f);
		return PC_R_ANSWER_FAILED;
	}
	f->action = answer_redirect(f, living_reply(f));
	return PC_R_REPEATED;
}

/* What is being swallowed is taken up to "end", which may be the request's. -1:
 * another processor is at another request already.
 */
static __always_inline int living_take_to(struct pc_request *f, __u32 end)
{
	const struct pc_stream *st = &f->flow->client;
	struct pc_scratch *s = f->s;
	struct pc_living *l = f->living;
	struct pc_refused *last = &l->last;
	__u32 next = st->next;
	int over = st->phase == PC_PHASE_HEAD, same;

	bpf_spin_lock(&l->lock);
	same = last->from == s->last.from;
	if (same && seq_distance(end, last->taken) > 0) {
		l->delta.skipped += end - last->taken;
		last->taken = end;
	}
	if (same && over && next == last->taken)
		last->swallowing = 0;
	s->last = *last;
	s->delta = l->delta;
	bpf_spin_unlock(&l->lock);
	return same ? 0 : -1;
}

/*
 * More of a refused request: acknowledged, and the gateway never sees it. Holes
 * do not matter where it is known how far it goes.
 */
static __always_inline enum pc_reason living_swallow(struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	const struct pc_stream *st = &f->flow->client;
	__u32 end = g->seq + g->payload_size;

	/* It has seen all that the gateway sent, and no more: who does not see
	 * the connection does not know that number.
	 */
	if (g->ack != f->s->last.answer_seq)
		return living_answer(f);
	f->s->walk_heads = 0;
	f->s->answer = 0;
	if (seq_distance(end, st->next) > 0)
		walk(f->skb, f->s, f->flow);
	if (st->phase == PC_PHASE_OPAQUE ||
	    (st->phase != PC_PHASE_HEAD && seq_distance(end, st->next) > 0) ||
	    seq_distance(end, f->s->last.from) > PC_SWALLOW_MAX)
		return PC_R_SWALLOW_LIMIT;
	/* What lies behind it, the client will send again. */
	if (st->phase == PC_PHASE_HEAD && seq_distance(end, st->next) > 0)
		end = st->next;
	return living_take_to(f, end) ? PC_R_SWALLOWED : living_answer(f);
}

/*
 * Data on a living connection: PC_NEXT when it is the gateway's, with numbers
 * to be translated; else it was dealt with and ends here.
 */
static __always_inline enum pc_reason living_take(struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	const struct pc_refused *last = &f->s->last;
	__s32 ahead = seq_distance(g->seq, last->taken);

	if (ahead >= 0 && !last->swallowing)
		return PC_NEXT;
	if (f->s->pkt.has_options || segment_prepare(f->skb, f->s))
		return PC_R_ANSWER_FAILED;
	/* Where the body ends is not known when the flow was forgotten; a SYN
	 * may have left one that is not heard of in its place.
	 */
	if (last->swallowing && (!f->flow || !f->flow->seen))
		return PC_R_SWALLOW_LIMIT;
	if (last->swallowing &&
	    (!ahead || f->flow->client.phase == PC_PHASE_HEAD))
		return living_swallow(f);
	/* What came out of order is not kept, and a client that is not told
	 * what arrived waits long for every hole.
	 */
	if (last->swallowing && ahead > 0)
		return PC_R_SWALLOW_LIMIT;
	return living_answer(f);
}

/* What is being swallowed cannot be swallowed to its end: it is answered now,
 * and this answer ends the connection.  Nothing of the other one was sent.
 */
static __noinline int living_close(const struct pc_request *f)
{
	const struct pc_refused *last = &f->s->last;
	__u32 index = PC_ANSWER_INDEX(f->slot, last->reason, last->dialect, 1);

	if (!f->flow)
		return living_reset(f);
	delta_read(f->s, f->living);
	f->s->segment.ack = last->answer_seq;
	if (answer_fill_any(f->s, index))
		return answer_close_at(f, last->reason, last->dialect,
				       last->taken - f->s->delta.skipped);
	count_add(PC_R_ANSWER_FAILED, 0);
	return living_reset(f);
}

/* Has the client acknowledged the whole answer? */
static __always_inline int living_is_answered(const struct pc_request *f)
{
	const struct pc_refused *last = &f->s->last;
	__u32 end = last->answer_seq + last->answer_size;

	return !last->swallowing &&
	       seq_distance(f->living->client_ack, end) >= 0;
}

/*
 * What the gateway has, in the client's numbers.  Of a refused request it has
 * everything, and a client that heard so would never ask for a lost answer: up
 * to then nobody but the answer itself acknowledges it.
 */
static __always_inline __u32 living_ack(const struct pc_request *f)
{
	__u32 ack = f->s->segment.ack + f->s->delta.skipped;
	__u32 from = f->s->last.from;

	return seq_distance(ack, from) > 0 && !living_is_answered(f) ? from
								     : ack;
}

/* The bits PC_ENDED_*, of which either direction may put or take its own. */
static __always_inline void living_mark(struct pc_living *l, __u32 bits)
{
	if ((l->ended & bits) != bits)
		__sync_fetch_and_or(&l->ended, bits);
}

static __always_inline void living_unmark(struct pc_living *l, __u32 bits)
{
	if (l->ended & bits)
		__sync_fetch_and_and(&l->ended, ~bits);
}

/* More than is ever under way. */
#define PC_WINDOW_MAX (1u << 22)
#define PC_JUMP_MAX (1u << 20)

/*
 * What a client's segment says of the answer and of the connection's end.  Only
 * who knows both ends' numbers is believed: anybody can make a segment up.
 */
static __always_inline void living_note_client(const struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	struct pc_living *l = f->living;
	__u32 end = segment_end(g), sent = l->gateway_end + f->s->delta.added;

	if (g->flags & PC_TCP_RST) {
		if (g->seq == l->client_end)
			living_mark(l, PC_ENDED_RESET);
		return;
	}
	if (sent - g->ack >= PC_WINDOW_MAX ||
	    end - l->client_end + PC_JUMP_MAX >= 2 * PC_JUMP_MAX)
		return;
	l->seen_ns = bpf_ktime_get_boot_ns();
	living_unmark(l, PC_ENDED_RESET);
	if (seq_distance(g->ack, l->client_ack) > 0)
		l->client_ack = g->ack;
	if (seq_distance(end, l->client_end) > 0)
		l->client_end = end;
	if (g->flags & PC_TCP_FIN)
		living_mark(l, PC_ENDED_CLIENT);
}

/* What the gateway's segment says of the connection's end; 1: it is over. */
static __always_inline int living_note_gateway(struct pc_living *l,
					       const struct pc_segment *g)
{
	__u32 end = segment_end(g);

	if (g->flags & PC_TCP_RST)
		return 1;
	l->seen_ns = bpf_ktime_get_boot_ns();
	if (seq_distance(end, l->gateway_end) > 0)
		l->gateway_end = end;
	if (g->flags & PC_TCP_FIN)
		living_mark(l, PC_ENDED_GATEWAY);
	return 0;
}

#endif /* PC_LIVING_BPF_H */
