// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address plane, packet by packet: every branch of the parser, the order of
 * the lists, and every reason that pc_xdp can give.  A packet always comes out
 * as it went in.
 */
#include "expect.h"

#define GATEWAY "192.0.2.1"
#define GATEWAY6 "2001:db8::1"
#define STRANGER "203.0.113.9"
#define STRANGER6 "2001:db8:1::9"
#define BLOCKED "198.51.100.7"
#define BLOCKED6 "2001:db8:bad::7"

static const struct outcome *run(const struct shape *s)
{
	return run_shape(harness.xdp, s);
}

static struct shape to_gateway(const char *from)
{
	return (struct shape){
		.from = from,
		.to = strchr(from, ':') ? GATEWAY6 : GATEWAY,
		.sport = 40000,
		.dport = HARNESS_PORT,
		.flags = TCP_SYN,
	};
}

/* The operator's lists as texts, the snapshot's as arrays. */
struct lists {
	const char *allow;
	const char *block;
	char **snapshot_allow;
	char **snapshot_block;
};

static void use_lists(const struct lists *lists, bool monitor)
{
	struct policy_options opt = harness_options();
	struct prefix allow[8], block[8];
	struct snapshot s = {
		.ip_allowlist = lists->snapshot_allow,
		.ip_blacklist = lists->snapshot_block,
	};

	opt.monitor = monitor;
	opt.allow = harness_prefixes(allow, lists->allow ? lists->allow : "");
	opt.block = harness_prefixes(block, lists->block ? lists->block : "");
	harness_apply(&opt, &s);
}

static void use_blocked(void)
{
	use_lists(&(struct lists){ .block = BLOCKED " " BLOCKED6 }, false);
}

static void assert_verdict(const struct shape *s, enum pc_reason want,
			   const char *what)
{
	static struct packet p;
	const struct outcome *o;
	bool drop = reason_class(want) == PC_CLASS_DROP;

	packet_build(&p, s);
	o = run_bytes(harness.xdp, p.bytes, p.size);
	assert_reason(o, want, what);
	assert_false(o->would);
	assert_int_equal(o->retval, drop ? XDP_DROP_ : XDP_PASS_);
	assert_int_equal(o->size, p.size);
	assert_memory_equal(o->bytes, p.bytes, p.size);
}

static void nothing_is_dropped_without_a_policy(void **state)
{
	struct shape s = to_gateway(BLOCKED);

	(void)state;
	assert_verdict(&s, PC_R_NO_POLICY, "before the first policy");
}

/* Extension headers in an order that a sender may use. */
static const uint8_t hop[] = { IPPROTO_HOPOPTS };
static const uint8_t routing[] = { IPPROTO_ROUTING };
static const uint8_t options[] = { IPPROTO_DSTOPTS };
static const uint8_t fragment[] = { IPPROTO_FRAGMENT };
static const uint8_t hop_fragment[] = { IPPROTO_HOPOPTS, IPPROTO_FRAGMENT };
static const uint8_t fragment_options[] = { IPPROTO_FRAGMENT, IPPROTO_DSTOPTS };
static const uint8_t seven[] = { 0, 60, 60, 60, 60, 60, 60 };

/* Each with a blocked source: what is understood is dropped. */
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

static void every_branch_of_the_parser(void **state)
{
	(void)state;
	use_blocked();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct shape s = rows[i].s, usual = to_gateway(s.from);

		s.to = usual.to;
		s.sport = usual.sport;
		s.dport = s.dport ? s.dport : usual.dport;
		s.flags = usual.flags;
		assert_verdict(&s, rows[i].want, rows[i].what);
	}
}

/* Cut anywhere before its ports end, a packet is truncated and passes. */
static void assert_truncations(const struct shape *s, const char *what)
{
	static struct packet p;

	packet_build(&p, s);
	for (size_t n = 15; n < p.l4_at + 4; n++) {
		const struct outcome *o = run_bytes(harness.xdp, p.bytes, n);

		assert_reason(o, PC_R_TRUNCATED, what);
		assert_int_equal(o->retval, XDP_PASS_);
	}
	assert_reason(run_bytes(harness.xdp, p.bytes, p.l4_at + 4),
		      PC_R_BLOCK_LIST, what);
}

static void truncated_packets_pass(void **state)
{
	struct shape v4 = to_gateway(BLOCKED), v6 = to_gateway(BLOCKED6);

	(void)state;
	use_blocked();
	assert_truncations(&v4, "v4");
	v4.n_tags = 2;
	v4.ip_options = 3;
	assert_truncations(&v4, "v4, tags and options");
	assert_truncations(&v6, "v6");
	v6.n_tags = 1;
	v6.extensions = (const uint8_t[]){ 0, 44, 60 };
	v6.n_extensions = 3;
	v6.ext_words = 2;
	assert_truncations(&v6, "v6, a tag and extensions");
}

