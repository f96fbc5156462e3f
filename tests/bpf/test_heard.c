// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gateway's answers, followed at egress: while one is outstanding nothing
 * is refused, when it is complete everything may be again, and where its end
 * cannot be told nothing is ever again.
 */
#include "living.h"

#define STEPS_MAX 8
#define OK(headers) "HTTP/1.1 200 OK\r\n" headers "\r\n"
#define LENGTH(n) OK("Content-Length: " n "\r\n")
#define CHUNKS OK("Transfer-Encoding: chunked\r\n")
#define HEAD_REQUEST HEAD("HEAD /v1/messages", BEARER(LIVE))
#define EXPECTING                 \
	HEAD("POST /v1/messages", \
	     BEARER(LIVE) "Expect: 100-continue\r\nContent-Length: 4\r\n")

/* What the dead key's request that follows gets. */
#define REFUSED PC_R_KEY_DISABLED
#define OUTSTANDING PC_R_PIPELINED
#define UNSURE PC_R_ANSWER_UNSURE

/* A client's request ("> ") or what the gateway sends ("< "). */
static const struct {
	const char *what;
	enum pc_reason want;
	const char *steps[STEPS_MAX];
} rows[] = {
	{ "no answer", OUTSTANDING, { "> " L } },
	{ "a length", REFUSED, { "> " L, "< " LENGTH("2") "ok" } },
	{ "a length of nothing", REFUSED, { "> " L, "< " LENGTH("0") } },
	{ "a byte less", OUTSTANDING, { "> " L, "< " LENGTH("3") "ok" } },
	{ "head and body apart",
	  REFUSED,
	  { "> " L, "< " LENGTH("5"), "< 01", "< 2", "< 34" } },
	{ "head and most of the body",
	  OUTSTANDING,
	  { "> " L, "< " LENGTH("5"), "< 01", "< 23" } },
	{ "half a head", UNSURE, { "> " L, "< HTTP/1.1 200 OK\r\nContent-" } },
	{ "chunks", REFUSED, { "> " L, "< " CHUNKS "2\r\nok\r\n0\r\n\r\n" } },
	{ "chunks in pieces",
	  REFUSED,
	  { "> " L, "< " CHUNKS, "< 2\r", "< \nok", "< \r\n0\r\nA: b\r\n",
	    "< \r", "< \n" } },
	{ "no last chunk", OUTSTANDING, { "> " L, "< " CHUNKS "2\r\nok\r\n" } },
	{ "no last line", OUTSTANDING, { "> " L, "< " CHUNKS "0\r\n" } },
	{ "chunks that are none", UNSURE, { "> " L, "< " CHUNKS "x\r\n" } },
	{ "a chunk that reads like an answer",
	  OUTSTANDING,
	  { "> " L, "< " CHUNKS "1000\r\n", "< " LENGTH("0") } },
	{ "until the end", UNSURE, { "> " L, "< " OK("") "ok" } },
	{ "both framings",
	  UNSURE,
	  { "> " L,
	    "< " OK("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") } },
	{ "204", REFUSED, { "> " L, "< HTTP/1.1 204 No Content\r\n\r\n" } },
	{ "304 with a length",
	  REFUSED,
	  { "> " L,
	    "< HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" } },
	{ "404",
	  REFUSED,
	  { "> " L,
	    "< HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx" } },
	{ "101",
	  UNSURE,
	  { "> " L, "< HTTP/1.1 101 Switching Protocols\r\n\r\n" } },
	{ "HEAD", REFUSED, { "> " HEAD_REQUEST, "< " LENGTH("100") } },
	{ "HEAD, chunked", REFUSED, { "> " HEAD_REQUEST, "< " CHUNKS } },
	{ "HEAD and then GET",
	  OUTSTANDING,
	  { "> " HEAD_REQUEST, "< " LENGTH("100"), "> " L, "< " LENGTH("9") } },
	{ "HEAD and then GET, answered",
	  REFUSED,
	  { "> " HEAD_REQUEST, "< " LENGTH("100"), "> " L,
	    "< " LENGTH("9") "012345678" } },
	{ "HEAD behind GET", UNSURE, { "> " L HEAD_REQUEST } },
	{ "100, and nothing more",
	  OUTSTANDING,
	  { "> " EXPECTING, "< HTTP/1.1 100 Continue\r\n\r\n", "> 0123" } },
	{ "100, and the answer",
	  REFUSED,
	  { "> " EXPECTING, "< HTTP/1.1 100 Continue\r\n\r\n", "> 0123",
	    "< " LENGTH("2") "ok" } },
	{ "100 and 103 with the answer",
	  REFUSED,
	  { "> " EXPECTING "0123",
	    "< HTTP/1.1 100 Continue\r\n\r\n"
	    "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" LENGTH("2") "ok" } },
	{ "two requests, one answer",
	  OUTSTANDING,
	  { "> " L L, "< " LENGTH("2") "ok" } },
	{ "two requests, two answers at once",
	  REFUSED,
	  { "> " L L, "< " LENGTH("2") "ok" CHUNKS "0\r\n\r\n" } },
	{ "two answers cut inside a body",
	  REFUSED,
	  { "> " L L, "< " LENGTH("2") "o", "< k" LENGTH("1"), "< x" } },
	{ "an answer nobody asked for", UNSURE, { "< " LENGTH("0") } },
	{ "408 nobody asked for",
	  UNSURE,
	  { "> " L, "< " LENGTH("0"),
	    "< HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n" } },
	{ "no HTTP", UNSURE, { "> " L, "< SSH-2.0-x\r\n\r\n" } },
	{ "HTTP/1.0 with a length",
	  REFUSED,
	  { "> " L, "< HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok" } },
};

