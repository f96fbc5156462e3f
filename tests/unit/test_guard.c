// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guard objects to, on images built as for the kernel; and the walk of
 * an image that it rests on, against asking for every address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "guard.h"
#include "naive/sweep.h"
#include "stretch.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MAX 8

struct texts {
	const char *items[MAX];
};

static struct prefix_list read_prefixes(struct prefix out[static MAX],
					const struct texts *t)
{
	struct prefix_list list = { out, 0 };

	while (list.n < MAX && t->items[list.n]) {
		assert_int_equal(
			prefix_parse_strict(&out[list.n], t->items[list.n]), 0);
		list.n++;
	}
	return list;
}

/* A list of PC_OWNER_OPERATOR and one of allow entries. */
static struct image build(const struct texts *block, const struct texts *allow,
			  uint8_t owner)
{
	struct prefix items[2][MAX];
	struct prefix_list lists[] = { read_prefixes(items[0], block),
				       read_prefixes(items[1], allow) };
	const struct image_source sources[] = {
		{ lists[0].items, lists[0].n, owner },
		{ lists[1].items, lists[1].n, PC_OWNER_ALLOW },
	};
	struct image im;

	assert_int_equal(image_build(&im, sources, ARRAY_SIZE(sources)), 0);
	return im;
}

static struct lifeline lifeline(const char *prefix, const char *what)
{
	struct lifeline line = { 0 };

	assert_int_equal(prefix_parse_strict(&line.prefix, prefix), 0);
	strcpy(line.what, what);
	return line;
}

static const struct {
	const char *what;
	struct texts block, allow;
	const char *prefix; /* the lifeline */
	const char *text;   /* NULL: no objection */
} policies[] = {
	{ "not blocked", { { "192.0.2.2" } }, { { NULL } }, "192.0.2.1", NULL },
	{ "blocked",
	  { { "192.0.2.1" } },
	  { { NULL } },
	  "192.0.2.1",
	  "--block would drop 192.0.2.1, a friend" },
	{ "in a blocked prefix",
	  { { "192.0.0.0/16" } },
	  { { NULL } },
	  "192.0.2.1",
	  "--block would drop 192.0.2.1, a friend" },
	{ "blocked and allowed",
	  { { "192.0.0.0/16" } },
	  { { "192.0.2.1" } },
	  "192.0.2.1",
	  NULL },
	{ "a shorter allow entry",
	  { { "192.0.2.1" } },
	  { { "192.0.0.0/16" } },
	  "192.0.2.1",
	  NULL },
	{ "the allow entry beside it",
	  { { "192.0.0.0/16" } },
	  { { "192.0.2.0" } },
	  "192.0.2.1",
	  "--block would drop 192.0.2.1, a friend" },
	{ "IPv6",
	  { { "2001:db8::/32" } },
	  { { NULL } },
	  "2001:db8::1",
	  "--block would drop 2001:db8::1, a friend" },
	{ "IPv6, allowed",
	  { { "2001:db8::/32" } },
	  { { "2001:db8::1" } },
	  "2001:db8::1",
	  NULL },
	{ "the other family", { { "::/2" } }, { { NULL } }, "10.0.0.1", NULL },
	{ "the last address of all",
	  { { "255.255.255.255" } },
	  { { NULL } },
	  "255.255.255.255",
	  "--block would drop 255.255.255.255, a friend" },
	{ "a prefix, blocked in its middle",
	  { { "10.1.2.3" } },
	  { { NULL } },
	  "10.0.0.0/8",
	  "--block would drop 10.1.2.3 of 10.0.0.0/8, a friend" },
	{ "a prefix, blocked at its end",
	  { { "10.255.255.255" } },
	  { { NULL } },
	  "10.0.0.0/8",
	  "--block would drop 10.255.255.255 of 10.0.0.0/8, a friend" },
	{ "a prefix, blocked behind its end",
	  { { "11.0.0.0" } },
	  { { NULL } },
	  "10.0.0.0/8",
	  NULL },
	{ "a prefix, blocked before it",
	  { { "9.255.255.255" } },
	  { { NULL } },
	  "10.0.0.0/8",
	  NULL },
	{ "a prefix, what is blocked is allowed",
	  { { "10.1.2.0/24", "10.9.0.1" } },
	  { { "10.1.2.0/25", "10.1.2.128/25", "10.9.0.0/30" } },
	  "10.0.0.0/8",
	  NULL },
	{ "a prefix, all but one is allowed",
	  { { "10.1.2.0/24" } },
	  { { "10.1.2.0/25", "10.1.2.128/26", "10.1.2.192/27", "10.1.2.224/28",
	      "10.1.2.240/29", "10.1.2.248/30", "10.1.2.252/31",
	      "10.1.2.254" } },
	  "10.0.0.0/8",
	  "--block would drop 10.1.2.255 of 10.0.0.0/8, a friend" },
	{ "an IPv6 prefix, blocked in its middle",
	  { { "2001:db8:1::5", "2001:db7::" } },
	  { { NULL } },
	  "2001:db8::/32",
	  "--block would drop 2001:db8:1::5 of 2001:db8::/32, a friend" },
	{ "an IPv6 prefix, what is blocked is allowed",
	  { { "2001:db8:1::/48" } },
	  { { "2001:db8::/33" } },
	  "2001:db8::/32",
	  NULL },
	{ "all of IPv4, its last is blocked",
	  { { "255.255.255.255" } },
	  { { NULL } },
	  "0.0.0.0/0",
	  "--block would drop 255.255.255.255 of 0.0.0.0/0, a friend" },
	{ "all of IPv6, its last is blocked",
	  { { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" } },
	  { { NULL } },
	  "::/0",
	  "--block would drop ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
	  " of ::/0, a friend" },
	{ "all of IPv6, nothing is blocked",
	  { { "10.0.0.0/8" } },
	  { { NULL } },
	  "::/0",
	  NULL },
	{ "nothing is blocked",
	  { { NULL } },
	  { { "10.0.0.0/8" } },
	  "0.0.0.0/0",
	  NULL },
};

static void a_policy_that_locks_out_is_objected_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		struct image im = build(&policies[i].block, &policies[i].allow,
					PC_OWNER_OPERATOR);
		struct lifeline line = lifeline(policies[i].prefix, "a friend");
		const struct lifelines lines = { &line, 1 };
		struct guard_objections g;

		guard_policy(&g, &im, NULL, &lines);
		if (g.n != !!policies[i].text)
			fail_msg("%s: %zu objections: %s", policies[i].what,
				 g.n, g.n ? g.text[0] : "");
		if (policies[i].text && strcmp(g.text[0], policies[i].text))
			fail_msg("%s: %s", policies[i].what, g.text[0]);
		image_fini(&im);
	}
}

