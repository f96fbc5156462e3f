// SPDX-License-Identifier: GPL-2.0-only
/* range.c against one who only counts addresses. */
#include "range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static struct range range_of(const char *first, const char *last)
{
	struct prefix a, b;
	struct range r;

	assert_int_equal(prefix_parse_address(&a, first), 0);
	assert_int_equal(prefix_parse_address(&b, last), 0);
	if (range_init(&r, &a, &b))
		fail_msg("%s-%s", first, last);
	return r;
}

static void ranges_become_prefixes(void **state)
{
	static const struct {
		const char *first, *last, *prefixes;
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7", "192.0.2.7/32" },
		{ "192.0.2.0", "192.0.2.255", "192.0.2.0/24" },
		{ "192.0.2.1", "192.0.2.6",
		  "192.0.2.1/32 192.0.2.2/31 192.0.2.4/31 192.0.2.6/32" },
		{ "0.0.0.0", "255.255.255.255", "0.0.0.0/0" },
		{ "0.0.0.1", "255.255.255.255", NULL }, /* 32 of them */
		{ "255.255.255.255", "255.255.255.255", "255.255.255.255/32" },
		{ "255.255.255.254", "255.255.255.255", "255.255.255.254/31" },
		{ "2001:db8::", "2001:db8::ffff", "2001:db8::/112" },
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
		{ "2001:db8::ffff", "2001:db8::1:0",
		  "2001:db8::ffff/128 2001:db8::1:0/128" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct range r = range_of(rows[i].first, rows[i].last);
		char text[4096] = "", buf[PREFIX_STRLEN];
		struct prefix p;
		size_t at = 0, n = 0;

		for (; range_take(&p, &r); n++)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       "%s%s", n ? " " : "",
					       prefix_print(&p, buf));
		if (rows[i].prefixes)
			assert_string_equal(text, rows[i].prefixes);
		else
			assert_int_equal(n, 32);
	}
}

static unsigned int v4_number(const struct prefix *p)
{
	return (unsigned int)p->addr[0] << 24 | p->addr[1] << 16 |
	       p->addr[2] << 8 | p->addr[3];
}

static struct prefix v4_address(unsigned int n)
{
	return (struct prefix){
		AF_INET, 32, { n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255 }
	};
}

/* In order, without gaps, none beyond the end, no two that could be one. */
static void every_small_range_is_covered_once(void **state)
{
	const unsigned int base = 0xc0000200;

	(void)state;
	for (unsigned int a = 0; a < 70; a++) {
		for (unsigned int b = a; b < 70; b++) {
			struct prefix first = v4_address(base + a),
				      last = v4_address(base + b), p, q = { 0 };
			unsigned int next = base + a;
			struct range r;

			assert_int_equal(range_init(&r, &first, &last), 0);
			while (range_take(&p, &r)) {
				unsigned int size = 1u << (32 - p.len);

				assert_int_equal(v4_number(&p), next);
				assert_int_equal(next % size, 0);
				assert_false(q.len == p.len &&
					     next % (2 * size));
				next += size;
				q = p;
			}
			assert_int_equal(next, base + b + 1);
		}
	}
}

static void what_is_no_range_is_refused(void **state)
{
	struct prefix a, b, c;
	struct range r;

	(void)state;
	prefix_parse_address(&a, "192.0.2.9");
	prefix_parse_address(&b, "192.0.2.8");
	prefix_parse_address(&c, "2001:db8::1");
	assert_int_equal(range_init(&r, &a, &b), -EINVAL);
	assert_int_equal(range_init(&r, &a, &c), -EINVAL);
	assert_int_equal(range_init(&r, &b, &a), 0);
}

static void size_is_compared(void **state)
{
	static const struct {
		const char *first, *last;
		unsigned int len;
		bool exceeds;
	} rows[] = {
		{ "10.0.0.0", "10.255.255.255", 8, false },
		{ "10.0.0.0", "11.0.0.0", 8, true },
		{ "10.0.0.5", "11.0.0.4", 8, false },
		{ "10.0.0.5", "11.0.0.5", 8, true },
		{ "0.0.0.0", "255.255.255.255", 0, false },
		{ "0.0.0.0", "255.255.255.255", 1, true },
		{ "2001::", "2001:ff:ffff:ffff:ffff:ffff:ffff:ffff", 8, false },
		{ "2000::", "20ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 8,
		  false },
		{ "2000::", "2100::", 8, true },
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0, false },
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct range r = range_of(rows[i].first, rows[i].last);

		if (range_exceeds(&r, rows[i].len) != rows[i].exceeds)
			fail_msg("%s-%s /%u", rows[i].first, rows[i].last,
				 rows[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_become_prefixes),
		cmocka_unit_test(every_small_range_is_covered_once),
		cmocka_unit_test(what_is_no_range_is_refused),
		cmocka_unit_test(size_is_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
