// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections: only bytes that stand where a request head must begin, with no
 * answer outstanding, are ever judged.  A dead key anywhere else passes.
 */
#include "expect.h"

#include "request.h"

/* One step of a connection's life. */
struct step {
	enum pc_reason want;
	const char *text; /* payload; NULL ends the steps */
	int32_t back; /* bytes the client steps back (or, < 0, skips) first */
	uint32_t answered; /* bytes of the gateway it acknowledges before */
	uint8_t flags;	   /* TCP_*, 0: PSH and ACK */
};

#define STEPS_MAX 8

/* Keys: D is dead, L lives.  A step that is refused ends its row. */
#define D MESSAGES(DISABLED)
#define L MESSAGES(LIVE)

static const struct {
	const char *what;
	struct step steps[STEPS_MAX];
} rows[] = {
	{ "a dead key in the first head",
	  { { .want = PC_R_KEY_DISABLED, .text = D } } },
	{ "a dead key in the second head",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "a dead key in the fourth head",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_KEY_UNKNOWN,
	      .text = MESSAGES(UNKNOWN),
	      .answered = 100 },
	    { .want = PC_R_OTHER_PATH,
	      .text = HEAD("GET /health", ""),
	      .answered = 1 },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 1 } } },
	{ "a retransmitted head that passed",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_BODY, .text = L, .back = sizeof(L) - 1 },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "half of a head retransmitted",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_BODY, .text = "\r\n", .back = 2 } } },
	{ "a retransmission that reaches into new bytes",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_PIPELINED,
	      .text = "\r\n" D,
	      .back = 2,
	      .answered = 100 },
	    { .want = PC_R_ANSWER_UNSURE, .text = D, .answered = 100 } } },
	{ "a head split in two is judged when it is whole",
	  { { .want = PC_R_HEAD_SPLIT,
	      .text = "GET /v1/messages HTTP/1.1\r\nHo" },
	    { .want = PC_R_KEY_DISABLED,
	      .text = "st: a\r\n" BEARER(DISABLED) "\r\n" } } },
	{ "a head split in three, and another one behind it",
	  { { .want = PC_R_HEAD_SPLIT, .text = "G" },
	    { .want = PC_R_HEAD_SPLIT,
	      .text = "ET /v1/messages HTTP/1.1\r\nHost: a\r" },
	    { .want = PC_R_KEY_LIVE, .text = "\n" BEARER(LIVE) "\r\n" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "the first part of a head retransmitted",
	  { { .want = PC_R_HEAD_SPLIT,
	      .text = "GET /v1/messages HTTP/1.1\r\nHo" },
	    { .want = PC_R_BODY,
	      .text = "GET /v1/messages HTTP/1.1\r\nHo",
	      .back = 29 },
	    { .want = PC_R_KEY_DISABLED,
	      .text = "st: a\r\n" BEARER(DISABLED) "\r\n" } } },
	{ "a whole head again of which a part came first",
	  { { .want = PC_R_HEAD_SPLIT, .text = "GET /v1/messages HTTP" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .back = 21 } } },
	{ "a body that is a head with a dead key",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "1000") },
	    { .want = PC_R_BODY, .text = D },
	    { .want = PC_R_BODY, .text = D, .answered = 100 },
	    { .want = PC_R_BODY, .text = D, .answered = 100 } } },
	{ "a body in three segments, then a head",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "12") },
	    { .want = PC_R_BODY, .text = "012" },
	    { .want = PC_R_BODY, .text = "345678" },
	    { .want = PC_R_BODY, .text = "9ab" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "a body in its head's segment, then a head",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "5") "01234" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "a body that begins in its head's segment",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "8") "01234" },
	    { .want = PC_R_BODY, .text = "567" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "the end of a body and a head in one segment",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "5") "01" },
	    { .want = PC_R_PIPELINED, .text = "234" D, .answered = 100 },
	    { .want = PC_R_ANSWER_UNSURE, .text = D, .answered = 100 } } },
	{ "a body retransmitted",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "5") },
	    { .want = PC_R_BODY, .text = "01234" },
	    { .want = PC_R_BODY, .text = "01234", .back = 5 },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "a body out of order",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "500") },
	    { .want = PC_R_BODY, .text = D, .back = -100 },
	    { .want = PC_R_BODY, .text = "0123456789", .back = 100 } } },
	{ "a Content-Length of nothing",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "0") },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "a Content-Length of 1 GiB",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "999999999") },
	    { .want = PC_R_BODY,
	      .text = D,
	      .back = -999000000,
	      .answered = 1 } } },
	{ "a Content-Length of ten digits",
	  { { .want = PC_R_HEAD_FRAMING, .text = POST(LIVE, "1000000000") },
	    { .want = PC_R_OPAQUE, .text = D, .answered = 1 } } },
	{ "two requests in one segment",
	  { { .want = PC_R_KEY_LIVE, .text = L D },
	    { .want = PC_R_ANSWER_UNSURE, .text = D, .answered = 100 } } },
	{ "a request and half of one in one segment",
	  { { .want = PC_R_KEY_LIVE, .text = L "GET /v1/messages HTTP" },
	    { .want = PC_R_PIPELINED,
	      .text = "/1.1\r\nHost: a\r\n" BEARER(DISABLED) "\r\n" },
	    { .want = PC_R_ANSWER_UNSURE, .text = D, .answered = 100 } } },
	{ "two dead requests in one segment: the first is answered",
	  { { .want = PC_R_KEY_DISABLED, .text = D D } } },
	{ "a head while an answer is outstanding",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_PIPELINED, .text = D },
	    { .want = PC_R_ANSWER_UNSURE, .text = D, .answered = 100 } } },
	{ "a head after a body, nothing answered",
	  { { .want = PC_R_KEY_LIVE, .text = POST(LIVE, "3") "abc" },
	    { .want = PC_R_PIPELINED, .text = D } } },
	{ "a head beyond a gap",
	  { { .want = PC_R_GAP, .text = D, .back = -10 },
	    { .want = PC_R_KEY_LIVE,
	      .text = L,
	      .back = 10 + sizeof(D) - 1 } } },
	{ "a chunked body",
	  { { .want = PC_R_KEY_LIVE, .text = CHUNKED(LIVE) },
	    { .want = PC_R_BODY, .text = "5\r\nabcde\r\n0\r\n\r\n" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "a chunked body in its head's segment",
	  { { .want = PC_R_KEY_LIVE,
	      .text = CHUNKED(LIVE) "5;x=y\r\nabcde\r\n000\r\nA: b\r\n\r\n" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "a chunk that is a head with a dead key",
	  { { .want = PC_R_KEY_LIVE, .text = CHUNKED(LIVE) "1000\r\n" },
	    { .want = PC_R_BODY, .text = D },
	    { .want = PC_R_BODY, .text = D, .answered = 100 } } },
	{ "a trailer that is a head with a dead key",
	  { { .want = PC_R_KEY_LIVE, .text = CHUNKED(LIVE) "0\r\n" },
	    { .want = PC_R_BODY, .text = D, .answered = 100 },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "a chunked body cut everywhere",
	  { { .want = PC_R_KEY_LIVE, .text = CHUNKED(LIVE) "1" },
	    { .want = PC_R_BODY, .text = "0\r" },
	    { .want = PC_R_BODY, .text = "\n0123456789abcdef\r" },
	    { .want = PC_R_BODY, .text = "\n0" },
	    { .want = PC_R_BODY, .text = "\r\n\r" },
	    { .want = PC_R_BODY, .text = "\n" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "the end of a chunked body and a head in one segment",
	  { { .want = PC_R_KEY_LIVE, .text = CHUNKED(LIVE) "1\r\n" },
	    { .want = PC_R_PIPELINED,
	      .text = "a\r\n0\r\n\r\n" D,
	      .answered = 100 },
	    { .want = PC_R_ANSWER_UNSURE, .text = D, .answered = 100 } } },
	{ "chunks that are none",
	  { { .want = PC_R_KEY_LIVE, .text = CHUNKED(LIVE) },
	    { .want = PC_R_BODY, .text = "5\nabcde\r\n0\r\n\r\n" },
	    { .want = PC_R_OPAQUE, .text = D, .answered = 100 } } },
	{ "a dead key with a chunked body",
	  { { .want = PC_R_KEY_DISABLED, .text = CHUNKED(DISABLED) } } },
	{ "an upgrade",
	  { { .want = PC_R_UPGRADE,
	      .text = HEAD(
		      "GET /v1/realtime",
		      BEARER(LIVE) "Connection: Upgrade\r\nUpgrade: w\r\n") },
	    { .want = PC_R_OPAQUE, .text = D, .answered = 100 } } },
	{ "an upgrade on a path that is not judged",
	  { { .want = PC_R_UPGRADE, .text = HEAD("GET /x", "Upgrade: w\r\n") },
	    { .want = PC_R_OPAQUE, .text = D, .answered = 100 } } },
	{ "an absolute target is followed, its path is not judged",
	  { { .want = PC_R_TARGET_FORM,
	      .text = HEAD("POST http://a/v1/messages",
			   BEARER(DISABLED) "Content-Length: 3\r\n") "abc" },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "CONNECT is not followed",
	  { { .want = PC_R_TARGET_FORM, .text = HEAD("CONNECT a:1", "") },
	    { .want = PC_R_OPAQUE, .text = D, .answered = 100 } } },
	{ "an empty line before a head",
	  { { .want = PC_R_NOT_HTTP, .text = "\r\n" D },
	    { .want = PC_R_OPAQUE, .text = D, .answered = 1 } } },
	{ "TLS",
	  { { .want = PC_R_TLS, .text = "\x16\x03\x01" },
	    { .want = PC_R_OPAQUE, .text = D } } },
	{ "a probe of one old byte",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_BODY, .text = "\n", .back = 1 },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
	{ "acknowledgements between",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_NO_PAYLOAD, .text = "" },
	    { .want = PC_R_NO_PAYLOAD, .text = "", .answered = 100 },
	    { .want = PC_R_KEY_DISABLED, .text = D } } },
	{ "a head with its FIN",
	  { { .want = PC_R_KEY_DISABLED,
	      .text = D,
	      .flags = TCP_FIN | TCP_ACK } } },
	{ "a FIN behind a head",
	  { { .want = PC_R_KEY_LIVE, .text = L },
	    { .want = PC_R_NO_PAYLOAD,
	      .text = "",
	      .flags = TCP_FIN | TCP_ACK } } },
	{ "a reset",
	  { { .want = PC_R_NO_PAYLOAD, .text = "", .flags = TCP_RST } } },
	{ "100-continue",
	  { { .want = PC_R_KEY_LIVE,
	      .text = HEAD("POST /v1/messages",
			   BEARER(LIVE) "Expect: 100-continue\r\n"
					"Content-Length: 4\r\n") },
	    { .want = PC_R_BODY, .text = "0123", .answered = 25 },
	    { .want = PC_R_KEY_DISABLED, .text = D, .answered = 100 } } },
};

static void walk(struct client *c, const struct step *steps, const char *what)
{
	for (size_t i = 0; i < STEPS_MAX && steps[i].text; i++) {
		const struct step *s = &steps[i];
		const struct outcome *o;

		c->s.seq -= (uint32_t)s->back;
		c->s.ack += s->answered;
		c->s.flags = s->flags ? s->flags : TCP_PSH | TCP_ACK;
		o = client_say(c, s->text);
		assert_reason(o, s->want, what);
		assert_int_equal(o->retval, TC_PASS);
	}
}

static void drain(void)
{
	struct segment answer;

	while (harness_catch(&answer))
		;
}

static void heads_are_judged_in_their_place_only(void **state)
{
	(void)state;
	request_use_default();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct client c = client_open(CLIENT);
		struct client c6 = client_open(CLIENT6);

		walk(&c, rows[i].steps, rows[i].what);
		walk(&c6, rows[i].steps, rows[i].what);
		drain();
	}
}

/* Every row again, with 2^32 at each offset near the beginning of its stream.
 */
static void sequence_numbers_wrap(void **state)
{
	(void)state;
	request_use_default();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (uint32_t before = 0; before < 300; before += 37) {
			struct client c = client_at(CLIENT);

			c.s.seq = 0u - before;
			c.s.ack = 0u - before / 2;
			client_syn(&c);
			walk(&c, rows[i].steps, rows[i].what);
			drain();
		}
	}
}

/* In each place of a body, whole or in parts, at every split. */
static void no_split_of_a_body_makes_a_head_of_it(void **state)
{
	static const char body[] = D D;
	const size_t n = sizeof(body) - 1;

	(void)state;
	request_use_default();
	for (size_t cut = 1; cut < n; cut++) {
		struct client c = client_open(CLIENT);
		char head[512];

		snprintf(head, sizeof(head),
			 HEAD("POST /v1/messages",
			      BEARER(LIVE) "Content-Length: %zu\r\n"),
			 n);
		assert_reason(client_say(&c, head), PC_R_KEY_LIVE, "head");
		c.s.ack++;
		assert_reason(client_send(&c, body, cut), PC_R_BODY, "first");
		assert_reason(client_send(&c, body + cut, n - cut), PC_R_BODY,
			      "second");
		c.s.ack++; /* the answer, not what came before the body's end */
		assert_reason(client_say(&c, D), PC_R_KEY_DISABLED, "after");
	}
	drain();
}

static void without_its_syn_a_connection_is_not_judged(void **state)
{
	struct client c = client_at(CLIENT);

	(void)state;
	request_use_default();
	assert_reason(client_say(&c, D), PC_R_MID_STREAM, "no SYN");
	assert_reason(client_say(&c, D), PC_R_MID_STREAM, "still none");
}

/* A SYN begins anew, whatever was known of the port. */
static void ports_are_reused(void **state)
{
	struct client c = client_open(CLIENT);
	struct client other;

	(void)state;
	request_use_default();
	assert_reason(client_say(&c, "\x16\x03\x01"), PC_R_TLS, "TLS");
	c.s.seq += 5000;
	assert_reason(client_syn(&c), PC_R_NO_PAYLOAD, "a new connection");
	assert_reason(client_say(&c, D), PC_R_KEY_DISABLED, "after TLS");
	drain();
	c.s.seq += 5000;
	assert_reason(client_syn(&c), PC_R_NO_PAYLOAD, "after an answer");
	assert_reason(client_say(&c, L), PC_R_KEY_LIVE, "a living key");
	c.s.ack++;
	/* Another port, another address: another connection. */
	other = c;
	other.s.sport++;
	assert_reason(client_say(&other, D), PC_R_MID_STREAM, "another port");
	other = c;
	other.s.from = IN_BLACK;
	assert_reason(client_say(&other, D), PC_R_MID_STREAM, "another client");
	other = c;
	other.s.to = "192.0.2.2";
	assert_reason(client_say(&other, D), PC_R_MID_STREAM,
		      "another gateway");
	other = c;
	other.s.dport = 65535;
	assert_reason(client_say(&other, D), PC_R_MID_STREAM, "another dport");
	assert_reason(client_say(&c, D), PC_R_KEY_DISABLED, "the same");
	drain();
}

static void a_syn_with_data_hides_its_connection(void **state)
{
	struct client c = client_at(CLIENT);

	(void)state;
	request_use_default();
	c.s.flags = TCP_SYN;
	assert_reason(client_say(&c, D), PC_R_SYN_DATA, "SYN with a head");
	c.s.flags = TCP_ACK;
	assert_reason(client_say(&c, D), PC_R_OPAQUE, "after it");
}

/* What the options of TCP are does not move the payload's place. */
static void timestamps_and_tags_change_nothing(void **state)
{
	(void)state;
	request_use_default();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct client c = client_at(i % 2 ? CLIENT : CLIENT6);

		c.s.ts_value = 77;
		c.s.ts_echo = 88;
		c.s.n_tags = i % 3;
		client_syn(&c);
		walk(&c, rows[i].steps, rows[i].what);
		drain();
	}
}

/* Monitor mode follows connections as if every key lived. */
static void monitor_mode_follows_connections(void **state)
{
	struct policy_options opt = harness_options();
	struct client c = client_open(CLIENT);
	const struct outcome *o;

	(void)state;
	opt.monitor = true;
	request_use(&opt);
	for (int i = 0; i < 5; i++) {
		o = client_say(&c, POST(DISABLED, "4"));
		assert_reason(o, PC_R_KEY_DISABLED, "head");
		assert_true(o->would);
		assert_reason(client_say(&c, "0123"), PC_R_BODY, "body");
		c.s.ack += 100;
	}
	assert_reason(client_say(&c, D D), PC_R_KEY_DISABLED, "two heads");
	c.s.ack += 100;
	assert_reason(client_say(&c, D), PC_R_ANSWER_UNSURE, "after them");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_judged_in_their_place_only),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(no_split_of_a_body_makes_a_head_of_it),
		cmocka_unit_test(without_its_syn_a_connection_is_not_judged),
		cmocka_unit_test(ports_are_reused),
		cmocka_unit_test(a_syn_with_data_hides_its_connection),
		cmocka_unit_test(timestamps_and_tags_change_nothing),
		cmocka_unit_test(monitor_mode_follows_connections),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
