// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sources of refused requests: which requests count, against whom, and when the
 * agent is told.  That nobody is accused of what he did not do is what most of
 * this is about.
 */
#include "events.h"
#include "expect.h"

#include "request.h"
#include "tidings.h"

#define PROXY "198.51.100.200"
#define WINDOW_NS (60 * UINT64_C(1000000000))
#define FORWARDED "X-Forwarded-For: 203.0.113.77\r\n"
#define NONE HEAD("GET /v1/models", "")
#define QUERY HEAD("GET /v1/models?api_key=x", "")

static int offenders;

/* The policy in force, changed where it is. */
static void count_from(uint32_t after)
{
	uint32_t slot = pc_active_slot(*harness.maps.active_word, 0);
	struct pc_policy *p = &harness.maps.policies[slot];

	p->offend_after = after;
	p->offend_window_ns = WINDOW_NS;
}

/* Nobody has done anything yet. */
static void forget(void)
{
	struct pc_source key;

	while (!bpf_map_get_next_key(offenders, NULL, &key))
		assert_int_equal(bpf_map_delete_elem(offenders, &key), 0);
	tidings_read();
}

static void use(const struct policy_options *opt, uint32_t after)
{
	request_use(opt);
	count_from(after);
	forget();
}

static void use_default(uint32_t after)
{
	struct policy_options opt = harness_options();

	use(&opt, after);
}

static struct pc_source source_of(const char *text)
{
	struct pc_source s = { .family = 4 };
	struct prefix p;

	assert_int_equal(prefix_parse_address(&p, text), 0);
	memcpy(s.addr, p.addr, 4);
	if (p.family == AF_INET6) {
		s.family = 6;
		memcpy(s.addr, p.addr, 8);
	}
	return s;
}

/* How often a source was counted; 0: never. */
static uint64_t counted(const char *from)
{
	struct pc_source s = source_of(from);
	struct pc_offender o;

	return bpf_map_lookup_elem(offenders, &s, &o) ? 0 : o.n;
}

static size_t n_counted(void)
{
	struct pc_source key, *at = NULL;
	size_t n = 0;

	while (!bpf_map_get_next_key(offenders, at, &key)) {
		at = &key;
		n++;
	}
	return n;
}

/* One request on a connection of its own, begun by both ends. */
static enum pc_reason ask(const char *from, const char *head)
{
	struct client c = client_at(from);

	server_open(&c);
	return client_say(&c, head)->reason;
}

static void ask_times(const char *from, const char *head, unsigned int n)
{
	while (n--)
		ask(from, head);
}

static void the_nth_request_is_told(void **state)
{
	const struct pc_event *e = &tidings.events[0];
	struct pc_source who = source_of(CLIENT);
	uint64_t before = clock_boot_ns();

	(void)state;
	use_default(3);
	ask_times(CLIENT, MESSAGES(DISABLED), 2);
	assert_int_equal(tidings_read(), 0);
	assert_int_equal(ask(CLIENT, MESSAGES(EXPIRED)), PC_R_KEY_EXPIRED);
	assert_int_equal(tidings_read(), 1);
	assert_in_range(e->time_ns, before, clock_boot_ns());
	assert_int_equal(e->kind, PC_EVENT_OFFENDER);
	assert_int_equal(e->reason, PC_R_KEY_EXPIRED);
	assert_int_equal(e->count, 3);
	assert_int_equal(e->family, 4);
	assert_int_equal(e->would, 0);
	assert_int_equal(e->l4_proto, IPPROTO_TCP);
	assert_int_equal(ntohs(e->dport), HARNESS_PORT);
	assert_int_equal(e->sport, 0);
	assert_memory_equal(e->saddr, who.addr, sizeof(who.addr));
	ask_times(CLIENT, MESSAGES(DISABLED), 2);
	assert_int_equal(tidings_read(), 0);
	ask_times(CLIENT, MESSAGES(DISABLED), 1);
	assert_int_equal(tidings_read(), 1);
	assert_int_equal(e->count, 6);
}

static void a_window_that_has_run_out_begins_anew(void **state)
{
	struct pc_source who = source_of(CLIENT);
	struct pc_offender o;

	(void)state;
	use_default(3);
	ask_times(CLIENT, MESSAGES(DISABLED), 2);
	assert_int_equal(bpf_map_lookup_elem(offenders, &who, &o), 0);
	o.since_ns -= WINDOW_NS;
	assert_int_equal(bpf_map_update_elem(offenders, &who, &o, 0), 0);
	ask_times(CLIENT, MESSAGES(DISABLED), 2);
	assert_int_equal(tidings_read(), 0);
	assert_int_equal(counted(CLIENT), 2);
	/* And not sooner. */
	assert_int_equal(bpf_map_lookup_elem(offenders, &who, &o), 0);
	o.since_ns -= WINDOW_NS / 2;
	assert_int_equal(bpf_map_update_elem(offenders, &who, &o, 0), 0);
	ask_times(CLIENT, MESSAGES(DISABLED), 1);
	assert_int_equal(tidings_read(), 1);
}

