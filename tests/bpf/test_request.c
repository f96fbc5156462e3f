// SPDX-License-Identifier: GPL-2.0-only
/*
 * The request plane, one reason at a time: each that pc_request can give is
 * given here, and none that it cannot.  Connections and answers in depth have
 * files of their own.
 */
#include "expect.h"

#include <linux/virtio_net.h>

#include "attach.h"
#include "map.h"
#include "request.h"

/* A reason of class PASS leaves the packet as it was. */
static void assert_passed(const struct shape *s, enum pc_reason want,
			  const char *what)
{
	static struct packet p;
	const struct outcome *o;

	packet_build(&p, s);
	o = run_bytes(harness.request, p.bytes, p.size);
	assert_reason(o, want, what);
	assert_false(o->would);
	assert_int_equal(o->retval, TC_PASS);
	assert_int_equal(o->size, p.size);
	assert_memory_equal(o->bytes, p.bytes, p.size);
}

static void nothing_is_judged_without_a_policy(void **state)
{
	struct client c = client_at(CLIENT);

	(void)state;
	assert_passed(&c.s, PC_R_NO_POLICY, "before the first policy");
}

static const uint8_t fragment[] = { IPPROTO_FRAGMENT };
static const uint8_t seven[] = { 0, 60, 60, 60, 60, 60, 60 };

/* Whatever does not even get to be looked up as a connection. */
static const struct {
	const char *what;
	enum pc_reason want;
	struct shape s;
} packets[] = {
	{ "ARP", PC_R_NOT_IP, { .from = CLIENT, .ether_type = 0x0806 } },
	{ "three tags", PC_R_NOT_IP, { .from = CLIENT, .n_tags = 3 } },
	{ "v4, version 5",
	  PC_R_BAD_IP_HEADER,
	  { .from = CLIENT, .ip_first = 0x55 } },
	{ "v4, header of 16",
	  PC_R_BAD_IP_HEADER,
	  { .from = CLIENT, .ip_first = 0x44 } },
	{ "v6, version 4",
	  PC_R_BAD_IP_HEADER,
	  { .from = CLIENT6, .ip_first = 0x40 } },
	{ "v4, ICMP", PC_R_NOT_TCP_UDP, { .from = CLIENT, .l4_proto = 1 } },
	{ "v6, ICMPv6", PC_R_NOT_TCP_UDP, { .from = CLIENT6, .l4_proto = 58 } },
	{ "v6, seven extension headers",
	  PC_R_EXT_HEADER_LIMIT,
	  { .from = CLIENT6, .extensions = seven, .n_extensions = 7 } },
	{ "another port", PC_R_OTHER_PORT, { .from = CLIENT, .dport = 80 } },
	{ "UDP to another port",
	  PC_R_OTHER_PORT,
	  { .from = CLIENT, .dport = 80, .l4_proto = 17 } },
	{ "v4, UDP", PC_R_NOT_TCP, { .from = CLIENT, .l4_proto = 17 } },
	{ "v6, UDP", PC_R_NOT_TCP, { .from = CLIENT6, .l4_proto = 17 } },
	{ "v4, first fragment",
	  PC_R_FRAGMENT,
	  { .from = CLIENT, .fragment = 0x2000 } },
	{ "v4, last fragment",
	  PC_R_FRAGMENT,
	  { .from = CLIENT, .fragment = 0x0010 } },
	{ "v6, first fragment",
	  PC_R_FRAGMENT,
	  { .from = CLIENT6,
	    .extensions = fragment,
	    .n_extensions = 1,
	    .fragment = 1 } },
	{ "v6, last fragment",
	  PC_R_FRAGMENT,
	  { .from = CLIENT6,
	    .extensions = fragment,
	    .n_extensions = 1,
	    .fragment = 0x10 } },
	{ "v4, no payload", PC_R_NO_PAYLOAD, { .from = CLIENT } },
	{ "v6, no payload", PC_R_NO_PAYLOAD, { .from = CLIENT6 } },
	{ "SYN and ACK are no beginning",
	  PC_R_NO_PAYLOAD,
	  { .from = CLIENT, .flags = TCP_SYN | TCP_ACK } },
	{ "a payload of a connection never seen",
	  PC_R_MID_STREAM,
	  { .from = CLIENT,
	    .payload = MESSAGES(DISABLED),
	    .payload_size = 40 } },
};

