/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who owns an address?  Lookup in the image (pc_abi.h), compiled for BPF and
 * natively.  Whoever includes this has defined before it a type pc_image_lines
 * and the function
 *   const struct pc_line *pc_image_line(const pc_image_lines *, __u32 number)
 * which finds a line, or NULL.
 *
 * IPv4, by line:
 *   0 ...      kinds, a line for each /16: two bits for each of its /24s
 *   index_at   a word for each /16: the owner of all its PC_KIND_ALL, or, from
 *              PC_OWNERS on, PC_OWNERS + the first of 16 lines with a word for
 *              each /24: the owner of a PC_KIND_ALL, the line of a PC_KIND_MANY
 *   bucket_at  buckets of single addresses, n_buckets of them
 *   leaves     256 bits, then a word: their common owner, or PC_OWNERS + the
 *              first of four lines with a byte for each address
 * An address that nobody owns is told by its kind, or by one bucket or leaf.
 *
 * IPv6 is a static search tree: the sorted starts of stretches of one owner,
 * four to a line, at the last level; each level above has the first start of
 * every line below.  owner_at has a byte for each stretch.  The first stretch
 * starts at ::.
 */
#ifndef PC_IMAGE_H
#define PC_IMAGE_H

#include "pc_abi.h"

#define PC_KIND_NONE 0u
#define PC_KIND_ALL 1u
#define PC_KIND_FEW 2u	/* its addresses are in buckets */
#define PC_KIND_MANY 3u /* it has a leaf */

#define PC_KIND_LINES 65536u
#define PC_INDEX_LINES 4096u
#define PC_INDEX_BLOCK 16u /* lines */
#define PC_LEAF_OWNERS 8   /* the word behind a leaf's bits */
#define PC_STARTS 4u	   /* in a line */

/* Returned where a line is missing: not an answer. */
#define PC_OWNER_DAMAGED PC_OWNERS

/* Unused places hold 0, and 0.0.0.0 is never in a bucket. */
#define PC_BUCKET_SIZE 12
struct pc_bucket {
	__u32 addr[PC_BUCKET_SIZE]; /* host order */
	__u8 owner[16];
};

struct pc_start {
	__u64 hi; /* of an address, host order */
	__u64 lo;
};

struct pc_starts {
	struct pc_start start[PC_STARTS];
};

_Static_assert(sizeof(struct pc_bucket) == sizeof(struct pc_line), "a line");
_Static_assert(sizeof(struct pc_starts) == sizeof(struct pc_line), "a line");

/*
 * The number of the lowest bit that is set, of bits that are not 0.  clang 14
 * never finishes to translate __builtin_ctzll() for BPF.
 */
static inline __u32 pc_lowest_bit(__u64 bits)
{
	__u32 n = 0;

	for (__u32 half = 32; half; half /= 2) {
		__u32 skip = !(bits & ((1ULL << half) - 1)) * half;

		bits >>= skip;
		n += skip;
	}
	return n;
}

static inline __u32 pc_image_bucket(const struct pc_image *im, __u32 addr)
{
	__u32 hash = addr * 0x9e3779b1u;

	return im->bucket_at + (__u32)((__u64)hash * im->n_buckets >> 32);
}

/* Where the owner is the same for the whole /24, or which line is its leaf. */
static inline __u32 pc_image_index(const struct pc_image *im,
				   const pc_image_lines *lines, __u32 addr)
{
	const struct pc_line *line =
		pc_image_line(lines, im->index_at + (addr >> 20));
	__u32 value;

	if (!line)
		return PC_OWNER_DAMAGED;
	value = line->word[addr >> 16 & 15];
	if (value < PC_OWNERS)
		return value;
	line = pc_image_line(lines, value - PC_OWNERS + (addr >> 12 & 15));
	return line ? line->word[addr >> 8 & 15] : PC_OWNER_DAMAGED;
}

static inline __u32 pc_image_few(const struct pc_image *im,
				 const pc_image_lines *lines, __u32 addr)
{
	const struct pc_bucket *b =
		(const void *)pc_image_line(lines, pc_image_bucket(im, addr));
	__u64 places = 0;

	if (!b)
		return PC_OWNER_DAMAGED;
	/* All of them, without a branch; 0 - 1 alone has the highest bit. */
	for (__u32 i = 0; i < PC_BUCKET_SIZE; i++)
		places |= ((__u64)(b->addr[i] ^ addr) - 1) >> 63 << i;
	if (!places)
		return PC_OWNER_NONE;
	return b->owner[pc_lowest_bit(places) % 16];
}

static inline __u32 pc_image_many(const struct pc_image *im,
				  const pc_image_lines *lines, __u32 addr)
{
	__u32 at = pc_image_index(im, lines, addr), owner;
	const struct pc_line *leaf = pc_image_line(lines, at);

	if (at < PC_OWNERS || !leaf)
		return PC_OWNER_DAMAGED;
	if (!(leaf->word[addr >> 5 & 7] >> (addr & 31) & 1))
		return PC_OWNER_NONE;
	owner = leaf->word[PC_LEAF_OWNERS];
	if (owner < PC_OWNERS)
		return owner;
	leaf = pc_image_line(lines, owner - PC_OWNERS + (addr >> 6 & 3));
	return leaf ? ((const __u8 *)leaf)[addr & 63] : PC_OWNER_DAMAGED;
}

/* The owner of an IPv4 address in host order, or PC_OWNER_DAMAGED. */
static inline __u32 pc_image_find4(const struct pc_image *im,
				   const pc_image_lines *lines, __u32 addr)
{
	const struct pc_line *line;

	if (!im->n_buckets)
		return PC_OWNER_NONE;
	line = pc_image_line(lines, addr >> 16);
	if (!line)
		return PC_OWNER_DAMAGED;
	switch (line->word[addr >> 12 & 15] >> (addr >> 7 & 30) & 3) {
	case PC_KIND_NONE:
		return PC_OWNER_NONE;
	case PC_KIND_FEW:
		return pc_image_few(im, lines, addr);
	case PC_KIND_ALL:
		return pc_image_index(im, lines, addr);
	default:
		return pc_image_many(im, lines, addr);
	}
}

/*
 * 1 when a < b, else 0.  Without a branch: the verifier would follow both ways
 * of each, on every level of the tree (Hacker's Delight, 2-12).
 */
static inline __u64 pc_below(__u64 a, __u64 b)
{
	return ((~a & b) | ((~a | b) & (a - b))) >> 63;
}

/* 1 when the stretch begins at or before the address. */
static inline __u64 pc_start_within(const struct pc_start *s, __u64 hi,
				    __u64 lo)
{
	__u64 beyond = pc_below(hi, s->hi);
	__u64 before = pc_below(s->hi, hi);

	return before | ((beyond | pc_below(lo, s->lo)) ^ 1);
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
		const struct pc_starts *s = (const void *)pc_image_line(
			lines, im->level_at[l] + at);
		__u64 n = 0;

		if (!s)
			return PC_OWNER_DAMAGED;
		/* The first one is never beyond. */
		for (__u32 i = 1; i < PC_STARTS; i++)
			n += pc_start_within(&s->start[i], hi, lo);
		at = at * PC_STARTS + n;
	}
	line = pc_image_line(lines, im->owner_at + at / sizeof(*line));
	return line ? ((const __u8 *)line)[at % sizeof(*line)]
		    : PC_OWNER_DAMAGED;
}

#endif /* PC_IMAGE_H */
