/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refusals that end the connection: the gateway's own answer sent in its place,
 * the gateway's side taken down, and the client let down gently afterwards.
 */
#ifndef PC_ANSWER_BPF_H
#define PC_ANSWER_BPF_H

#include <linux/pkt_cls.h>

#include "delta.bpf.h"
#include "request.bpf.h"

/* The rest of a refused request is acknowledged and thrown away up to here: a
 * client in the middle of a body then still reads its answer.
 */
#define PC_SWALLOW_MAX (1 << 20)
#define PC_REPEATS_MAX 16
/* "Nothing from me": filters of others at the same hook still get their say. */
#define PC_TC_PASS TC_ACT_UNSPEC
#define PC_ANSWER_TAIL 64 /* bytes of body after the address, at most */

/* Tells our egress hook that the packet is ours.  Nobody routes by it, unlike a
 * mark.
 */
#define PC_OURS 0x7063

/* Sends the packet, rewritten, out where it came in. */
static __always_inline int answer_send(const struct pc_request *f,
				       struct pc_send out)
{
	int rc;

	out.to_client = 1;
	f->s->send = out;
	if (segment_write(f->skb, f->s))
		return -1;
	f->skb->tc_index = PC_OURS;
	rc = bpf_clone_redirect(f->skb, f->skb->ifindex, 0);
	f->skb->tc_index = 0;
	return rc;
}

/*
 * The same with the packet itself, where nobody else is to have anything of it:
 * the action to return.
 */
static __always_inline int answer_redirect(const struct pc_request *f,
					   struct pc_send out)
{
	out.to_client = 1;
	f->s->send = out;
	if (segment_write(f->skb, f->s))
		return TC_ACT_SHOT;
	f->skb->tc_index = PC_OURS;
	return bpf_redirect(f->skb->ifindex, 0);
}

/* What is left of the packet goes on to the gateway, as a bare segment. */
static __always_inline int answer_to_gateway(const struct pc_request *f,
					     __u32 seq, __u32 ack, __u8 flags)
{
	struct pc_send out = {
		.seq = seq,
		.ack = ack,
		.flags = flags,
		.window = f->s->segment.window,
	};

	f->s->send = out;
	return segment_write(f->skb, f->s) ? TC_ACT_SHOT : PC_TC_PASS;
}

/* The segment's own numbers, as the gateway counts. */
static __always_inline __u32 answer_gateway_seq(const struct pc_request *f)
{
	return f->s->segment.seq - f->s->delta.skipped;
}

static __always_inline __u32 answer_gateway_ack(const struct pc_request *f)
{
	return delta_ack(&f->s->delta, f->s->segment.ack);
}

static __always_inline void answer_put_length(struct pc_scratch *s, __u32 at,
					      __u32 n)
{
	__u8 *p = s->payload + (at & (PC_ANSWER_SIZE - 1));

	p[0] = n >= 100 ? '0' + n / 100 % 10 : ' ';
	p[1] = n >= 10 ? '0' + n / 10 % 10 : ' ';
	p[2] = '0' + n % 10;
}

/* Moves the body's tail up and puts the client's address before it. */
static __always_inline __u32 answer_put_address(struct pc_scratch *s,
						const struct pc_answer *a,
						const struct pc_pkt *p)
{
	__u32 at = a->address_at & (PC_ANSWER_SIZE - 1);
	__u32 tail = a->size - a->address_at, n;

	pc_address_print(&s->address, p->saddr, p->is_v6);
	n = s->address.size & 63;

	for (__u32 i = 0; i < PC_ADDRESS_TEXT; i++) {
		if (i >= n)
			break;
		s->payload[at + i] = s->address.out[i];
	}
	for (__u32 i = 0; i < PC_ANSWER_TAIL; i++) {
		if (i >= tail)
			break;
		s->payload[at + n + i] =
			a->data[(at + i) & (PC_ANSWER_SIZE - 1)];
	}
	answer_put_length(s, a->length_at, a->body_size + n);
	return a->size + n;
}

/* 64 bytes, or as many zeros: the compiler would take one at a time. */
static __always_inline void answer_copy(__u8 *to, const __u8 *from)
{
	PC_UNROLL
	for (int k = 0; k < 64; k += 8)
		*(__u64 *)(to + k) = from ? PC_LOAD(__u64, from + k) : 0;
}

/* The answer of PC_ANSWER_INDEX into s->payload; its size, 0 if there is none.
 */
PC_GLOBAL __u32 answer_fill(struct pc_scratch *s, __u32 index)
{
	struct pc_answer *a = bpf_map_lookup_elem(&pc_answers, &index);
	__u32 end;

	if (!s || !a || !a->size || a->size > PC_ANSWER_SIZE)
		return 0;
	end = a->size;
	/* Zero behind its bytes, wherever those end. */
	if (a->address_at)
		end = PC_PAYLOAD_SIZE;
	PC_NO_UNROLL
	for (__u32 i = 0; i < PC_PAYLOAD_SIZE && i < end; i += 64)
		answer_copy(s->payload + i,
			    i < PC_ANSWER_SIZE ? a->data + i : NULL);
	return a->address_at ? answer_put_address(s, a, &s->pkt) : a->size;
}

/* The same answer of the other slot: the last policy's stay there. */
static __always_inline __u32 answer_last(__u32 index)
{
	return (index + PC_N_ANSWERS / 2) % PC_N_ANSWERS;
}

/* One that was decided on before, when another policy may have been in force;
 * its size, 0 if neither has it.
 */
static __always_inline __u32 answer_fill_any(struct pc_scratch *s, __u32 index)
{
	__u32 size = answer_fill(s, index);

	return size ? size : answer_fill(s, answer_last(index));
}

