// SPDX-License-Identifier: GPL-2.0-only
/*
 * What leaves when a request is refused, byte for byte: the gateway's answer to
 * the client, the reset to the gateway, and how the client is let down.
 */
#include "expect.h"

#include "request.h"

#define D MESSAGES(DISABLED)
#define FIN_ANSWER (TCP_FIN | TCP_PSH | TCP_ACK)
#define RESET (TCP_RST | TCP_ACK)
#define ANSWER_MAX 1024

/* The segment is between the same two ends as c's, one way or the other. */
static void assert_ends(const struct segment *g, const struct client *c,
			bool to_client)
{
	const struct shape *s = &c->s;

	assert_memory_equal(to_client ? g->to_mac : g->from_mac,
			    PACKET_MAC_CLIENT, 6);
	assert_memory_equal(to_client ? g->from_mac : g->to_mac,
			    PACKET_MAC_GATEWAY, 6);
	assert_string_equal(to_client ? g->to : g->from, s->from);
	assert_string_equal(to_client ? g->from : g->to, s->to);
	assert_int_equal(to_client ? g->dport : g->sport, s->sport);
	assert_int_equal(to_client ? g->sport : g->dport, s->dport);
	assert_int_equal(g->n_tags, s->n_tags);
	assert_true(g->sums_right);
	assert_int_equal(g->has_ts, s->ts_value || s->ts_echo);
	assert_int_equal(g->ts_value, to_client ? s->ts_echo : s->ts_value);
	assert_int_equal(g->ts_echo, to_client ? s->ts_value : s->ts_echo);
}

/* Exactly one segment left, and it is this one. */
static void expect_one(struct segment *g, const struct client *c, uint8_t flags,
		       uint32_t seq, uint32_t ack)
{
	struct segment more;

	assert_true(harness_catch(g));
	assert_ends(g, c, true);
	assert_int_equal(g->flags, flags);
	assert_int_equal(g->seq, seq);
	assert_int_equal(g->ack, ack);
	assert_false(harness_catch(&more));
}

static void assert_quiet(void)
{
	struct segment g;

	assert_false(harness_catch(&g));
}

/* What is left of the packet resets the gateway's connection. */
static void assert_gateway_reset(const struct outcome *o,
				 const struct client *c, size_t sent)
{
	struct segment g;

	assert_int_equal(o->retval, TC_PASS);
	assert_int_equal(segment_read_packet(&g, o->bytes, o->size), 0);
	assert_ends(&g, c, false);
	assert_int_equal(g.flags, RESET);
	assert_int_equal(g.seq, c->s.seq - (uint32_t)sent);
	assert_int_equal(g.ack, c->s.ack);
	assert_int_equal(g.payload_size, 0);
}

