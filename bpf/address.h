/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client's address as the text Go prints (RFC 5952), for the answers that
 * quote it.  Plain C, compiled for BPF and natively.
 */
#ifndef PC_ADDRESS_H
#define PC_ADDRESS_H

#include "pc_abi.h"

#define PC_ADDRESS_ROOM 64 /* a power of two: offsets are masked with it */

/*
 * Kept in memory, volatile: a number in a register is one more state for the
 * verifier at every branch, a number read back from memory is just a number.
 */
struct pc_text {
	volatile __u32 size;
	volatile __u32 zeros;	   /* bit i: group i of the address is zero */
	volatile __u32 gap;	   /* bit i: "::" stands for group i */
	__u8 out[PC_ADDRESS_ROOM]; /* not NUL-ended */
};

static inline void pc_text_put(struct pc_text *t, __u8 c)
{
	__u32 at = t->size;

	t->out[at & (PC_ADDRESS_ROOM - 1)] = c;
	t->size = at + 1;
}

static inline void pc_text_octet(struct pc_text *t, __u8 n)
{
	if (n >= 100)
		pc_text_put(t, '0' + n / 100);
	if (n >= 10)
		pc_text_put(t, '0' + n / 10 % 10);
	pc_text_put(t, '0' + n % 10);
}

static inline void pc_text_hex(struct pc_text *t, __u32 group)
{
	for (int shift = 12; shift >= 0; shift -= 4) {
		__u8 d = group >> shift & 15;

		if (group >> shift || !shift)
			pc_text_put(t, d + (d < 10 ? '0' : 'a' - 10));
	}
}

/* Finds the first longest run of two or more zero groups. */
static inline void pc_address_gap(struct pc_text *t, const __u8 addr[16])
{
	t->zeros = 0;
	t->gap = 0;
	for (int i = 0; i < 8; i++) {
		if (!(addr[2 * i] | addr[2 * i + 1]))
			t->zeros |= 1u << i;
	}
	for (int n = 2; n <= 8; n++) {
		__u32 run = (1u << n) - 1;

		for (int i = 8 - n; i >= 0; i--) {
			if ((t->zeros >> i & run) == run)
				t->gap = run << i;
		}
	}
}

static inline void pc_address_v6(struct pc_text *t, const __u8 addr[16])
{
	pc_address_gap(t, addr);
	for (int i = 0; i < 8; i++) {
		__u32 in = t->gap >> i & 1;
		__u32 before = t->gap << 1 >> i & 1;

		if (in && !before) {
			pc_text_put(t, ':');
			pc_text_put(t, ':');
		}
		if (in)
			continue;
		if (i && !before)
			pc_text_put(t, ':');
		pc_text_hex(t, addr[2 * i] << 8 | addr[2 * i + 1]);
	}
}

/* Writes the text into t->out and its length (at most 39) into t->size. */
static inline void pc_address_print(struct pc_text *t, const __u8 addr[16],
				    __u32 is_v6)
{
	t->size = 0;
	if (is_v6) {
		pc_address_v6(t, addr);
		return;
	}
	for (int i = 0; i < 4; i++) {
		if (i)
			pc_text_put(t, '.');
		pc_text_octet(t, addr[i]);
	}
}

#endif /* PC_ADDRESS_H */
