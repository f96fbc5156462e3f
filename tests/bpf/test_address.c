// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address plane, packet by packet and in all three programs: every branch
 * of the parser, the order of the lists, and every reason there is.
 */
#include "address.h"

static void pass_without_a_policy(void)
{
	struct shape s = to_gateway(BLOCKED);

	check_shape(&s, PC_R_NO_POLICY, "before the first policy");
}

static void nothing_is_dropped_without_a_policy(void **state)
{
	(void)state;
	everywhere(pass_without_a_policy);
}

/* Extension headers in an order that a sender may use. */
static const uint8_t hop[] = { IPPROTO_HOPOPTS };
static const uint8_t routing[] = { IPPROTO_ROUTING };
static const uint8_t options[] = { IPPROTO_DSTOPTS };
static const uint8_t fragment[] = { IPPROTO_FRAGMENT };
static const uint8_t hop_fragment[] = { IPPROTO_HOPOPTS, IPPROTO_FRAGMENT };
static const uint8_t fragment_options[] = { IPPROTO_FRAGMENT, IPPROTO_DSTOPTS };
static const uint8_t seven[] = { 0, 60, 60, 60, 60, 60, 60 };

/* What becomes of them where only the gateway is guarded. */
static const struct {
	const char *what;
	enum pc_reason want;
	struct shape s;
} rows[] = {
	{ "v4", PC_R_BLOCK_LIST, { .from = BLOCKED } },
	{ "v6", PC_R_BLOCK_LIST, { .from = BLOCKED6 } },
	{ "v4, UDP", PC_R_BLOCK_LIST, { .from = BLOCKED, .l4_proto = 17 } },
	{ "v6, UDP", PC_R_BLOCK_LIST, { .from = BLOCKED6, .l4_proto = 17 } },
	{ "the last port",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED, .dport = 65535 } },
	{ "v4, another port",
	  PC_R_OTHER_PORT,
	  { .from = BLOCKED, .dport = 22 } },
	{ "v6, another port",
	  PC_R_OTHER_PORT,
	  { .from = BLOCKED6, .dport = 8081 } },
	{ "the port before",
	  PC_R_OTHER_PORT,
	  { .from = BLOCKED, .dport = 8079 } },
	{ "a port with its bytes swapped",
	  PC_R_OTHER_PORT,
	  { .from = BLOCKED, .dport = 0x901f } },
	{ "v4, another source", PC_R_ADDRESS_PASS, { .from = STRANGER } },
	{ "v6, another source", PC_R_ADDRESS_PASS, { .from = STRANGER6 } },
	{ "v4, one tag", PC_R_BLOCK_LIST, { .from = BLOCKED, .n_tags = 1 } },
	{ "v6, one tag", PC_R_BLOCK_LIST, { .from = BLOCKED6, .n_tags = 1 } },
	{ "v4, two tags", PC_R_BLOCK_LIST, { .from = BLOCKED, .n_tags = 2 } },
	{ "v6, two tags", PC_R_BLOCK_LIST, { .from = BLOCKED6, .n_tags = 2 } },
	{ "v4, three tags", PC_R_NOT_IP, { .from = BLOCKED, .n_tags = 3 } },
	{ "v6, three tags", PC_R_NOT_IP, { .from = BLOCKED6, .n_tags = 3 } },
	{ "ARP", PC_R_NOT_IP, { .from = BLOCKED, .ether_type = 0x0806 } },
	{ "v4 under v6's type",
	  PC_R_BAD_IP_HEADER,
	  { .from = BLOCKED, .ether_type = 0x86dd } },
	{ "v6 under v4's type",
	  PC_R_BAD_IP_HEADER,
	  { .from = BLOCKED6, .ether_type = 0x0800 } },
	{ "v4, version 5",
	  PC_R_BAD_IP_HEADER,
	  { .from = BLOCKED, .ip_first = 0x55 } },
	{ "v4, header of 16",
	  PC_R_BAD_IP_HEADER,
	  { .from = BLOCKED, .ip_first = 0x44 } },
	{ "v6, version 7",
	  PC_R_BAD_IP_HEADER,
	  { .from = BLOCKED6, .ip_first = 0x70 } },
	{ "v4, one word of options",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED, .ip_options = 1 } },
	{ "v4, ten words of options",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED, .ip_options = 10 } },
	{ "v4, options and another port",
	  PC_R_OTHER_PORT,
	  { .from = BLOCKED, .ip_options = 10, .dport = 80 } },
	{ "v4, ICMP", PC_R_NOT_TCP_UDP, { .from = BLOCKED, .l4_proto = 1 } },
	{ "v6, ICMPv6",
	  PC_R_NOT_TCP_UDP,
	  { .from = BLOCKED6, .l4_proto = 58 } },
	{ "v6, ESP", PC_R_NOT_TCP_UDP, { .from = BLOCKED6, .l4_proto = 50 } },
	/* Linux delivers what is inside only by an IPsec association, whose key
	 * says who sends.
	 */
	{ "v4, AH", PC_R_NOT_TCP_UDP, { .from = BLOCKED, .l4_proto = 51 } },
	{ "v6, AH", PC_R_NOT_TCP_UDP, { .from = BLOCKED6, .l4_proto = 51 } },
	{ "v6, mobility",
	  PC_R_NOT_TCP_UDP,
	  { .from = BLOCKED6, .l4_proto = 135 } },
	{ "v6, no next header",
	  PC_R_NOT_TCP_UDP,
	  { .from = BLOCKED6, .l4_proto = 59 } },
	{ "v4, do not fragment",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED, .fragment = 0x4000 } },
	{ "v4, first fragment",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED, .fragment = 0x2000 } },
	{ "v4, middle fragment",
	  PC_R_FRAGMENT,
	  { .from = BLOCKED, .fragment = 0x2001 } },
	{ "v4, last fragment",
	  PC_R_FRAGMENT,
	  { .from = BLOCKED, .fragment = 0x1fff } },
	{ "v6, hop-by-hop",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6, .extensions = hop, .n_extensions = 1 } },
	{ "v6, routing",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6, .extensions = routing, .n_extensions = 1 } },
	{ "v6, destination options",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6, .extensions = options, .n_extensions = 1 } },
	{ "v6, options of 40 bytes",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6,
	    .extensions = options,
	    .n_extensions = 1,
	    .ext_words = 4 } },
	{ "v6, atomic fragment",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6, .extensions = fragment, .n_extensions = 1 } },
	{ "v6, first fragment",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6,
	    .extensions = fragment,
	    .n_extensions = 1,
	    .fragment = 1 } },
	{ "v6, a fragment header's reserved byte is no length",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6,
	    .extensions = fragment,
	    .n_extensions = 1,
	    .reserved = 255 } },
	{ "v6, later fragment",
	  PC_R_FRAGMENT,
	  { .from = BLOCKED6,
	    .extensions = fragment,
	    .n_extensions = 1,
	    .fragment = 8 } },
	{ "v6, later fragment behind hop-by-hop",
	  PC_R_FRAGMENT,
	  { .from = BLOCKED6,
	    .extensions = hop_fragment,
	    .n_extensions = 2,
	    .fragment = 0xfff8 } },
	{ "v6, what follows in a later fragment is no header",
	  PC_R_FRAGMENT,
	  { .from = BLOCKED6,
	    .extensions = fragment_options,
	    .n_extensions = 2,
	    .fragment = 8 } },
	{ "v6, options behind a first fragment",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6,
	    .extensions = fragment_options,
	    .n_extensions = 2,
	    .fragment = 1 } },
	{ "v6, six extension headers",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6, .extensions = seven, .n_extensions = 6 } },
	{ "v6, six, then UDP",
	  PC_R_BLOCK_LIST,
	  { .from = BLOCKED6,
	    .extensions = seven,
	    .n_extensions = 6,
	    .l4_proto = 17 } },
	{ "v6, seven extension headers",
	  PC_R_EXT_HEADER_LIMIT,
	  { .from = BLOCKED6, .extensions = seven, .n_extensions = 7 } },
	{ "v6, six, then ICMPv6",
	  PC_R_EXT_HEADER_LIMIT,
	  { .from = BLOCKED6,
	    .extensions = seven,
	    .n_extensions = 6,
	    .l4_proto = 58 } },
};

