/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF"), of up to PC_SIPHASH_MAX bytes.  Plain C, compiled for BPF
 * and natively.  The length is part of what is hashed.
 */
#ifndef PC_SIPHASH_H
#define PC_SIPHASH_H

#include "loop.h"
#include "pc_abi.h"

#define PC_SIPHASH_MAX 128
/* Bytes that must be readable, whatever the length: words are read whole. */
#define PC_SIPHASH_LOOK (PC_SIPHASH_MAX + 8)

struct pc_sip {
	__u64 words[2];
};

static inline __u64 pc_siphash_rol(__u64 x, int n)
{
	return x << n | x >> (64 - n);
}

PC_INLINE void pc_siphash_round(__u64 v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = pc_siphash_rol(v[1], 13) ^ v[0];
	v[3] = pc_siphash_rol(v[3], 16) ^ v[2];
	v[0] = pc_siphash_rol(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = pc_siphash_rol(v[3], 21) ^ v[0];
	v[1] = pc_siphash_rol(v[1], 17) ^ v[2];
	v[2] = pc_siphash_rol(v[2], 32);
}

PC_INLINE void pc_siphash_word(__u64 v[4], __u64 m)
{
	v[3] ^= m;
	pc_siphash_round(v);
	pc_siphash_round(v);
	v[0] ^= m;
}

PC_INLINE __u64 pc_siphash_final(__u64 v[4])
{
	pc_siphash_round(v);
	pc_siphash_round(v);
	pc_siphash_round(v);
	pc_siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* size is at most PC_SIPHASH_MAX; p has PC_SIPHASH_LOOK readable bytes. */
PC_INLINE struct pc_sip pc_siphash(const struct pc_sip *key, const __u8 *p,
				   __u32 size)
{
	__u64 k0 = key->words[0], k1 = key->words[1], m;
	__u64 v[4] = { k0 ^ 0x736f6d6570736575ULL,
		       k1 ^ 0x646f72616e646f6dULL ^ 0xee,
		       k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL };
	struct pc_sip out;
	__u32 i;

	PC_NO_UNROLL
	for (i = 0; i < PC_SIPHASH_MAX / 8; i++) {
		if (i * 8 + 8 > size)
			break;
		pc_siphash_word(v, PC_LOAD(__u64, p));
		p += 8;
	}
	m = PC_LOAD(__u64, p);
	/* What is left, seven bytes at most, and the length behind it. */
	m &= (1ULL << size % 8 * 8) - 1;
	pc_siphash_word(v, m | (__u64)size << 56);
	v[2] ^= 0xee;
	out.words[0] = pc_siphash_final(v);
	v[1] ^= 0xdd;
	out.words[1] = pc_siphash_final(v);
	return out;
}

#endif /* PC_SIPHASH_H */