static void packets_that_are_no_head(void **state)
{
	(void)state;
	request_use_default();
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		struct client usual = client_at(packets[i].s.from);
		struct shape s = packets[i].s;

		s.to = usual.s.to;
		s.sport = usual.s.sport;
		s.dport = s.dport ? s.dport : usual.s.dport;
		s.flags = s.flags ? s.flags : TCP_ACK;
		assert_passed(&s, packets[i].want, packets[i].what);
	}
}

/* Bytes at an offset of the TCP header, in a packet that is right otherwise. */
static void assert_patched(size_t at, uint8_t value, enum pc_reason want,
			   const char *what)
{
	static struct packet p;
	struct client c = client_at(CLIENT);

	packet_build(&p, &c.s);
	p.bytes[at] = value;
	assert_reason(run_bytes(harness.request, p.bytes, p.size), want, what);
}

static void truncated_packets_pass(void **state)
{
	static struct packet p;
	static const char *const from[] = { CLIENT, CLIENT6 };

	(void)state;
	request_use_default();
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		struct client c = client_at(from[i]);

		c.s.n_tags = 1;
		c.s.ts_value = 1;
		packet_build(&p, &c.s);
		for (size_t n = p.l3_at + 1; n < p.size; n++)
			assert_reason(run_bytes(harness.request, p.bytes, n),
				      PC_R_TRUNCATED, from[i]);
		assert_reason(run_bytes(harness.request, p.bytes, p.size),
			      PC_R_NO_PAYLOAD, from[i]);
	}
	assert_patched(14 + 20 + 12, 0x40, PC_R_TRUNCATED, "TCP header of 16");
	assert_patched(14 + 20 + 12, 0x60, PC_R_TRUNCATED,
		       "TCP header that reaches past the packet");
	assert_patched(14 + 3, 39, PC_R_TRUNCATED, "IP ends inside TCP");
	assert_patched(14 + 3, 41, PC_R_TRUNCATED, "IP ends after the frame");
}

/* Ethernet pads short frames; the padding is no payload. */
static void padding_is_not_payload(void **state)
{
	static struct packet p;
	struct client c = client_open(CLIENT);

	(void)state;
	packet_build(&p, &c.s);
	packet_put(&p, "GET /x", 6);
	assert_reason(run_bytes(harness.request, p.bytes, p.size),
		      PC_R_NO_PAYLOAD, "six bytes of padding");
}

#define LONG_NAME \
	"x-0123456789-0123456789-0123456789-0123456789-0123456789-012345"
#define KEY_128                                                            \
	"0123456789012345678901234567890123456789012345678901234567890123" \
	"0123456789012345678901234567890123456789012345678901234567890123"

