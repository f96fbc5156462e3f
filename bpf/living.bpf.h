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

/* The entry of a connection that is refused something, new or not; NULL when
 * the table is full.
 */
static __noinline struct pc_living *living_open(struct pc_flow_key *key)
{
	struct pc_living fresh = {};

	bpf_map_update_elem(&pc_living, key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&pc_living, key);
}

/* Status and body, for a client that may not have them. */
static __always_inline struct pc_send living_reply(const struct pc_living *l,
						   __u32 size)
{
	return (struct pc_send){
		.seq = l->answer_seq,
		.ack = l->taken,
		.flags = PC_TCP_PSH | PC_TCP_ACK,
		.window = l->window,
		.payload_size = size,
	};
}

/* Only what was taken so far. */
static __always_inline struct pc_send living_acknowledge(struct pc_living *l,
							 int swallowing)
{
	struct pc_send out = {
		.flags = PC_TCP_ACK,
		.window = l->window,
	};

	bpf_spin_lock(&l->lock);
	out.ack = l->taken;
	out.seq = l->answer_seq;
	/* Complete on another processor just now: that sends the answer. */
	if (swallowing && !l->swallowing)
		out.ack = l->from;
	if (!swallowing)
		out.seq += l->answer_size;
	bpf_spin_unlock(&l->lock);
	return out;
}

/* Neither end can be helped any more. */
static __always_inline int living_reset(const struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	const struct pc_living *l = f->living;
	/* The gateway believes no other number than that of its next byte. */
	__u32 end = l->swallowing ? l->taken : l->client_end;
	__u32 seq = end - f->s->delta.skipped, ack = answer_gateway_ack(f);

	if (answer_reset_client(f, g->ack, segment_end(g)))
		count_add(PC_R_ANSWER_FAILED, 0);
	bpf_map_delete_elem(&pc_living, &f->s->key);
	if (f->flow)
		flow_opaque(f->flow, PC_R_CLOSED);
	return answer_to_gateway(f, seq, ack, PC_TCP_RST | PC_TCP_ACK);
}

static __always_inline void living_remember(const struct pc_request *f,
					    struct pc_living *l, __u32 reason,
					    __u32 dialect, __u32 size)
{
	const struct pc_segment *g = &f->s->segment;
	const struct pc_stream *st = &f->flow->client;
	struct pc_delta d = f->s->delta;
	__u32 end = g->seq + g->payload_size;

	/* What lies behind it, the client will send again. */
	if (st->phase == PC_PHASE_HEAD && seq_distance(end, st->next) > 0)
		end = st->next;
	l->from = g->seq;
	l->taken = end;
	l->answer_seq = g->ack;
	l->answer_size = size;
	l->window = f->flow->window;
	l->reason = reason;
	l->dialect = dialect;
	l->repeats = 0;
	l->answered = 0;
	l->swallowing = st->phase != PC_PHASE_HEAD || st->next != l->taken;
	l->client_end = l->taken;
	l->gateway_end = f->flow->gateway_end;
	d.mark = g->ack - d.added;
	d.added_before = d.added;
	d.added += size;
	d.skipped += end - g->seq;
	delta_write(l, &d);
	__sync_lock_test_and_set(&f->flow->living,
				 f->refusals + 1 ? f->refusals + 1 : 1);
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
	int swallowing;

	if (!size || !l)
		return answer_close(f, reason, dialect);
	living_remember(f, l, reason, dialect, size);
	living_remember_link(f, l);
	swallowing = l->swallowing;
	f->living = l;
	/* On another processor, since it was asked before. */
	if (flow_is_ahead(f->flow, f->s->segment.seq))
		return answer_close(f, reason, dialect);
	out = swallowing ? living_acknowledge(l, 1) : living_reply(l, size);
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
	struct pc_living *l = f->living;
	__u32 index = PC_ANSWER_INDEX(f->slot, l->reason, l->dialect, 0);
	__u32 end = l->answer_seq + l->answer_size;
	/* Once: another processor may be at the end of the body. */
	int swallowing = *(volatile __u8 *)&l->swallowing;

	if (swallowing || seq_distance(f->s->segment.ack, end) >= 0 ||
	    l->repeats >= PC_REPEATS_MAX) {
		f->action =
			answer_redirect(f, living_acknowledge(l, swallowing));
		return PC_R_SWALLOWED;
	}
	l->repeats++;
	/* Another policy's would not fit into its place. */
	if (answer_fill_again(f->s, index, l->answer_size)) {
		delta_read(&f->s->delta, l);
		f->action = living_reset(f);
		return PC_R_ANSWER_FAILED;
	}
	f->action = answer_redirect(f, living_reply(l, l->answer_size));
	return PC_R_REPEATED;
}