static void run_rows(void)
{
	use_blocked();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct shape s = rows[i].s, usual = to_gateway(s.from);
		enum pc_reason want;

		s.to = usual.to;
		s.sport = usual.sport;
		s.dport = s.dport ? s.dport : usual.dport;
		s.flags = usual.flags;
		want = expect(&s);
		if (!place.whole_host)
			assert_int_equal(want, rows[i].want);
		check_shape(&s, want, rows[i].what);
	}
}

static void every_branch_of_the_parser(void **state)
{
	(void)state;
	everywhere(run_rows);
}

/* Everything with everything: tags, options, fragments, protocols, ports. */
static void run_ip4(void)
{
	static const uint16_t fragments[] = { 0,      0x4000, 0x2000,
					      0x2001, 0x0001, 0x1fff };
	static const uint8_t protocols[] = { 6, 17, 1, 51 };
	static const uint16_t ports[] = { HARNESS_PORT, 65535, 22 };
	static const char *const sources[] = { BLOCKED, STRANGER };

	use_blocked();
	batch_begin();
	for (size_t n = 0; n < 4 * 11 * 6 * 4 * 3 * 2; n++) {
		struct shape s = to_gateway(sources[n % 2]);

		s.dport = ports[n / 2 % 3];
		s.l4_proto = protocols[n / 6 % 4];
		s.fragment = fragments[n / 24 % 6];
		s.ip_options = n / 144 % 11;
		s.n_tags = (uint8_t)(n / 1584);
		batch_shape(&s, "v4");
	}
	batch_end();
}