/* Everything but the last request, whose answer the client acknowledges. */
static void play(struct line *l, const char *const *steps)
{
	for (size_t i = 0; i < STEPS_MAX && steps[i]; i++) {
		const char *text = steps[i] + 2;
		struct shape want = line_to_client(l);

		if (steps[i][0] == '>') {
			want = line_to_gateway(l);
			want.payload = text;
			want.payload_size = strlen(text);
			assert_passed_as(client_say(&l->c, text), &want);
			l->g.s.ack = l->c.s.seq - l->skipped;
			continue;
		}
		want.payload = text;
		want.payload_size = strlen(text);
		assert_passed_as(server_say(&l->g, text), &want);
		l->c.s.ack = l->g.s.seq + l->added;
	}
}

/* On a fresh connection, and on one that was refused something before. */
static void a_refusal_waits_for_the_answers_end(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		size_t row = i / 2;
		struct line l = line_open();

		if (i % 2) {
			refused(&l, D);
			up(&l, "", PC_R_NO_PAYLOAD);
		}
		play(&l, rows[row].steps);
		assert_reason(client_say(&l.c, D), rows[row].want,
			      rows[row].what);
	}
}

/* Sent again, sent in one where it was two, and two where it was one. */
static void a_retransmitted_answer_counts_once(void **state)
{
	static const char answer[] = LENGTH("6") "answer";
	const size_t n = sizeof(answer) - 1;

	(void)state;
	line_use(PC_DENY_REPLY);
	for (size_t cut = sizeof(LENGTH("6")) - 1; cut < n; cut++) {
		struct line l = line_open();

		refused(&l, D);
		up(&l, L L, PC_R_KEY_LIVE);
		server_send(&l.g, answer, cut);
		l.g.s.seq -= (uint32_t)cut;
		server_send(&l.g, answer, n);
		l.g.s.seq -= (uint32_t)(n - cut);
		server_send(&l.g, answer + cut, n - cut);
		l.c.s.ack = l.g.s.seq + l.added;
		up(&l, D, PC_R_PIPELINED);
		down(&l, OK_ANSWER);
		down(&l, OK_ANSWER);
		refused(&l, D);
	}
}

/* What the client has not acknowledged is outstanding, FIN included. */
static void an_answer_must_have_arrived(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	up(&l, L, PC_R_KEY_LIVE);
	down(&l, OK_ANSWER);
	l.g.s.flags = TCP_FIN | TCP_ACK;
	down(&l, "");
	up(&l, D, PC_R_PIPELINED);
}

/* Longer than what is looked at of a head at once. */
static void a_large_answer_is_followed(void **state)
{
	static char bytes[3000];
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	up(&l, L, PC_R_KEY_LIVE);
	down(&l, LENGTH("3000000"));
	for (int i = 0; i < 999; i++)
		server_send(&l.g, bytes, sizeof(bytes));
	l.c.s.ack = l.g.s.seq;
	server_send(&l.g, bytes, sizeof(bytes) - 1);
	server_send(&l.g, bytes, 1);
	l.c.s.ack = l.g.s.seq;
	refused(&l, D);
	line_goes_on(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_waits_for_the_answers_end),
		cmocka_unit_test(a_retransmitted_answer_counts_once),
		cmocka_unit_test(an_answer_must_have_arrived),
		cmocka_unit_test(a_large_answer_is_followed),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