/*
 * More of a refused request: acknowledged, and the gateway never sees it. Holes
 * do not matter where it is known how far it goes.
 */
static __always_inline enum pc_reason living_swallow(struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	struct pc_stream *st = &f->flow->client;
	struct pc_living *l = f->living;
	__u32 end = g->seq + g->payload_size;

	/* It has seen all that the gateway sent, and no more: who does not see
	 * the connection does not know that number.
	 */
	if (g->ack != l->answer_seq)
		return living_answer(f);
	f->s->walk_heads = 0;
	f->s->answer = 0;
	if (seq_distance(end, st->next) > 0)
		walk(f->skb, f->s, f->flow);
	if (st->phase == PC_PHASE_OPAQUE ||
	    (st->phase != PC_PHASE_HEAD && seq_distance(end, st->next) > 0) ||
	    seq_distance(end, l->from) > PC_SWALLOW_MAX)
		return PC_R_SWALLOW_LIMIT;
	/* What lies behind it, the client will send again. */
	if (st->phase == PC_PHASE_HEAD && seq_distance(end, st->next) > 0)
		end = st->next;
	bpf_spin_lock(&l->lock);
	if (seq_distance(end, l->taken) > 0) {
		l->delta.skipped += end - l->taken;
		l->taken = end;
	}
	if (st->phase == PC_PHASE_HEAD && st->next == l->taken)
		l->swallowing = 0;
	bpf_spin_unlock(&l->lock);
	return living_answer(f);
}

/*
 * Data on a living connection: PC_NEXT when it is the gateway's, with numbers
 * to be translated; else it was dealt with and ends here.
 */
static __always_inline enum pc_reason living_take(struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	const struct pc_living *l = f->living;
	__s32 ahead = seq_distance(g->seq, l->taken);

	if (ahead >= 0 && !l->swallowing)
		return PC_NEXT;
	if (f->s->pkt.has_options || segment_prepare(f->skb, f->s))
		return PC_R_ANSWER_FAILED;
	/* Where the body ends is not known when the flow was forgotten; a SYN
	 * may have left one that is not heard of in its place.
	 */
	if (l->swallowing && (!f->flow || !f->flow->seen))
		return PC_R_SWALLOW_LIMIT;
	if (l->swallowing && (!ahead || f->flow->client.phase == PC_PHASE_HEAD))
		return living_swallow(f);
	/* What came out of order is not kept, and a client that is not told
	 * what arrived waits long for every hole.
	 */
	if (l->swallowing && ahead > 0)
		return PC_R_SWALLOW_LIMIT;
	return living_answer(f);
}

/* What is being swallowed cannot be swallowed to its end: it is answered now,
 * and this answer ends the connection.  Nothing of the other one was sent.
 */
static __noinline int living_close(const struct pc_request *f)
{
	struct pc_living *l = f->living;
	__u32 index = PC_ANSWER_INDEX(f->slot, l->reason, l->dialect, 1);

	if (!f->flow)
		return living_reset(f);
	delta_read(&f->s->delta, l);
	f->s->segment.ack = l->answer_seq;
	if (answer_fill_any(f->s, index))
		return answer_close_at(f, l->reason, l->dialect,
				       l->taken - f->s->delta.skipped);
	count_add(PC_R_ANSWER_FAILED, 0);
	return living_reset(f);
}

/*
 * What the gateway has, in the client's numbers.  Of a refused request it has
 * everything, and a client that heard so would never ask for a lost answer: up
 * to then nobody but the answer itself acknowledges it.
 */
static __always_inline __u32 living_ack(const struct pc_living *l,
					const struct pc_delta *d, __u32 ack)
{
	ack += d->skipped;
	return !l->answered && seq_distance(ack, l->from) > 0 ? l->from : ack;
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
static __always_inline void living_note_client(struct pc_living *l,
					       const struct pc_delta *d,
					       const struct pc_segment *g)
{
	__u32 end = segment_end(g), sent = l->gateway_end + d->added;

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
	if (!l->swallowing &&
	    seq_distance(g->ack, l->answer_seq + l->answer_size) >= 0)
		l->answered = 1;
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