/* One head on a new connection. */
static const struct {
	const char *what;
	enum pc_reason want;
	const char *head;
} heads[] = {
	{ "a live key", PC_R_KEY_LIVE, MESSAGES(LIVE) },
	{ "an unknown key", PC_R_KEY_UNKNOWN, MESSAGES(UNKNOWN) },
	{ "a subscription group", PC_R_SUBSCRIPTION_UNSURE,
	  MESSAGES(SUBSCRIBED) },
	{ "garbage", PC_R_NOT_HTTP, "hello\r\n\r\n" },
	{ "one byte", PC_R_HEAD_SPLIT, "G" },
	{ "TLS", PC_R_TLS, "\x16\x03\x01\x02" },
	{ "HTTP/2", PC_R_H2C, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
	{ "no end", PC_R_HEAD_SPLIT,
	  "GET /v1/messages HTTP/1.1\r\nHost: a\r\n" },
	{ "a CR inside", PC_R_HEAD_SYNTAX, HEAD("GET /v1/x", "a: b\rc\r\n") },
	{ "a long name", PC_R_HEAD_SYNTAX,
	  HEAD("GET /v1/x", LONG_NAME "x: 1\r\n") },
	{ "two lengths", PC_R_HEAD_FRAMING,
	  HEAD("POST /v1/x", "Content-Length: 1\r\nContent-Length: 1\r\n") },
	{ "two hosts", PC_R_HEAD_HOST, HEAD("GET /v1/x", "Host: b\r\n") },
	{ "a folded line", PC_R_OBS_FOLD, HEAD("GET /v1/x", "a: b\r\n c\r\n") },
	{ "absolute form", PC_R_TARGET_FORM, HEAD("GET http://a/v1/x", "") },
	{ "asterisk form", PC_R_TARGET_FORM, HEAD("OPTIONS *", "") },
	{ "an encoded path", PC_R_PATH_UNSURE,
	  HEAD("GET /v1/m%65ssages", BEARER(DISABLED)) },
	{ "an empty segment", PC_R_PATH_UNSURE,
	  HEAD("GET //v1/messages", BEARER(DISABLED)) },
	{ "dots", PC_R_PATH_UNSURE,
	  HEAD("GET /x/../v1/messages", BEARER(DISABLED)) },
	{ "another path", PC_R_OTHER_PATH,
	  HEAD("GET /api/v1/keys", BEARER(DISABLED)) },
	{ "OPTIONS", PC_R_OTHER_METHOD,
	  HEAD("OPTIONS /v1/messages", BEARER(DISABLED)) },
	{ "PUT", PC_R_OTHER_METHOD,
	  HEAD("PUT /v1/messages", BEARER(DISABLED)) },
	{ "lower case", PC_R_OTHER_METHOD,
	  HEAD("get /v1/messages", BEARER(DISABLED)) },
	{ "an upgrade", PC_R_UPGRADE,
	  HEAD("GET /v1/realtime", BEARER(DISABLED) "Upgrade: websocket\r\n") },
	{ "a key in the query, perhaps no route", PC_R_ROUTE_UNSURE,
	  HEAD("GET /v1/messages?key=1", BEARER(DISABLED)) },
	{ "no credential, perhaps no route", PC_R_ROUTE_UNSURE,
	  HEAD("GET /v1/messages", "") },
	{ "129 bytes of key, perhaps no route", PC_R_ROUTE_UNSURE,
	  HEAD("GET /v1/messages", "x-api-key: 1" KEY_128 "\r\n") },
	{ "perhaps a blank in the query", PC_R_QUERY_UNSURE,
	  HEAD("POST /v1/messages?key=%a0", BEARER(DISABLED)) },
	{ "an empty key in the query", PC_R_KEY_LIVE,
	  HEAD("POST /v1/messages?a=%31&key=+%20", BEARER(LIVE)) },
	{ "no credential that is read", PC_R_NO_CREDENTIAL,
	  HEAD("POST /v1/messages", "Authorization: Basic \xc2\xa0\r\n") },
	{ "more blanks than are followed", PC_R_KEY_TOO_LONG,
	  HEAD("POST /v1/messages", BEARER("      " DISABLED)) },
	{ "128 bytes of key", PC_R_KEY_UNKNOWN,
	  HEAD("POST /v1/messages", "x-api-key: " KEY_128 "\r\n") },
};

static void heads_that_pass(void **state)
{
	static const char *const from[] = { CLIENT, CLIENT6 };

	(void)state;
	request_use_default();
	for (size_t i = 0; i < 2 * ARRAY_SIZE(heads); i++) {
		size_t row = i / 2;
		struct client c = client_open(from[i % 2]);

		c.s.payload = heads[row].head;
		c.s.payload_size = strlen(heads[row].head);
		assert_passed(&c.s, heads[row].want, heads[row].what);
	}
}

static const struct {
	enum pc_reason want;
	const char *key;
	const char *head;
} fates[] = {
	{ PC_R_KEY_DISABLED, DISABLED, MESSAGES(DISABLED) },
	{ PC_R_KEY_EXPIRED, EXPIRED, MESSAGES(EXPIRED) },
	{ PC_R_KEY_EXPIRED, PAST, MESSAGES(PAST) },
	{ PC_R_KEY_EXHAUSTED, EXHAUSTED, MESSAGES(EXHAUSTED) },
	{ PC_R_KEY_EXHAUSTED, QUOTA, MESSAGES(QUOTA) },
	{ PC_R_USER_MISSING, USER_MISSING, MESSAGES(USER_MISSING) },
	{ PC_R_USER_INACTIVE, USER_INACTIVE, MESSAGES(USER_INACTIVE) },
	{ PC_R_GROUP_DELETED, GROUP_DELETED_, MESSAGES(GROUP_DELETED_) },
	{ PC_R_GROUP_DISABLED, GROUP_DISABLED, MESSAGES(GROUP_DISABLED) },
	{ PC_R_GROUP_NOT_ALLOWED, NOT_ALLOWED, MESSAGES(NOT_ALLOWED) },
	{ PC_R_BALANCE_EMPTY, BALANCE, MESSAGES(BALANCE) },
	{ PC_R_QUERY_KEY,
	  "?key=", HEAD("POST /v1/messages?key=1", BEARER(LIVE)) },
	{ PC_R_QUERY_KEY, "?%6bey=", HEAD("GET /v1/models?a&%6bey=1", "") },
	{ PC_R_CREDENTIAL_MISSING, "none", HEAD("POST /v1/messages", "") },
	{ PC_R_CREDENTIAL_MISSING, "an empty one",
	  HEAD("POST /v1/messages", "x-api-key: \r\n") },
	{ PC_R_KEY_INVALID, "129 bytes",
	  HEAD("POST /v1/messages", "x-api-key: 1" KEY_128 "\r\n") },
};

static void dead_keys_are_refused(void **state)
{
	struct segment answer;

	(void)state;
	request_use_default();
	for (size_t i = 0; i < ARRAY_SIZE(fates); i++) {
		struct client c = client_open(CLIENT);
		const struct outcome *o = client_say(&c, fates[i].head);

		assert_reason(o, fates[i].want, fates[i].key);
		assert_false(o->would);
		assert_int_equal(o->retval, TC_PASS);
		assert_true(harness_catch(&answer));
		assert_false(harness_catch(&answer));
	}
}

static void monitor_mode_counts_and_passes(void **state)
{
	struct policy_options opt = harness_options();
	struct segment answer;

	(void)state;
	opt.monitor = true;
	request_use(&opt);
	for (size_t i = 0; i < ARRAY_SIZE(fates); i++) {
		struct client c = client_open(CLIENT);
		const struct outcome *o = client_say(&c, fates[i].head);

		assert_reason(o, fates[i].want, fates[i].key);
		assert_true(o->would);
		assert_int_equal(o->retval, TC_PASS);
		assert_false(harness_catch(&answer));
		/* The connection lives on and is followed as any other. */
		c.s.ack += 100;
		assert_reason(client_say(&c, MESSAGES(LIVE)), PC_R_KEY_LIVE,
			      "the next request");
	}
}

static void addresses_that_are_refused_or_unsure(void **state)
{
	struct policy_options opt = harness_options();
	struct prefix proxies[1];
	struct client c = client_open(IN_BLACK), proxy;

	(void)state;
	opt.proxies = harness_prefixes(proxies, IN_BLACK);
	request_use_default();
	assert_reason(client_say(&c, MESSAGES(BLACKLISTED)),
		      PC_R_ADDRESS_DENIED, "blacklisted");
	request_use(&opt);
	proxy = client_open(IN_BLACK);
	assert_reason(client_say(&proxy, MESSAGES(BLACKLISTED)),
		      PC_R_ADDRESS_UNSURE, "a trusted proxy");
}

static void a_lapsed_lease_opens_keys(void **state)
{
	struct client c;

	(void)state;
	request_use_default();
	harness_set_now(HARNESS_NOW_NS, 1);
	c = client_open(CLIENT);
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_LEASE_LAPSED,
		      "a lease of a nanosecond");
	c = client_open(CLIENT);
	assert_reason(client_say(&c, HEAD("POST /v1/messages", "")),
		      PC_R_LEASE_LAPSED, "no key, a lease of a nanosecond");
	harness_set_now(HARNESS_NOW_NS, UINT64_C(3600) * 1000000000);
	c = client_open(CLIENT);
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_KEY_DISABLED,
		      "a lease of an hour");
}