static void the_list_is_named(void **state)
{
	static struct pc_list names[PC_OWNERS];
	static const struct {
		uint8_t owner;
		const char *text;
	} rows[] = {
		{ PC_OWNER_OPERATOR, "--block would drop 192.0.2.1, a friend" },
		{ PC_OWNER_SNAPSHOT, "the snapshot's ip_blacklist would drop "
				     "192.0.2.1, a friend" },
		{ PC_OWNER_IP_SCOPE, "the address rules of keys would drop "
				     "192.0.2.1, a friend" },
		{ PC_OWNER_FILE, "the block list /etc/first.txt would drop "
				 "192.0.2.1, a friend" },
		{ PC_OWNER_FILE + 2,
		  "block list 3 would drop 192.0.2.1, a friend" },
	};
	struct lifeline line = lifeline("192.0.2.1", "a friend");
	const struct lifelines lines = { &line, 1 };

	(void)state;
	strcpy(names[PC_OWNER_FILE].name, "/etc/first.txt");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image im =
			build(&(struct texts){ { "192.0.2.1" } },
			      &(struct texts){ { NULL } }, rows[i].owner);
		struct guard_objections g;

		guard_policy(&g, &im, names, &lines);
		assert_int_equal(g.n, 1);
		assert_string_equal(g.text[0], rows[i].text);
		image_fini(&im);
	}
}

