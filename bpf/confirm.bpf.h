/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Before anything is refused: is this really the next segment of a connection
 * to the gateway?  A socket on this host can tell.  Where the gateway is behind
 * address translation there is none, and the segment must at least be for one
 * of the gateway's addresses.
 */
#ifndef PC_CONFIRM_BPF_H
#define PC_CONFIRM_BPF_H

#include "answer.bpf.h"
#include "prefix.bpf.h"

/* The kernel's TCP states (include/net/tcp_states.h). */
#define PC_TCP_ESTABLISHED 1
#define PC_TCP_CLOSE_WAIT 8
#define PC_TCP_LISTEN 10
#define PC_TCP_NEW_SYN_RECV 12

/* More than one write of the gateway's puts on the wire. */
#define PC_ACK_AHEAD (1u << 20)

static __always_inline struct bpf_sock *
confirm_lookup(const struct pc_request *f)
{
	const struct pc_pkt *p = &f->s->pkt;
	struct bpf_sock_tuple t = {};

	if (!p->is_v6) {
		__builtin_memcpy(&t.ipv4.saddr, p->saddr, 4);
		__builtin_memcpy(&t.ipv4.daddr, p->daddr, 4);
		t.ipv4.sport = p->sport;
		t.ipv4.dport = p->dport;
		return bpf_skc_lookup_tcp(f->skb, &t, sizeof(t.ipv4),
					  BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(t.ipv6.saddr, p->saddr, 16);
	__builtin_memcpy(t.ipv6.daddr, p->daddr, 16);
	t.ipv6.sport = p->sport;
	t.ipv6.dport = p->dport;
	return bpf_skc_lookup_tcp(f->skb, &t, sizeof(t.ipv6),
				  BPF_F_CURRENT_NETNS, 0);
}

/* The kernel's own, as far as it matters; found by its BTF when loading. */
struct tcp_request_sock {
	__u32 rcv_isn;
	__u32 snt_isn;
} __attribute__((preserve_access_index));

/*
 * The handshake's last segment may still be on its way up while the first one
 * with data is here already: they come in one batch.
 */
static __always_inline int confirm_handshake(struct bpf_sock *sk, __u32 seq,
					     __u32 ack)
{
	struct tcp_request_sock *req = bpf_skc_to_tcp_request_sock(sk);

	return req && req->rcv_isn + 1 == seq && req->snt_isn + 1 == ack;
}

/*
 * Does the socket wait for just this segment, with nothing of its own unread? A
 * SYN and a head made up by somebody who saw neither of the connection's
 * sequence numbers do not fit.
 */
static __always_inline int confirm_fits(struct bpf_sock *sk, __u32 seq,
					__u32 ack, __u32 carried)
{
	__u32 state = sk->state;
	struct bpf_tcp_sock *tcp;

	if (state == PC_TCP_NEW_SYN_RECV)
		return confirm_handshake(sk, seq, ack);
	if (state != PC_TCP_ESTABLISHED && state != PC_TCP_CLOSE_WAIT)
		return 0;
	tcp = bpf_tcp_sock(sk);
	/* snd_nxt is raised only after a segment is out, and the client may be
	 * faster: its acknowledgement can be ahead, never behind.
	 */
	if (!tcp || ack - tcp->snd_nxt >= PC_ACK_AHEAD)
		return 0;
	/* The parts of a head may still wait for whoever holds the socket. */
	return seq - tcp->rcv_nxt <= carried;
}

static __always_inline enum pc_reason
confirm_address(const struct pc_request *f)
{
	void *hosts = bpf_map_lookup_elem(&pc_prefixes, &f->slot);
	const struct pc_pkt *p = &f->s->pkt;

	return hosts && prefix_find(hosts, PC_SET_GATEWAY, p->is_v6, p->daddr)
		       ? PC_NEXT
		       : PC_R_NOT_OURS;
}

/* PC_NEXT, or why nothing may be refused. */
static __noinline enum pc_reason confirm(const struct pc_request *f)
{
	struct bpf_sock *sk = confirm_lookup(f);
	enum pc_reason r = PC_R_UNCONFIRMED;

	if (!sk)
		return confirm_address(f);
	if (sk->state == PC_TCP_LISTEN)
		r = confirm_address(f);
	else if (confirm_fits(sk, answer_gateway_seq(f), answer_gateway_ack(f),
			      f->s->carried))
		r = PC_NEXT;
	bpf_sk_release(sk);
	return r;
}

#endif /* PC_CONFIRM_BPF_H */