static void segments_out_of_place(void **state)
{
	struct client c;

	(void)state;
	request_use_default();
	c = client_open(CLIENT);
	client_say(&c, POST(LIVE, "10"));
	assert_reason(client_say(&c, "01234"), PC_R_BODY, "half a body");
	c.s.seq += 20;
	assert_reason(client_say(&c, "x"), PC_R_GAP, "bytes are missing");
	c = client_open(CLIENT);
	assert_reason(client_say(&c, MESSAGES(LIVE) MESSAGES(DISABLED)),
		      PC_R_KEY_LIVE, "two requests in one segment");
	c.s.ack += 100;
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_ANSWER_UNSURE,
		      "whose answer was that?");
	c = client_open(CLIENT);
	assert_reason(client_say(&c, "hello\r\n\r\n"), PC_R_NOT_HTTP,
		      "no head");
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_OPAQUE, "after");
	c = client_open(CLIENT);
	client_say(&c, MESSAGES(LIVE));
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_PIPELINED,
		      "not waited for");
	c = client_at(CLIENT);
	c.s.flags = TCP_SYN;
	assert_reason(client_say(&c, "x"), PC_R_SYN_DATA, "TCP fast open");
	c = client_open(CLIENT);
	c.s.flags = TCP_ACK | TCP_URG_;
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_ODD_FLAGS,
		      "URG");
	c.s.flags = TCP_ACK;
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_OPAQUE, "after");
	c = client_at(CLIENT);
	c.s.mptcp = true;
	c.s.ts_value = 7;
	assert_reason(client_syn(&c), PC_R_MPTCP, "one subflow of several");
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_OPAQUE, "after");
}

