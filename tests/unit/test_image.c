// SPDX-License-Identifier: GPL-2.0-only
/*
 * Images against two oracles that know nothing of them: every prefix of every
 * list, bit by bit (naive/owner.h), and, for big lists, naive/sweep.h.
 * IMAGE_SEED=N draws others.
 */
#include "owners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <openssl/sha.h>
#include <cmocka.h>

#include "naive/sweep.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIB (1024.0 * 1024)
#define OPERATOR PC_OWNER_OPERATOR
#define ALLOW PC_OWNER_ALLOW
#define NONE PC_OWNER_NONE

static uint64_t seed;
static uint64_t rng;

/* xorshift64* */
static uint64_t draw(void)
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return rng * 0x2545f4914f6cdd1dULL;
}

static uint64_t below(uint64_t n)
{
	return (draw() >> 16) % n;
}

static __uint128_t random_address(int family)
{
	return ((__uint128_t)draw() << 64 | draw()) &
	       mask_of(family, bits_of(family));
}

static struct prefix text(const char *s)
{
	struct prefix p;

	if (prefix_parse_strict(&p, s))
		fail_msg("%s", s);
	return p;
}

static void check(const struct image *im, const struct prefix *address,
		  uint32_t want, const char *what)
{
	uint32_t got = image_find(im, address);
	char buf[PREFIX_STRLEN];

	if (got != want)
		fail_msg("%s, seed %" PRIu64 ": %s has owner %u, not %u", what,
			 seed, prefix_print_address(address, buf), got, want);
}

static void build(struct image *im, const struct image_source *sources,
		  size_t n_sources)
{
	assert_int_equal(image_build(im, sources, n_sources), 0);
	assert_true(!im->head.n_lines == !im->lines);
	assert_int_equal((uintptr_t)im->lines % 4096, 0);
}

/* A source in text: its owner and prefixes. */
#define ITEMS_MAX 8
struct text_source {
	uint8_t owner;
	const char *items[ITEMS_MAX + 1];
};

struct expectation {
	const char *address;
	uint32_t owner;
};

