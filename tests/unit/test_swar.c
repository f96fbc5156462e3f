// SPDX-License-Identifier: GPL-2.0-only
/* Questions to eight bytes at once, against asking each byte. */
#include "swar.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int is_control(uint8_t c)
{
	return c < ' ' || c == 0x7f;
}

static int is_not_name(uint8_t c)
{
	return !(c < 0x80 && (isalnum(c) || c == '-' || c == '_'));
}

/* The mask a naive reader makes of eight bytes. */
static __u64 ask(__u64 w, int (*question)(uint8_t c))
{
	__u64 mask = 0;

	for (int i = 0; i < 8; i++) {
		if (question(w >> 8 * i & 255))
			mask |= 0x80ULL << 8 * i;
	}
	return mask;
}

static int is_not_letter(uint8_t c)
{
	return !(c < 0x80 && (isalpha(c) || c == '-'));
}

static int is_not_plain(uint8_t c)
{
	return is_not_letter(c) && !isdigit(c) && c != ':' && c != '.';
}

static __u64 first(__u64 mask)
{
	return mask & -mask;
}

static void check(__u64 w)
{
	__u64 controls = ask(w, is_control), maybe = pc_swar_control(w);

	assert_true((maybe & controls) == controls);
	assert_true(pc_swar_control_exact(w) == controls);
	if (!controls && !pc_swar_has(w, 0xff))
		assert_true(!maybe);
	assert_true(first(pc_swar_not_letter(w)) ==
		    first(ask(w, is_not_letter)));
	assert_true(pc_swar_not_name(w) == ask(w, is_not_name));
	assert_true(pc_swar_not_plain(w) == ask(w, is_not_plain));
}

/* Neighbours matter where a carry could cross. */
static void every_byte_beside_every_other(void **state)
{
	(void)state;
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			for (int at = 0; at < 7; at++)
				check(((__u64)a | (__u64)b << 8) << 8 * at);
			check((__u64)a * PC_ONES ^ (__u64)b << 24);
		}
	}
}

static void random_words(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 1000000; i++) {
		__u64 w = 0;

		for (int k = 0; k < 8; k++)
			w = w << 8 | (rand() >> 8 & 255);
		check(w);
	}
}

static void equal_bytes_are_found_exactly(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 100000; i++) {
		__u64 w = 0, want = 0;
		uint8_t c = (uint8_t)(rand() >> 8);

		for (int k = 0; k < 8; k++) {
			uint8_t b = (uint8_t)(c + (rand() >> 8) % 3 - 1);

			w |= (__u64)b << 8 * k;
			if (b == c)
				want |= 0x80ULL << 8 * k;
		}
		assert_true(pc_swar_eq(w, c) == want);
		assert_true(!pc_swar_has(w, c) == !want);
	}
}

static void the_first_byte_set_is_found(void **state)
{
	(void)state;
	for (__u32 bits = 1; bits < 256; bits++) {
		__u64 mask = 0;

		for (int i = 0; i < 8; i++)
			mask |= (__u64)(bits >> i & 1) << (8 * i + 7);
		assert_int_equal(pc_swar_first(mask), __builtin_ctz(bits));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_beside_every_other),
		cmocka_unit_test(random_words),
		cmocka_unit_test(equal_bytes_are_found_exactly),
		cmocka_unit_test(the_first_byte_set_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
