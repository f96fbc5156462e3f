/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns an address?  Lookup in the image (pc_abi.h), compiled for BPF and
 * natively.  Whoever includes this has defined before it a type pc_image_lines
 * and the function
 *   const struct pc_line *pc_image_line(const pc_image_lines *, __u32 number)
 * which finds a line, or NULL.
 *
 * IPv4: of each /16 pc_image.net says whether it is nobody's, has all of its
 * addresses in buckets, or is in the index.  By line:
 *   0 ...      struct pc_index of each /16
 *   bucket_at  buckets of single addresses, n_buckets of them
 *   blocks     of the /16s that need one: struct pc_nets, and then a word for
 *              each /24 in words, in order: the owner of all of it, or the line
 *              of its leaf
 *   leaves     256 bits, then a word: their common owner, or the first of four
 *              lines with a byte for each address
 * A line number below PC_OWNERS is an owner: nothing it could mean is in so low
 * a line.
 *
 * IPv6 is a static search tree: the sorted last addresses of stretches of one
 * owner, four to a line, at the last level; each level above has the last one
 * of every line below.  owner_at has a byte for each stretch.  The last stretch
 * ends at all ones, and so does what is unused in a line.
 */
#ifndef PC_OWNER_H
#define PC_OWNER_H

#include "pc_abi.h"

/* Calls cost more than what is called. */
#define PC_INLINE static inline __attribute__((always_inline))

#define PC_INDEX_LINES 8192u
#define PC_LINE_WORDS 16u
#define PC_LEAF_OWNERS 8 /* the word behind a leaf's bits */
#define PC_LEAF_LINES 4u /* of owners */
#define PC_ENDS 4u	 /* in a line */

/* Returned where a line is missing: not an answer. */
#define PC_OWNER_DAMAGED PC_OWNERS
/* Between the functions here: if anybody owns it, a bucket, or the index, says
 * who.
 */
#define PC_OWNER_IN_BUCKET (PC_OWNERS + 1)
#define PC_OWNER_IN_INDEX (PC_OWNERS + 2)

/* A bit for each /24: never both.  Neither: nobody owns any of it. */
struct pc_nets {
	__u64 worded[4];
	__u64 few[4]; /* in buckets */
};

/*
 * The line of a /16's block, and how many words belong to the /24s before each
 * quarter; or, below PC_OWNERS, the owner of all of it.
 */
struct pc_index {
	__u32 at;
	__u8 before[4];
};

struct pc_indexes {
	struct pc_index of[8];
};

/*
 * An address is in the place pc_image_place() says, or, where that was taken,
 * in any other: one comparison finds most.  No address is in it twice, and
 * unused places hold 0: 0.0.0.0 is never asked for, because its /24 is never in
 * buckets.  Where a bucket was full, all of the address's /24 is in the index,
 * and what is not found in the bucket may be there.
 */
#define PC_BUCKET_SIZE 12
struct pc_bucket {
	__u32 addr[PC_BUCKET_SIZE]; /* host order */
	__u8 owner[PC_BUCKET_SIZE];
	__u8 spilled;
	__u8 pad[3];
};

struct pc_end {
	__u64 hi; /* of an address, host order */
	__u64 lo;
};

struct pc_ends {
	struct pc_end end[PC_ENDS];
};

_Static_assert(sizeof(struct pc_nets) == sizeof(struct pc_line), "a line");
_Static_assert(sizeof(struct pc_indexes) == sizeof(struct pc_line), "a line");
_Static_assert(sizeof(struct pc_bucket) == sizeof(struct pc_line), "a line");
_Static_assert(sizeof(struct pc_ends) == sizeof(struct pc_line), "a line");

/* How many bits are set (Hacker's Delight, 5-1). */
PC_INLINE __u32 pc_n_bits(__u64 bits)
{
	bits -= bits >> 1 & 0x5555555555555555ULL;
	bits = (bits & 0x3333333333333333ULL) +
	       (bits >> 2 & 0x3333333333333333ULL);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (__u32)(bits * 0x0101010101010101ULL >> 56);
}

PC_INLINE enum pc_net pc_image_net(const struct pc_image *im, __u32 addr)
{
	return im->net[addr >> 20] >> (addr >> 15 & 30) & 3;
}

/* The place of a /24 in its struct pc_nets. */
PC_INLINE __u32 pc_nets_part(__u32 addr)
{
	return addr >> 14 & 3;
}

PC_INLINE __u32 pc_nets_bit(__u32 addr)
{
	return addr >> 8 & 63;
}

/* In its upper half the number of an address's bucket. */
PC_INLINE __u64 pc_image_hash(__u32 addr, __u32 n_buckets)
{
	__u32 hash = addr * 0x9e3779b1u;

	return (__u64)hash * n_buckets;
}

PC_INLINE __u32 pc_image_bucket(__u32 addr, __u32 n_buckets)
{
	return (__u32)(pc_image_hash(addr, n_buckets) >> 32);
}

/*
 * The place in its bucket where an address is looked for first.  Of a product
 * or an exclusive or kernel 6.1 knows no bounds, of a sum it does.
 */
PC_INLINE __u32 pc_image_place(__u32 addr, __u32 n_buckets)
{
	__u32 hash = (__u32)pc_image_hash(addr, n_buckets);

	return (hash >> 29) + (hash >> 26 & 4);
}

