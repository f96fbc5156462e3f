/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two ends' different counts of a living connection's bytes: segments that
 * pass get their numbers changed, SACK blocks (RFC 2018) included.  Checksums
 * follow whether they are whole, partial or verified by the device: what is
 * changed in the header and in its checksum field cancel out.
 */
#ifndef PC_DELTA_BPF_H
#define PC_DELTA_BPF_H

#include "flow.bpf.h"

#define PC_OPT_SACK 5
#define PC_SACK_EDGES 8

/* As it is at one moment, with the refusal that made it so. */
static __always_inline void delta_read(struct pc_scratch *s,
				       struct pc_living *l)
{
	bpf_spin_lock(&l->lock);
	s->delta = l->delta;
	s->last = l->last;
	bpf_spin_unlock(&l->lock);
}

static __always_inline void delta_write(struct pc_living *l,
					const struct pc_delta *d,
					const struct pc_refused *last)
{
	bpf_spin_lock(&l->lock);
	l->delta = *d;
	l->last = *last;
	bpf_spin_unlock(&l->lock);
}

/* What the client has acknowledged, in the gateway's numbers. */
static __always_inline __u32 delta_ack(const struct pc_delta *d, __u32 ack)
{
	__u32 mapped = ack - d->added;

	return seq_distance(mapped, d->mark) < 0 ? d->mark : mapped;
}

static __always_inline __be32 delta_edge(const struct pc_shift *t, __be32 edge)
{
	__u32 n = bpf_ntohl(edge) + t->sack_add;

	if (t->has_floor && seq_distance(n, t->floor) < 0)
		n = t->floor;
	return bpf_htonl(n);
}

/* Where the edges of SACK blocks begin in the header, and their number. */
static __always_inline __u32 delta_find_sack(const __u8 *tcp, __u32 size,
					     __u32 *edges)
{
	__u32 at = PC_TCP_SIZE;

	for (int i = 0; i < PC_TCP_OPTIONS; i++) {
		__u8 kind, len;

		if (at + 2 > size)
			return 0;
		at &= 63;
		kind = tcp[at];
		len = tcp[(at + 1) & 63];
		if (!kind || (kind != 1 && len < 2))
			return 0;
		if (kind == PC_OPT_SACK && at + len <= size) {
			*edges = (len - 2u) / 4;
			return at + 2;
		}
		at += kind == 1 ? 1 : len;
	}
	return 0;
}

static __always_inline void delta_sack(struct pc_shift *t, __u32 size)
{
	__u32 edges = 0, at;
	__be32 edge;

	__builtin_memcpy(&edge, t->new + PC_TCP_SIZE, 4);
	if (size == PC_TCP_SIZE ||
	    (size == PC_TCP_SIZE + PC_TS_SIZE && edge == PC_TS_ALONE))
		return;
	at = delta_find_sack(t->new, size, &edges);
	for (__u32 i = 0; i < PC_SACK_EDGES; i++) {
		__u32 k = at + 4 * i;

		if (!at || i >= edges || k > PC_TCP_MAX - 4)
			return;
		__builtin_memcpy(&edge, t->new + k, 4);
		edge = delta_edge(t, edge);
		__builtin_memcpy(t->new + k, &edge, 4);
	}
}

/* Puts seq, ack and SACK blocks of s->shift into the packet. */
PC_GLOBAL int delta_store(struct __sk_buff *skb, struct pc_scratch *s,
			  __u32 seq, __u32 ack)
{
	struct tcphdr *tcp;
	struct pc_shift *t;
	__u64 size;
	__u32 at;
	__s64 diff;

	if (!s)
		return -1;
	t = &s->shift;
	at = s->pkt.l4_at;
	size = s->segment.payload_at - at;
	if (size < PC_TCP_SIZE || size > PC_TCP_MAX)
		return -1;
	__builtin_memset(t->old, 0, sizeof(t->old));
	PC_LENGTH(size, 64);
	if (bpf_skb_load_bytes(skb, at, t->old, size))
		return -1;
	__builtin_memcpy(t->new, t->old, sizeof(t->new));
	tcp = (struct tcphdr *)t->new;
	tcp->seq = bpf_htonl(seq);
	if (s->segment.flags & PC_TCP_ACK) {
		tcp->ack_seq = bpf_htonl(ack);
		delta_sack(t, size);
	}
	diff = bpf_csum_diff((__be32 *)t->old, sizeof(t->old), (__be32 *)t->new,
			     sizeof(t->new), 0);
	PC_LENGTH(size, 64);
	if (diff < 0 || bpf_skb_store_bytes(skb, at, t->new, size, 0))
		return -1;
	return bpf_l4_csum_replace(skb, at + offsetof(struct tcphdr, check), 0,
				   diff, 0);
}

static __always_inline int delta_to_gateway(struct __sk_buff *skb,
					    struct pc_scratch *s)
{
	const struct pc_delta *d = &s->delta;

	s->shift.sack_add = -d->added;
	s->shift.floor = d->mark;
	s->shift.has_floor = 1;
	return delta_store(skb, s, s->segment.seq - d->skipped,
			   delta_ack(d, s->segment.ack));
}

/*
 * Data from before the last answer was acknowledged when that was sent: it is a
 * spurious retransmission, and keeps the place it had.
 */
static __always_inline int delta_to_client(struct __sk_buff *skb,
					   struct pc_scratch *s, __u32 ack)
{
	const struct pc_segment *g = &s->segment;
	const struct pc_delta *d = &s->delta;
	int old = g->payload_size && seq_distance(g->seq, d->mark) < 0;

	s->shift.sack_add = d->skipped;
	s->shift.has_floor = 0;
	return delta_store(skb, s, g->seq + (old ? d->added_before : d->added),
			   ack);
}

#endif /* PC_DELTA_BPF_H */