/* Longest prefixes count within a list only; between lists allow wins. */
static void allow_beats_block_whatever_the_lengths(void **state)
{
	struct shape in = to_gateway("10.1.2.3"), out = to_gateway("10.9.9.9");
	struct shape in6 = to_gateway("2001:db8:5:6::1");
	struct shape out6 = to_gateway("2001:db8:5:7::1");

	(void)state;
	use_lists(&(struct lists){ .allow = "10.1.2.0/24 2001:db8:5:6::/64",
				   .block = "10.0.0.0/8 2001:db8:5::/48" },
		  false);
	assert_verdict(&in, PC_R_ALLOW_LIST, "a hole in a blocked net");
	assert_verdict(&out, PC_R_BLOCK_LIST, "beside the hole");
	assert_verdict(&in6, PC_R_ALLOW_LIST, "v6: a hole");
	assert_verdict(&out6, PC_R_BLOCK_LIST, "v6: beside it");

	use_lists(&(struct lists){ .allow = "10.0.0.0/8 2001:db8:5::/48",
				   .block = "10.1.2.3 2001:db8:5:6::1" },
		  false);
	assert_verdict(&in, PC_R_ALLOW_LIST, "a longer block entry");
	assert_verdict(&in6, PC_R_ALLOW_LIST, "v6: a longer block entry");
}

static void families_never_mix(void **state)
{
	/* Bytes that agree as far as the shorter family reaches. */
	struct shape v4 = to_gateway("32.1.13.184");
	struct shape v6 = to_gateway("2001:db8::9");
	struct shape mapped = to_gateway("::ffff:32.1.13.184");

	(void)state;
	use_lists(&(struct lists){ .block = "::/0" }, false);
	assert_verdict(&v4, PC_R_ADDRESS_PASS, "::/0 and v4");
	assert_verdict(&v6, PC_R_BLOCK_LIST, "::/0 and v6");
	use_lists(&(struct lists){ .block = "0.0.0.0/0" }, false);
	assert_verdict(&v4, PC_R_BLOCK_LIST, "0/0 and v4");
	assert_verdict(&v6, PC_R_ADDRESS_PASS, "0/0 and v6");
	assert_verdict(&mapped, PC_R_ADDRESS_PASS, "0/0 and mapped v6");
	use_lists(&(struct lists){ .block = "32.1.13.184" }, false);
	assert_verdict(&v6, PC_R_ADDRESS_PASS, "v6 that begins like v4");
	use_lists(&(struct lists){ .block = "2001:db8::/32" }, false);
	assert_verdict(&v4, PC_R_ADDRESS_PASS, "v4 that v6 begins with");
}

static void the_snapshots_lists_are_host_wide(void **state)
{
	static char *allow[] = { "10.1.2.3", NULL };
	static char *block[] = { "10.1.0.0/16", "2001:db8:77::/48", NULL };
	struct shape s = to_gateway("10.1.2.4");
	struct shape ok = to_gateway("10.1.2.3");
	struct shape s6 = to_gateway("2001:db8:77::1");

	(void)state;
	use_lists(&(struct lists){ .snapshot_allow = allow,
				   .snapshot_block = block },
		  false);
	assert_verdict(&s, PC_R_SNAPSHOT_LIST, "v4");
	assert_verdict(&s6, PC_R_SNAPSHOT_LIST, "v6");
	assert_verdict(&ok, PC_R_ALLOW_LIST, "allowed");
	use_lists(&(struct lists){ .block = "10.1.0.0/16",
				   .snapshot_block = block },
		  false);
	assert_verdict(&s, PC_R_BLOCK_LIST, "the operator's word comes first");
}

static void prefixes_end_where_they_end(void **state)
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

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		struct shape in = to_gateway(edges[i].in);
		struct shape out = to_gateway(edges[i].out);

		use_lists(&(struct lists){ .block = edges[i].block }, false);
		assert_verdict(&in, PC_R_BLOCK_LIST, edges[i].block);
		assert_verdict(&out, PC_R_ADDRESS_PASS, edges[i].block);
	}
}

static void monitor_mode_counts_and_passes(void **state)
{
	struct shape s = to_gateway(BLOCKED), ok = to_gateway(STRANGER);
	const struct outcome *o;

	(void)state;
	use_lists(&(struct lists){ .block = BLOCKED }, true);
	o = run(&s);
	assert_reason(o, PC_R_BLOCK_LIST, "monitor");
	assert_true(o->would);
	assert_int_equal(o->retval, XDP_PASS_);
	o = run(&ok);
	assert_reason(o, PC_R_ADDRESS_PASS, "monitor, passed");
	assert_false(o->would);
}

/* The other program, for generic mode: the same in all. */
static void the_generic_program_judges_alike(void **state)
{
	int driver = harness.xdp;

	harness.xdp = loader_xdp_generic_fd(harness.loader);
	assert_int_not_equal(harness.xdp, driver);
	every_branch_of_the_parser(state);
	truncated_packets_pass(state);
	allow_beats_block_whatever_the_lengths(state);
	monitor_mode_counts_and_passes(state);
	harness.xdp = driver;
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
		cmocka_unit_test(truncated_packets_pass),
		cmocka_unit_test(allow_beats_block_whatever_the_lengths),
		cmocka_unit_test(families_never_mix),
		cmocka_unit_test(the_snapshots_lists_are_host_wide),
		cmocka_unit_test(prefixes_end_where_they_end),
		cmocka_unit_test(monitor_mode_counts_and_passes),
		cmocka_unit_test(the_generic_program_judges_alike),
		cmocka_unit_test(every_reason_of_the_address_plane_was_given),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