/* Status, headers and body of the gateway's own answer, and no byte more. */
static void assert_http(const struct segment *g, uint8_t profile,
			enum pc_dialect dialect, enum pc_reason reason,
			const char *client)
{
	char got[ANSWER_MAX], body[ANSWER_MAX], message[ANSWER_MAX];
	char status[64], *end;
	struct answer a;
	int n;

	assert_in_range(g->payload_size, 1, sizeof(got) - 1);
	memcpy(got, g->payload, g->payload_size);
	got[g->payload_size] = '\0';
	assert_int_equal(strlen(got), g->payload_size);
	assert_int_equal(answer_find(&a, profile, dialect, reason), 0);
	answer_message(message, sizeof(message), &a, client, NULL);
	n = answer_body(body, sizeof(body), dialect, &a, message);
	body[n] = '\0';

	end = strstr(got, "\r\n\r\n");
	assert_non_null(end);
	assert_string_equal(end + 4, body);
	end[2] = '\0';
	n = snprintf(status, sizeof(status), "HTTP/1.1 %d ", a.status);
	assert_memory_equal(got, status, (size_t)n);
	assert_non_null(strstr(got, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(
		got, "\r\nContent-Type: application/json; charset=utf-8\r\n"));
	end = strstr(got, "\r\nContent-Length:");
	assert_non_null(end);
	assert_int_equal(atoi(end + 17), strlen(body));
}

static void use(uint8_t profile, uint8_t deny)
{
	struct policy_options opt = harness_options();

	opt.profile = profile;
	opt.deny = deny;
	request_use(&opt);
}

/* A refused request and the answer that is due. */
static const struct {
	enum pc_reason reason;
	uint8_t profile;
	enum pc_dialect dialect;
	const char *head;
} rows[] = {
#define NEW PC_PROFILE_V0_1_179
#define SEED PC_PROFILE_SEED
#define STD PC_DIALECT_STD
#define GOOGLE PC_DIALECT_GOOGLE
#define GEMINI(key) HEAD("POST /v1beta/models/x:y", BEARER(key))
#define CODEX(key) HEAD("POST /v1/responses", BEARER(key))
	{ PC_R_KEY_DISABLED, NEW, STD, D },
	{ PC_R_KEY_DISABLED, SEED, STD, D },
	{ PC_R_KEY_DISABLED, NEW, GOOGLE, GEMINI(DISABLED) },
	{ PC_R_KEY_DISABLED, SEED, GOOGLE, GEMINI(DISABLED) },
	{ PC_R_KEY_DISABLED, NEW, STD, CODEX(DISABLED) },
	{ PC_R_KEY_DISABLED, SEED, GOOGLE, GEMINI(EXPIRED) },
	{ PC_R_KEY_DISABLED, SEED, GOOGLE, GEMINI(EXHAUSTED) },
	{ PC_R_KEY_EXPIRED, NEW, STD, MESSAGES(EXPIRED) },
	{ PC_R_KEY_EXPIRED, NEW, GOOGLE, GEMINI(PAST) },
	{ PC_R_KEY_EXPIRED, SEED, STD, MESSAGES(PAST) },
	{ PC_R_KEY_EXHAUSTED, NEW, STD, MESSAGES(QUOTA) },
	{ PC_R_KEY_EXHAUSTED, NEW, PC_DIALECT_OPENAI, CODEX(QUOTA) },
	{ PC_R_KEY_EXHAUSTED, SEED, STD, CODEX(QUOTA) },
	{ PC_R_KEY_EXHAUSTED, NEW, GOOGLE, GEMINI(EXHAUSTED) },
	{ PC_R_ADDRESS_DENIED, NEW, STD, MESSAGES(BLACKLISTED) },
	{ PC_R_ADDRESS_DENIED, NEW, GOOGLE, GEMINI(BLACKLISTED) },
	{ PC_R_ADDRESS_DENIED, NEW, STD, CODEX(WHITELISTED) },
	{ PC_R_ADDRESS_DENIED, SEED, STD, MESSAGES(BLACKLISTED) },
	{ PC_R_USER_MISSING, NEW, STD, MESSAGES(USER_MISSING) },
	{ PC_R_USER_MISSING, SEED, GOOGLE, GEMINI(USER_MISSING) },
	{ PC_R_USER_INACTIVE, SEED, STD, MESSAGES(USER_INACTIVE) },
	{ PC_R_USER_INACTIVE, NEW, GOOGLE, GEMINI(USER_INACTIVE) },
	{ PC_R_GROUP_DELETED, NEW, STD, MESSAGES(GROUP_DELETED_) },
	{ PC_R_GROUP_DELETED, NEW, GOOGLE, GEMINI(GROUP_DELETED_) },
	{ PC_R_GROUP_DISABLED, NEW, STD, MESSAGES(GROUP_DISABLED) },
	{ PC_R_GROUP_DISABLED, NEW, GOOGLE, GEMINI(GROUP_DISABLED) },
	{ PC_R_GROUP_NOT_ALLOWED, NEW, STD, MESSAGES(NOT_ALLOWED) },
	{ PC_R_GROUP_NOT_ALLOWED, NEW, GOOGLE, GEMINI(NOT_ALLOWED) },
	{ PC_R_BALANCE_EMPTY, NEW, STD, MESSAGES(BALANCE) },
	{ PC_R_BALANCE_EMPTY, NEW, GOOGLE, GEMINI(BALANCE) },
	{ PC_R_BALANCE_EMPTY, SEED, GOOGLE, GEMINI(BALANCE) },
};

static void refuse(size_t row, struct client *c)
{
	const struct outcome *o;
	struct segment g;
	size_t n = strlen(rows[row].head);
	uint32_t seq = c->s.seq;

	o = client_say(c, rows[row].head);
	assert_reason(o, rows[row].reason, rows[row].head);
	assert_gateway_reset(o, c, n);
	expect_one(&g, c, FIN_ANSWER, c->s.ack, seq + (uint32_t)n);
	assert_http(&g, rows[row].profile, rows[row].dialect, rows[row].reason,
		    c->s.from);
}

/* Both families, with and without timestamps, under no tag, one and two. */
static void every_answer_is_the_gateways(void **state)
{
	static const char *const from[] = { IN_BLACK, IN_BLACK6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		use(rows[i].profile, PC_DENY_CLOSE);
		for (int variant = 0; variant < 12; variant++) {
			struct client c = client_at(from[variant % 2]);

			c.s.n_tags = (uint8_t)(variant / 4);
			c.s.ts_value = variant & 2 ? 0xfedcba98 : 0;
			c.s.ts_echo = variant & 2 ? 0x01020304 : 0;
			c.s.seq = 0xffffff80u + (uint32_t)variant;
			client_syn(&c);
			refuse(i, &c);
		}
	}
}

/* One answer in full, so that not everything rests on answer.c. */
static void an_answer_reads_like_this(void **state)
{
	static const char want[] =
		"HTTP/1.1 403 Forbidden\r\n"
		"Content-Type: application/json; charset=utf-8\r\n"
		"Connection: close\r\n"
		"Content-Length:  76\r\n\r\n"
		"{\"code\":\"ACCESS_DENIED\","
		"\"message\":\"Access denied. Your IP is 198.51.100.77\"}";
	struct client c;
	struct segment g;

	(void)state;
	use(PC_PROFILE_V0_1_179, PC_DENY_CLOSE);
	c = client_open(IN_BLACK);
	client_say(&c, MESSAGES(BLACKLISTED));
	assert_true(harness_catch(&g));
	assert_int_equal(g.payload_size, sizeof(want) - 1);
	assert_memory_equal(g.payload, want, sizeof(want) - 1);
}

/* Of every length, so that Content-Length has two digits and three. */
static void answers_quote_addresses_as_go_prints_them(void **state)
{
	static const char *const from[] = {
		"198.51.100.0",
		"198.51.100.255",
		"198.51.100.9",
		"2001:db8:bad::",
		"2001:db8:bad::1",
		"2001:db8:bad:1::",
		"2001:db8:bad:0:1::1",
		"2001:db8:bad::1:0:0",
		"2001:db8:bad:1:0:1:0:1",
		"2001:db8:bad:ffff:ffff:ffff:ffff:ffff",
		"2001:db8:bad:a:b0:c00:d000:1",
		"2001:db8:bad:0:1:2:3:4",
	};

	(void)state;
	use(PC_PROFILE_V0_1_179, PC_DENY_CLOSE);
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		struct client c = client_open(from[i]);
		struct segment g;

		client_say(&c, MESSAGES(BLACKLISTED));
		assert_true(harness_catch(&g));
		assert_true(g.sums_right);
		assert_http(&g, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
			    PC_R_ADDRESS_DENIED, from[i]);
	}
}

