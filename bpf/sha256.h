/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SHA-256 (FIPS 180-4) of up to PC_SHA256_MAX bytes, plain C for BPF and
 * native. The caller's buffer is padded in place, so no state is carried
 * between calls.
 */
#ifndef PC_SHA256_H
#define PC_SHA256_H

#include "loop.h"
#include "pc_abi.h"

#define PC_SHA256_BLOCK 64
#define PC_SHA256_BLOCKS 3
/* The longest message three blocks hold: 0x80 and a 64-bit length follow it. */
#define PC_SHA256_MAX (PC_SHA256_BLOCKS * PC_SHA256_BLOCK - 9)

struct pc_sha256 {
	__u32 state[8];
	__u32 w[16]; /* the message schedule, sixteen words at a time */
	__u8 message[PC_SHA256_BLOCKS * PC_SHA256_BLOCK];
};

static const __u32 pc_sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/*
 * A word behind itself: its rotations are shifts of that, where the low half
 * counts.  BPF has no rotation.
 */
static inline __u64 pc_sha256_twice(__u32 x)
{
	__u64 high = (__u64)x << 32;

	PC_OPAQUE(high); /* or it is made a multiplication */
	return high | x;
}

/* The next sixteen words of the message schedule, in place. */
PC_INLINE void pc_sha256_schedule(__u32 w[16])
{
	PC_UNROLL
	for (int t = 0; t < 16; t++) {
		__u64 x, y;

		asm volatile("" ::: "memory");
		x = pc_sha256_twice(w[(t + 1) % 16]);
		y = pc_sha256_twice(w[(t + 14) % 16]);
		w[t] += w[(t + 9) % 16] +
			(__u32)(x >> 7 ^ x >> 18 ^ (x & 0xffffffff) >> 3) +
			(__u32)(y >> 17 ^ y >> 19 ^ (y & 0xffffffff) >> 10);
	}
}

/*
 * Sixteen rounds, unrolled so that the eight words change names, not places.
 * All sixty-four at once need more stack than a BPF program has.
 */
PC_INLINE void pc_sha256_rounds(__u32 v[8], const __u32 *w, const __u32 *k)
{
	PC_UNROLL
	for (int t = 0; t < 16; t++) {
		__u32 a = v[(16 - t) % 8], e = v[(20 - t) % 8];
		__u32 b = v[(17 - t) % 8], f = v[(21 - t) % 8];
		__u32 c = v[(18 - t) % 8], g = v[(22 - t) % 8];
		__u32 *d = &v[(19 - t) % 8], *h = &v[(23 - t) % 8];
		__u64 ee = pc_sha256_twice(e), aa = pc_sha256_twice(a);

		/* Loads stay in their round: hoisted, they fill the stack. */
		asm volatile("" ::: "memory");
		*h += (__u32)(ee >> 6 ^ ee >> 11 ^ ee >> 25) +
		      (g ^ (e & (f ^ g))) + k[t] + w[t];
		*d += *h;
		*h += (__u32)(aa >> 2 ^ aa >> 13 ^ aa >> 22) +
		      ((a & b) | (c & (a | b)));
	}
}

PC_INLINE void pc_sha256_block(struct pc_sha256 *s, const __u32 *message)
{
	__u32 v[8];

	for (int i = 0; i < 16; i++)
		s->w[i] = __builtin_bswap32(message[i]);
	for (int i = 0; i < 8; i++)
		v[i] = s->state[i];
	PC_NO_UNROLL
	for (int t = 0; t < 64; t += 16) {
		if (t)
			pc_sha256_schedule(s->w);
		pc_sha256_rounds(v, s->w, pc_sha256_k + t);
	}
	for (int i = 0; i < 8; i++)
		s->state[i] += v[i];
}

/* All of message[] to zero, so that the caller only has to put the bytes in. */
static inline void pc_sha256_init(struct pc_sha256 *s)
{
	__u64 *m = (__u64 *)(void *)s->message;

	for (unsigned int i = 0; i < sizeof(s->message) / 8; i++)
		m[i] = 0;
	s->state[0] = 0x6a09e667;
	s->state[1] = 0xbb67ae85;
	s->state[2] = 0x3c6ef372;
	s->state[3] = 0xa54ff53a;
	s->state[4] = 0x510e527f;
	s->state[5] = 0x9b05688c;
	s->state[6] = 0x1f83d9ab;
	s->state[7] = 0x5be0cd19;
}

/*
 * The digest of the first size bytes of message[], which the caller put there
 * after pc_sha256_init(); size is at most PC_SHA256_MAX.
 */
static inline void pc_sha256_final(struct pc_digest *out, struct pc_sha256 *s,
				   __u32 size)
{
	__u32 *d = (__u32 *)(void *)out->bytes;
	__u32 blocks, bits = size * 8;

	if (size > PC_SHA256_MAX)
		return;
	s->message[size] = 0x80;
	blocks = (size + 9 + PC_SHA256_BLOCK - 1) / PC_SHA256_BLOCK;
	PC_NO_UNROLL
	for (__u32 i = 0; i < PC_SHA256_BLOCKS; i++) {
		__u8 *end = s->message + (i + 1) * PC_SHA256_BLOCK - 4;

		if (i >= blocks)
			break;
		if (i + 1 == blocks)
			*(__u32 *)(void *)end = __builtin_bswap32(bits);
		pc_sha256_block(s,
				(const __u32 *)(const void *)(end + 4 -
							      PC_SHA256_BLOCK));
	}
	for (int i = 0; i < 8; i++)
		d[i] = __builtin_bswap32(s->state[i]);
}

#endif /* PC_SHA256_H */