static const struct {
	const char *what;
	struct text_source sources[4];
	struct expectation find[8];
} rows[] = {
	{ "nothing", {}, { { "0.0.0.0", NONE }, { "::", NONE } } },
	{ "one address",
	  { { 9, { "192.0.2.1" } } },
	  { { "192.0.2.1", 9 },
	    { "192.0.2.0", NONE },
	    { "192.0.2.2", NONE },
	    { "192.0.3.1", NONE },
	    { "::", NONE } } },
	{ "the first source, whatever the lengths",
	  { { 2, { "10.0.0.0/8" } }, { 1, { "10.1.0.0/16", "10.1.1.1" } } },
	  { { "10.1.1.1", 2 }, { "10.1.0.0", 2 }, { "10.0.0.0", 2 } } },
	{ "the first source, the longer one first",
	  { { 1, { "10.1.0.0/16", "10.2.3.4" } }, { 2, { "10.0.0.0/8" } } },
	  { { "10.0.255.255", 2 },
	    { "10.1.0.0", 1 },
	    { "10.1.255.255", 1 },
	    { "10.2.0.0", 2 },
	    { "10.2.3.3", 2 },
	    { "10.2.3.4", 1 },
	    { "10.2.3.5", 2 } } },
	{ "allow wins over what is longer",
	  { { 1, { "10.1.1.1", "10.1.2.0/24" } }, { ALLOW, { "10.0.0.0/8" } } },
	  { { "10.1.1.1", ALLOW },
	    { "10.1.2.3", ALLOW },
	    { "10.0.0.1", NONE } } },
	{ "allow wins over what is shorter, wherever it stands",
	  { { ALLOW, { "10.1.1.1", "10.1.2.0/24", "2001:db8::1" } },
	    { 1, { "10.0.0.0/8", "2001:db8::/32" } } },
	  { { "10.1.1.1", ALLOW },
	    { "10.1.1.2", 1 },
	    { "10.1.2.0", ALLOW },
	    { "10.1.3.0", 1 },
	    { "2001:db8::1", ALLOW },
	    { "2001:db8::2", 1 },
	    { "2001:db9::", NONE } } },
	{ "two allow sources",
	  { { ALLOW, { "10.1.0.0/16" } },
	    { 1, { "10.0.0.0/8" } },
	    { ALLOW, { "10.2.0.0/16" } } },
	  { { "10.1.0.0", ALLOW }, { "10.2.0.0", ALLOW }, { "10.3.0.0", 1 } } },
	{ "only allowed",
	  { { ALLOW, { "10.1.1.1", "2001:db8::/32" } } },
	  { { "10.1.1.1", NONE }, { "2001:db8::", NONE } } },
	{ "all of IPv4",
	  { { 3, { "0.0.0.0/0" } } },
	  { { "0.0.0.0", 3 }, { "255.255.255.255", 3 }, { "::", NONE } } },
	{ "all of IPv6",
	  { { 3, { "::/0" } } },
	  { { "::", 3 },
	    { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 3 },
	    { "0.0.0.0", NONE } } },
	{ "the first and the last address",
	  { { 4,
	      { "0.0.0.0", "255.255.255.255",
		"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" } } },
	  { { "0.0.0.0", 4 },
	    { "0.0.0.1", NONE },
	    { "255.255.255.254", NONE },
	    { "255.255.255.255", 4 },
	    { "::", 4 },
	    { "::1", NONE },
	    { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", NONE },
	    { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 4 } } },
	{ "neighbours of 0.0.0.0",
	  { { 4, { "0.0.0.1", "0.0.0.2" } }, { 5, { "0.0.1.0" } } },
	  { { "0.0.0.0", NONE },
	    { "0.0.0.1", 4 },
	    { "0.0.0.2", 4 },
	    { "0.0.0.3", NONE },
	    { "0.0.1.0", 5 } } },
	{ "halves of a /24 by two owners",
	  { { 4, { "192.0.2.0/25" } }, { 5, { "192.0.2.128/25" } } },
	  { { "192.0.2.127", 4 },
	    { "192.0.2.128", 5 },
	    { "192.0.3.0", NONE } } },
	{ "a /16 without its last /24",
	  { { 4,
	      { "10.1.0.0/17", "10.1.128.0/18", "10.1.192.0/19",
		"10.1.224.0/20", "10.1.240.0/21", "10.1.248.0/22",
		"10.1.252.0/23", "10.1.254.0/24" } } },
	  { { "10.0.255.255", NONE },
	    { "10.1.0.0", 4 },
	    { "10.1.254.255", 4 },
	    { "10.1.255.0", NONE },
	    { "10.2.0.0", NONE } } },
	{ "a /16 without its first /24",
	  { { 4,
	      { "10.1.1.0/24", "10.1.2.0/23", "10.1.4.0/22", "10.1.8.0/21",
		"10.1.16.0/20", "10.1.32.0/19", "10.1.64.0/18",
		"10.1.128.0/17" } } },
	  { { "10.1.0.255", NONE },
	    { "10.1.1.0", 4 },
	    { "10.1.255.255", 4 },
	    { "10.2.0.0", NONE } } },
	{ "/24s of two owners, and single addresses, in a /16",
	  { { 4, { "192.0.2.0/24", "192.0.255.0/24" } },
	    { 254, { "192.0.0.0/24", "192.0.77.7" } } },
	  { { "192.0.0.0", 254 },
	    { "192.0.1.0", NONE },
	    { "192.0.2.255", 4 },
	    { "192.0.77.7", 254 },
	    { "192.0.255.255", 4 } } },
};

static void owners_are_as_the_header_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image_source sources[4] = { 0 };
		struct prefix items[4][ITEMS_MAX];
		struct image im;
		size_t n = 0;

		for (; n < 4 && rows[i].sources[n].owner; n++) {
			const struct text_source *t = &rows[i].sources[n];
			struct image_source *s = &sources[n];

			*s = (struct image_source){ .items = items[n],
						    .owner = t->owner };
			for (; t->items[s->n]; s->n++)
				items[n][s->n] = text(t->items[s->n]);
		}
		build(&im, sources, n);
		for (size_t j = 0; j < 8 && rows[i].find[j].address; j++) {
			struct prefix a = text(rows[i].find[j].address);

			check(&im, &a, rows[i].find[j].owner, rows[i].what);
		}
		image_fini(&im);
	}
}

