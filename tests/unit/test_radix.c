// SPDX-License-Identifier: GPL-2.0-only
/* radix.c against qsort(). */
#include "radix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#define MOST 20000

static int compare(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Few distinct bytes make long common heads, many make many piles. */
static struct prefix any(uint32_t *seed, unsigned int distinct)
{
	struct prefix p = { .family = next(seed) % 3 ? AF_INET : AF_INET6 };
	unsigned int size = p.family == AF_INET ? 4 : 16;

	for (unsigned int i = 0; i < size; i++)
		p.addr[i] = (uint8_t)(next(seed) % distinct * (255 / distinct));
	p.len = (uint8_t)(next(seed) % (8 * size + 1));
	return p;
}

static void any_prefixes_are_sorted(void **state)
{
	static const unsigned int sizes[] = { 0,  1,  2,   3,	 23,
					      24, 25, 100, 2000, MOST };
	static struct prefix a[MOST], b[MOST];
	uint32_t seed = 1;

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (unsigned int distinct = 1; distinct < 256; distinct *= 2) {
			unsigned int n = sizes[s];

			for (unsigned int i = 0; i < n; i++)
				a[i] = b[i] = any(&seed, distinct);
			radix_sort(a, n);
			qsort(b, n, sizeof(b[0]), compare);
			assert_memory_equal(a, b, n * sizeof(a[0]));
		}
	}
}

static void what_is_sorted_stays(void **state)
{
	static struct prefix a[1000], b[1000];
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		a[i] = any(&seed, 255);
	qsort(a, 1000, sizeof(a[0]), compare);
	memcpy(b, a, sizeof(a));
	radix_sort(a, 1000);
	assert_memory_equal(a, b, sizeof(a));
	/* And from the other end. */
	for (size_t i = 0; i < 1000; i++)
		a[i] = b[999 - i];
	radix_sort(a, 1000);
	assert_memory_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_prefixes_are_sorted),
		cmocka_unit_test(what_is_sorted_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