static void every_kind_of_ip4_packet(void **state)
{
	(void)state;
	everywhere(run_ip4);
}

static void run_versions(void)
{
	struct shape v4 = to_gateway(BLOCKED), v6 = to_gateway(BLOCKED6);

	use_blocked();
	batch_begin();
	for (unsigned int first = 1; first < 256; first++) {
		/* A header that reaches into what follows has other ports. */
		v4.ip_first = (uint8_t)first;
		if (first >> 4 != 4 || (first & 15) < 5)
			batch_shape(&v4, "v4's first byte");
		v6.ip_first = (uint8_t)first;
		if (first >> 4 != 6)
			batch_shape(&v6, "v6's first byte");
	}
	batch_end();
	v6.ip_first = 0x6f;
	check_shape(&v6, PC_R_BLOCK_LIST, "v6 with a traffic class");
}

static void wrong_versions_pass(void **state)
{
	(void)state;
	everywhere(run_versions);
}

/*
 * Cut anywhere before its ports end, a packet is truncated and passes; where
 * the whole host is guarded, anywhere before its addresses do.
 */
static void cut(const struct shape *s, const char *what)
{
	static struct packet p;
	bool is_v6 = strchr(s->from, ':');
	size_t addresses = is_v6 ? 40 : 20, end;

	packet_build(&p, s);
	end = place.whole_host ? p.l3_at + addresses : p.l4_at + 4;
	for (size_t n = place_least(&p, is_v6); n <= p.size; n++)
		batch_bytes(p.bytes, n,
			    n < end ? PC_R_TRUNCATED : PC_R_BLOCK_LIST, what);
}

