// SPDX-License-Identifier: GPL-2.0-only
/*
 * The request plane: may this key speak to the gateway?  pc_request, at TC
 * ingress, follows connections to the gateway's ports, judges each request head
 * that begins where a head must begin, and answers for the gateway when it
 * would refuse.  Whatever is not understood passes and is counted by reason.
 * pc_reply, at TC egress of the same interface, follows the gateway's answers,
 * and gives them the numbers a client expects that was answered by us before.
 */
#include <stddef.h>

#include "confirm.bpf.h"
#include "hear.bpf.h"
#include "judge.bpf.h"
#include "link.bpf.h"
#include "living.bpf.h"
#include "offend.bpf.h"

/* Headers in the linear part, at most: Ethernet, two tags, IPv6 with a few
 * extensions, TCP with options.
 */
#define PC_HEADERS_MAX 192

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

/* A TCP segment to the gateway's ports, or from them. */
static __always_inline enum pc_reason read_segment(const struct pc_request *f,
						   int from_gateway)
{
	struct pc_pkt *p = &f->s->pkt;
	enum pc_reason r;

	if (link_restore(f->skb))
		return PC_R_NOT_IP;
	r = read_packet(f->skb, p);
	if (r != PC_NEXT)
		return r;
	if (!policy_has_port(f->policy, from_gateway ? p->sport : p->dport))
		return PC_R_OTHER_PORT;
	if (p->l4_proto != IPPROTO_TCP)
		return PC_R_NOT_TCP;
	if (p->is_frag)
		return PC_R_FRAGMENT;
	f->s->segment.has_ts = 0;
	f->s->segment.wscale = 0;
	f->s->segment.has_mptcp = 0;
	return segment_read(f->skb, f->s);
}

static __always_inline int has_answer(__u32 slot, struct pc_judgement j,
				      __u32 closing)
{
	__u32 index = PC_ANSWER_INDEX(slot, j.reason, j.dialect, closing);
	struct pc_answer *a = bpf_map_lookup_elem(&pc_answers, &index);

	return a && a->size;
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
	/* One that keeps the connection may yet have to end it. */
	if ((deny == PC_DENY_REPLY && !has_answer(f->slot, j, 0)) ||
	    (deny != PC_DENY_RESET && !has_answer(f->slot, j, 1)))
		return PC_R_ANSWER_UNFIT;
	return segment_prepare(f->skb, f->s) ? PC_R_ANSWER_UNFIT : PC_NEXT;
}

static __noinline int act(struct pc_request *f, __u32 deny,
			  enum pc_reason reason, enum pc_dialect dialect)
{
	if (deny == PC_DENY_DROP) {
		/* It comes again, and is then what it is now. */
		f->flow->client = f->s->before;
		return TC_ACT_SHOT;
	}
	if (deny == PC_DENY_RESET)
		return answer_reset(f);
	if (deny == PC_DENY_REPLY)
		return living_refuse(f, reason, dialect);
	return answer_close(f, reason, dialect);
}

/* On to the gateway, in its own numbers. */
static __always_inline int hand_on(const struct pc_request *f)
{
	/* Something was refused since its numbers were read: it comes again. */
	if (f->flow && f->s->segment.payload_size &&
	    flow_run_ahead(f->flow, &f->s->segment, f->refusals))
		return TC_ACT_SHOT;
	if (f->living && delta_to_gateway(f->skb, f->s))
		return TC_ACT_SHOT;
	return PC_TC_PASS;
}

static __always_inline int pass(const struct pc_request *f, enum pc_reason r)
{
	count_add(r, 0);
	return hand_on(f);
}

/* The gateway's, and whatever else is in the segment. */
static __always_inline int leave(const struct pc_request *f, enum pc_reason r,
				 __u32 would)
{
	__u8 messages = f->flow->client.messages;

	f->flow->head_ack = f->s->segment.ack;
	f->s->walk_heads = 1;
	walk(f->skb, f->s, f->flow);
	walk_forget(f->s);
	/* A head that nobody judged, behind a body's end. */
	if (r == PC_R_BODY && f->flow->client.messages != messages)
		r = PC_R_PIPELINED;
	count_add(r, would);
	return hand_on(f);
}

/* The first request of the segment is the gateway's after all. */
static __always_inline int leave_first(const struct pc_request *f,
				       enum pc_reason r, __u32 would)
{
	walk_handed_on(f->flow, f->s->first.method == PC_METHOD_HEAD,
		       r == PC_R_PIPELINED);
	return leave(f, r, would);
}

