/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel programs and the agent: map keys and values,
 * reasons, and the policy header.  Both sides compile this file and nothing
 * else crosses the boundary.
 *
 * A policy is a generation.  Everything that belongs to one lives in one of two
 * slots: the outer maps pc_keys, pc_key_rules and pc_prefixes hold one inner
 * map a slot, pc_image holds PC_CHUNKS of them, pc_policy, pc_answers and
 * pc_lists are arrays with one part a slot.  The agent fills the slot that is
 * not in force, reads it back, and stores the slot number into pc_active: that
 * one store is the flip.  A program reads pc_active once a packet and never
 * mixes slots.  A flip may be on approval: then the same word says until when,
 * and after it both sides go by the other slot, whoever is dead.
 *
 * Bans are outside the generations: they come and go one by one.
 *
 * Rules: fixed-width types only; __be types for anything that comes off the
 * wire; every hole is a named pad; every struct has its size asserted below.
 * Change a layout and you must bump PC_ABI_VERSION, so that an agent never
 * adopts maps pinned by a build that meant something else by them.
 */
#ifndef PC_ABI_H
#define PC_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

#include "pc_flow.h"
#include "pc_reason.h"

#define PC_ABI_VERSION 5

/* Which gateway is guarded, and how it runs. */
enum pc_profile {
	PC_PROFILE_SEED,
	PC_PROFILE_V0_1_179,
	PC_PROFILE_MAX
};
enum pc_run_mode {
	PC_RUN_STANDARD,
	PC_RUN_SIMPLE
};
/* The gateway's two middlewares. */
enum pc_variant {
	PC_VARIANT_MAIN,
	PC_VARIANT_GOOGLE,
	PC_VARIANT_MAX
};
/* How a refusal's body is written. */
enum pc_dialect {
	PC_DIALECT_STD,
	PC_DIALECT_GOOGLE,
	PC_DIALECT_OPENAI,
	PC_DIALECT_MAX
};

/* What pc_request does with a refused request. */
enum pc_deny {
	PC_DENY_REPLY, /* answer, and the connection goes on */
	PC_DENY_CLOSE, /* answer and FIN to the client, RST to the gateway */
	PC_DENY_RESET, /* RST to both */
	PC_DENY_DROP,  /* silence */
	PC_DENY_MAX
};

/*
 * pc_active: bit 0 is the slot put in force last, the rest the CLOCK_BOOTTIME
 * in milliseconds after which the other slot is in force again; 0: never.
 */
static inline __u64 pc_active_word(__u32 slot, __u64 until_ms)
{
	return until_ms << 1 | (slot & 1);
}

static inline __u64 pc_active_until_ms(__u64 word)
{
	return word >> 1;
}

/* The slot in force at a time; not asked for the clock unless it matters. */
static inline __u32 pc_active_slot(__u64 word, __u64 now_ms)
{
	return (word ^ (word >> 1 && now_ms > word >> 1)) & 1;
}

/*
 * Host-wide prefix sets in pc_prefixes; set 0 is never used.  What is dropped
 * is in the image; PC_SET_DENY has the lists that are no files, if they are
 * short, for people who ask which prefix it was.  No program reads it.
 */
enum pc_set {
	PC_SET_ALLOW = 1,
	PC_SET_DENY,
	PC_SET_PROXY,
	PC_SET_GATEWAY, /* destinations: where the gateway is reached */
	PC_SET_MAX
};

/* A key's rule set n >= 1 is two sets in pc_key_rules. */
#define PC_BLACK_SET(n) (2 * (n))
#define PC_WHITE_SET(n) (2 * (n) + 1)

/*
 * LPM key for every prefix map.  The set number and the family come first and
 * are always matched in full, so many lists share one trie and ::/0 never
 * catches an IPv4 address.
 */
struct pc_prefix_key {
	__u32 len;     /* 32 + significant bits of addr */
	__be32 scope;  /* set << 1 | (1 for IPv6) */
	__u8 addr[16]; /* network order; IPv4 uses the first four bytes */
};

#define PC_SCOPE_LEN 32
#define PC_SCOPE(set, is_v6) ((__u32)(set) << 1 | !!(is_v6))

struct pc_rule {
	__u32 reason; /* enum pc_reason */
	__u32 source; /* the agent's number for the list it came from */
};

/* A key is known by the SHA-256 of its bytes, nothing else. */
#define PC_DIGEST_SIZE 32
struct pc_digest {
	__u8 bytes[PC_DIGEST_SIZE];
};