static void what_cannot_be_followed(void **state)
{
	struct client c;
	struct server g;
	int carries = map_of(harness.request, "pc_carries");
	struct pc_flow_key key;

	(void)state;
	request_use_default();
	c = client_open(CLIENT);
	assert_reason(client_say(&c, "GET /v1/messages HTTP/1.1\r\n"),
		      PC_R_HEAD_SPLIT, "half a head");
	while (!bpf_map_get_next_key(carries, NULL, &key))
		bpf_map_delete_elem(carries, &key);
	close(carries);
	assert_reason(client_say(&c, "Host: a\r\n" BEARER(DISABLED) "\r\n"),
		      PC_R_HEAD_LOST, "its first half is forgotten");
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_OPAQUE, "after");
	c = client_open(CLIENT);
	assert_reason(client_say(&c, CHUNKED(DISABLED) "not a size\r\n"),
		      PC_R_CHUNK_SYNTAX, "no chunk");
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_OPAQUE, "after");
	c = client_at(CLIENT);
	g = server_open(&c);
	client_say(&c, MESSAGES(LIVE));
	assert_reason(server_say(&g, "not HTTP\r\n\r\n"), PC_NEXT, "odd");
	c.s.ack = g.s.seq;
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_ANSWER_UNSURE,
		      "an answer that is none");
}

static void connections_that_were_answered(void **state)
{
	struct segment answer;
	struct client c;

	(void)state;
	request_use_default();
	while (harness_catch(&answer))
		;
	c = client_open(CLIENT);
	client_say(&c, MESSAGES(DISABLED));
	assert_true(harness_catch(&answer));
	c.s.seq -= 4;
	assert_reason(client_say(&c, "\r\n\r\n"), PC_R_REPEATED,
		      "it asks again");
	assert_reason(client_run(&c), PC_R_CLOSED, "a bare ACK");
	c.s.ack = answer.seq + (uint32_t)answer.payload_size + 1;
	assert_reason(client_say(&c, "more"), PC_R_SWALLOWED, "more");
	c.s.ip_options = 1;
	c = client_open(CLIENT);
	c.s.ip_options = 1;
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_ANSWER_UNFIT,
		      "IP options");
}

/* A listener and a connection to it, in this namespace. */
static void connect_for_real(int fds[static 3], struct client *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(HARNESS_PORT),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(a);

	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fds[0], (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fds[0], 1), 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&a, sizeof(a)), 0);
	fds[2] = accept(fds[0], NULL, NULL);
	assert_true(fds[2] >= 0);
	assert_int_equal(getsockname(fds[1], (struct sockaddr *)&a, &size), 0);
	*c = client_at("127.0.0.1");
	c->s.to = "127.0.0.1";
	c->s.sport = ntohs(a.sin_port);
}

/* Whoever makes up a SYN and a head knows neither sequence number. */
static void a_made_up_segment_refuses_nothing(void **state)
{
	struct policy_options opt = harness_options();
	struct prefix elsewhere[1];
	struct client c;
	int fds[3];

	(void)state;
	connect_for_real(fds, &c);
	client_syn(&c);
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_UNCONFIRMED,
		      "into a living connection");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	opt.gateways = harness_prefixes(elsewhere, "198.51.100.0/24");
	request_use(&opt);
	c = client_open(CLIENT);
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_NOT_OURS,
		      "for somebody else's gateway");
	request_use_default();
}

static void an_answer_that_cannot_be_sent_is_counted(void **state)
{
	struct client c = client_open(CLIENT);
	const struct outcome *o;

	(void)state;
	assert_int_equal(harness_set_lo(false), 0);
	o = client_say(&c, MESSAGES(DISABLED));
	assert_int_equal(harness_set_lo(true), 0);
	assert_int_equal(o->reason, PC_R_KEY_DISABLED);
	assert_int_equal(o->other, PC_R_ANSWER_FAILED);
	/* The gateway's side is ended all the same; the retransmission is the
	 * second try.
	 */
	assert_int_equal(o->retval, TC_PASS);
	c.s.seq -= strlen(MESSAGES(DISABLED));
	assert_reason(client_say(&c, MESSAGES(DISABLED)), PC_R_REPEATED,
		      "retransmitted");
}