/* Shorter than the answer by far, and longer by far. */
static void a_requests_size_does_not_matter(void **state)
{
	static char head[3000];
	static const char start[] = "GET /v1/x HTTP/1.0\r\n"
				    "x-api-key: " DISABLED "\r\n";
	const size_t least = sizeof(start) - 1 + 2;

	(void)state;
	use(PC_PROFILE_V0_1_179, PC_DENY_CLOSE);
	for (size_t n = least; n < sizeof(head); n += n < 400 ? 1 : 97) {
		struct client c = client_open(n % 2 ? CLIENT : CLIENT6);
		const struct outcome *o;
		struct segment g;

		memset(head, 'b', n); /* of a body that was never announced */
		memcpy(head, start, least - 2);
		memcpy(head + least - 2, "\r\n", 2);
		o = client_send(&c, head, n);
		assert_reason(o, PC_R_KEY_DISABLED, "any size");
		assert_gateway_reset(o, &c, n);
		expect_one(&g, &c, FIN_ANSWER, c.s.ack, c.s.seq);
		assert_http(&g, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
			    PC_R_KEY_DISABLED, c.s.from);
	}
}

/* An answered client: c stands just after its request. */
static struct client answered(const char *request, uint32_t seq,
			      uint32_t *answer_end)
{
	struct client c = client_at(CLIENT);
	struct segment g;

	use(PC_PROFILE_V0_1_179, PC_DENY_CLOSE);
	c.s.seq = seq;
	c.s.ts_value = 5;
	client_syn(&c);
	assert_reason(client_say(&c, request), PC_R_KEY_DISABLED, request);
	assert_true(harness_catch(&g));
	*answer_end = g.seq + (uint32_t)g.payload_size + 1;
	return c;
}