/* key.status of the gateway; anything it would call "disabled" is OTHER. */
enum pc_status {
	PC_STATUS_ACTIVE,
	PC_STATUS_OTHER,
	PC_STATUS_EXPIRED,
	PC_STATUS_EXHAUSTED
};

/* What a snapshot says of a key beside status, expiry and address rules. */
#define PC_F_QUOTA_REACHED 0x0001u
#define PC_F_USER_MISSING 0x0002u
#define PC_F_USER_INACTIVE 0x0004u
#define PC_F_GROUP_DELETED 0x0008u
#define PC_F_GROUP_INACTIVE 0x0010u
#define PC_F_GROUP_FORBIDDEN 0x0020u
#define PC_F_SUBSCRIPTION 0x0040u
#define PC_F_BALANCE_EMPTY 0x0080u
/* Not a fault: the key has a white list, and a miss in it refuses. */
#define PC_F_WHITELIST 0x0100u

#define PC_NEVER ((__s64)0x7fffffffffffffffLL) /* expires_ns: no expiry */

struct pc_key {
	__s64 expires_ns; /* Unix time in ns; a key is dead after it, not at it
			   */
	__s64 key_id;
	__u32 rule_set; /* 0: the key has no address rules */
	__u16 facts;	/* PC_F_* */
	__u8 status;	/* enum pc_status */
	__u8 pad;
};

/* A counter: what was done, and in monitor mode what would have been. */
struct pc_count {
	__u64 done;
	__u64 would;
};

/*
 * The image: who owns each address, for both families, in lines of 64 bytes.
 * owner.h has the layout.  Lines are numbered through the chunks of a slot:
 * line n is element n % PC_CHUNK_LINES of inner map n / PC_CHUNK_LINES.  Chunks
 * are arrays of one size, so that looking one up is no call.
 */
struct pc_line {
	__u32 word[16];
};
#define PC_CHUNK_LINES 16384u /* 1 MiB */
#define PC_CHUNKS 512u	      /* of a slot */
#define PC_CHUNK_INDEX(slot, line) \
	((__u32)(slot)*PC_CHUNKS + (line) / PC_CHUNK_LINES)

/* Owners: which list an address is in. */
#define PC_OWNER_NONE 0u
#define PC_OWNER_OPERATOR 1u /* --block */
#define PC_OWNER_SNAPSHOT 2u /* the snapshot's header */
#define PC_OWNER_IP_SCOPE 3u /* the rules of keys */
#define PC_OWNER_FILE 4u     /* the first --block-file; the others follow */
#define PC_OWNER_ALLOW 255u  /* in a list, and spared by an allow entry */
#define PC_OWNERS 256u

/*
 * Why an owner's addresses are dropped.  Such a packet is counted once, in
 * pc_tally; what pc_counts would have of it is the sum over the owners.
 */
static inline __u32 pc_owner_reason(__u32 owner)
{
	return owner == PC_OWNER_SNAPSHOT || owner == PC_OWNER_IP_SCOPE
		       ? PC_R_SNAPSHOT_LIST
		       : PC_R_BLOCK_LIST;
}

/* Where the owned addresses of a /16 are: two bits, 16 of them in a word. */
enum pc_net {
	PC_NET_NONE, /* there are none */
	PC_NET_FEW,  /* in buckets */
	PC_NET_INDEXED
};
#define PC_NET_WORDS 4096

/* What programs need to know of an image; 12 levels of 4 hold 16 M bounds. */
#define PC_LEVELS 12
struct pc_image {
	__u32 n_lines;
	__u32 n_buckets;
	__u32 bucket_at; /* line numbers */
	__u32 n_levels;	 /* 0: there are no IPv6 addresses in it */
	__u32 owner_at;
	__u32 level_at[PC_LEVELS]; /* the root's first */
	__u8 digest[32];	   /* SHA-256 of all lines */
	__u32 pad;
	__u32 net[PC_NET_WORDS];
};

/*
 * pc_lists, by PC_LIST_INDEX(): the owners of a slot's image; and from
 * PC_OWNER_ALLOW - 1 down, where no owner is, the files of allow entries.
 */
#define PC_LIST_NAME_SIZE 128
#define PC_LIST_INDEX(slot, owner) ((__u32)(slot)*PC_OWNERS + (owner))
struct pc_list {
	/* NUL-ended; "": no such list; a file's begins with '/', or with what
	 * is left of it.
	 */
	char name[PC_LIST_NAME_SIZE];
	__u64 n_prefixes;
	__s64 loaded_ns;      /* Unix time */
	__u8 digest[32];      /* SHA-256 of the file; 0: it is none */
	struct pc_count base; /* its owner's before it was this list's */
};