static __always_inline __u32 refuse_how(const struct pc_request *f,
					__u32 reason)
{
	__u32 deny;

	/* The compiler knows the enum's range and drops the mask otherwise. */
	PC_OPAQUE(reason);
	deny = f->policy->deny[reason & 127];
	return deny == PC_DENY_REPLY && !living_may_be(f) ? PC_DENY_CLOSE
							  : deny;
}

static __always_inline int refuse(struct pc_request *f, struct pc_judgement j)
{
	__u32 deny = refuse_how(f, j.reason);
	enum pc_reason r = confirm(f);

	if (r == PC_NEXT && f->policy->offend_after)
		offend(f, j.reason);
	if (r == PC_NEXT && f->policy->monitor)
		return leave_first(f, j.reason, 1);
	if (r == PC_NEXT)
		r = refuse_prepare(f, deny, j);
	if (r != PC_NEXT)
		return leave_first(f, r, 0);
	/* A second copy of it, at work on another processor? */
	if (deny != PC_DENY_DROP &&
	    __sync_lock_test_and_set(&f->flow->claimed, f->s->segment.seq) ==
		    f->s->segment.seq) {
		count_add(PC_R_REPEATED, 0);
		return TC_ACT_SHOT;
	}
	count_add(j.reason, 0);
	return act(f, deny, j.reason, j.dialect);
}