/*
 * How a random list is drawn: addresses differ from one of so many roots in so
 * many last bits at most.
 */
struct shape {
	const char *what;
	int family;
	size_t n;
	unsigned int n_roots;
	unsigned int spread;
	unsigned int len_min;
	unsigned int len_max;
};

/* A lot of prefixes, dealt out to some sources. */
struct lot {
	struct prefix *items;
	struct image_source sources[SWEEP_SOURCES];
	size_t n;
	size_t n_sources;
};

/* Owners repeat, and about every third source allows. */
static void deal(struct lot *lot, size_t n_sources)
{
	size_t at = 0;

	lot->n_sources = n_sources;
	for (size_t i = 0; i < n_sources; i++) {
		size_t n = i + 1 < n_sources ? below(lot->n - at + 1)
					     : lot->n - at;

		lot->sources[i] = (struct image_source){
			.items = lot->items + at,
			.n = n,
			.owner = below(3) ? (uint8_t)(1 + below(254)) : ALLOW,
		};
		at += n;
	}
	lot->sources[below(n_sources)].owner = OPERATOR;
}

static void lot_new(struct lot *lot, const struct shape *s, size_t n_sources)
{
	__uint128_t roots[64];

	for (unsigned int i = 0; i < s->n_roots; i++)
		roots[i] = random_address(s->family);
	lot->n = s->n;
	lot->items = calloc(s->n + 1, sizeof(*lot->items));
	assert_non_null(lot->items);
	for (size_t i = 0; i < s->n; i++) {
		unsigned int spread = (unsigned int)below(s->spread + 1);
		__uint128_t noise = random_address(AF_INET6);
		unsigned int len =
			s->len_min +
			(unsigned int)below(s->len_max - s->len_min + 1);

		if (spread < 128)
			noise &= ((__uint128_t)1 << spread) - 1;
		lot->items[i] = prefix_of(
			s->family, roots[below(s->n_roots)] ^ noise, len);
	}
	deal(lot, n_sources);
}

static void lot_free(struct lot *lot)
{
	free(lot->items);
}

static void check_naively(const struct image *im, const struct lot *lot,
			  const struct prefix *address, const char *what)
{
	check(im, address, naive_owner(lot->sources, lot->n_sources, address),
	      what);
}

/* At and beside both ends. */
static void check_ends(const struct image *im, const struct lot *lot,
		       const struct prefix *p, const char *what)
{
	struct prefix at[] = {
		naive_first(*p),
		naive_last(*p),
		naive_neighbour(naive_first(*p), -1),
		naive_neighbour(naive_last(*p), 1),
	};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		check_naively(im, lot, &at[i], what);
}

static void check_small(const struct shape *s)
{
	struct image im;
	struct lot lot;

	lot_new(&lot, s, 1 + below(SWEEP_SOURCES));
	build(&im, lot.sources, lot.n_sources);
	for (size_t i = 0; i < lot.n; i++)
		check_ends(&im, &lot, &lot.items[i], s->what);
	for (size_t i = 0; i < 100; i++) {
		struct prefix a =
			prefix_of(s->family, random_address(s->family),
				  bits_of(s->family));

		check_naively(&im, &lot, &a, s->what);
	}
	image_fini(&im);
	lot_free(&lot);
}

static void small_lists_agree_with_the_naive_matcher(void **state)
{
	static const struct shape shapes[] = {
		{ "anything", AF_INET, 60, 8, 32, 0, 32 },
		{ "a /24", AF_INET, 40, 1, 8, 22, 32 },
		{ "single addresses of a /24", AF_INET, 14, 1, 8, 30, 32 },
		{ "some /16s", AF_INET, 60, 3, 16, 14, 32 },
		{ "/24s of a /16", AF_INET, 60, 1, 16, 23, 25 },
		{ "anything v6", AF_INET6, 60, 8, 128, 0, 128 },
		{ "about /64", AF_INET6, 60, 2, 70, 56, 72 },
		{ "last bits", AF_INET6, 60, 2, 6, 120, 128 },
	};

	(void)state;
	for (unsigned int round = 0; round < 100; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
			struct shape s = shapes[i];

			s.n = below(s.n + 1);
			check_small(&s);
		}
	}
}

