// SPDX-License-Identifier: GPL-2.0-only
#include "prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	const char *what;
	const char *in;
	const char *out; /* NULL: -EINVAL */
};

static const struct row addresses[] = {
	{ "v4", "192.0.2.1", "192.0.2.1" },
	{ "v4 least", "0.0.0.0", "0.0.0.0" },
	{ "v4 most", "255.255.255.255", "255.255.255.255" },
	{ "octet too large", "192.0.2.256", NULL },
	{ "leading zero", "192.0.2.01", NULL },
	{ "two zeros", "192.0.2.00", NULL },
	{ "three octets", "192.0.2", NULL },
	{ "five octets", "192.0.2.1.1", NULL },
	{ "empty octet", "192..2.1", NULL },
	{ "hex octet", "0xc0.0.2.1", NULL },
	{ "one number", "3221225985", NULL },
	{ "trailing dot", "192.0.2.1.", NULL },
	{ "blank before", " 192.0.2.1", NULL },
	{ "blank after", "192.0.2.1 ", NULL },
	{ "newline after", "192.0.2.1\n", NULL },
	{ "sign", "+1.0.2.1", NULL },
	{ "port", "192.0.2.1:80", NULL },
	{ "empty", "", NULL },
	{ "word", "unknown", NULL },
	{ "wildcard", "192.0.2.*", NULL },
	{ "range", "192.0.2.1-192.0.2.9", NULL },
	{ "prefix", "192.0.2.1/32", NULL },
	{ "v6", "2001:db8::1", "2001:db8::1" },
	{ "unspecified", "::", "::" },
	{ "loopback", "::1", "::1" },
	{ "upper case", "2001:DB8::A", "2001:db8::a" },
	{ "leading zeros in a group", "2001:0db8::0001", "2001:db8::1" },
	{ "group too long", "2001:00db8::1", NULL },
	{ "all groups", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
	{ "nine groups", "1:2:3:4:5:6:7:8:9", NULL },
	{ "seven groups", "1:2:3:4:5:6:7", NULL },
	{ ":: for one group", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
	{ ":: for no group", "1:2:3:4::5:6:7:8", NULL },
	{ ":: twice", "1::2::3", NULL },
	{ "three colons", ":::1", NULL },
	{ "one colon before", ":1:2:3:4:5:6:7", NULL },
	{ "one colon after", "1::2:", NULL },
	{ "zone", "fe80::1%eth0", NULL },
	{ "empty zone", "fe80::1%", NULL },
	{ "brackets", "[::1]", NULL },
	{ "v4 tail", "64:ff9b::192.0.2.1", "64:ff9b::c000:201" },
	{ "v4 tail after six groups", "1:2:3:4:5:6:1.2.3.4",
	  "1:2:3:4:5:6:102:304" },
	{ "v4 tail too early", "1:2:3:4:5:1.2.3.4", NULL },
	{ "v4 tail too late", "1:2:3:4:5:6:7:1.2.3.4", NULL },
	{ "v4 tail with a leading zero", "::ffff:1.2.3.04", NULL },
	{ "v4 tail in the middle", "::1.2.3.4:5", NULL },
	{ "mapped", "::ffff:192.0.2.1", "192.0.2.1" },
	{ "mapped in hex", "::ffff:c000:201", "192.0.2.1" },
	{ "mapped at length", "0000:0000:0000:0000:0000:ffff:192.168.100.200",
	  "192.168.100.200" },
	{ "compatible", "::1.2.3.4", "::102:304" },
	{ "longest run of zeros", "1:0:0:2:0:0:0:3", "1:0:0:2::3" },
	{ "first of equal runs", "1:0:0:2:3:0:0:4", "1::2:3:0:0:4" },
	{ "a lone zero", "1:2:3:0:5:6:7:8", "1:2:3:0:5:6:7:8" },
	{ "zeros first", "0:0:0:4:5:6:7:8", "::4:5:6:7:8" },
	{ "zeros last", "1:2:3:4:5:0:0:0", "1:2:3:4:5::" },
	{ "longest text", "1111:2222:3333:4444:5555:6666:7777:8888",
	  "1111:2222:3333:4444:5555:6666:7777:8888" },
	{ "text too long for any address",
	  "00000000000000000000000000000000000000000000001.2.3.4", NULL },
};

static const struct row patterns[] = {
	{ "an address", "192.0.2.1", "192.0.2.1/32" },
	{ "a v6 address", "2001:db8::1", "2001:db8::1/128" },
	{ "a mapped address", "::ffff:192.0.2.1", "192.0.2.1/32" },
	{ "v4", "192.0.2.0/24", "192.0.2.0/24" },
	{ "host bits are masked", "192.0.2.77/24", "192.0.2.0/24" },
	{ "within an octet", "10.255.0.0/9", "10.128.0.0/9" },
	{ "all of v4", "1.2.3.4/0", "0.0.0.0/0" },
	{ "v6", "2001:db8::/32", "2001:db8::/32" },
	{ "v6 host bits", "2001:db8:ffff::1/33", "2001:db8:8000::/33" },
	{ "all of v6", "::/0", "::/0" },
	{ "leading zero", "192.0.2.0/024", "192.0.2.0/24" },
	{ "many leading zeros", "192.0.2.0/00000000000000000000024",
	  "192.0.2.0/24" },
	{ "v4 33", "192.0.2.0/33", NULL },
	{ "v6 128", "::1/128", "::1/128" },
	{ "v6 129", "::1/129", NULL },
	{ "wraps round 32 bits", "192.0.2.0/4294967304", NULL },
	{ "huge", "::/99999999999999999999999999", NULL },
	{ "sign", "192.0.2.0/+24", NULL },
	{ "minus", "192.0.2.0/-1", NULL },
	{ "blank", "192.0.2.0/ 24", NULL },
	{ "blank after", "192.0.2.0/24 ", NULL },
	{ "no length", "192.0.2.0/", NULL },
	{ "no address", "/24", NULL },
	{ "two slashes", "192.0.2.0/24/24", NULL },
	{ "mask", "192.0.2.0/255.255.255.0", NULL },
	{ "hex", "192.0.2.0/0x18", NULL },
	{ "short network", "10/8", NULL },
	{ "zone", "fe80::%eth0/64", NULL },
	{ "mapped /128", "::ffff:192.0.2.1/128", "192.0.2.1/32" },
	{ "mapped /104", "::ffff:10.1.2.3/104", "10.0.0.0/8" },
	{ "mapped /96", "::ffff:10.1.2.3/96", "0.0.0.0/0" },
	{ "mapped /95", "::ffff:10.1.2.3/95", "::fffe:0:0/95" },
	{ "mapped /80", "::ffff:10.1.2.3/80", "::/80" },
	{ "compatible /128", "::10.1.2.3/128", "::a01:203/128" },
	{ "longest", "1111:2222:3333:4444:5555:6666:7777:8888/128",
	  "1111:2222:3333:4444:5555:6666:7777:8888/128" },
};

static void check_row(const struct row *r, int err, const char *printed)
{
	if (err != (r->out ? 0 : -EINVAL))
		fail_msg("%s: %s gives %d", r->what, r->in, err);
	if (r->out && strcmp(printed, r->out))
		fail_msg("%s: %s reads as %s", r->what, r->in, printed);
}

static void addresses_read_and_print_as_in_go(void **state)
{
	char buf[PREFIX_STRLEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct prefix p = { 0 };
		int err = prefix_parse_address(&p, addresses[i].in);

		check_row(&addresses[i], err, prefix_print_address(&p, buf));
		if (err)
			assert_int_equal(p.family, 0);
	}
}

static void patterns_read_as_in_go(void **state)
{
	char buf[PREFIX_STRLEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct prefix p = { 0 };
		int err = prefix_parse_pattern(&p, patterns[i].in);

		check_row(&patterns[i], err, prefix_print(&p, buf));
	}
}

static void strict_refuses_host_bits(void **state)
{
	static const struct {
		const char *in;
		int err;
	} rows[] = {
		{ "10.0.0.0/8", 0 },
		{ "10.0.0.1/8", -EDOM },
		{ "10.0.0.1", 0 },
		{ "10.128.0.0/8", -EDOM },
		{ "2001:db8::/32", 0 },
		{ "2001:db8::1/32", -EDOM },
		{ "::ffff:10.0.0.0/104", 0 },
		{ "::ffff:10.0.0.1/104", -EDOM },
		{ "::ffff:10.0.0.0/95", -EDOM },
		{ "10.0.0.1/33", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct prefix p = { 0 };

		if (prefix_parse_strict(&p, rows[i].in) != rows[i].err)
			fail_msg("%s", rows[i].in);
		if (rows[i].err)
			assert_int_equal(p.family, 0);
	}
}

static bool bit(const struct prefix *p, unsigned int i)
{
	return p->addr[i / 8] >> (7 - i % 8) & 1;
}

static bool naive_contains(const struct prefix *outer,
			   const struct prefix *inner)
{
	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	for (unsigned int i = 0; i < outer->len; i++) {
		if (bit(outer, i) != bit(inner, i))
			return false;
	}
	return true;
}

/* Few bits set, so that containment is common. */
static struct prefix random_prefix(void)
{
	char text[PREFIX_STRLEN + 8];
	struct prefix p;

	if (random() % 2)
		snprintf(text, sizeof(text), "%ld.%ld.0.%ld/%ld",
			 random() % 4 * 64, random() % 2, random() % 2,
			 random() % 33);
	else
		snprintf(text, sizeof(text), "%lx::%lx:%lx/%ld",
			 random() % 2 * 0x2000, random() % 2, random() % 2,
			 random() % 129);
	assert_int_equal(prefix_parse_pattern(&p, text), 0);
	return p;
}

static void contains_agrees_with_a_loop_over_bits(void **state)
{
	unsigned int n_contained = 0;

	(void)state;
	srandom(1);
	for (unsigned int i = 0; i < 200000; i++) {
		struct prefix a = random_prefix(), b = random_prefix();
		bool expect = naive_contains(&a, &b);

		assert_int_equal(prefix_contains(&a, &b), expect);
		n_contained += expect;
	}
	assert_true(n_contained > 1000);
}

static void families_never_contain_each_other(void **state)
{
	struct prefix any4, any6, host4;

	(void)state;
	prefix_parse_pattern(&any4, "0.0.0.0/0");
	prefix_parse_pattern(&any6, "::/0");
	prefix_parse_pattern(&host4, "::ffff:192.0.2.1");
	assert_false(prefix_contains(&any4, &any6));
	assert_false(prefix_contains(&any6, &any4));
	assert_false(prefix_contains(&any6, &host4));
	assert_true(prefix_contains(&any4, &host4));
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void compare_is_by_family_address_length(void **state)
{
	static const char *const sorted[] = {
		"0.0.0.0/0",  "10.0.0.0/8", "10.0.0.0/16", "10.0.0.1",
		"11.0.0.0/8", "::/0",	    "::1",	   "2001:db8::/32",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
			struct prefix a, b;

			prefix_parse_pattern(&a, sorted[i]);
			prefix_parse_pattern(&b, sorted[j]);
			assert_int_equal(sign(prefix_compare(&a, &b)),
					 (i > j) - (i < j));
		}
	}
}

static void private_is_what_the_gateway_calls_so(void **state)
{
	static const struct {
		const char *address;
		bool is_private;
	} rows[] = {
		{ "10.0.0.0", true },
		{ "10.255.255.255", true },
		{ "9.255.255.255", false },
		{ "11.0.0.0", false },
		{ "172.15.255.255", false },
		{ "172.16.0.0", true },
		{ "172.31.255.255", true },
		{ "172.32.0.0", false },
		{ "192.168.0.1", true },
		{ "192.169.0.1", false },
		{ "127.0.0.1", true },
		{ "128.0.0.1", false },
		{ "100.64.0.1", false },
		{ "169.254.1.1", false },
		{ "::1", true },
		{ "::2", false },
		{ "fc00::1", true },
		{ "fdff::1", true },
		{ "fe80::1", false },
		{ "fbff::1", false },
		{ "::ffff:10.0.0.1", true },
		{ "::10.0.0.1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct prefix p;

		assert_int_equal(prefix_parse_address(&p, rows[i].address), 0);
		if (prefix_is_private(&p) != rows[i].is_private)
			fail_msg("%s", rows[i].address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_read_and_print_as_in_go),
		cmocka_unit_test(patterns_read_as_in_go),
		cmocka_unit_test(strict_refuses_host_bits),
		cmocka_unit_test(contains_agrees_with_a_loop_over_bits),
		cmocka_unit_test(families_never_contain_each_other),
		cmocka_unit_test(compare_is_by_family_address_length),
		cmocka_unit_test(private_is_what_the_gateway_calls_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
