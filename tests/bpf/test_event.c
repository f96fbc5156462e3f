// SPDX-License-Identifier: GPL-2.0-only
/*
 * What pc_xdp tells of the packets that it drops: as many events as the gate
 * lets through, with the packet's own numbers, and whole packets while somebody
 * captures.  A verdict never depends on any of it.
 */
#include "expect.h"

#include "tidings.h"

#define GATEWAY "192.0.2.1"
#define GATEWAY6 "2001:db8::1"
#define STRANGER "203.0.113.9"
#define BANNED "198.51.100.7"
#define BANNED6 "2001:db8:bad::7"
#define BLOCKED "198.51.100.8"

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

/* A ban by itself, as the kernel has it. */
static void put_ban(const char *text)
{
	static struct pc_ban_lens lens;
	int bans = harness_pin("pc_bans"), fd = harness_pin("pc_ban_lens");
	const struct pc_ban ban = { .expires_ns = PC_NEVER };
	struct pc_ban_key key = { .family = 4, .len = 32 };
	uint32_t zero = 0;
	struct prefix p;

	assert_int_equal(prefix_parse_address(&p, text), 0);
	if (p.family == AF_INET6) {
		key.family = 6;
		key.len = 128;
	}
	memcpy(key.addr, p.addr, sizeof(key.addr));
	lens.place[p.family == AF_INET6][0] = 1 + key.len;
	lens.n[p.family == AF_INET6] = 1;
	assert_int_equal(bpf_map_update_elem(bans, &key, &ban, 0), 0);
	assert_int_equal(bpf_map_update_elem(fd, &zero, &lens, 0), 0);
	close(bans);
	close(fd);
}

static void use(bool monitor)
{
	struct policy_options opt = harness_options();
	const struct snapshot s = { 0 };
	struct prefix block[1];

	opt.monitor = monitor;
	opt.block = harness_prefixes(block, BLOCKED);
	harness_apply(&opt, &s);
}

/* Nothing is behind us: neither events nor what a gate has counted. */
static void start_anew(uint64_t event_rate, uint64_t until_ns)
{
	tidings_read();
	tidings_set_gate(&(struct pc_event_gate){ 0 });
	tidings_set_capture(event_rate, until_ns);
}

static void drop(const char *from)
{
	struct shape s = to_gateway(from);

	assert_int_equal(run_shape(harness.xdp, &s)->retval, XDP_DROP_);
}

/* Packets in one test run: no counter is looked at. */
static void drop_many(uint32_t n)
{
	static struct packet p;
	struct shape s = to_gateway(BANNED);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes, .repeat = n);

	packet_build(&p, &s);
	opts.data_size_in = (uint32_t)p.size;
	assert_int_equal(bpf_prog_test_run_opts(harness.xdp, &opts), 0);
	assert_int_equal(opts.retval, XDP_DROP_);
}

static void no_more_than_the_rate_is_told(void **state)
{
	struct pc_event_gate g;

	(void)state;
	use(false);
	start_anew(5, 0);
	for (int i = 0; i < 12; i++)
		drop(BANNED);
	assert_int_equal(tidings_read(), 5);
	g = tidings_gate();
	assert_int_equal(g.sent, 5);
	assert_int_equal(g.limited, 7);
	assert_int_equal(g.lost, 0);

	/* Not a second later. */
	g.jiffy = 0;
	tidings_set_gate(&g);
	drop(BANNED);
	assert_int_equal(tidings_read(), 0);
	/* A second later, with nothing saved. */
	g = tidings_gate();
	g.jiffy = 0;
	g.refilled_ns -= 1000000000;
	tidings_set_gate(&g);
	for (int i = 0; i < 12; i++)
		drop(BANNED);
	assert_int_equal(tidings_read(), 5);
	g = tidings_gate();
	assert_int_equal(g.sent, 10);
	assert_int_equal(g.limited, 7 + 1 + 7);
}

static void a_rate_of_0_tells_nothing(void **state)
{
	struct pc_event_gate g;

	(void)state;
	use(false);
	start_anew(0, 0);
	drop(BANNED);
	assert_int_equal(tidings_read(), 0);
	g = tidings_gate();
	assert_int_equal(g.sent, 0);
	assert_int_equal(g.limited, 1);
}