#define PC_PORTS_SIZE (65536 / 8)
#define PC_SOURCE_SIZE 128

/* One generation's header and switches. */
struct pc_policy {
	__u64 generation; /* 0: there is no policy here */
	__s64 loaded_ns;  /* Unix time */
	/* Until this Unix time a key that is not in pc_keys does not exist;
	 * 0: never, it may be one that no snapshot told of.
	 */
	__s64 complete_until_ns;
	__u64 n_entries; /* entries in the snapshot */
	__u64 n_keys;
	__u64 n_rule_prefixes;
	__u64 n_prefixes;
	__u32 n_rule_sets;
	__u8 profile;	       /* enum pc_profile */
	__u8 run_mode;	       /* enum pc_run_mode */
	__u8 monitor;	       /* count, deny nothing */
	__u8 trust_forwarded;  /* the gateway believes forwarding headers */
	__u8 custom_forwarded; /* ... and some whose names only it knows */
	__u8 whole_host;       /* addresses are judged whatever the port */
	__u8 pad[2];
	/* An event for each so many refused or unauthenticated requests of one
	 * source within the window; 0: none.
	 */
	__u32 offend_after;
	__u64 offend_window_ns;
	/* How long it took: to read the files that were new, to make a policy
	 * of all, to write it here.
	 */
	__u64 read_ns;
	__u64 compile_ns;
	__u64 put_ns;
	struct pc_image image;
	__u8 deny[128];		     /* enum pc_deny by reason */
	char source[PC_SOURCE_SIZE]; /* where the snapshot came from, NUL-ended
				      */
	__u8 ports[PC_PORTS_SIZE];   /* bit p: TCP port p is the gateway's */
	__u64 gone; /* the generation that was here before there was none */
};

/* Written by the agent a few times a second, outside the generations. */
struct pc_clock {
	__s64 tai_offset_ns; /* CLOCK_TAI - CLOCK_REALTIME */
	__s64 stopped_ns;    /* not 0: the Unix time it always is, for tests */
	__u64 draining; /* no connection is answered on and kept any more */
	__u64 lease_ns; /* CLOCK_BOOTTIME until which key denies hold; 0: always
			 */
	__u64 heartbeat_ns; /* CLOCK_BOOTTIME of the agent's last sign of life
			     */
	__u64 agent_pid;
};

/*
 * A whole HTTP answer.  Where address_at is not zero the client's address, as
 * text, is inserted there, and the three bytes at length_at, blanks and digits,
 * become the new Content-Length (blanks before a field value are legal).
 */
#define PC_ANSWER_SIZE 512
#define PC_ADDRESS_TEXT 40 /* longest IPv6 text, rounded up */
struct pc_answer {
	__u16 size; /* bytes of data in use; 0: no such answer */
	__u16 address_at;
	__u16 length_at;
	__u16 body_size; /* without the address */
	__u8 data[PC_ANSWER_SIZE];
};

/*
 * Each refusal has two: one that leaves the connection as it is, and, with
 * "closing" 1, one that announces its end.
 */
#define PC_ANSWER_INDEX(slot, reason, dialect, closing)                       \
	((((__u32)(slot)*PC_R_MAX + (reason)) * PC_DIALECT_MAX + (dialect)) * \
		 2 +                                                          \
	 (closing))
#define PC_N_ANSWERS PC_ANSWER_INDEX(2, 0, 0, 0)

/* A ban's prefix; an exact key, one lookup for each length in pc_ban_lens. */
struct pc_ban_key {
	__u8 family; /* 4 or 6 */
	__u8 len;    /* significant bits of addr; the others are 0 */
	__u8 pad[2];
	__u8 addr[16]; /* network order; IPv4 uses the first four bytes */
};

struct pc_ban {
	__s64 expires_ns; /* Unix time, over after it; PC_NEVER */
	__u32 hits;	  /* its index in pc_ban_hits */
	__u32 made_s;	  /* Unix time, rounded up; 0: unknown */
};

#define PC_BANS_MAX 65536u

/*
 * The lengths that bans have, by family (0: IPv4, 1: IPv6): each is one lookup
 * a packet.  A place has 1 + the length in one word, so that it can be used for
 * another at once; 0: none.  It is stored before the length's first ban is put,
 * and cleared after the last one is gone.
 */