static void run_cut(void)
{
	static const uint8_t some[] = { 0, 44, 60 };
	struct shape v4 = to_gateway(BLOCKED), v6 = to_gateway(BLOCKED6);

	use_blocked();
	batch_begin();
	for (uint8_t tags = 0; tags <= TAGS_MAX; tags++) {
		v4.n_tags = v6.n_tags = tags;
		v4.ip_options = 0;
		v6.n_extensions = 0;
		cut(&v4, "v4");
		cut(&v6, "v6");
		v4.ip_options = 10;
		cut(&v4, "v4, options");
		v6.extensions = some;
		v6.n_extensions = ARRAY_SIZE(some);
		v6.ext_words = 2;
		cut(&v6, "v6, extensions");
	}
	batch_end();
}

static void truncated_packets_pass(void **state)
{
	(void)state;
	everywhere(run_cut);
}

/* Longest prefixes count within a list only; between lists allow wins. */
static void run_allow(void)
{
	struct shape in = to_gateway("10.1.2.3"), out = to_gateway("10.9.9.9");
	struct shape in6 = to_gateway("2001:db8:5:6::1");
	struct shape out6 = to_gateway("2001:db8:5:7::1");

	use_lists(&(struct lists){ .allow = "10.1.2.0/24 2001:db8:5:6::/64",
				   .block = "10.0.0.0/8 2001:db8:5::/48" });
	check_shape(&in, PC_R_ALLOW_LIST, "a hole in a blocked net");
	check_shape(&out, PC_R_BLOCK_LIST, "beside the hole");
	check_shape(&in6, PC_R_ALLOW_LIST, "v6: a hole");
	check_shape(&out6, PC_R_BLOCK_LIST, "v6: beside it");

	use_lists(&(struct lists){ .allow = "10.0.0.0/8 2001:db8:5::/48",
				   .block = "10.1.2.3 2001:db8:5:6::1" });
	check_shape(&in, PC_R_ALLOW_LIST, "a longer block entry");
	check_shape(&in6, PC_R_ALLOW_LIST, "v6: a longer block entry");
}

static void allow_beats_block_whatever_the_lengths(void **state)
{
	(void)state;
	everywhere(run_allow);
}

static void run_families(void)
{
	/* Bytes that agree as far as the shorter family reaches. */
	struct shape v4 = to_gateway("32.1.13.184");
	struct shape v6 = to_gateway("2001:db8::9");
	/* The same address, in the other family's clothes. */
	struct shape mapped = to_gateway("::ffff:32.1.13.184");
	struct shape compatible = to_gateway("::32.1.13.184");

	use_lists(&(struct lists){ .block = "::/0" });
	check_shape(&v4, PC_R_ADDRESS_PASS, "::/0 and v4");
	check_shape(&v6, PC_R_BLOCK_LIST, "::/0 and v6");
	check_shape(&mapped, PC_R_ADDRESS_PASS, "::/0 and mapped v4");
	check_shape(&compatible, PC_R_BLOCK_LIST, "::/0 and compatible v4");
	use_lists(&(struct lists){ .block = "0.0.0.0/0" });
	check_shape(&v4, PC_R_BLOCK_LIST, "0/0 and v4");
	check_shape(&v6, PC_R_ADDRESS_PASS, "0/0 and v6");
	check_shape(&mapped, PC_R_BLOCK_LIST, "0/0 and mapped v4");
	check_shape(&compatible, PC_R_ADDRESS_PASS, "0/0 and compatible v4");
	use_lists(&(struct lists){ .block = "32.1.13.184" });
	check_shape(&v6, PC_R_ADDRESS_PASS, "v6 that begins like v4");
	check_shape(&mapped, PC_R_BLOCK_LIST, "a mapped v4 address");
	use_lists(&(struct lists){ .allow = "32.1.13.184",
				   .block = "32.0.0.0/8" });
	check_shape(&mapped, PC_R_ALLOW_LIST, "a mapped v4 address, allowed");
	use_lists(&(struct lists){ .block = "2001:db8::/32" });
	check_shape(&v4, PC_R_ADDRESS_PASS, "v4 that v6 begins with");
}

static void families_never_mix(void **state)
{
	(void)state;
	everywhere(run_families);
}