/* Every bound and its neighbours, then random ones, half of them near bounds.
 */
static void check_stretches(const struct image *im, const struct lot *lot,
			    int family, const char *what)
{
	unsigned int bits = bits_of(family);
	struct sweep_stretch *s;
	size_t n = sweep(&s, lot->sources, lot->n_sources, family);

	for (size_t i = 0; i < n; i++) {
		struct prefix first = prefix_of(family, s[i].first, bits);
		struct prefix last = prefix_of(family, s[i].last, bits);

		check(im, &first, s[i].owner, what);
		check(im, &last, s[i].owner, what);
	}
	for (size_t i = 0; i < 50000; i++) {
		__uint128_t addr = random_address(family);
		struct prefix a;

		if (i % 2)
			addr = s[below(n)].first ^ below(1024);
		a = prefix_of(family, addr, bits);
		check(im, &a, sweep_owner(s, n, addr), what);
		if (i % 1000 == 0)
			check_naively(im, lot, &a, what);
	}
	free(s);
}

static void check_lot(const struct lot *lot, const char *what)
{
	struct image im;

	build(&im, lot->sources, lot->n_sources);
	check_stretches(&im, lot, lot->items[0].family, what);
	image_fini(&im);
}

static void big_lists_agree_with_a_sweep(void **state)
{
	static const struct shape shapes[] = {
		{ "addresses", AF_INET, 100000, 64, 32, 32, 32 },
		{ "near addresses", AF_INET, 100000, 64, 20, 32, 32 },
		{ "dense /24s", AF_INET, 20000, 64, 8, 28, 32 },
		{ "dense /16s", AF_INET, 100000, 8, 16, 25, 32 },
		{ "/24 to /32", AF_INET, 100000, 64, 32, 24, 32 },
		{ "/8 to /32", AF_INET, 20000, 64, 32, 8, 32 },
		{ "/24s", AF_INET, 20000, 64, 20, 24, 24 },
		{ "addresses v6", AF_INET6, 100000, 64, 128, 128, 128 },
		{ "/32 to /64", AF_INET6, 50000, 64, 96, 32, 64 },
		{ "any v6", AF_INET6, 20000, 64, 128, 8, 128 },
		{ "one /64", AF_INET6, 50000, 1, 64, 64, 128 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct lot lot;

		lot_new(&lot, &shapes[i], 1);
		check_lot(&lot, shapes[i].what);
		deal(&lot, 1 + below(SWEEP_SOURCES));
		check_lot(&lot, shapes[i].what);
		lot_free(&lot);
	}
}

static void families_do_not_meet(void **state)
{
	static const struct shape v4 = { "v4", AF_INET, 3000, 9, 24, 12, 32 };
	static const struct shape v6 = { "v6", AF_INET6, 3000, 9, 99, 20, 128 };
	struct lot a, b;

	(void)state;
	lot_new(&a, &v4, SWEEP_SOURCES);
	lot_new(&b, &v6, SWEEP_SOURCES);
	for (size_t i = 0; i < SWEEP_SOURCES; i++) {
		struct image_source alone[2] = { a.sources[i], b.sources[i] };
		struct image both, one;
		struct prefix p;

		alone[0].owner = alone[1].owner = OPERATOR;
		build(&both, alone, 2);
		build(&one, alone, 1);
		for (size_t j = 0; j < a.n; j++) {
			p = naive_first(a.items[j]);
			check(&both, &p, image_find(&one, &p), "both");
		}
		image_fini(&one);
		build(&one, alone + 1, 1);
		for (size_t j = 0; j < b.n; j++) {
			p = naive_first(b.items[j]);
			check(&both, &p, image_find(&one, &p), "both");
		}
		image_fini(&one);
		image_fini(&both);
	}
	lot_free(&a);
	lot_free(&b);
}

/* Addresses whose hashes are 0, 1, 2, ...: all for the first bucket. */
static void colliding_addresses_are_found(void **state)
{
	struct lot lot = { .n = 50000 };
	uint32_t inverse = 1;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		inverse *= 2 - 0x9e3779b1u * inverse;
	lot.items = calloc(lot.n, sizeof(*lot.items));
	assert_non_null(lot.items);
	for (size_t i = 0; i < lot.n; i++)
		lot.items[i] = prefix_of(AF_INET, (uint32_t)i * inverse, 32);
	assert_int_equal(pc_image_bucket(7 * inverse, 50000 / 6 + 1), 0);
	deal(&lot, 1);
	check_lot(&lot, "one bucket");
	deal(&lot, 3);
	check_lot(&lot, "one bucket, some sources");
	lot_free(&lot);
}

static void a_million_addresses_take_12_mib(void **state)
{
	static const struct shape addresses = { "1 M", AF_INET, 1000000, 1,
						32,    32,	32 };
	struct image im;
	struct lot lot;

	(void)state;
	lot_new(&lot, &addresses, 1);
	for (size_t i = 0; i < lot.n; i++)
		lot.items[i] = prefix_of(AF_INET, random_address(AF_INET), 32);
	lot.sources[0].owner = 77;
	build(&im, lot.sources, 1);
	printf("1 M addresses: %.2f MiB\n",
	       im.head.n_lines * sizeof(struct pc_line) / MIB);
	assert_true(im.head.n_lines <= 12 * PC_CHUNK_LINES);
	for (size_t i = 0; i < lot.n; i++)
		check(&im, &lot.items[i], 77, "1 M");
	image_fini(&im);
	lot_free(&lot);
}

static const struct {
	const char *what;
	struct text_source sources[2];
	bool over4;
	bool over6;
} halves[] = {
	{ "nothing", {}, false, false },
	{ "half", { { 1, { "0.0.0.0/1", "8000::/1" } } }, false, false },
	{ "half, twice",
	  { { 1, { "0.0.0.0/1", "::/1" } },
	    { 2, { "64.0.0.0/2", "4000::/2" } } },
	  false,
	  false },
	{ "and an address",
	  { { 1, { "0.0.0.0/1", "255.255.255.255" } } },
	  true,
	  false },
	{ "and an address v6", { { 1, { "::1", "8000::/1" } } }, false, true },
	{ "all", { { 1, { "0.0.0.0/0" } }, { 2, { "::/0" } } }, true, true },
	{ "two quarters and more, of two owners",
	  { { 1, { "0.0.0.0/2", "::/2" } },
	    { 2, { "128.0.0.0/2", "192.0.0.0", "c000::/2", "8000::" } } },
	  true,
	  true },
	{ "all, half of it allowed",
	  { { 1, { "0.0.0.0/0", "::/0" } },
	    { ALLOW, { "128.0.0.0/1", "::/1" } } },
	  false,
	  false },
	{ "all, all but one address of half of it allowed",
	  { { 1, { "0.0.0.0/1", "128.0.0.0", "::/1", "8000::" } },
	    { ALLOW, { "1.2.3.4" } } },
	  false,
	  true },
	{ "all of it allowed, and nothing else",
	  { { ALLOW, { "0.0.0.0/0", "::/0" } } },
	  false,
	  false },
};

static void half_is_not_more_than_half(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
		struct image_source sources[2] = { 0 };
		struct prefix items[2][ITEMS_MAX];
		struct image im;

		for (size_t j = 0; j < 2; j++) {
			const struct text_source *t = &halves[i].sources[j];

			sources[j].items = items[j];
			sources[j].owner = t->owner ? t->owner : OPERATOR;
			for (size_t k = 0; t->items[k]; k++)
				items[j][sources[j].n++] = text(t->items[k]);
		}
		build(&im, sources, 2);
		if (im.over_half4 != halves[i].over4 ||
		    im.over_half6 != halves[i].over6)
			fail_msg("%s: %d, %d", halves[i].what, im.over_half4,
				 im.over_half6);
		image_fini(&im);
	}
}

