// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the layout of IPv4 makes of /16s that have a bit of everything: every
 * address of them against a sweep (naive/sweep.h).  IMAGE_SEED=N draws others.
 */
#include "owners.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "naive/sweep.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NETS 4 /* /16s in use, neighbours but for the last one */
#define SOURCES 4
#define ITEMS_MAX 200000
#define UNHASH 0x0e8b2f51u /* undoes the hash */

static uint64_t seed;
static uint64_t rng;

/* xorshift64* */
static uint32_t below(uint32_t n)
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return (uint32_t)(rng * 0x2545f4914f6cdd1dULL >> 33) % n;
}

/* Lists being drawn. */
struct scene {
	struct prefix *items[SOURCES];
	struct image_source sources[SOURCES];
	uint32_t nets[NETS]; /* first addresses */
	struct image im;
	struct sweep_stretch *truth;
	size_t n_truth;
};

static void put(struct scene *s, uint32_t addr, unsigned int len)
{
	struct image_source *to = &s->sources[below(SOURCES)];
	size_t i = (size_t)(to - s->sources);

	assert_true(to->n < ITEMS_MAX);
	s->items[i][to->n++] = prefix_of(AF_INET, addr, len);
}

static uint32_t any_24(const struct scene *s)
{
	return s->nets[below(NETS)] | below(256) << 8;
}

/* About as many addresses as are few. */
static void put_about_eight(struct scene *s)
{
	uint32_t n = 1 + below(12), net = any_24(s), step = 1 + 2 * below(100);

	for (uint32_t i = 0, at = below(256); i < n; i++, at += step)
		put(s, net | (at & 255), 32);
}

static void put_stretch(struct scene *s)
{
	put(s, any_24(s) | below(256), 16 + below(17));
}

/* Pieces as short as can be, of owners in turn. */
static void put_dense(struct scene *s)
{
	uint32_t net = any_24(s);

	for (uint32_t i = 0; i < 256; i++)
		put(s, net | i, 32);
}

/* As many words as a block can have. */
static void put_words(struct scene *s)
{
	uint32_t net = s->nets[below(NETS)];

	for (uint32_t i = 0; i < 256; i++)
		put(s, net | i << 8 | below(256), 24 + below(2));
}

/* Whole /16s of one owner, or nearly, or of two. */
static void put_net(struct scene *s)
{
	static const unsigned int lens[] = { 14, 15, 16, 17 };

	put(s, any_24(s), lens[below(4)]);
}

/*
 * Addresses that a bucket has no room for, a few in each of many /24s, and
 * some in the same /24s that other buckets have.
 */
static void put_colliding(struct scene *s)
{
	uint32_t limit = UINT32_MAX / (200 + below(3000));
	uint32_t net = s->nets[below(NETS)];

	for (uint32_t i = 0; i < 65536; i++) {
		if ((net | i) * 0x9e3779b1u >= limit || !below(8))
			continue;
		put(s, net | i, 32);
		if (!below(3))
			put(s, net | (i ^ 1 << below(8)), 32);
	}
}

/* Buckets that are full of others: addresses from anywhere. */
static void put_elsewhere(struct scene *s)
{
	uint32_t n = below(2000);

	for (uint32_t i = 0; i < n; i++)
		put(s, i * UNHASH, 32);
}

static void draw_scene(struct scene *s)
{
	static void (*const ways[])(struct scene *) = {
		put_about_eight, put_about_eight, put_about_eight, put_stretch,
		put_stretch,	 put_dense,	  put_words,	   put_net,
		put_colliding,	 put_colliding,	  put_elsewhere,
	};
	static const uint32_t firsts[] = { 0, 0x0a000000, 0xfffd0000 };
	uint32_t first = firsts[below(3)];
	/* Not all of them each time: what is whole hides the rest. */
	unsigned int wanted = 1 + below(2047);
	uint32_t n = 1 + below(40);

	for (size_t i = 0; i < SOURCES; i++) {
		s->sources[i] = (struct image_source){
			.items = s->items[i],
			.owner = (uint8_t)(below(4) ? 1 + below(5)
						    : PC_OWNER_ALLOW),
		};
	}
	for (uint32_t i = 0; i < NETS - 1; i++)
		s->nets[i] = first + (i << 16);
	s->nets[NETS - 1] = below(65536) << 16;
	while (n--) {
		unsigned int way = below(ARRAY_SIZE(ways));

		if (wanted >> way & 1)
			ways[way](s);
	}
}

static void check_addresses(const struct scene *s, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct prefix a = prefix_of(AF_INET, first + i, 32);
		uint32_t want = sweep_owner(s->truth, s->n_truth, first + i);
		uint32_t got = image_find(&s->im, &a);
		char text[PREFIX_STRLEN];

		if (got != want)
			fail_msg("seed %" PRIu64 ": %s has owner %u, not %u",
				 seed, prefix_print_address(&a, text), got,
				 want);
	}
}

static void check_scene(struct scene *s)
{
	assert_int_equal(image_build(&s->im, s->sources, SOURCES), 0);
	s->n_truth = sweep(&s->truth, s->sources, SOURCES, AF_INET);
	for (size_t i = 0; i < NETS; i++)
		check_addresses(s, s->nets[i], 65536);
	for (size_t i = 0; i < s->n_truth; i++) {
		check_addresses(s, (uint32_t)s->truth[i].first, 1);
		check_addresses(s, (uint32_t)s->truth[i].last, 1);
	}
	image_fini(&s->im);
	free(s->truth);
}

static void every_address_of_a_mixed_net_is_found(void **state)
{
	struct scene s;

	(void)state;
	for (size_t i = 0; i < SOURCES; i++) {
		s.items[i] = calloc(ITEMS_MAX, sizeof(*s.items[i]));
		assert_non_null(s.items[i]);
	}
	for (unsigned int round = 0; round < 60; round++) {
		draw_scene(&s);
		check_scene(&s);
	}
	for (size_t i = 0; i < SOURCES; i++)
		free(s.items[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_of_a_mixed_net_is_found),
	};
	const char *wish = getenv("IMAGE_SEED");

	seed = wish ? strtoull(wish, NULL, 10) : 1;
	rng = seed * 0x9e3779b97f4a7c15ULL + 1;
	printf("seed %" PRIu64 "\n", seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