static void absurd_coverage_is_objected_to(void **state)
{
	static const struct {
		const char *what;
		struct texts block, allow;
		size_t n;
	} rows[] = {
		{ "half of IPv4", { { "0.0.0.0/1" } }, { { NULL } }, 0 },
		{ "and one more",
		  { { "0.0.0.0/1", "200.0.0.1" } },
		  { { NULL } },
		  1 },
		{ "and one less",
		  { { "0.0.0.0/1", "200.0.0.1" } },
		  { { "1.1.1.1", "1.1.1.2" } },
		  0 },
		{ "all of both", { { "0.0.0.0/0", "::/0" } }, { { NULL } }, 2 },
		{ "half of IPv6", { { "8000::/1" } }, { { NULL } }, 0 },
		{ "and one more", { { "8000::/1", "::1" } }, { { NULL } }, 1 },
	};
	const struct lifelines none = { NULL, 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image im = build(&rows[i].block, &rows[i].allow,
					PC_OWNER_OPERATOR);
		struct guard_objections g;

		guard_policy(&g, &im, NULL, &none);
		if (g.n != rows[i].n)
			fail_msg("%s: %zu objections", rows[i].what, g.n);
		image_fini(&im);
	}
}

static void every_objection_is_counted(void **state)
{
	struct image im = build(&(struct texts){ { "192.0.2.1" } },
				&(struct texts){ { NULL } }, PC_OWNER_OPERATOR);
	struct lifeline items[GUARD_MAX + 3];
	const struct lifelines lines = { items, ARRAY_SIZE(items) };
	struct guard_objections g;

	(void)state;
	for (size_t i = 0; i < lines.n; i++)
		items[i] = lifeline("192.0.2.1", "a friend");
	guard_policy(&g, &im, NULL, &lines);
	assert_int_equal(g.n, GUARD_MAX);
	assert_int_equal(g.n_more, 3);
	image_fini(&im);
}

static const struct {
	const char *what;
	const char *ban;
	struct texts allow;
	const char *prefix; /* the lifeline */
	const char *text;   /* NULL: no objection */
} bans[] = {
	{ "somebody else", "192.0.2.2", { { NULL } }, "192.0.2.1", NULL },
	{ "the lifeline",
	  "192.0.2.1",
	  { { NULL } },
	  "192.0.2.1",
	  "the ban of 192.0.2.1 would drop 192.0.2.1, a friend" },
	{ "its network",
	  "192.0.2.0/24",
	  { { NULL } },
	  "192.0.2.1",
	  "the ban of 192.0.2.0/24 would drop 192.0.2.1, a friend" },
	{ "its network, it is allowed",
	  "192.0.2.0/24",
	  { { "198.51.100.1", "192.0.2.0/31" } },
	  "192.0.2.1",
	  NULL },
	{ "a part of it",
	  "10.1.2.3",
	  { { NULL } },
	  "10.0.0.0/8",
	  "the ban of 10.1.2.3 would drop 10.1.2.3 of 10.0.0.0/8, "
	  "a friend" },
	{ "a part of it, which is allowed",
	  "10.1.2.3",
	  { { "10.1.0.0/16" } },
	  "10.0.0.0/8",
	  NULL },
	{ "a part of it, allowed in part",
	  "10.1.0.0/16",
	  { { "10.1.2.0/24" } },
	  "10.0.0.0/8",
	  "the ban of 10.1.0.0/16 would drop 10.1.0.0/16 of "
	  "10.0.0.0/8, a friend" },
	{ "IPv6",
	  "2001:db8::/64",
	  { { NULL } },
	  "2001:db8::1",
	  "the ban of 2001:db8::/64 would drop 2001:db8::1, a friend" },
	{ "the other family",
	  "2001:db8::/32",
	  { { NULL } },
	  "32.1.13.184",
	  NULL },
	{ "the shortest", "11.0.0.0/8", { { NULL } }, "10.0.0.1", NULL },
	{ "shorter",
	  "12.0.0.0/7",
	  { { NULL } },
	  "10.0.0.1",
	  "the ban of 12.0.0.0/7 is wider than a /8" },
	{ "all",
	  "0.0.0.0/0",
	  { { "10.0.0.1" } },
	  "10.0.0.1",
	  "the ban of 0.0.0.0/0 is wider than a /8" },
	{ "the shortest of IPv6",
	  "2400::/16",
	  { { NULL } },
	  "2001:db8::1",
	  NULL },
	{ "shorter",
	  "2400::/15",
	  { { NULL } },
	  "2001:db8::1",
	  "the ban of 2400::/15 is wider than a /16" },
};