static void run_snapshot(void)
{
	static char *allow[] = { "10.1.2.3", NULL };
	static char *block[] = { "10.1.0.0/16", "2001:db8:77::/48", NULL };
	struct shape s = to_gateway("10.1.2.4");
	struct shape ok = to_gateway("10.1.2.3");
	struct shape s6 = to_gateway("2001:db8:77::1");

	use_lists(&(struct lists){ .snapshot_allow = allow,
				   .snapshot_block = block });
	check_shape(&s, PC_R_SNAPSHOT_LIST, "v4");
	check_shape(&s6, PC_R_SNAPSHOT_LIST, "v6");
	check_shape(&ok, PC_R_ALLOW_LIST, "allowed");
	use_lists(&(struct lists){ .block = "10.1.0.0/16",
				   .snapshot_block = block });
	check_shape(&s, PC_R_BLOCK_LIST, "the operator's word comes first");
}

static void the_snapshots_lists_are_host_wide(void **state)
{
	(void)state;
	everywhere(run_snapshot);
}

static void run_edges(void)
{
	static const struct {
		const char *block, *in, *out;
	} edges[] = {
		{ "10.64.0.0/10", "10.127.255.255", "10.128.0.0" },
		{ "10.64.0.0/10", "10.64.0.0", "10.63.255.255" },
		{ "192.0.2.129/32", "192.0.2.129", "192.0.2.128" },
		{ "192.0.2.128/31", "192.0.2.129", "192.0.2.130" },
		{ "128.0.0.0/1", "128.0.0.0", "127.255.255.255" },
		{ "2001:db8::/127", "2001:db8::1", "2001:db8::2" },
		{ "2001:db8:8000::/33", "2001:db8:8000::", "2001:db8:7fff::" },
		{ "2001:db8::5/128", "2001:db8::5", "2001:db8::4" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		struct shape in = to_gateway(edges[i].in);
		struct shape out = to_gateway(edges[i].out);

		use_lists(&(struct lists){ .block = edges[i].block });
		check_shape(&in, PC_R_BLOCK_LIST, edges[i].block);
		check_shape(&out, PC_R_ADDRESS_PASS, edges[i].block);
	}
}

static void prefixes_end_where_they_end(void **state)
{
	(void)state;
	everywhere(run_edges);
}

static void run_monitor(void)
{
	struct shape s = to_gateway(BLOCKED), ok = to_gateway(STRANGER);
	const struct outcome *o;

	use_lists(&(struct lists){ .block = BLOCKED, .monitor = true });
	o = run_shape(place.prog, &s);
	assert_reason(o, PC_R_BLOCK_LIST, "monitor");
	assert_true(o->would);
	assert_int_equal(o->retval, place.pass);
	o = run_shape(place.prog, &ok);
	assert_reason(o, PC_R_ADDRESS_PASS, "monitor, passed");
	assert_false(o->would);
	assert_int_equal(o->retval, place.pass);
}

static void monitor_mode_counts_and_passes(void **state)
{
	(void)state;
	everywhere(run_monitor);
}

/* The rest of the list is pc_request's or only userspace gives it. */
static void every_reason_of_the_address_plane_was_given(void **state)
{
	enum pc_reason never[PC_R_MAX];
	size_t n = 0;

	(void)state;
	for (int r = PC_R_NOT_TCP; r < PC_R_MAX; r++)
		never[n++] = r;
	check_seen(never, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_dropped_without_a_policy),
		cmocka_unit_test(every_branch_of_the_parser),
		cmocka_unit_test(every_kind_of_ip4_packet),
		cmocka_unit_test(wrong_versions_pass),
		cmocka_unit_test(truncated_packets_pass),
		cmocka_unit_test(allow_beats_block_whatever_the_lengths),
		cmocka_unit_test(families_never_mix),
		cmocka_unit_test(the_snapshots_lists_are_host_wide),
		cmocka_unit_test(prefixes_end_where_they_end),
		cmocka_unit_test(monitor_mode_counts_and_passes),
		cmocka_unit_test(every_reason_of_the_address_plane_was_given),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