static void ipv6_counts_by_its_64(void **state)
{
	const struct pc_event *e = &tidings.events[0];
	struct pc_source who = source_of("2001:db8:1:2::");

	(void)state;
	use_default(3);
	ask_times("2001:db8:1:2::1", MESSAGES(DISABLED), 1);
	ask_times("2001:db8:1:2:ffff:ffff:ffff:ffff", MESSAGES(DISABLED), 1);
	ask_times("2001:db8:1:3::1", MESSAGES(DISABLED), 2);
	assert_int_equal(tidings_read(), 0);
	assert_int_equal(n_counted(), 2);
	ask_times("2001:db8:1:2:8000::", MESSAGES(DISABLED), 1);
	assert_int_equal(tidings_read(), 1);
	assert_int_equal(e->family, 6);
	assert_memory_equal(e->saddr, who.addr, sizeof(who.addr));
	/* IPv4 addresses are nobody's neighbours. */
	ask_times("203.0.113.1", MESSAGES(DISABLED), 2);
	ask_times("203.0.113.2", MESSAGES(DISABLED), 2);
	assert_int_equal(tidings_read(), 0);
}

/* What the gateway would refuse counts, and nothing else. */
static void only_refusals_count(void **state)
{
	struct policy_options opt = harness_options();
	static const struct {
		const char *head;
		enum pc_reason reason;
		bool counts;
	} rows[] = {
		{ MESSAGES(LIVE), PC_R_KEY_LIVE, false },
		{ MESSAGES(UNKNOWN), PC_R_KEY_UNKNOWN, false },
		{ MESSAGES(SUBSCRIBED), PC_R_SUBSCRIPTION_UNSURE, false },
		{ HEAD("GET /", ""), PC_R_OTHER_PATH, false },
		{ HEAD("GET /v1/%6dodels", ""), PC_R_PATH_UNSURE, false },
		{ HEAD("GET /v1/nothing-there", ""), PC_R_ROUTE_UNSURE, false },
		{ HEAD("OPTIONS /v1/messages", ""), PC_R_OTHER_METHOD, false },
		{ MESSAGES(DISABLED), PC_R_KEY_DISABLED, true },
		{ MESSAGES(BALANCE), PC_R_BALANCE_EMPTY, true },
		{ NONE, PC_R_CREDENTIAL_MISSING, true },
		{ QUERY, PC_R_QUERY_KEY, true },
	};

	(void)state;
	use(&opt, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		forget();
		if (ask(CLIENT, rows[i].head) != rows[i].reason ||
		    counted(CLIENT) != rows[i].counts ||
		    tidings_read() != rows[i].counts)
			fail_msg("%s", rows[i].head);
	}
	/* Where the snapshot has every key, an unknown one is none. */
	opt = harness_options();
	opt.deny_unknown = true;
	use(&opt, 1);
	assert_int_equal(ask(CLIENT, POST(UNKNOWN, "0")), PC_R_KEY_INVALID);
	assert_int_equal(counted(CLIENT), 1);
}

static void nobody_is_counted_for_others(void **state)
{
	struct policy_options opt = harness_options();
	struct prefix proxy[1];

	(void)state;
	opt.proxies = harness_prefixes(proxy, PROXY);
	opt.trust_forwarded = true;
	use(&opt, 1);
	assert_int_equal(ask(PROXY, MESSAGES(DISABLED)), PC_R_KEY_DISABLED);
	assert_int_equal(ask(CLIENT, HEAD("GET /v1/messages",
					  FORWARDED BEARER(DISABLED))),
			 PC_R_KEY_DISABLED);
	assert_int_equal(ask("127.0.0.1", MESSAGES(DISABLED)),
			 PC_R_KEY_DISABLED);
	assert_int_equal(ask("::1", MESSAGES(DISABLED)), PC_R_KEY_DISABLED);
	assert_int_equal(ask("::ffff:203.0.113.5", MESSAGES(DISABLED)),
			 PC_R_KEY_DISABLED);
	assert_int_equal(n_counted(), 0);
	assert_int_equal(tidings_read(), 0);
	ask(CLIENT, MESSAGES(DISABLED));
	assert_int_equal(counted(CLIENT), 1);

	/* Fields that the gateway does not believe say nothing. */
	opt = harness_options();
	opt.proxies = harness_prefixes(proxy, PROXY);
	use(&opt, 1);
	ask(CLIENT, HEAD("GET /v1/messages", FORWARDED BEARER(DISABLED)));
	assert_int_equal(counted(CLIENT), 1);
	/* And some have names that only the gateway knows. */
	opt = harness_options();
	opt.trust_forwarded = true;
	opt.custom_forwarded = true;
	use(&opt, 1);
	ask(CLIENT, MESSAGES(DISABLED));
	assert_int_equal(n_counted(), 0);
}

