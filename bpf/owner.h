/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns an address?  Lookup in the image (pc_abi.h), compiled for BPF and
 * natively.  Whoever includes this has defined before it a type pc_image_lines
 * and the function
 *   const struct pc_line *pc_image_line(const pc_image_lines *, __u32 number)
 * which finds a line, or NULL.
 *
 * IPv4, by line:
 *   0 ...      a line for each /16, struct pc_nets: which of its /24s are in
 * the index, and of which the addresses are in buckets index_at   a struct
 * pc_index for each /16 bucket_at  buckets of single addresses, n_buckets of
 * them words      of the /24s in the index, in order: the owner of all of it,
 * or the line of its leaf leaves     256 bits, then a word: their common owner,
 * or the first of four lines with a byte for each address A word below
 * PC_OWNERS is an owner: no such thing is in so low a line.
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

#define PC_NETS_LINES 65536u
#define PC_INDEX_LINES 8192u
#define PC_LEAF_OWNERS 8 /* the word behind a leaf's bits */
#define PC_LEAF_LINES 4u /* of owners */
#define PC_ENDS 4u	 /* in a line */

/* Returned where a line is missing: not an answer. */
#define PC_OWNER_DAMAGED PC_OWNERS

/* A bit for each /24: never both.  Neither: nobody owns any of it. */
struct pc_nets {
	__u64 indexed[4];
	__u64 few[4]; /* in buckets */
};

/*
 * Where the words of a /16 begin, counted in words from line 0, and how many of
 * them belong to the /24s before each quarter; or, below PC_OWNERS, the owner
 * of all that is indexed.
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
 * buckets.
 */
#define PC_BUCKET_SIZE 12
struct pc_bucket {
	__u32 addr[PC_BUCKET_SIZE]; /* host order */
	__u8 owner[16]; /* of addr[i - 1]; the first is PC_OWNER_NONE */
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
 * The place in its bucket where an address is looked for first, one of eight:
 * of a product kernel 6.1 knows no bounds, of a shift it does.
 */
PC_INLINE __u32 pc_image_place(__u32 addr, __u32 n_buckets)
{
	return (__u32)pc_image_hash(addr, n_buckets) >> 29;
}

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
		return b->owner[place + 1];
	for (__u32 i = PC_BUCKET_SIZE; i; i--) {
		if (b->addr[i - 1] == addr)
			return b->owner[i];
	}
	return PC_OWNER_NONE;
}

/* An owner, a leaf's line, or PC_OWNER_DAMAGED. */
PC_INLINE __u32 pc_image_word(const struct pc_image *im,
			      const pc_image_lines *lines,
			      const struct pc_nets *nets, __u32 addr)
{
	const struct pc_indexes *x =
		(const void *)pc_image_line(lines, im->index_at + (addr >> 19));
	__u32 part = pc_nets_part(addr), at;
	const struct pc_line *line;

	if (!x)
		return PC_OWNER_DAMAGED;
	at = x->of[addr >> 16 & 7].at;
	if (at < PC_OWNERS)
		return at;
	at += x->of[addr >> 16 & 7].before[part] +
	      pc_n_bits(nets->indexed[part] &
			((1ULL << pc_nets_bit(addr)) - 1));
	line = pc_image_line(lines, at / 16);
	return line ? line->word[at % 16] : PC_OWNER_DAMAGED;
}

PC_INLINE __u32 pc_image_indexed(const struct pc_image *im,
				 const pc_image_lines *lines,
				 const struct pc_nets *nets, __u32 addr)
{
	__u32 at = pc_image_word(im, lines, nets, addr);
	const struct pc_line *leaf;

	if (at <= PC_OWNER_DAMAGED)
		return at;
	leaf = pc_image_line(lines, at);
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

/* The owner of an IPv4 address in host order, or PC_OWNER_DAMAGED. */
PC_INLINE __u32 pc_image_find4(const struct pc_image *im,
			       const pc_image_lines *lines, __u32 addr)
{
	const struct pc_nets *nets;

	if (!im->n_buckets)
		return PC_OWNER_NONE;
	nets = (const void *)pc_image_line(lines, addr >> 16);
	if (!nets)
		return PC_OWNER_DAMAGED;
	if (nets->few[pc_nets_part(addr)] >> pc_nets_bit(addr) & 1)
		return pc_image_few(im, lines, addr);
	if (nets->indexed[pc_nets_part(addr)] >> pc_nets_bit(addr) & 1)
		return pc_image_indexed(im, lines, nets, addr);
	return PC_OWNER_NONE;
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