static void a_ban_that_locks_out_is_objected_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bans); i++) {
		struct lifeline line = lifeline(bans[i].prefix, "a friend");
		const struct lifelines lines = { &line, 1 };
		struct prefix items[MAX], ban;
		struct prefix_list allow = read_prefixes(items, &bans[i].allow);
		struct guard_objections g;

		assert_int_equal(prefix_parse_strict(&ban, bans[i].ban), 0);
		guard_ban(&g, &ban, &lines, &allow);
		if (g.n != !!bans[i].text)
			fail_msg("%s: %zu objections: %s", bans[i].what, g.n,
				 g.n ? g.text[0] : "");
		if (bans[i].text && strcmp(g.text[0], bans[i].text))
			fail_msg("%s: %s", bans[i].what, g.text[0]);
	}
}

/* --- the walk ---------------------------------------------------------------
 */

/* Universes of 65536 addresses: the last bytes of these vary. */
static const struct prefix universes[] = {
	{ AF_INET, 32, { 10, 1 } },
	{ AF_INET, 32, { 0xff, 0xff } },
	{ AF_INET6, 128, { 0 } },
	{ AF_INET6,
	  128,
	  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff } },
};

static struct prefix at(const struct prefix *universe, unsigned int low,
			unsigned int free_bits)
{
	struct prefix p = *universe;
	unsigned int end = p.len / 8;

	low = low >> free_bits << free_bits;
	p.addr[end - 2] = (uint8_t)(low >> 8);
	p.addr[end - 1] = (uint8_t)low;
	p.len = (uint8_t)(p.len - free_bits);
	return p;
}

static struct prefix draw(const struct prefix *universe, unsigned int bits)
{
	return at(universe, (unsigned int)rand() % 65536,
		  (unsigned int)rand() % (bits + 1));
}

/* Asks for every address. */
static bool find_naively(struct prefix *out, const struct image *im,
			 const struct prefix *within)
{
	unsigned int bits =
		(within->family == AF_INET ? 32u : 128u) - within->len;
	unsigned int end = within->family == AF_INET ? 4 : 16;
	unsigned int low = (unsigned int)within->addr[end - 2] << 8 |
			   within->addr[end - 1];

	for (unsigned int i = 0; i < 1u << bits; i++) {
		struct prefix p = *within;

		p.len = (uint8_t)(end * 8);
		p = at(&p, low + i, 0);
		if (!stretch_is_denied(image_find(im, &p)))
			continue;
		*out = p;
		return true;
	}
	return false;
}

static void compare(const struct prefix *universe, const struct image *im)
{
	for (int i = 0; i < 200; i++) {
		struct prefix within = draw(universe, 12), got, want;
		bool found = find_naively(&want, im, &within);
		uint32_t owner = PC_OWNER_NONE;

		assert_int_equal(stretch_find_denied(&got, &owner, im, &within),
				 found);
		if (!found)
			continue;
		assert_int_equal(prefix_compare(&got, &want), 0);
		assert_int_equal(owner, image_find(im, &want));
	}
}

static void the_walk_finds_what_asking_finds(void **state)
{
	enum {
		N = 64
	};
	struct prefix block[N], allow[N];

	(void)state;
	srand(1);
	for (int round = 0; round < 100; round++) {
		const struct prefix *u =
			&universes[(size_t)round % ARRAY_SIZE(universes)];
		size_t n_block = (size_t)rand() % N;
		size_t n_allow = (size_t)rand() % N;
		const struct image_source sources[] = {
			{ block, n_block, PC_OWNER_OPERATOR },
			{ block, n_block / 2, PC_OWNER_FILE },
			{ allow, n_allow, PC_OWNER_ALLOW },
		};
		struct image im;

		for (size_t i = 0; i < N; i++) {
			block[i] = draw(u, 9);
			allow[i] = draw(u, 9);
		}
		assert_int_equal(image_build(&im, sources, 3), 0);
		compare(u, &im);
		image_fini(&im);
	}
}

/* --- wide walks ------------------------------------------------------------
 */

#define WIDE 4000