/* Anybody can write an address into a packet. */
static void made_up_sources_are_not_counted(void **state)
{
	struct client c;
	struct server g;

	(void)state;
	use_default(1);
	c = client_open(CLIENT);
	assert_int_equal(client_say(&c, MESSAGES(DISABLED))->reason,
			 PC_R_KEY_DISABLED);
	assert_int_equal(n_counted(), 0);
	/* The gateway answers the SYN; the number it gave is not guessed. */
	c = client_at(CLIENT);
	g = server_open(&c);
	(void)g;
	c.s.ack += 1;
	client_say(&c, MESSAGES(DISABLED));
	assert_int_equal(n_counted(), 0);
}

/* A silent refusal is sent again and again. */
static void a_request_counts_once(void **state)
{
	struct policy_options opt = harness_options();
	struct client c;

	(void)state;
	opt.deny = PC_DENY_DROP;
	use(&opt, 1);
	c = client_at(CLIENT);
	server_open(&c);
	for (int i = 0; i < 5; i++) {
		struct client again = c;

		assert_int_equal(client_say(&again, MESSAGES(DISABLED))->reason,
				 PC_R_KEY_DISABLED);
	}
	assert_int_equal(counted(CLIENT), 1);
	assert_int_equal(tidings_read(), 1);
}

static void requests_on_one_connection_count_each(void **state)
{
	struct policy_options opt = harness_options();
	struct client c = client_at(CLIENT);
	struct server g;

	(void)state;
	opt.monitor = true;
	use(&opt, 2);
	g = server_open(&c);
	assert_int_equal(client_say(&c, MESSAGES(DISABLED))->reason,
			 PC_R_KEY_DISABLED);
	g.s.ack = c.s.seq;
	server_say(&g,
		   "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
	c.s.ack = g.s.seq;
	assert_int_equal(client_say(&c, MESSAGES(DISABLED))->reason,
			 PC_R_KEY_DISABLED);
	assert_int_equal(counted(CLIENT), 2);
	assert_int_equal(tidings_read(), 1);
	assert_int_equal(tidings.events[0].would, 1);
}

static void nothing_is_counted_unless_asked_for(void **state)
{
	(void)state;
	use_default(0);
	ask_times(CLIENT, MESSAGES(DISABLED), 3);
	assert_int_equal(n_counted(), 0);
	assert_int_equal(tidings_read(), 0);
}

/* A full ring costs an event and no verdict; the next one comes later. */
static void an_unread_ring_changes_no_verdict(void **state)
{
	uint64_t lost;

	(void)state;
	use_default(1);
	lost = tidings_gate().lost;
	for (int i = 0; i < 4000; i++)
		assert_int_equal(ask(CLIENT, MESSAGES(DISABLED)),
				 PC_R_KEY_DISABLED);
	lost = tidings_gate().lost - lost;
	assert_true(lost > 0);
	assert_int_equal(tidings_read() + lost, 4000);
	assert_int_equal(counted(CLIENT), 4000);
}

static void take_slowly(const struct offender *o, void *arg)
{
	const struct timespec a_while = { .tv_nsec = 15000000 };
	unsigned int *n = arg;

	assert_int_equal(o->reason, PC_R_KEY_DISABLED);
	nanosleep(&a_while, NULL);
	++*n;
}

/* Or an attacker could keep the agent from renewing its lease. */
static void many_offenders_take_several_turns(void **state)
{
	unsigned int n = 0;
	const struct events_config cfg = {
		.pin_dir = harness.dir,
		.path = harness.dir, /* a directory: no log */
		.offender = take_slowly,
		.arg = &n,
	};
	struct events *e;

	(void)state;
	use_default(1);
	ask_times(CLIENT, MESSAGES(DISABLED), 10);
	assert_int_equal(events_open(&e, &cfg), 0);
	events_take(e);
	assert_in_range(n, 1, 5);
	for (int i = 0; i < 10; i++)
		events_take(e);
	assert_int_equal(n, 10);
	events_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_request_is_told),
		cmocka_unit_test(a_window_that_has_run_out_begins_anew),
		cmocka_unit_test(ipv6_counts_by_its_64),
		cmocka_unit_test(only_refusals_count),
		cmocka_unit_test(nobody_is_counted_for_others),
		cmocka_unit_test(made_up_sources_are_not_counted),
		cmocka_unit_test(a_request_counts_once),
		cmocka_unit_test(requests_on_one_connection_count_each),
		cmocka_unit_test(nothing_is_counted_unless_asked_for),
		cmocka_unit_test(an_unread_ring_changes_no_verdict),
		cmocka_unit_test(many_offenders_take_several_turns),
	};

	if (harness_open())
		return HARNESS_SKIP;
	tidings_open();
	offenders = harness_pin("pc_offenders");
	if (offenders < 0)
		abort();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
