/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells of packets that the address plane drops, or would: some of them as
 * events, and, while somebody captures, all of them with their first bytes.
 * What cannot be told is counted, and never changes a verdict.
 */
#ifndef PC_EVENT_BPF_H
#define PC_EVENT_BPF_H

#include "admit.bpf.h"

#define PC_NS_PER_S 1000000000ULL

/* Where a packet is: at the driver, or at TC. */
enum pc_hook {
	PC_HOOK_XDP,
	PC_HOOK_TC
};

/* A packet that was judged. */
struct pc_sight {
	const struct pc_pkt *pkt;
	const struct pc_admission *admission;
	__u32 ifindex;
	__u32 size; /* bytes of the frame */
	__u32 would;
};

/*
 * What has to be looked at by the clock, at most once a jiffy: in a flood a
 * clock for each packet would cost more than the verdict.  A capture that
 * begins is seen at once.
 */
PC_GLOBAL int event_look(__u64 jiffy, __u64 until_ns)
{
	__u64 now_ns = bpf_ktime_get_boot_ns();
	struct pc_tally *t = tally_find();
	struct pc_event_gate *g;

	if (!t)
		return 0;
	g = &t->gate;
	g->jiffy = jiffy;
	g->until_ns = until_ns;
	g->capturing = until_ns > now_ns;
	if (now_ns - g->refilled_ns < PC_NS_PER_S)
		return 0;
	g->refilled_ns = now_ns;
	g->left = pc_capture.event_rate;
	return 0;
}

/* Is there anything to tell? */
static __always_inline int event_wanted(struct pc_event_gate *g)
{
	__u64 until_ns = pc_capture.until_ns, jiffy = bpf_jiffies64();

	if ((g->jiffy ^ jiffy) | (g->until_ns ^ until_ns))
		event_look(jiffy, until_ns);
	if (*(volatile __u64 *)&g->left | *(volatile __u64 *)&g->capturing)
		return 1;
	g->limited++;
	return 0;
}

static __always_inline void event_fill(struct pc_event *e,
				       const struct pc_sight *s)
{
	const struct pc_pkt *p = s->pkt;

	__builtin_memset(e, 0, sizeof(*e));
	e->time_ns = bpf_ktime_get_boot_ns();
	e->ifindex = s->ifindex;
	e->size = s->size;
	e->kind = PC_EVENT_DROP;
	e->reason = s->admission->reason;
	/* A ban is nobody's list. */
	if (!s->admission->ban)
		e->owner = s->admission->owner;
	e->family = p->is_v6 ? 6 : 4;
	e->would = !!s->would;
	e->l4_proto = p->l4_proto;
	e->sport = p->sport;
	e->dport = p->dport;
	__builtin_memcpy(e->saddr, p->saddr, sizeof(e->saddr));
	__builtin_memcpy(e->daddr, p->daddr, sizeof(e->daddr));
}

static __always_inline void event_send(struct pc_event_gate *g,
				       const struct pc_sight *s)
{
	struct pc_event *e;

	if (!g->left) {
		g->limited++;
		return;
	}
	g->left--;
	e = bpf_ringbuf_reserve(&pc_events, sizeof(*e), 0);
	if (!e) {
		g->lost++;
		return;
	}
	event_fill(e, s);
	g->sent++;
	bpf_ringbuf_submit(e, 0);
}

static __always_inline long event_load(void *ctx, enum pc_hook hook, void *to,
				       __u32 size)
{
	return hook == PC_HOOK_TC ? bpf_skb_load_bytes(ctx, 0, to, size)
				  : bpf_xdp_load_bytes(ctx, 0, to, size);
}

static __always_inline void event_capture(void *ctx, enum pc_hook hook,
					  struct pc_event_gate *g,
					  const struct pc_sight *s)
{
	struct pc_captured *c;
	__u64 taken = s->size;

	if (taken > PC_SNAP_SIZE)
		taken = PC_SNAP_SIZE;
	PC_LENGTH(taken, PC_SNAP_SIZE);
	c = bpf_ringbuf_reserve(&pc_captured, sizeof(*c), 0);
	if (!c) {
		g->missed++;
		return;
	}
	c->time_ns = bpf_ktime_get_boot_ns();
	c->ifindex = s->ifindex;
	c->size = s->size;
	c->taken = event_load(ctx, hook, c->bytes, taken) ? 0 : taken;
	c->reason = s->admission->reason;
	__builtin_memset(c->pad, 0, sizeof(c->pad));
	g->taken++;
	bpf_ringbuf_submit(c, 0);
}

static __always_inline void event_tell(void *ctx, enum pc_hook hook,
				       struct pc_sight *s)
{
	struct pc_tally *t = tally_find();

	if (!t)
		return;
	event_send(&t->gate, s);
	if (t->gate.capturing)
		event_capture(ctx, hook, &t->gate, s);
}

/* Global: verified once, not for each way through the parser. */
PC_GLOBAL int event_tell_xdp(struct xdp_md *ctx, const struct pc_pkt *p,
			     const struct pc_admission *a, __u32 would)
{
	struct pc_sight s = { .pkt = p, .admission = a, .would = would };

	if (!p || !a)
		return 0;
	s.ifindex = ctx->ingress_ifindex;
	s.size = bpf_xdp_get_buff_len(ctx);
	event_tell(ctx, PC_HOOK_XDP, &s);
	return 0;
}

PC_GLOBAL int event_tell_skb(struct __sk_buff *skb, const struct pc_pkt *p,
			     const struct pc_admission *a, __u32 would)
{
	struct pc_sight s = { .pkt = p, .admission = a, .would = would };

	if (!p || !a)
		return 0;
	s.ifindex = skb->ifindex;
	s.size = skb->len;
	event_tell(skb, PC_HOOK_TC, &s);
	return 0;
}

/* After the account of a packet that is dropped, or would be. */
static __always_inline void event_drop_xdp(struct xdp_md *ctx,
					   const struct pc_pkt *p,
					   const struct pc_admission *a,
					   __u32 would)
{
	struct pc_tally *t = tally_find();

	if (t && event_wanted(&t->gate))
		event_tell_xdp(ctx, p, a, would);
}

static __always_inline void event_drop_skb(struct __sk_buff *skb,
					   const struct pc_pkt *p,
					   const struct pc_admission *a,
					   __u32 would)
{
	struct pc_tally *t = tally_find();

	if (t && event_wanted(&t->gate))
		event_tell_skb(skb, p, a, would);
}

#endif /* PC_EVENT_BPF_H */
