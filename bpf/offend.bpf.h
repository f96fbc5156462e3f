/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sources of requests that the gateway would refuse, counted where the packet's
 * source is certainly the client: the agent is told of those that go on.  What
 * cannot be decided is no offence; a key that is merely unknown may be new.
 */
#ifndef PC_OFFEND_BPF_H
#define PC_OFFEND_BPF_H

#include "prefix.bpf.h"
#include "request.bpf.h"

/*
 * The client, as the gateway's own limiter tells clients apart: by IPv4
 * address, by IPv6 /64.  0: nobody who could be banned.
 */
static __always_inline int offend_source(struct pc_source *out,
					 const struct pc_pkt *p)
{
	__builtin_memset(out, 0, sizeof(*out));
	if (!p->is_v6) {
		out->family = 4;
		__builtin_memcpy(out->addr, p->saddr, 4);
		return p->saddr[0] != 127;
	}
	out->family = 6;
	__builtin_memcpy(out->addr, p->saddr, 8);
	/* ::1, and IPv4 addresses in IPv6 clothes. */
	return *(const __u64 *)(const void *)p->saddr != 0;
}

/*
 * Nobody spoke for the client (judge_address()), and it has acknowledged what
 * the gateway sent: whoever makes addresses up does not know that number.
 */
static __always_inline int offend_is_sure(const struct pc_request *f)
{
	const struct pc_policy *policy = f->policy;
	const struct pc_pkt *p = &f->s->pkt;
	void *hosts;

	if (!f->flow->seen)
		return 0;
	if (policy->trust_forwarded &&
	    (f->s->first.flags & PC_H_FORWARDED || policy->custom_forwarded))
		return 0;
	hosts = bpf_map_lookup_elem(&pc_prefixes, &f->slot);
	return hosts && !prefix_find(hosts, PC_SET_PROXY, p->is_v6, p->saddr);
}

/* The requests of a source in its window, this one included. */
static __always_inline __u64 offend_count(const struct pc_source *source,
					  __u64 window_ns)
{
	struct pc_offender fresh = { .since_ns = bpf_ktime_get_ns() }, *o;
	__u64 since_ns;

	o = bpf_map_lookup_elem(&pc_offenders, source);
	if (!o) {
		bpf_map_update_elem(&pc_offenders, source, &fresh, BPF_NOEXIST);
		o = bpf_map_lookup_elem(&pc_offenders, source);
		if (!o)
			return 0;
	}
	since_ns = o->since_ns;
	/* Another processor's clock may be ahead. */
	if ((__s64)(fresh.since_ns - since_ns) >= (__s64)window_ns &&
	    __sync_val_compare_and_swap(&o->since_ns, since_ns,
					fresh.since_ns) == since_ns)
		o->n = 0;
	return __sync_fetch_and_add(&o->n, 1) + 1;
}

static __always_inline void offend_tell(const struct pc_request *f,
					enum pc_reason reason,
					const struct pc_source *source, __u64 n)
{
	struct pc_event *e = bpf_ringbuf_reserve(&pc_events, sizeof(*e), 0);
	struct pc_tally *t = tally_find();

	if (!e) {
		/* It will be told of when it has done as much again. */
		if (t)
			t->gate.lost++;
		return;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->time_ns = bpf_ktime_get_boot_ns();
	e->ifindex = f->skb->ifindex;
	e->size = f->skb->len;
	e->kind = PC_EVENT_OFFENDER;
	e->reason = reason;
	e->family = source->family;
	e->would = f->policy->monitor;
	e->l4_proto = f->s->pkt.l4_proto;
	e->dport = f->s->pkt.dport;
	e->count = n;
	__builtin_memcpy(e->saddr, source->addr, sizeof(e->saddr));
	__builtin_memcpy(e->daddr, f->s->pkt.daddr, sizeof(e->daddr));
	if (t)
		t->gate.sent++;
	bpf_ringbuf_submit(e, 0);
}

/* A request that is refused, or would be. */
static __noinline int offend(const struct pc_request *f, enum pc_reason reason)
{
	__u32 begin = f->s->segment.seq - f->s->carried;
	__u64 after = f->policy->offend_after, n;
	struct pc_source source;

	if (!offend_is_sure(f) || !offend_source(&source, &f->s->pkt))
		return 0;
	/* Sent again, or here twice: once is enough. */
	if (__sync_lock_test_and_set(&f->flow->offended, begin) == begin)
		return 0;
	n = offend_count(&source, f->policy->offend_window_ns);
	if (after && n && n % after == 0)
		offend_tell(f, reason, &source, n);
	return 0;
}

#endif /* PC_OFFEND_BPF_H */
