/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions asked of eight bytes at once.  A mask has bit 7 of a byte set where
 * the answer is yes.  Byte 0 is the lowest: little-endian machines only.
 */
#ifndef PC_SWAR_H
#define PC_SWAR_H

#include "pc_abi.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte order");

#define PC_ONES 0x0101010101010101ULL
#define PC_HIGH (0x80 * PC_ONES)
#define PC_LOW7 (0x7f * PC_ONES)

/* Up to eight characters as a little-endian word; c7 is the last. */
#define PC_W8(s)                                                 \
	((__u64)(__u8)(s)[0] | (__u64)(__u8)(s)[1] << 8 |        \
	 (__u64)(__u8)(s)[2] << 16 | (__u64)(__u8)(s)[3] << 24 | \
	 (__u64)(__u8)(s)[4] << 32 | (__u64)(__u8)(s)[5] << 40 | \
	 (__u64)(__u8)(s)[6] << 48 | (__u64)(__u8)(s)[7] << 56)

/* Bytes equal to c.  No borrow crosses a byte, so every bit is exact. */
static inline __u64 pc_swar_eq(__u64 w, __u8 c)
{
	__u64 x = w ^ (c * PC_ONES);

	return ~(((x & PC_LOW7) + PC_LOW7) | x) & PC_HIGH;
}

/* Where there may be control characters, below blank or DEL: all of them, and
 * now and then what comes behind one or behind a byte of all ones.
 */
static inline __u64 pc_swar_control(__u64 w)
{
	return ((w - 0x20 * PC_ONES) | (w + PC_ONES)) & ~w & PC_HIGH;
}

/* Control characters, each bit exact. */
static inline __u64 pc_swar_control_exact(__u64 w)
{
	__u64 low = ~((w & PC_LOW7) + 0x60 * PC_ONES);

	return ((low & ~w) & PC_HIGH) | pc_swar_eq(w, 0x7f);
}

/* Bytes that are not of [A-Za-z-], the characters of most names.  Only the
 * first bit is exact.
 */
static inline __u64 pc_swar_not_letter(__u64 w)
{
	__u64 y = w | 0x20 * PC_ONES;
	__u64 other = ~(y + 0x1f * PC_ONES) | (y + 0x05 * PC_ONES);

	return ((other & ((w ^ '-' * PC_ONES) + PC_LOW7)) | w) & PC_HIGH;
}

/* Bytes that are not of [A-Za-z0-9_-], the characters of ordinary names. */
static inline __u64 pc_swar_not_name(__u64 w)
{
	__u64 x = w & PC_LOW7, y = x | 0x20 * PC_ONES;
	__u64 letter = (y + 0x1f * PC_ONES) & ~(y + 0x05 * PC_ONES);
	__u64 digit = (x + 0x50 * PC_ONES) & ~(x + 0x46 * PC_ONES);
	__u64 other = ((x ^ '-' * PC_ONES) + PC_LOW7) &
		      ((x ^ '_' * PC_ONES) + PC_LOW7);

	return ((~(letter | digit) & other) | w) & PC_HIGH;
}

/* Bytes that are not of [A-Za-z0-9:.-], those of most hosts. */
static inline __u64 pc_swar_not_plain(__u64 w)
{
	__u64 x = w & PC_LOW7, y = x | 0x20 * PC_ONES;
	__u64 letter = (y + 0x1f * PC_ONES) & ~(y + 0x05 * PC_ONES);
	__u64 digit = (x + 0x50 * PC_ONES) & ~(x + 0x45 * PC_ONES);
	__u64 mark = (x + 0x53 * PC_ONES) & ~(x + 0x51 * PC_ONES);

	return (~(letter | digit | mark) | w) & PC_HIGH;
}

/* Is there a byte equal to c? */
static inline __u64 pc_swar_has(__u64 w, __u8 c)
{
	__u64 x = w ^ (c * PC_ONES);

	return (x - PC_ONES) & ~x & PC_HIGH;
}

/* Index of the first byte set in a mask that is not empty: less one, it is all
 * ones below that byte's highest bit, and no other byte has its lowest bit set.
 */
static inline __u32 pc_swar_first(__u64 mask)
{
	return ((mask - 1) & PC_ONES << 8) * PC_ONES >> 56;
}

#endif /* PC_SWAR_H */
