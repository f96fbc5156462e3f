/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the verifier needs and a native compiler does not.  A loop: bpf_loop(),
 * whose body it checks once; the body returns 0 to go on and 1 to stop.  And
 * PC_GLOBAL: a function it checks once, by itself, not again in every state
 * that it is called in; to the verifier such a function's pointers may be NULL.
 * And PC_LOAD: a word from anywhere.
 */
#ifndef PC_LOOP_H
#define PC_LOOP_H

#include "pc_abi.h"

/* Where a call would cost more than the work. */
#define PC_INLINE static inline __attribute__((always_inline))

#ifdef __clang__
#define PC_UNROLL _Pragma("clang loop unroll(full)")
#define PC_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define PC_UNROLL _Pragma("GCC unroll 64")
#define PC_NO_UNROLL _Pragma("GCC unroll 1")
#endif

#ifdef __bpf__
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PC_GLOBAL __attribute__((noinline))

/* Hides where a value came from, so that no check of it is optimised away. */
#define PC_OPAQUE(var) asm volatile("" : "+r"(var))

/*
 * A length known to be in [1, max], told to the verifier right where it is
 * used: that of kernel 6.1 forgets bounds when a register is spilled.  64-bit
 * variables; max is a power of two.
 */
#define PC_LENGTH(var, max)                            \
	asm volatile("%0 += -1\n\t%0 &= %1\n\t%0 += 1" \
		     : "+r"(var)                       \
		     : "i"((max)-1))

PC_INLINE void pc_loop(__u32 n, long (*body)(__u32 i, void *arg), void *arg)
{
	bpf_loop(n, (void *)body, arg, 0);
}

/* The compiler would put a word of unknown alignment together from its bytes;
 * the machines this runs on load it as it is.
 */
#define PC_LOAD(type, p) (*(const type *)(const void *)(p))
#else
#define PC_GLOBAL static inline
#define PC_OPAQUE(var) asm volatile("" : "+r"(var))

static inline void pc_loop(__u32 n, long (*body)(__u32 i, void *arg), void *arg)
{
	for (__u32 i = 0; i < n; i++) {
		if (body(i, arg))
			break;
	}
}

#define PC_LOAD(type, p)                                        \
	({                                                      \
		type loaded_;                                   \
		__builtin_memcpy(&loaded_, p, sizeof(loaded_)); \
		loaded_;                                        \
	})
#endif

#endif /* PC_LOOP_H */