static void the_digest_is_of_all_lines(void **state)
{
	static const struct shape some = {
		"some", AF_INET, 500, 9, 24, 20, 32
	};
	uint8_t want[SHA256_DIGEST_LENGTH], got[32];
	struct image im;
	struct lot lot;

	(void)state;
	lot_new(&lot, &some, 2);
	build(&im, lot.sources, 2);
	SHA256((const void *)im.lines, im.head.n_lines * sizeof(*im.lines),
	       want);
	assert_memory_equal(im.head.digest, want, sizeof(want));
	im.lines[im.head.n_lines - 1].word[15] ^= 1;
	assert_int_equal(image_digest(got, im.lines, im.head.n_lines), 0);
	assert_memory_not_equal(got, want, sizeof(want));
	assert_int_equal(image_digest(got, im.lines, im.head.n_lines - 1), 0);
	SHA256((const void *)im.lines,
	       (im.head.n_lines - 1) * sizeof(*im.lines), want);
	assert_memory_equal(got, want, sizeof(want));
	image_fini(&im);

	build(&im, NULL, 0);
	assert_null(im.lines);
	SHA256((const void *)"", 0, want);
	assert_memory_equal(im.head.digest, want, sizeof(want));
	image_fini(&im);
	lot_free(&lot);
}