#define PC_BAN_LENS 16u
struct pc_ban_lens {
	__u32 n[2]; /* places looked at; never less than are used */
	__u32 place[2][PC_BAN_LENS];
};

/* A source of refused and unauthenticated requests; IPv6 by /64. */
struct pc_source {
	__u8 family; /* 4 or 6 */
	__u8 pad[3];
	__u8 addr[16];
};

struct pc_offender {
	__u64 since_ns; /* CLOCK_MONOTONIC: begin of the window */
	__u64 n;	/* in it */
};

enum pc_event_kind {
	PC_EVENT_DROP = 1, /* a packet was dropped, or would have been */
	PC_EVENT_OFFENDER  /* a source reached offend_after */
};

struct pc_event {
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u32 ifindex;
	__u32 size;  /* bytes of the frame */
	__u8 kind;   /* enum pc_event_kind */
	__u8 reason; /* enum pc_reason; of an offender: its last one */
	__u8 owner;  /* of the address, or 0 */
	__u8 family; /* 4 or 6 */
	__u8 would;  /* monitor mode: nothing was dropped */
	__u8 l4_proto;
	__be16 sport; /* of an offender: 0 */
	__be16 dport;
	__u8 pad[2];
	__u32 count;	/* of an offender: requests in the window */
	__u8 saddr[16]; /* IPv4 uses the first four bytes */
	__u8 daddr[16];
};

/* How many events may be sent, a processor: refilled once a second. */
struct pc_event_gate {
	__u64 refilled_ns; /* CLOCK_BOOTTIME */
	__u64 jiffy;	   /* when the clock was looked at last */
	__u64 until_ns;	   /* of pc_capture, at that time */
	__u64 capturing;   /* it was in the future */
	__u64 left;
	__u64 sent;
	__u64 limited; /* not sent: there were too many */
	__u64 lost;    /* not sent: nobody reads */
	__u64 taken;   /* into pc_captured */
	__u64 missed;  /* not taken: nobody reads */
};

/* What a processor counts of addresses; only programs write to it. */
struct pc_tally {
	struct pc_event_gate gate;
	struct pc_count owner[PC_OWNERS]; /* packets */
};

/* Set by whoever reads pc_captured, for as long as it reads. */
struct pc_capture {
	__u64 until_ns;	  /* CLOCK_BOOTTIME */
	__u64 event_rate; /* events a second and processor */
};

#define PC_SNAP_SIZE 256
/* A dropped packet's first bytes. */
struct pc_captured {
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u32 ifindex;
	__u32 size;  /* bytes of the frame */
	__u32 taken; /* of them in bytes[] */
	__u8 reason; /* enum pc_reason */
	__u8 pad[3];
	__u8 bytes[PC_SNAP_SIZE];
};

_Static_assert(sizeof(struct pc_prefix_key) == 24, "pc_prefix_key layout");
_Static_assert(sizeof(struct pc_rule) == 8, "pc_rule layout");
_Static_assert(sizeof(struct pc_digest) == 32, "pc_digest layout");
_Static_assert(sizeof(struct pc_key) == 24, "pc_key layout");
_Static_assert(sizeof(struct pc_line) == 64, "pc_line layout");
_Static_assert(sizeof(struct pc_image) == 16488, "pc_image layout");
_Static_assert(sizeof(struct pc_list) == 192, "pc_list layout");
_Static_assert(sizeof(struct pc_policy) == 25048, "pc_policy layout");
_Static_assert(sizeof(struct pc_ban_key) == 20, "pc_ban_key layout");
_Static_assert(sizeof(struct pc_ban) == 16, "pc_ban layout");
_Static_assert(sizeof(struct pc_ban_lens) == 136, "pc_ban_lens layout");
_Static_assert(sizeof(struct pc_source) == 20, "pc_source layout");
_Static_assert(sizeof(struct pc_offender) == 16, "pc_offender layout");
_Static_assert(sizeof(struct pc_event) == 64, "pc_event layout");
_Static_assert(sizeof(struct pc_tally) == 4176, "pc_tally layout");
_Static_assert(sizeof(struct pc_event_gate) == 80, "pc_event_gate layout");
_Static_assert(sizeof(struct pc_captured) == 280, "pc_captured layout");
_Static_assert(sizeof(struct pc_clock) == 48, "pc_clock layout");
_Static_assert(sizeof(struct pc_answer) == 520, "pc_answer layout");
_Static_assert(sizeof(struct pc_count) == 16, "pc_count layout");
_Static_assert(PC_R_MAX <= 128, "pc_policy.deny covers every reason");

#endif /* PC_ABI_H */