/* Nothing of an answered client reaches the gateway. */
static void assert_kept(const struct outcome *o, enum pc_reason want)
{
	assert_reason(o, want, "an answered connection");
	assert_int_equal(o->retval, TC_SHOT);
}

static void a_request_asked_again_is_answered_again(void **state)
{
	const uint32_t n = sizeof(D) - 1;
	struct segment g;
	uint32_t end;

	(void)state;
	/* With 2^32 before, in and after the request. */
	for (uint32_t back = 0; back < n + 20; back += 13) {
		struct client c = answered(D, 0u - back, &end);

		c.s.seq -= n;
		c.s.ts_value = 6; /* sent later */
		assert_kept(client_say(&c, D), PC_R_REPEATED);
		expect_one(&g, &c, FIN_ANSWER, c.s.ack, c.s.seq);
		assert_http(&g, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
			    PC_R_KEY_DISABLED, CLIENT);
		assert_int_equal(g.seq + g.payload_size + 1, end);
		/* In two parts, as another MSS would have it. */
		c.s.seq -= n;
		assert_kept(client_send(&c, D, n / 2), PC_R_REPEATED);
		expect_one(&g, &c, FIN_ANSWER, c.s.ack, c.s.seq + n - n / 2);
	}
}

static void the_rest_of_a_request_is_swallowed(void **state)
{
	struct segment g;
	uint32_t end;
	struct client c = answered(POST(DISABLED, "100"), 1, &end);

	(void)state;
	c.s.ack = end; /* it has the answer and sends on all the same */
	assert_kept(client_say(&c, "0123456789"), PC_R_SWALLOWED);
	expect_one(&g, &c, TCP_ACK, end, c.s.seq);
	assert_int_equal(g.payload_size, 0);
	/* Too far away to be the client's: what was had, once more. */
	c.s.seq += (1u << 20) + 1;
	assert_kept(client_say(&c, "0123456789"), PC_R_SWALLOWED);
	c.s.seq -= (1u << 20) + 11;
	expect_one(&g, &c, TCP_ACK, end, c.s.seq);
	/* A hole: what is not wanted need not come. */
	c.s.seq += 20;
	assert_kept(client_say(&c, "0123456789"), PC_R_SWALLOWED);
	expect_one(&g, &c, TCP_ACK, end, c.s.seq);
	/* The hole and what is behind it. */
	c.s.seq -= 30;
	assert_kept(client_say(&c, "0123456789012345678901234567890123456789"),
		    PC_R_SWALLOWED);
	expect_one(&g, &c, TCP_ACK, end, c.s.seq);
	/* An ACK was lost. */
	c.s.seq -= 10;
	assert_kept(client_say(&c, "0123456789"), PC_R_SWALLOWED);
	expect_one(&g, &c, TCP_ACK, end, c.s.seq);
}

/* Acknowledged without it, the client would have nothing to ask again with. */
static void more_before_the_answer_arrived_brings_it_again(void **state)
{
	struct segment g;
	uint32_t end;
	struct client c = answered(POST(DISABLED, "100"), 1, &end);

	(void)state;
	assert_kept(client_say(&c, "0123456789"), PC_R_REPEATED);
	expect_one(&g, &c, FIN_ANSWER, c.s.ack, c.s.seq);
	assert_http(&g, PC_PROFILE_V0_1_179, PC_DIALECT_STD, PC_R_KEY_DISABLED,
		    CLIENT);
	assert_int_equal(g.seq + g.payload_size + 1, end);
}

