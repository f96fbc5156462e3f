// SPDX-License-Identifier: GPL-2.0-only
/*
 * scope.c against bitmaps: sets of 16-bit universes, 10.1.0.0/16 in IPv4 and
 * the last 65536 addresses of IPv6, where ends and carries are.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "scope.h"

#define UNIVERSE 65536

struct universe {
	const char *what;
	uint8_t family;
	uint8_t width;
	uint8_t low; /* index in addr of the two bytes that vary */
	uint8_t addr[16];
};

static const struct universe universes[] = {
	{ "10.1.0.0/16", AF_INET, 32, 2, { 10, 1 } },
	{ "the end of IPv4", AF_INET, 32, 2, { 255, 255 } },
	{ "the end of IPv6",
	  AF_INET6,
	  128,
	  14,
	  { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	    255 } },
	{ "the beginning of IPv6", AF_INET6, 128, 14, { 0 } },
};

#define N_UNIVERSES (sizeof(universes) / sizeof(universes[0]))

static struct prefix random_prefix(const struct universe *u)
{
	struct prefix p = { .family = u->family };
	unsigned int free_bits = (unsigned int)rand() % 13;
	unsigned int low =
		(unsigned int)rand() % UNIVERSE >> free_bits << free_bits;

	p.len = (uint8_t)(u->width - free_bits);
	memcpy(p.addr, u->addr, sizeof(p.addr));
	p.addr[u->low] = (uint8_t)(low >> 8);
	p.addr[u->low + 1] = (uint8_t)low;
	return p;
}

static void mark(bool *map, const struct universe *u, const struct prefix *p)
{
	size_t first = (size_t)p->addr[u->low] << 8 | p->addr[u->low + 1];
	size_t n = (size_t)1 << (u->width - p->len);

	memset(map + first, true, n);
}

static struct scope *random_scope(bool *map, const struct universe *u)
{
	struct prefix items[24];
	size_t n = (size_t)rand() % 24;

	memset(map, 0, UNIVERSE);
	for (size_t i = 0; i < n; i++) {
		items[i] = random_prefix(u);
		mark(map, u, &items[i]);
	}
	return scope_new(items, n);
}

/* The fewest prefixes for a bitmap, by halving. */
static size_t fewest(const bool *map, size_t n)
{
	bool all = true, none = true;

	for (size_t i = 0; i < n; i++)
		map[i] ? (none = false) : (all = false);
	if (none)
		return 0;
	return all ? 1 : fewest(map, n / 2) + fewest(map + n / 2, n / 2);
}

static void assert_same(const struct scope *s, const bool *want,
			const struct universe *u)
{
	static bool got[UNIVERSE];
	struct prefix *items;
	size_t n;

	memset(got, 0, sizeof(got));
	assert_int_equal(scope_prefixes(&items, &n, s), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(items[i].family, u->family);
		mark(got, u, &items[i]);
		if (i)
			assert_true(prefix_compare(&items[i - 1], &items[i]) <
				    0);
	}
	if (memcmp(got, want, sizeof(got)))
		fail_msg("%s: not the addresses of the bitmap", u->what);
	assert_int_equal(n, fewest(want, UNIVERSE));
	assert_int_equal(scope_is_empty(s), !n);
	free(items);
}

static bool op_unite(bool a, bool b)
{
	return a || b;
}

static bool op_intersect(bool a, bool b)
{
	return a && b;
}

static bool op_subtract(bool a, bool b)
{
	return a && !b;
}

static void operations_agree_with_bitmaps(void **state)
{
	static const struct {
		int (*scope)(struct scope *, const struct scope *);
		bool (*bit)(bool, bool);
	} ops[] = {
		{ scope_unite, op_unite },
		{ scope_intersect, op_intersect },
		{ scope_subtract, op_subtract },
	};
	static bool a[UNIVERSE], b[UNIVERSE];

	(void)state;
	srand(1);
	for (int round = 0; round < 600; round++) {
		const struct universe *u = &universes[round % N_UNIVERSES];
		size_t op = (size_t)round / N_UNIVERSES % 3;
		struct scope *x = random_scope(a, u), *y = random_scope(b, u);

		assert_non_null(x);
		assert_non_null(y);
		assert_same(x, a, u);
		assert_int_equal(ops[op].scope(x, y), 0);
		for (size_t i = 0; i < UNIVERSE; i++)
			a[i] = ops[op].bit(a[i], b[i]);
		assert_same(x, a, u);
		assert_same(y, b, u);
		scope_free(x);
		scope_free(y);
	}
}

static struct scope *scope_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse_pattern(&p, text), 0);
	return scope_new(&p, 1);
}

static void everything_minus_one_address(void **state)
{
	static const struct {
		const char *what, *hole;
		size_t n; /* one prefix for each bit, and the other family */
	} cases[] = {
		{ "first IPv4", "0.0.0.0", 33 },
		{ "last IPv4", "255.255.255.255", 33 },
		{ "first IPv6", "::", 129 },
		{ "last IPv6", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 129 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scope *all = scope_everything();
		struct scope *hole = scope_of(cases[i].hole);
		struct prefix *items;
		size_t n;

		assert_int_equal(scope_subtract(all, hole), 0);
		assert_int_equal(scope_prefixes(&items, &n, all), 0);
		if (n != cases[i].n)
			fail_msg("%s: %zu prefixes", cases[i].what, n);
		free(items);
		assert_int_equal(scope_unite(all, hole), 0);
		assert_true(scope_has_all(all, AF_INET));
		assert_true(scope_has_all(all, AF_INET6));
		scope_free(all);
		scope_free(hole);
	}
}

static void families_are_apart(void **state)
{
	struct scope *all = scope_everything();
	struct scope *v6 = scope_of("::/0");

	(void)state;
	assert_false(scope_has_all(v6, AF_INET));
	assert_true(scope_has_all(v6, AF_INET6));
	assert_int_equal(scope_subtract(all, v6), 0);
	assert_true(scope_has_all(all, AF_INET));
	assert_false(scope_has_all(all, AF_INET6));
	scope_clear(all, AF_INET);
	assert_true(scope_is_empty(all));
	scope_free(all);
	scope_free(v6);
	scope_free(NULL);
}

static void halves_make_a_whole(void **state)
{
	struct scope *s = scope_of("0.0.0.0/1");
	struct scope *other = scope_of("128.0.0.0/1");

	(void)state;
	assert_false(scope_has_all(s, AF_INET));
	assert_int_equal(scope_unite(s, other), 0);
	assert_true(scope_has_all(s, AF_INET));
	scope_free(s);
	scope_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_agree_with_bitmaps),
		cmocka_unit_test(everything_minus_one_address),
		cmocka_unit_test(families_are_apart),
		cmocka_unit_test(halves_make_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
