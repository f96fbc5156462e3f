/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SipHash with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast
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

/* How often the state is mixed: for each word, and in the end. */
struct pc_sip_rounds {
	int word;
	int end;
};

PC_INLINE void pc_siphash_mix(__u64 v[4], int rounds)
{
	PC_UNROLL
	for (int i = 0; i < rounds; i++)
		pc_siphash_round(v);
}

PC_INLINE void pc_siphash_word(__u64 v[4], __u64 m, int rounds)
{
	v[3] ^= m;
	pc_siphash_mix(v, rounds);
	v[0] ^= m;
}

PC_INLINE __u64 pc_siphash_final(__u64 v[4], int rounds)
{
	pc_siphash_mix(v, rounds);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

PC_INLINE struct pc_sip pc_siphash_any(const struct pc_sip *key, const __u8 *p,
				       __u32 size, struct pc_sip_rounds rounds)
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
		pc_siphash_word(v, PC_LOAD(__u64, p), rounds.word);
		p += 8;
	}
	m = PC_LOAD(__u64, p);
	/* What is left, seven bytes at most, and the length behind it. */
	m &= (1ULL << size % 8 * 8) - 1;
	pc_siphash_word(v, m | (__u64)size << 56, rounds.word);
	v[2] ^= 0xee;
	out.words[0] = pc_siphash_final(v, rounds.end);
	v[1] ^= 0xdd;
	out.words[1] = pc_siphash_final(v, rounds.end);
	return out;
}

/* SipHash-2-4: what it says can be kept secret by it.  size is at most
 * PC_SIPHASH_MAX; p has PC_SIPHASH_LOOK readable bytes.
 */
PC_INLINE struct pc_sip pc_siphash(const struct pc_sip *key, const __u8 *p,
				   __u32 size)
{
	return pc_siphash_any(key, p, size, (struct pc_sip_rounds){ 2, 4 });
}

/* SipHash-1-3, as hash tables use it, half the work: for a hash that is seen by
 * nobody who chooses what is hashed.
 */
PC_INLINE struct pc_sip pc_siphash_unseen(const struct pc_sip *key,
					  const __u8 *p, __u32 size)
{
	return pc_siphash_any(key, p, size, (struct pc_sip_rounds){ 1, 3 });
}

#endif /* PC_SIPHASH_H */