static void only_drops_are_told(void **state)
{
	struct shape ok = to_gateway(STRANGER), port = to_gateway(BANNED);

	(void)state;
	use(false);
	start_anew(100, UINT64_MAX);
	port.dport = 22;
	assert_int_equal(run_shape(harness.xdp, &ok)->retval, XDP_PASS_);
	assert_int_equal(run_shape(harness.xdp, &port)->retval, XDP_PASS_);
	assert_int_equal(tidings_read(), 0);
	assert_int_equal(tidings_gate().taken, 0);
}

/* What nobody reads is lost, counted, and dropped like everything else. */
static void an_unread_ring_loses_events_and_nothing_else(void **state)
{
	struct pc_event_gate g;
	size_t n;

	(void)state;
	use(false);
	start_anew(1000000, 0);
	drop_many(6000);
	g = tidings_gate();
	assert_int_equal(g.sent + g.lost, 6000);
	assert_true(g.lost > 0);
	assert_int_equal(g.limited, 0);
	drop(BANNED);
	n = tidings_read();
	assert_int_equal(n, g.sent);
	drop(BANNED);
	assert_int_equal(tidings_read(), 1);
}

static void assert_event(const struct shape *s, const struct pc_event *want)
{
	const struct pc_event *got = &tidings.events[0];
	uint64_t before = clock_boot_ns();
	static struct packet p;
	bool v6 = strchr(s->from, ':') != NULL;
	uint8_t addr[16] = { 0 };

	packet_build(&p, s);
	run_bytes(harness.xdp, p.bytes, p.size);
	assert_int_equal(tidings_read(), 1);
	assert_in_range(got->time_ns, before, clock_boot_ns());
	assert_int_equal(got->kind, PC_EVENT_DROP);
	assert_int_equal(got->ifindex, HARNESS_LO);
	assert_int_equal(got->size, p.size);
	assert_int_equal(got->reason, want->reason);
	assert_int_equal(got->owner, want->owner);
	assert_int_equal(got->would, want->would);
	assert_int_equal(got->family, v6 ? 6 : 4);
	assert_int_equal(got->l4_proto,
			 s->l4_proto ? s->l4_proto : IPPROTO_TCP);
	assert_int_equal(ntohs(got->sport), s->sport);
	assert_int_equal(ntohs(got->dport), s->dport);
	inet_pton(v6 ? AF_INET6 : AF_INET, s->from, addr);
	assert_memory_equal(got->saddr, addr, sizeof(addr));
	memset(addr, 0, sizeof(addr));
	inet_pton(v6 ? AF_INET6 : AF_INET, s->to, addr);
	assert_memory_equal(got->daddr, addr, sizeof(addr));
}

static void events_are_of_their_packet(void **state)
{
	struct shape v4 = to_gateway(BANNED), v6 = to_gateway(BANNED6);
	const struct pc_event banned = { .reason = PC_R_BANNED };

	(void)state;
	use(false);
	start_anew(1000, 0);
	assert_event(&v4, &banned);
	v4.n_tags = 2;
	v4.ip_options = 3;
	v4.sport = 65535;
	assert_event(&v4, &banned);
	v4.l4_proto = IPPROTO_UDP;
	assert_event(&v4, &banned);
	assert_event(&v6, &banned);
	v6.extensions = (const uint8_t[]){ 0, 60 };
	v6.n_extensions = 2;
	v6.n_tags = 1;
	assert_event(&v6, &banned);
}

static void an_event_names_the_list(void **state)
{
	struct shape s = to_gateway(BLOCKED);

	(void)state;
	use(false);
	start_anew(1000, 0);
	assert_event(&s, &(struct pc_event){ .reason = PC_R_BLOCK_LIST,
					     .owner = PC_OWNER_OPERATOR });
}

static void monitor_mode_tells_what_would_be(void **state)
{
	struct shape s = to_gateway(BANNED);

	(void)state;
	use(true);
	start_anew(1000, UINT64_MAX);
	assert_event(&s,
		     &(struct pc_event){ .reason = PC_R_BANNED, .would = 1 });
	assert_int_equal(tidings_gate().taken, 1);
}

/* The ring of whole packets. */
static struct {
	struct ring_buffer *ring;
	size_t n;
	struct pc_captured last;
} captured;

