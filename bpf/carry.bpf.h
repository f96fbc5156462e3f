/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The beginning of a head whose end is still to come.  No raw key may be in a
 * map for longer than a packet, so it is kept under a key stream of SipHash in
 * counter mode, whose secret is drawn when the program is loaded.  What was
 * scanned is not scanned again: only the line that is not complete is read, and
 * the whole head once it is.
 */
#ifndef PC_CARRY_BPF_H
#define PC_CARRY_BPF_H

#include "segment.bpf.h"
#include "siphash.h"

#define PC_CARRY_BLOCK sizeof(struct pc_sip)
#define PC_CARRY_BLOCKS (PC_HEAD_MAX / PC_CARRY_BLOCK)
#define PC_CARRY_STATE offsetof(struct pc_scan, buf)

struct pc_carry {
	__u64 nonce; /* new for each head */
	__u32 first; /* sequence number of the head's first byte */
	__u32 pad;
	__u8 state[PC_CARRY_STATE];
	__u8 data[PC_HEAD_MAX]; /* under the key stream */
};

/* By connection.  Losing an entry costs a verdict.  Never pinned: it can be
 * read only with this program's secret.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct pc_flow_key);
	__type(value, struct pc_carry);
} pc_carries SEC(".maps");

/* What a new entry begins as. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_carry);
} pc_carry_blank SEC(".maps");

/* Random bytes, from the loader. */
const volatile __u64 pc_carry_secret[2];

struct pc_carry_arg {
	struct pc_carry *carry;
	struct pc_scan *scan;
	__u32 first; /* block */
	__u32 keep;  /* into the carry, not out of it */
};

/* Of the eight bytes at "at", those in use: the others would show the stream.
 */
static __always_inline __u64 carry_mask(__u32 filled, __u32 at)
{
	if (at >= filled)
		return 0;
	return filled - at >= 8 ? ~0ULL : (1ULL << (filled - at) % 8 * 8) - 1;
}

static long carry_step(__u32 i, void *arg)
{
	const struct pc_carry_arg *a = arg;
	const struct pc_sip secret = { { pc_carry_secret[0],
					 pc_carry_secret[1] } };
	__u32 block = (a->first + i) & (PC_CARRY_BLOCKS - 1);
	__u64 message[3] = { a->carry->nonce, block };
	struct pc_sip stream =
		pc_siphash(&secret, (const __u8 *)message, 2 * sizeof(__u64));
	__u64 *kept = (__u64 *)(a->carry->data + block * PC_CARRY_BLOCK);
	__u64 *open = (__u64 *)(a->scan->buf + block * PC_CARRY_BLOCK);

	for (__u32 k = 0; k < 2; k++) {
		__u32 at = block * PC_CARRY_BLOCK + 8 * k;

		if (!a->keep)
			open[k] = kept[k] ^ stream.words[k];
		else
			kept[k] = (open[k] ^ stream.words[k]) &
				  carry_mask(a->scan->filled, at);
	}
	return 0;
}

/* The blocks that hold bytes [from, to). */
static __always_inline void carry_move(struct pc_carry *c, struct pc_scan *s,
				       __u32 from, __u32 to, __u32 keep)
{
	struct pc_carry_arg arg = {
		.carry = c,
		.scan = s,
		.first = from / PC_CARRY_BLOCK,
		.keep = keep,
	};

	if (to > from)
		bpf_loop((to - 1) / PC_CARRY_BLOCK - arg.first + 1, carry_step,
			 &arg, 0);
}

/*
 * The entry of the connection at hand, a new one when that is asked for.  The
 * key is copied to the stack: kernel 6.1 takes none from a global function's
 * argument.
 */
static __noinline struct pc_carry *carry_find(const struct pc_scratch *s,
					      int anew)
{
	struct pc_flow_key key = s->key;
	__u32 zero = 0;
	struct pc_carry *blank, *c;

	if (anew) {
		blank = bpf_map_lookup_elem(&pc_carry_blank, &zero);
		if (!blank ||
		    bpf_map_update_elem(&pc_carries, &key, blank, BPF_ANY))
			return NULL;
	}
	c = bpf_map_lookup_elem(&pc_carries, &key);
	if (c && anew)
		c->nonce = (__u64)bpf_get_prandom_u32() << 32 |
			   bpf_get_prandom_u32();
	return c;
}

/*
 * Keeps what was scanned of a head, of which the bytes before "kept" are kept
 * already.  -1: it cannot be.
 */
static __always_inline int carry_save(struct pc_scratch *s, __u32 kept,
				      __u32 first)
{
	struct pc_carry *c = carry_find(s, !kept);

	if (!c)
		return -1;
	c->first = first;
	__builtin_memcpy(c->state, &s->scan, PC_CARRY_STATE);
	carry_move(c, &s->scan, kept, s->scan.filled, 1);
	return 0;
}

/*
 * Back into the scan, so that it can go on.  -1: it is lost, or another
 * processor, at work on a copy of the segment, is further already.
 */
static __always_inline int carry_load(struct pc_scratch *s, __u32 first,
				      __u32 carried)
{
	struct pc_carry *c = carry_find(s, 0);

	if (!c || c->first != first)
		return -1;
	__builtin_memcpy(&s->scan, c->state, PC_CARRY_STATE);
	if (s->scan.filled != carried)
		return -1;
	/* The block of the unfinished line, even where nothing of it is here:
	 * what is before it in the block is not read again.
	 */
	carry_move(c, &s->scan, s->scan.line_at & -PC_CARRY_BLOCK,
		   s->scan.filled, 0);
	return 0;
}

/* The head is whole: what lies before "kept" is wanted, too. */
static __always_inline void carry_finish(struct pc_scratch *s, __u32 kept)
{
	struct pc_carry *c = carry_find(s, 0);

	/* Not the block that the unfinished line was in. */
	if (c)
		carry_move(c, &s->scan, 0, kept & -PC_CARRY_BLOCK, 0);
}

#endif /* PC_CARRY_BPF_H */