/* Addresses anywhere, of one bucket, and leaves, some of two owners. */
static struct prefix draw_wide(unsigned int i)
{
	uint32_t any = (uint32_t)rand() * 2654435761u;

	if (i % 4 == 0)
		return prefix_of(AF_INET, i * 0x0e8b2f51u, 32);
	if (i % 4 == 1)
		return prefix_of(AF_INET, 0x0a000000 | any >> 16, 32);
	if (i % 4 == 2 && i % 3 == 0)
		return prefix_of(AF_INET, any, 20 + i % 10);
	return prefix_of(AF_INET, any, 32);
}

/* By a sweep that knows of no image. */
static bool find_by_sweep(struct prefix *out, const struct sweep_stretch *s,
			  size_t n, const struct prefix *within)
{
	struct prefix last = naive_last(*within);

	for (size_t i = 0; i < n; i++) {
		__uint128_t first = number_of(within);

		if (!stretch_is_denied(s[i].owner) || s[i].last < first ||
		    s[i].first > number_of(&last))
			continue;
		first = s[i].first > first ? s[i].first : first;
		*out = prefix_of(AF_INET, first, 32);
		return true;
	}
	return false;
}

static void walk_wide(const struct image *im, const struct sweep_stretch *s,
		      size_t n, const struct prefix *around)
{
	for (unsigned int len = 0; len <= 32; len++) {
		struct prefix within =
			prefix_of(AF_INET, number_of(around), len);
		struct prefix got, want;
		uint32_t owner = PC_OWNER_NONE;
		bool found = find_by_sweep(&want, s, n, &within);

		assert_int_equal(stretch_find_denied(&got, &owner, im, &within),
				 found);
		if (!found)
			continue;
		assert_int_equal(prefix_compare(&got, &want), 0);
		assert_int_equal(owner, image_find(im, &want));
	}
}

static void wide_walks_find_what_a_sweep_finds(void **state)
{
	static struct prefix block[WIDE], allow[WIDE];

	(void)state;
	srand(2);
	for (unsigned int round = 0; round < 40; round++) {
		/* Of all but a few: the first that is not is far. */
		size_t n_allow = WIDE - round;
		const struct image_source sources[] = {
			{ block, WIDE, PC_OWNER_OPERATOR },
			{ block + WIDE / 2, WIDE / 2, PC_OWNER_FILE },
			{ allow, n_allow, PC_OWNER_ALLOW },
		};
		struct sweep_stretch *s;
		struct image im;
		size_t n;

		for (unsigned int i = 0; i < WIDE; i++)
			allow[i] = block[i] = draw_wide(i);
		assert_int_equal(image_build(&im, sources, 3), 0);
		n = sweep(&s, sources, 3, AF_INET);
		for (size_t i = 0; i < WIDE; i += 97)
			walk_wide(&im, s, n, &block[i]);
		free(s);
		image_fini(&im);
	}
}

/* Address by address this would take an hour. */
static void a_walk_past_a_million_allowed_addresses_ends(void **state)
{
	const size_t n = 1000000;
	struct prefix *block = calloc(n, sizeof(*block));
	const struct prefix all = { .family = AF_INET };
	const struct image_source sources[] = {
		{ block, n, PC_OWNER_OPERATOR },
		{ &all, 1, PC_OWNER_ALLOW },
	};
	struct prefix address;
	struct image im;
	uint32_t owner;

	(void)state;
	assert_non_null(block);
	for (uint32_t i = 0; i < n; i++)
		block[i] = i % 2 ? prefix_of(AF_INET, i * 2654435761u, 32)
				 : prefix_of(AF_INET, i << 8, 25);
	assert_int_equal(image_build(&im, sources, 2), 0);
	assert_false(stretch_find_denied(&address, &owner, &im, &all));
	image_fini(&im);
	free(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_that_locks_out_is_objected_to),
		cmocka_unit_test(the_list_is_named),
		cmocka_unit_test(absurd_coverage_is_objected_to),
		cmocka_unit_test(every_objection_is_counted),
		cmocka_unit_test(a_ban_that_locks_out_is_objected_to),
		cmocka_unit_test(the_walk_finds_what_asking_finds),
		cmocka_unit_test(wide_walks_find_what_a_sweep_finds),
		cmocka_unit_test(a_walk_past_a_million_allowed_addresses_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