/* A client that has everything acknowledged has no reason to ask again, so
 * whatever it sends next brings a lost answer back.
 */
static void a_lost_answer_comes_with_the_next_segment(void **state)
{
	struct segment g;
	uint32_t end;
	struct client c = answered(POST(DISABLED, "100"), 0u - 100, &end);

	(void)state;
	for (int i = 0; i < 14; i++) {
		assert_kept(client_say(&c, "0123456789"), PC_R_REPEATED);
		expect_one(&g, &c, FIN_ANSWER, c.s.ack, c.s.seq);
		assert_http(&g, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
			    PC_R_KEY_DISABLED, CLIENT);
	}
	c.s.flags = TCP_FIN | TCP_ACK;
	assert_kept(client_run(&c), PC_R_REPEATED);
	expect_one(&g, &c, FIN_ANSWER, c.s.ack, c.s.seq + 1);
	c.s.ack = end - 1; /* all but the answer's FIN */
	assert_kept(client_run(&c), PC_R_REPEATED);
	assert_true(harness_catch(&g));
	assert_int_equal(g.seq + (uint32_t)g.payload_size + 1, end);
	/* Sixteen times: no network loses more, and nobody gains by it. */
	assert_kept(client_run(&c), PC_R_CLOSED);
	assert_quiet();
	c.s.ack = end;
	assert_kept(client_run(&c), PC_R_SWALLOWED);
	expect_one(&g, &c, TCP_ACK, end, c.s.seq + 1);
}

static void a_client_is_let_down_gently(void **state)
{
	struct segment g;
	uint32_t end;
	struct client c = answered(D, 0u - (uint32_t)sizeof(D) + 1, &end);

	(void)state;
	assert_kept(client_run(&c), PC_R_CLOSED); /* bare ACKs end here */
	c.s.ack = end;
	assert_kept(client_run(&c), PC_R_CLOSED);
	assert_quiet();
	for (int i = 0; i < 2; i++) { /* its FIN, and once more */
		c.s.flags = TCP_FIN | TCP_ACK;
		assert_kept(client_run(&c), PC_R_SWALLOWED);
		expect_one(&g, &c, TCP_ACK, end, c.s.seq + 1);
	}
}

static void a_request_with_its_fin_is_answered(void **state)
{
	struct client c;
	struct segment g;

	(void)state;
	use(PC_PROFILE_V0_1_179, PC_DENY_CLOSE);
	c = client_open(CLIENT);
	c.s.flags = TCP_FIN | TCP_PSH | TCP_ACK;
	assert_reason(client_say(&c, D), PC_R_KEY_DISABLED, "with a FIN");
	expect_one(&g, &c, FIN_ANSWER, c.s.ack, c.s.seq + 1);
}

static void a_reset_ends_it(void **state)
{
	uint32_t end;
	struct client c = answered(D, 1, &end);
	const struct outcome *o;

	(void)state;
	c.s.flags = TCP_RST;
	o = client_run(&c);
	assert_reason(o, PC_R_CLOSED, "the client's reset");
	assert_int_equal(o->retval, TC_PASS);
	assert_quiet();
	c.s.flags = TCP_ACK;
	assert_reason(client_say(&c, D), PC_R_MID_STREAM, "after it");
}

static void a_body_without_end_is_reset(void **state)
{
	static char bytes[2048];
	uint32_t end, swallowed = 0;
	struct client c = answered(POST(DISABLED, "99999999"), 1, &end);
	struct segment g;

	(void)state;
	c.s.ack = end;
	memset(bytes, 'x', sizeof(bytes));
	do {
		assert_kept(client_send(&c, bytes, sizeof(bytes)),
			    PC_R_SWALLOWED);
		swallowed += sizeof(bytes);
		assert_true(harness_catch(&g));
	} while (g.flags == TCP_ACK && swallowed < 4u << 20);
	assert_int_equal(g.flags, RESET);
	assert_int_equal(g.seq, end);
	assert_int_equal(g.ack, c.s.seq);
	assert_true(g.sums_right);
	assert_int_equal(swallowed, (1u << 20) + sizeof(bytes));
}