/* One that was given before, of so many bytes.  -1: nobody knows it any more.
 */
static __always_inline int answer_fill_again(struct pc_scratch *s, __u32 index,
					     __u32 size)
{
	if (answer_fill(s, index) == size)
		return 0;
	return answer_fill(s, answer_last(index)) == size ? 0 : -1;
}

/* Ends the gateway's connection, which waits for its byte number seq.  What the
 * two ends disagreed by is history.
 */
static __always_inline int answer_reset_gateway(const struct pc_request *f,
						__u32 seq)
{
	__u32 ack = answer_gateway_ack(f);

	if (f->living)
		bpf_map_delete_elem(&pc_living, &f->s->key);
	return answer_to_gateway(f, seq, ack, PC_TCP_RST | PC_TCP_ACK);
}

static __always_inline int answer_reset_client(const struct pc_request *f,
					       __u32 seq, __u32 ack)
{
	struct pc_send out = {
		.seq = seq,
		.ack = ack,
		.flags = PC_TCP_RST | PC_TCP_ACK,
	};

	return answer_send(f, out);
}

/*
 * Status, body and FIN.  Also the repeat for a client that did not get it: one
 * that can never get the rest of what it has begun to read is reset.
 */
static __always_inline int answer_reply(const struct pc_request *f)
{
	const struct pc_flow *flow = f->flow;
	__u32 answer = PC_ANSWER_INDEX(f->slot, flow->reason, flow->dialect, 1);
	struct pc_send out = {
		.seq = flow->answer_seq,
		.ack = flow->client_next,
		.flags = PC_TCP_FIN | PC_TCP_PSH | PC_TCP_ACK,
		.window = 0xffff,
		.payload_size = flow->answer_end - flow->answer_seq - 1,
	};

	if (!answer_fill_again(f->s, answer, out.payload_size))
		return answer_send(f, out);
	answer_reset_client(f, f->s->segment.ack, flow->client_next);
	return -1;
}

static __always_inline void answer_remember(const struct pc_request *f,
					    __u32 reason, __u32 dialect,
					    __u32 size)
{
	struct pc_flow *flow = f->flow;
	const struct pc_segment *g = &f->s->segment;

	flow->client_next = segment_end(g);
	flow->answer_seq = g->ack;
	flow->answer_end = g->ack + size + 1;
	flow->swallowed = 0;
	flow->repeats = 0;
	flow->reason = reason;
	flow->dialect = dialect;
	flow->state = PC_FLOW_CLOSING;
}

/* The gateway waits for its byte number seq. */
static __always_inline int answer_close_at(const struct pc_request *f,
					   __u32 reason, __u32 dialect,
					   __u32 seq)
{
	__u32 answer = PC_ANSWER_INDEX(f->slot, reason, dialect, 1);
	__u32 size = answer_fill_any(f->s, answer);

	answer_remember(f, reason, dialect, size);
	/* The client's retransmission tries again; the gateway's side ends now,
	 * for nothing else will ever end it.
	 */
	if (answer_reply(f))
		count_add(PC_R_ANSWER_FAILED, 0);
	return answer_reset_gateway(f, seq);
}

static __always_inline int answer_close(const struct pc_request *f,
					__u32 reason, __u32 dialect)
{
	return answer_close_at(f, reason, dialect, answer_gateway_seq(f));
}

static __always_inline int answer_reset(const struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;

	flow_opaque(f->flow, PC_R_CLOSED);
	if (answer_reset_client(f, g->ack, g->seq + g->payload_size))
		count_add(PC_R_ANSWER_FAILED, 0);
	return answer_reset_gateway(f, answer_gateway_seq(f));
}

/* Acknowledges what the client sends after its refusal, so that it falls quiet.
 */
static __always_inline int closing_acknowledge(const struct pc_request *f)
{
	struct pc_send out = {
		.seq = f->flow->answer_end,
		.ack = f->flow->client_next,
		.flags = PC_TCP_ACK,
		.window = 0xffff,
	};

	if (f->flow->swallowed > PC_SWALLOW_MAX)
		return answer_reset_client(f, out.seq, out.ack);
	return answer_send(f, out);
}

/*
 * A segment from a client that was answered.  Nothing of it reaches the
 * gateway, whose side is gone.
 */
static __always_inline enum pc_reason closing_step(const struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	struct pc_flow *flow = f->flow;
	__u32 end = segment_end(g);
	__s32 fresh = seq_distance(end, flow->client_next);

	if (end == g->seq)
		return PC_R_CLOSED;
	/* None of it is wanted, so what is missing before it need not come: a
	 * client made to send each hole again waits longer for each.
	 */
	if (fresh > 0 &&
	    seq_distance(g->seq, flow->client_next) <= (__s32)PC_SWALLOW_MAX) {
		flow->client_next = end;
		flow->swallowed += fresh;
	}
	/* It has not seen our FIN, and once all it sent is acknowledged nothing
	 * would make it ask again: whatever it sends may be the last chance.
	 */
	if (flow->swallowed <= PC_SWALLOW_MAX &&
	    seq_distance(g->ack, flow->answer_end) < 0) {
		/* Enough for any loss, too few to be worth somebody's while
		 * who sends in another's name.
		 */
		if (flow->repeats++ >= PC_REPEATS_MAX)
			return PC_R_CLOSED;
		return answer_reply(f) ? PC_R_ANSWER_FAILED : PC_R_REPEATED;
	}
	return closing_acknowledge(f) ? PC_R_ANSWER_FAILED : PC_R_SWALLOWED;
}

#endif /* PC_ANSWER_BPF_H */