/* An owner, PC_OWNER_IN_INDEX or PC_OWNER_DAMAGED. */
PC_INLINE __u32 pc_image_few(const struct pc_image *im,
			     const pc_image_lines *lines, __u32 addr)
{
	const struct pc_bucket *b = (const void *)pc_image_line(
		lines, im->bucket_at + pc_image_bucket(addr, im->n_buckets));
	__u32 place;

	if (!b)
		return PC_OWNER_DAMAGED;
	place = pc_image_place(addr, im->n_buckets);
	if (b->addr[place] == addr)
		return b->owner[place];
	/* From the end, as they are put. */
	for (__u32 i = PC_BUCKET_SIZE; i; i--) {
		if (b->addr[i - 1] == addr)
			return b->owner[i - 1];
	}
	return b->spilled ? PC_OWNER_IN_INDEX : PC_OWNER_NONE;
}

PC_INLINE const struct pc_index *pc_image_index(const pc_image_lines *lines,
						__u32 addr)
{
	const struct pc_indexes *x =
		(const void *)pc_image_line(lines, addr >> 19);

	return x ? &x->of[addr >> 16 & 7] : NULL;
}

/* An owner, a leaf's line, or PC_OWNER_DAMAGED. */
PC_INLINE __u32 pc_image_word(const pc_image_lines *lines,
			      const struct pc_index *x,
			      const struct pc_nets *nets, __u32 addr)
{
	__u32 part = pc_nets_part(addr), at;
	const struct pc_line *line;

	at = (x->at + 1) * PC_LINE_WORDS + x->before[part] +
	     pc_n_bits(nets->worded[part] & ((1ULL << pc_nets_bit(addr)) - 1));
	line = pc_image_line(lines, at / PC_LINE_WORDS);
	return line ? line->word[at % PC_LINE_WORDS] : PC_OWNER_DAMAGED;
}

PC_INLINE __u32 pc_image_leaf(const pc_image_lines *lines, __u32 at, __u32 addr)
{
	const struct pc_line *leaf = pc_image_line(lines, at);

	if (!leaf)
		return PC_OWNER_DAMAGED;
	if (!(leaf->word[addr >> 5 & 7] >> (addr & 31) & 1))
		return PC_OWNER_NONE;
	at = leaf->word[PC_LEAF_OWNERS];
	if (at < PC_OWNERS)
		return at;
	leaf = pc_image_line(lines, at + (addr >> 6 & 3));
	return leaf ? ((const __u8 *)leaf)[addr & 63] : PC_OWNER_DAMAGED;
}

/* An owner, PC_OWNER_IN_BUCKET or PC_OWNER_DAMAGED. */
PC_INLINE __u32 pc_image_indexed(const pc_image_lines *lines, __u32 addr)
{
	const struct pc_index *x = pc_image_index(lines, addr);
	const struct pc_nets *nets;
	__u32 at;

	if (!x)
		return PC_OWNER_DAMAGED;
	if (x->at < PC_OWNERS)
		return x->at;
	nets = (const void *)pc_image_line(lines, x->at);
	if (!nets)
		return PC_OWNER_DAMAGED;
	if (nets->few[pc_nets_part(addr)] >> pc_nets_bit(addr) & 1)
		return PC_OWNER_IN_BUCKET;
	if (!(nets->worded[pc_nets_part(addr)] >> pc_nets_bit(addr) & 1))
		return PC_OWNER_NONE;
	at = pc_image_word(lines, x, nets, addr);
	return at <= PC_OWNER_DAMAGED ? at : pc_image_leaf(lines, at, addr);
}

/* The owner of an IPv4 address in host order, or PC_OWNER_DAMAGED. */
PC_INLINE __u32 pc_image_find4(const struct pc_image *im,
			       const pc_image_lines *lines, __u32 addr)
{
	enum pc_net net = pc_image_net(im, addr);
	__u32 owner;

	if (!net)
		return PC_OWNER_NONE;
	if (net == PC_NET_FEW) {
		owner = pc_image_few(im, lines, addr);
		if (owner != PC_OWNER_IN_INDEX)
			return owner;
	}
	owner = pc_image_indexed(lines, addr);
	if (owner == PC_OWNER_IN_BUCKET)
		owner = pc_image_few(im, lines, addr);
	return owner == PC_OWNER_IN_INDEX ? PC_OWNER_NONE : owner;
}

/*
 * 1 when a < b + borrow, else 0.  Without a branch: the verifier would follow
 * both ways of each, on every level of the tree (Hacker's Delight, 2-16).
 */
static inline __u64 pc_below(__u64 a, __u64 b, __u64 borrow)
{
	return ((~a & b) | ((~a | b) & (a - b - borrow))) >> 63;
}

/* The owner of an IPv6 address in host order, or PC_OWNER_DAMAGED. */
static inline __u32 pc_image_find6(const struct pc_image *im,
				   const pc_image_lines *lines, __u64 hi,
				   __u64 lo)
{
	const struct pc_line *line;
	__u64 at = 0;

	if (!im->n_levels)
		return PC_OWNER_NONE;
	for (__u32 l = 0; l < PC_LEVELS && l < im->n_levels; l++) {
		const struct pc_ends *e = (const void *)pc_image_line(
			lines, im->level_at[l] + at);
		__u64 n = 0;

		if (!e)
			return PC_OWNER_DAMAGED;
		/* Not before the first three: then it is the fourth. */
		for (__u32 i = 0; i < PC_ENDS - 1; i++)
			n += pc_below(e->end[i].hi, hi,
				      pc_below(e->end[i].lo, lo, 0));
		at = at * PC_ENDS + n;
	}
	line = pc_image_line(lines, im->owner_at + at / sizeof(*line));
	return line ? ((const __u8 *)line)[at % sizeof(*line)]
		    : PC_OWNER_DAMAGED;
}

#endif /* PC_OWNER_H */