static __noinline int closing(const struct pc_request *f)
{
	enum pc_reason r;

	if (f->s->segment.flags & PC_TCP_RST) {
		/* Whoever made it up does not know this number. */
		if (f->s->segment.seq == f->flow->client_next)
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

/* The verdict on the head that was read at "at", and the flow on to its end. */
static __always_inline struct pc_judgement
judge_first(const struct pc_request *f, __u32 at)
{
	const struct pc_segment *g = &f->s->segment;
	struct pc_flow *flow = f->flow;
	struct pc_judgement j = {};
	enum pc_reason r;

	/* Behind the end of a body, or of what was sent before: sent without
	 * waiting for an answer.
	 */
	j.reason = at && !f->s->carried
			   ? PC_R_PIPELINED
			   : flow_outstanding(flow, g, &f->s->delta);
	if (j.reason == PC_NEXT)
		j = judge_head(f);
	f->s->first = f->s->scan.head;
	r = walk_over_head(flow, g->seq + at - f->s->carried, &f->s->first);
	if (r == PC_NEXT) {
		f->s->walk_heads = 0;
		walk(f->skb, f->s, flow);
	}
	if (is_denial(j.reason) && flow->client.phase == PC_PHASE_OPAQUE)
		j.reason = flow->reason;
	return j;
}

static __always_inline int judge_segment(struct pc_request *f)
{
	struct pc_judgement j;
	enum pc_reason r;
	__u32 at = 0;

	r = stream_place(&at, &f->flow->client, &f->s->segment);
	if (r != PC_NEXT) {
		/* What comes back while a body is sent, 100 Continue, is not
		 * yet the request's answer.
		 */
		f->flow->head_ack = f->s->segment.ack;
		return pass(f, r);
	}
	f->s->answer = 0;
	if (f->flow->client.phase != PC_PHASE_HEAD)
		return leave(f, PC_R_BODY, 0);
	f->s->before = f->flow->client;
	f->s->carried = f->flow->client.carried;
	r = walk_read_head(f->skb, f->s, &f->flow->client, at);
	if (r != PC_NEXT) {
		walk_forget(f->s);
		return pass(f,
			    r == PC_R_HEAD_SPLIT ? r : flow_opaque(f->flow, r));
	}
	j = judge_first(f, at);
	walk_forget(f->s);
	return is_denial(j.reason) ? refuse(f, j) : leave_first(f, j.reason, 0);
}

static __always_inline enum pc_reason begin(const struct pc_request *f)
{
	struct pc_segment *g = &f->s->segment;

	if (segment_options(g, f->skb, f->s->pkt.l4_at + PC_TCP_SIZE))
		return PC_R_TRUNCATED;
	return flow_begin(&f->s->key, g);
}

/* Data: what is left of a refused request, or for the gateway. */
static __always_inline int follow_data(struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	enum pc_reason r;

	/* Such data is read differently, or not at all. */
	if (!(g->flags & PC_TCP_ACK) || g->flags & PC_TCP_ODD)
		return pass(f, f->flow ? flow_opaque(f->flow, PC_R_ODD_FLAGS)
				       : PC_R_ODD_FLAGS);
	r = f->living ? living_take(f) : PC_NEXT;
	if (r == PC_NEXT)
		return f->flow ? judge_segment(f) : pass(f, PC_R_MID_STREAM);
	count_add(r, 0);
	return r == PC_R_SWALLOW_LIMIT ? living_close(f) : f->action;
}

static __always_inline void find_living(struct pc_request *f)
{
	f->living = bpf_map_lookup_elem(&pc_living, &f->s->key);
	if (f->living)
		delta_read(f->s, f->living);
}

/* The connection's entries, by f->s->key.  How often it was refused is read
 * before the delta: who finds it changed knows that the delta is old.
 */
static __always_inline void find_flow(struct pc_request *f)
{
	f->flow = bpf_map_lookup_elem(&pc_flows, &f->s->key);
	if (f->flow)
		f->refusals = *(volatile __u32 *)&f->flow->living;
	if (!f->flow || f->refusals)
		find_living(f);
	if (!f->living)
		f->s->delta = (struct pc_delta){ .mark = f->s->segment.ack };
}

/* Connection bookkeeping, and what becomes of a segment in its place. */
static __always_inline int follow(struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;

	flow_key(&f->s->key, f->skb->ifindex, &f->s->pkt);
	if ((g->flags & (PC_TCP_SYN | PC_TCP_ACK)) == PC_TCP_SYN) {
		count_add(begin(f), 0);
		return PC_TC_PASS;
	}
	find_flow(f);
	if (f->flow && f->flow->state == PC_FLOW_CLOSING)
		return closing(f);
	if (f->living)
		living_note_client(f);
	return g->payload_size ? follow_data(f) : pass(f, PC_R_NO_PAYLOAD);
}

SEC("tc")
int pc_request(struct __sk_buff *skb)
{
	struct pc_request f = { .skb = skb, .action = TC_ACT_SHOT };
	enum pc_reason r;
	__u32 zero = 0;

	f.policy = policy_find(&f.slot);
	f.s = bpf_map_lookup_elem(&pc_scratch, &zero);
	if (!f.policy || !f.s)
		return pass(&f, PC_R_NO_POLICY);
	r = read_segment(&f, 0);
	return r == PC_NEXT ? follow(&f) : pass(&f, r);
}

static __always_inline int reply(struct pc_request *f)
{
	const struct pc_segment *g = &f->s->segment;
	int over, rc;

	flow_key_reply(&f->s->key, f->skb->ifindex, &f->s->pkt);
	if ((g->flags & (PC_TCP_SYN | PC_TCP_ACK)) ==
	    (PC_TCP_SYN | PC_TCP_ACK)) {
		if (!segment_options(&f->s->segment, f->skb,
				     f->s->pkt.l4_at + PC_TCP_SIZE))
			flow_accept(&f->s->key, g);
		return PC_TC_PASS;
	}
	find_flow(f);
	/* The client has its answer, and what it says is kept from the gateway.
	 */
	if (f->flow && f->flow->state == PC_FLOW_CLOSING)
		return TC_ACT_SHOT;
	if (f->flow && f->flow->seen) {
		if (flow_speak(f->flow, segment_end(g), f->refusals))
			find_living(f);
		hear(f);
	}
	if (!f->living)
		return PC_TC_PASS;
	over = living_note_gateway(f->living, g);
	rc = delta_to_client(f->skb, f->s, living_ack(f));
	if (over)
		bpf_map_delete_elem(&pc_living, &f->s->key);
	return rc ? TC_ACT_SHOT : PC_TC_PASS;
}

SEC("tc")
int pc_reply(struct __sk_buff *skb)
{
	struct pc_request f = { .skb = skb };
	__u32 zero = 0;

	if (skb->tc_index == PC_OURS) {
		skb->tc_index = 0;
		return PC_TC_PASS;
	}
	f.policy = policy_find(&f.slot);
	f.s = bpf_map_lookup_elem(&pc_scratch, &zero);
	if (!f.policy || !f.s || read_segment(&f, 1) != PC_NEXT)
		return PC_TC_PASS;
	return reply(&f);
}

char LICENSE[] SEC("license") = "GPL";