static void the_order_of_a_list_does_not_matter(void **state)
{
	static const struct shape some = {
		"some", AF_INET, 5000, 9, 24, 20, 32
	};
	struct image a, b;
	struct lot lot;

	(void)state;
	lot_new(&lot, &some, 1);
	build(&a, lot.sources, 1);
	for (size_t i = lot.n; i > 1; i--) {
		struct prefix *x = &lot.items[i - 1];
		struct prefix *y = &lot.items[below(i)];
		struct prefix p = *x;

		*x = *y;
		*y = p;
	}
	build(&b, lot.sources, 1);
	assert_memory_equal(&a.head, &b.head, sizeof(a.head));
	image_fini(&a);
	image_fini(&b);
	lot_free(&lot);
}

/* Two owners in each of so many /24s take five lines for each. */
static void more_lines_than_a_slot_has_are_refused(void **state)
{
	const size_t n = (size_t)PC_CHUNKS * PC_CHUNK_LINES / 5;
	struct prefix *items = calloc(2 * n, sizeof(*items));
	struct image_source sources[] = {
		{ .items = items, .n = n, .owner = 1 },
		{ .items = items + n, .n = n, .owner = 2 },
	};
	struct image im, untouched;

	(void)state;
	assert_non_null(items);
	memset(&im, 0xa5, sizeof(im));
	untouched = im;
	for (uint32_t i = 0; i < n; i++) {
		items[i] = prefix_of(AF_INET, (__uint128_t)i << 8, 25);
		items[n + i] =
			prefix_of(AF_INET, (__uint128_t)i << 8 | 128, 26);
	}
	assert_int_equal(image_build(&im, sources, 2), -E2BIG);
	assert_memory_equal(&im, &untouched, sizeof(im));
	sources[1].n = 0;
	build(&im, sources, 2);
	image_fini(&im);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_are_as_the_header_says),
		cmocka_unit_test(small_lists_agree_with_the_naive_matcher),
		cmocka_unit_test(big_lists_agree_with_a_sweep),
		cmocka_unit_test(families_do_not_meet),
		cmocka_unit_test(colliding_addresses_are_found),
		cmocka_unit_test(a_million_addresses_take_12_mib),
		cmocka_unit_test(half_is_not_more_than_half),
		cmocka_unit_test(the_digest_is_of_all_lines),
		cmocka_unit_test(the_order_of_a_list_does_not_matter),
		cmocka_unit_test(more_lines_than_a_slot_has_are_refused),
	};
	const char *wish = getenv("IMAGE_SEED");

	seed = wish ? strtoull(wish, NULL, 10) : 1;
	rng = seed * 0x9e3779b97f4a7c15ULL + 1;
	printf("seed %" PRIu64 "\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