static void drop_is_silence(void **state)
{
	struct client c;

	(void)state;
	use(PC_PROFILE_V0_1_179, PC_DENY_DROP);
	c = client_open(CLIENT);
	for (int i = 0; i < 3; i++) { /* and stays it when asked again */
		const struct outcome *o = client_say(&c, D);

		assert_reason(o, PC_R_KEY_DISABLED, "drop");
		assert_int_equal(o->retval, TC_SHOT);
		assert_quiet();
		c.s.seq -= sizeof(D) - 1;
	}
}

static void reset_goes_both_ways(void **state)
{
	static const char *const from[] = { CLIENT, CLIENT6 };

	(void)state;
	use(PC_PROFILE_V0_1_179, PC_DENY_RESET);
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		struct client c = client_open(from[i]);
		const struct outcome *o = client_say(&c, D);
		struct segment g;

		assert_reason(o, PC_R_KEY_DISABLED, "reset");
		assert_gateway_reset(o, &c, sizeof(D) - 1);
		expect_one(&g, &c, RESET, c.s.ack, c.s.seq);
		assert_int_equal(g.payload_size, 0);
	}
}

/* For now the same as close. */
static void reply_closes(void **state)
{
	struct client c;
	struct segment g;

	(void)state;
	use(PC_PROFILE_V0_1_179, PC_DENY_REPLY);
	c = client_open(CLIENT);
	assert_reason(client_say(&c, D), PC_R_KEY_DISABLED, "reply");
	expect_one(&g, &c, FIN_ANSWER, c.s.ack, c.s.seq);
}

/* A packet with options before TCP cannot be rewritten: it passes. */
static void what_cannot_be_rewritten_passes(void **state)
{
	static const uint8_t hop[] = { IPPROTO_HOPOPTS };
	struct client c, c6;

	(void)state;
	use(PC_PROFILE_V0_1_179, PC_DENY_CLOSE);
	c = client_open(CLIENT);
	c.s.ip_options = 2;
	assert_reason(client_say(&c, D), PC_R_ANSWER_UNFIT, "v4");
	c6 = client_open(CLIENT6);
	c6.s.extensions = hop;
	c6.s.n_extensions = 1;
	assert_reason(client_say(&c6, D), PC_R_ANSWER_UNFIT, "v6");
	/* It was let through: its connection is followed on. */
	c.s.ip_options = 0;
	c.s.ack += 10;
	assert_reason(client_say(&c, MESSAGES(LIVE)), PC_R_KEY_LIVE, "next");
	use(PC_PROFILE_V0_1_179, PC_DENY_DROP);
	c6 = client_open(CLIENT6);
	c6.s.extensions = hop;
	c6.s.n_extensions = 1;
	assert_reason(client_say(&c6, D), PC_R_KEY_DISABLED, "drop needs none");
	assert_quiet();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_is_the_gateways),
		cmocka_unit_test(an_answer_reads_like_this),
		cmocka_unit_test(answers_quote_addresses_as_go_prints_them),
		cmocka_unit_test(a_requests_size_does_not_matter),
		cmocka_unit_test(a_request_asked_again_is_answered_again),
		cmocka_unit_test(the_rest_of_a_request_is_swallowed),
		cmocka_unit_test(
			more_before_the_answer_arrived_brings_it_again),
		cmocka_unit_test(a_lost_answer_comes_with_the_next_segment),
		cmocka_unit_test(a_client_is_let_down_gently),
		cmocka_unit_test(a_request_with_its_fin_is_answered),
		cmocka_unit_test(a_reset_ends_it),
		cmocka_unit_test(a_body_without_end_is_reset),
		cmocka_unit_test(drop_is_silence),
		cmocka_unit_test(reset_goes_both_ways),
		cmocka_unit_test(reply_closes),
		cmocka_unit_test(what_cannot_be_rewritten_passes),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
