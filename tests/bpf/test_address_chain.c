// SPDX-License-Identifier: GPL-2.0-only
/*
 * IPv6 extension headers: every sequence of the four that are followed, as far
 * as they are followed and one more, before and behind tags, and headers that
 * lie in another piece of the packet than its first bytes.
 */
#include "address.h"

static const uint8_t kinds[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING,
				 IPPROTO_FRAGMENT, IPPROTO_DSTOPTS };

#define LONGEST (EXTENSIONS_MAX + 1)

/* The number'th chain of n headers: its digits to the base of four. */
static void chain(uint8_t extensions[LONGEST], size_t n, size_t number)
{
	for (size_t i = 0; i < n; i++, number /= ARRAY_SIZE(kinds))
		extensions[i] = kinds[number % ARRAY_SIZE(kinds)];
}

/* The header behind the last that is followed is one of four, in turn. */
static size_t chains_of(size_t n)
{
	return 1u << 2 * (n < EXTENSIONS_MAX ? n : EXTENSIONS_MAX);
}

static void run_chain(const uint8_t *extensions, size_t n, size_t number)
{
	static const uint16_t fragments[] = { 0, 1, 8, 0xfff8 };
	static const uint8_t protocols[] = { 0, IPPROTO_UDP, IPPROTO_ICMPV6 };
	struct shape s = to_gateway(number % 5 ? BLOCKED6 : STRANGER6);
	char what[64];

	s.extensions = extensions;
	s.n_extensions = n;
	s.ext_words = number % 3;
	s.reserved = (uint8_t)number;
	s.n_tags = number % (TAGS_MAX + 1);
	s.l4_proto = protocols[number % ARRAY_SIZE(protocols)];
	for (size_t i = 0; i < 2; i++) {
		/* A first fragment or none, and a later one. */
		s.fragment = fragments[2 * i + number / 3 % 2];
		snprintf(what, sizeof(what), "chain %zu of %zu", number, n);
		batch_shape(&s, what);
	}
}

static void run_chains(void)
{
	uint8_t extensions[LONGEST];

	use_blocked();
	batch_begin();
	for (size_t n = 0; n <= LONGEST; n++) {
		for (size_t number = 0; number < chains_of(n); number++) {
			chain(extensions, n, number);
			if (n == LONGEST)
				extensions[n - 1] =
					kinds[number % ARRAY_SIZE(kinds)];
			run_chain(extensions, n, number);
		}
	}
	batch_end();
}

static void every_chain_of_extension_headers(void **state)
{
	(void)state;
	everywhere(run_chains);
}

static int run_linear(struct outcome *o, const struct packet *p, size_t linear)
{
	struct xdp_md ctx = { .data_end = (uint32_t)linear };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->bytes,
		    .data_size_in = (uint32_t)p->size, .data_out = o->bytes,
		    .data_size_out = sizeof(o->bytes), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));
	int rc = bpf_prog_test_run_opts(place.prog, &opts);

	o->retval = opts.retval;
	return rc;
}

/* A driver may leave any part of a packet to its pieces. */
static void run_pieces(const struct shape *s)
{
	static struct packet p;
	static struct outcome o;
	uint32_t want;

	packet_build(&p, s);
	want = place_retval(expect(s));
	for (size_t n = 14; n <= p.size; n++) {
		if (run_linear(&o, &p, n))
			fail_msg("%zu of %zu bytes: no test run", n, p.size);
		if (o.retval != want)
			fail_msg("%zu of %zu bytes: not %s", n, p.size,
				 harness_reason_name(expect(s)));
	}
}

/* Kernels before 6.18 cannot be told how much of a packet is in one piece. */
static bool can_say_linear(void)
{
	struct shape s = to_gateway(STRANGER);
	static struct packet p;
	static struct outcome o;

	packet_build(&p, &s);
	return !run_linear(&o, &p, p.size - 1);
}

static void every_split_of_a_packet(void **state)
{
	static const uint8_t some[] = { 0, 44, 60 };
	struct shape v4 = to_gateway(BLOCKED), v6 = to_gateway(BLOCKED6);

	(void)state;
	for (int host = 0; host < 2; host++) {
		place_use(PROGRAM_XDP, host);
		use_blocked();
		if (!can_say_linear())
			return;
		v4.n_tags = v6.n_tags = (uint8_t)(2 * host);
		v4.ip_options = 10;
		v6.extensions = some;
		v6.n_extensions = ARRAY_SIZE(some);
		v6.ext_words = 2;
		v4.from = BLOCKED;
		run_pieces(&v4);
		v4.from = STRANGER;
		run_pieces(&v4);
		v4.dport = 22;
		run_pieces(&v4);
		run_pieces(&v6);
		v6.fragment = 8;
		run_pieces(&v6);
	}
}

/*
 * Longer than a page, so that the kernel itself makes pieces, wherever headers
 * end; and cut around the end of each.
 */
static void headers_reach_over_pages(void **state)
{
	static const uint8_t all[] = { 0, 43, 60, 44, 60, 60, 60 };
	struct shape s = to_gateway(BLOCKED6);
	static struct packet p;

	(void)state;
	s.extensions = all;
	s.ext_words = 255;
	for (int host = 0; host < 2; host++) {
		place_use(PROGRAM_XDP, host);
		use_blocked();
		batch_begin();
		for (size_t n = 0; n <= LONGEST; n++) {
			s.n_extensions = n;
			batch_shape(&s, "long headers");
		}
		s.n_extensions = EXTENSIONS_MAX;
		packet_build(&p, &s);
		for (size_t i = 8; i < p.size;
		     i += i % 2048 == 255 ? 1793 : 1) {
			if (i < p.l3_at + 40)
				continue;
			batch_bytes(p.bytes, i,
				    host || i >= p.l4_at + 4 ? PC_R_BLOCK_LIST
							     : PC_R_TRUNCATED,
				    "long headers, cut");
		}
		batch_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chain_of_extension_headers),
		cmocka_unit_test(every_split_of_a_packet),
		cmocka_unit_test(headers_reach_over_pages),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