/*
 * A frame through lo itself, where a test run's packets are too small: only its
 * first bytes are linear.  True once this reason's counter has risen.
 */
static bool send_frame(const struct packet *p, enum pc_reason want)
{
	struct virtio_net_hdr v = { .hdr_len = 14 };
	int one = 1, fd = harness_open_tap();
	struct pc_count before, now;
	uint8_t buf[sizeof(v) + PACKET_MAX];
	bool risen = false;

	assert_int_equal(
		setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)),
		0);
	memcpy(buf, &v, sizeof(v));
	memcpy(buf + sizeof(v), p->bytes, p->size);
	maps_count(&harness.maps, want, &before);
	assert_int_equal(send(fd, buf, sizeof(v) + p->size, 0),
			 sizeof(v) + p->size);
	for (int i = 0; i < 200 && !risen; i++) {
		usleep(1000);
		maps_count(&harness.maps, want, &now);
		risen = now.done == before.done + 1;
	}
	close(fd);
	harness.seen[want] |= risen;
	return risen;
}

/* A head of exactly size bytes on a new connection. */
static void build_head(struct packet *p, size_t size)
{
	static char head[PACKET_MAX];
	static const char first[] =
		"GET /v1/messages HTTP/1.1\r\nHost: a\r\n" BEARER(
			DISABLED) "x: ";
	struct client c = client_open(CLIENT);

	memset(head, 'x', size);
	memcpy(head, first, sizeof(first) - 1);
	memcpy(head + size - 4, "\r\n\r\n", 4);
	c.s.payload = head;
	c.s.payload_size = size;
	packet_build(p, &c.s);
}

static void large_heads_in_one_segment(void **state)
{
	const struct attach_filters filters = { harness.request,
						harness.reply };
	static struct packet p;

	(void)state;
	request_use_default();
	assert_int_equal(
		attach_request(harness.dir, &filters, HARNESS_LO, "lo"), 0);
	build_head(&p, 8192);
	assert_true(send_frame(&p, PC_R_KEY_DISABLED));
	build_head(&p, 8193);
	assert_true(send_frame(&p, PC_R_HEAD_TOO_LARGE));
	build_head(&p, 5000);
	assert_true(send_frame(&p, PC_R_KEY_DISABLED));
	assert_int_equal(attach_remove_request(harness.dir, HARNESS_LO, "lo"),
			 0);
}

static void every_reason_of_the_request_plane_was_given(void **state)
{
	static const enum pc_reason never[] = {
		/* pc_xdp's own */
		PC_R_ADDRESS_PASS,
		PC_R_ALLOW_LIST,
		PC_R_BLOCK_LIST,
		PC_R_SNAPSHOT_LIST,
		PC_R_BANNED,
		PC_R_IMAGE_DAMAGED,
		/* rest on a subscription row, which no map holds */
		PC_R_SUBSCRIPTION_MISSING,
		PC_R_SUBSCRIPTION_INVALID,
		PC_R_USAGE_LIMIT,
		/* on living connections only: test_living */
		PC_R_SWALLOW_LIMIT,
		/* what a key has spent in a time, which the agent alone counts
		 */
		PC_R_WINDOW_5H,
		PC_R_WINDOW_1D,
		PC_R_WINDOW_7D,
		/* the gateway's own limiter and look-ups */
		PC_R_RATE_LIMITED,
		PC_R_LOOKUP_BUSY,
		PC_R_LOOKUP_FAILED,
	};

	(void)state;
	check_seen(never, ARRAY_SIZE(never));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_judged_without_a_policy),
		cmocka_unit_test(packets_that_are_no_head),
		cmocka_unit_test(truncated_packets_pass),
		cmocka_unit_test(padding_is_not_payload),
		cmocka_unit_test(heads_that_pass),
		cmocka_unit_test(dead_keys_are_refused),
		cmocka_unit_test(monitor_mode_counts_and_passes),
		cmocka_unit_test(addresses_that_are_refused_or_unsure),
		cmocka_unit_test(a_lapsed_lease_opens_keys),
		cmocka_unit_test(segments_out_of_place),
		cmocka_unit_test(what_cannot_be_followed),
		cmocka_unit_test(connections_that_were_answered),
		cmocka_unit_test(a_made_up_segment_refuses_nothing),
		cmocka_unit_test(an_answer_that_cannot_be_sent_is_counted),
		cmocka_unit_test(large_heads_in_one_segment),
		cmocka_unit_test(every_reason_of_the_request_plane_was_given),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