static int take_captured(void *arg, void *data, size_t size)
{
	(void)arg;
	assert_int_equal(size, sizeof(captured.last));
	memcpy(&captured.last, data, size);
	captured.n++;
	return 0;
}

static size_t read_captured(void)
{
	captured.n = 0;
	ring_buffer__consume(captured.ring);
	return captured.n;
}

static void assert_captured(size_t payload)
{
	static const uint8_t bytes[12000] = { 1, 2, 3 };
	struct shape s = to_gateway(BANNED);
	uint64_t before = clock_boot_ns();
	static struct packet p;
	size_t want;

	s.payload = bytes;
	s.payload_size = payload;
	packet_build(&p, &s);
	want = p.size < PC_SNAP_SIZE ? p.size : PC_SNAP_SIZE;
	assert_int_equal(run_bytes(harness.xdp, p.bytes, p.size)->retval,
			 XDP_DROP_);
	assert_int_equal(read_captured(), 1);
	assert_in_range(captured.last.time_ns, before, clock_boot_ns());
	assert_int_equal(captured.last.ifindex, HARNESS_LO);
	assert_int_equal(captured.last.size, p.size);
	assert_int_equal(captured.last.taken, want);
	assert_int_equal(captured.last.reason, PC_R_BANNED);
	assert_memory_equal(captured.last.bytes, p.bytes, want);
}

/* With events switched off; the longest ones are in several pieces. */
static void a_capture_has_every_byte(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 201, 202, 203, 1400, 12000 };

	(void)state;
	use(false);
	start_anew(0, clock_boot_ns() + UINT64_C(60000000000));
	read_captured();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_captured(sizes[i]);
	assert_int_equal(tidings_gate().taken, ARRAY_SIZE(sizes));
	assert_int_equal(tidings_gate().missed, 0);
}

static void a_capture_ends_with_its_lease(void **state)
{
	uint64_t until_ns;

	(void)state;
	use(false);
	start_anew(0, 0);
	drop(BANNED);
	assert_int_equal(read_captured(), 0);
	tidings_set_capture(0, clock_boot_ns());
	drop(BANNED);
	assert_int_equal(read_captured(), 0);
	/* Begins at once, put off or not. */
	until_ns = clock_boot_ns() + 200000000;
	tidings_set_capture(0, until_ns);
	drop(BANNED);
	assert_int_equal(read_captured(), 1);
	while (clock_boot_ns() < until_ns + 20000000)
		usleep(10000);
	drop(BANNED);
	assert_int_equal(read_captured(), 0);
}

static void an_unread_capture_loses_packets_and_nothing_else(void **state)
{
	struct pc_event_gate g;

	(void)state;
	use(false);
	start_anew(0, UINT64_MAX);
	read_captured();
	drop_many(6000);
	g = tidings_gate();
	assert_int_equal(g.taken + g.missed, 6000);
	assert_true(g.missed > 0);
	assert_int_equal(read_captured(), g.taken);
	drop(BANNED);
	assert_int_equal(read_captured(), 1);
}

static void the_generic_program_tells_alike(void **state)
{
	int driver = harness.xdp;

	harness.xdp = loader_xdp_generic_fd(harness.loader);
	no_more_than_the_rate_is_told(state);
	events_are_of_their_packet(state);
	a_capture_ends_with_its_lease(state);
	harness.xdp = driver;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_than_the_rate_is_told),
		cmocka_unit_test(a_rate_of_0_tells_nothing),
		cmocka_unit_test(only_drops_are_told),
		cmocka_unit_test(an_unread_ring_loses_events_and_nothing_else),
		cmocka_unit_test(events_are_of_their_packet),
		cmocka_unit_test(an_event_names_the_list),
		cmocka_unit_test(monitor_mode_tells_what_would_be),
		cmocka_unit_test(a_capture_has_every_byte),
		cmocka_unit_test(a_capture_ends_with_its_lease),
		cmocka_unit_test(
			an_unread_capture_loses_packets_and_nothing_else),
		cmocka_unit_test(the_generic_program_tells_alike),
	};
	int fd;

	if (harness_open())
		return HARNESS_SKIP;
	tidings_open();
	fd = harness_pin("pc_captured");
	captured.ring = ring_buffer__new(fd, take_captured, NULL, NULL);
	if (!captured.ring)
		abort();
	put_ban(BANNED);
	put_ban(BANNED6);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
