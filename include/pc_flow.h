/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Part of the contract pc_abi.h: connections, as the programs follow them. */
#ifndef PC_FLOW_H
#define PC_FLOW_H

#include <linux/bpf.h>
#include <linux/types.h>

/* One direction of a TCP connection, from the client. */
struct pc_flow_key {
	__u32 ifindex;
	__be16 sport;
	__be16 dport;
	__u8 saddr[16]; /* IPv4 uses the first four bytes */
	__u8 daddr[16];
	__u32 family; /* 4 or 6 */
};

/* Where one direction's bytes stand, between messages or in the body of one. */
enum pc_phase {
	PC_PHASE_HEAD, /* a head begins at next */
	PC_PHASE_BODY, /* next is just after a body; answers only */
	/* a chunked body (RFC 9112 7.1), by what is expected at next */
	PC_PHASE_SIZE,
	PC_PHASE_EXTENSION,
	PC_PHASE_SIZE_LF,
	PC_PHASE_DATA_CR,
	PC_PHASE_DATA_LF,
	PC_PHASE_TRAILER,
	PC_PHASE_TRAILER_LINE,
	PC_PHASE_TRAILER_LF,
	PC_PHASE_END_LF,
	PC_PHASE_OPAQUE, /* cannot be followed any more */
};

/* One direction of a connection, followed from message to message. */
struct pc_stream {
	__u32 next;    /* sequence number of the first byte not looked at */
	__u32 chunk;   /* size of the chunk whose size line is being read */
	__u16 carried; /* bytes of the head at hand that lie before next */
	__u8 phase;    /* enum pc_phase */
	__u8 digits;   /* of that size, so far */
	__u8 messages; /* requests handed on, or answers complete; wraps */
	__u8 pad[3];
};

enum pc_flow_state {
	PC_FLOW_OPEN,
	PC_FLOW_CLOSING, /* answered with FIN; both ends are being let down */
};

/*
 * All numbers are the sender's own, unless said otherwise.  The two directions
 * may be at work at the same time: every field has one writer, but for those
 * that are only changed by an atomic exchange.
 */
struct pc_flow {
	/* egress */
	struct pc_stream gateway;
	__u32 gateway_end; /* just after the last byte the gateway sent */
	__u16 window;	   /* the gateway's last, as on the wire */
	__u8 seen;	   /* its answers pass our egress hook */
	__u8 pad;
	/* ingress */
	struct pc_stream client;
	__u32 first;	   /* the client's first byte */
	__u32 head_ack;	   /* what the client had acknowledged at the last head
			    */
	__u32 client_next; /* CLOSING: next byte expected from the client */
	__u32 answer_seq; /* CLOSING: sequence number of the answer's first byte
			   */
	__u32 answer_end; /* CLOSING: just after the answer's FIN */
	__u32 swallowed;  /* CLOSING: request bytes acknowledged and thrown away
			   */
	__u32 repeats;	  /* CLOSING: times the answer was sent again */
	__u8 state;	  /* enum pc_flow_state */
	__u8 reason;	  /* CLOSING: why; opaque: what made it so */
	__u8 dialect;	  /* CLOSING: of the answer */
	__u8 heads;	  /* a HEAD request was handed on, and no other since */
	__u8 head;	  /* its place among the messages */
	__u8 unsure;	  /* which answer has no body is not known */
	__u8 syn;	  /* a later SYN, if that cannot be followed: why */
	__u8 pad2;
	/* ingress, on several processors at once */
	__u32 living;	 /* refusals that it outlived, never 0 again */
	__u32 claimed;	 /* where the last refused request began */
	__u32 ahead_end; /* just after what was handed on before its turn */
	__u32 offended;	 /* where the last request began that was counted
			    against its source */
};

/*
 * What the two ends of a connection disagree by since its last refusal.  The
 * client counts request bytes the gateway never saw and answer bytes it never
 * sent:
 *
 *   to the gateway  seq - skipped       ack - added, never below mark
 *   to the client   seq + added         ack + skipped
 */
struct pc_delta {
	__u32 skipped;
	__u32 added;
	__u32 added_before; /* before the last answer: for what lies below mark
			     */
	__u32 mark; /* gateway's number of the first byte after the last answer
		     */
};

#define PC_ENDED_CLIENT 0x1u  /* FIN seen */
#define PC_ENDED_GATEWAY 0x2u /* FIN seen */
#define PC_ENDED_RESET 0x4u   /* RST seen */

/* The last refused request, and its answer, in the client's numbers. */
struct pc_refused {
	__u32 from;	   /* its first byte */
	__u32 taken;	   /* just after what was acknowledged of it */
	__u32 answer_seq;  /* of the answer's first byte */
	__u32 answer_size; /* bytes */
	__u8 reason;	   /* enum pc_reason */
	__u8 dialect;	   /* enum pc_dialect */
	__u8 swallowing;   /* more of it is to come */
	__u8 pad;
};

/*
 * A connection on which portcullis has answered and that lives on.  What is
 * under the lock is read and changed together: segments of one connection may
 * be at work on several processors.
 */
struct pc_living {
	struct bpf_spin_lock lock; /* of delta and last */
	struct pc_delta delta;
	struct pc_refused last;
	__u32 client_ack;  /* what the client has acknowledged */
	__u32 client_end;  /* just after the client's last byte */
	__u32 gateway_end; /* just after the gateway's last byte, its number */
	__u32 ended;	   /* PC_ENDED_*, by both directions: atomically */
	__u64 seen_ns;	   /* CLOCK_BOOTTIME of its last segment */
	__u16 window;	   /* the gateway's last, as on the wire */
	__u8 repeats;	   /* of the answer, saturating */
	__u8 link_size;	   /* bytes of link */
	__be16 vlan_proto; /* of a tag beside the frame; 0: none */
	__u16 vlan_tci;
	__u8 link[22]; /* link header of the client's frames */
	__u8 pad[2];
};

_Static_assert(sizeof(struct pc_flow_key) == 44, "pc_flow_key layout");
_Static_assert(sizeof(struct pc_flow) == 92, "pc_flow layout");
_Static_assert(sizeof(struct pc_living) == 96, "pc_living layout");

#endif /* PC_FLOW_H */
