// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refusals on connections that go on: numbers and checksums in both directions,
 * answers asked for again, bodies of refused requests.
 */
#include "living.h"

static void both_directions_are_translated(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l = line_open_variant(v);

		refused(&l, D);
		line_goes_on(&l);
		refused(&l, D);
		refused(&l, POST(DISABLED, "5") "01234");
		line_goes_on(&l);
		up(&l, L, PC_R_KEY_LIVE);
		down(&l, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\no");
		down(&l, "ne");
		down(&l, "!");
		refused(&l, D);
		line_goes_on(&l);
	}
}

/* Not before either end has anything to be wrong about. */
static void nothing_changes_before_a_refusal(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l = line_open_variant(v);

		up(&l, L, PC_R_KEY_LIVE);
		down(&l, OK_ANSWER);
		assert_false(line_lives(&l));
	}
}

/* The gateway never sent the answer: it must not hear of a part of it. */
static void an_answer_is_acknowledged_whole_or_not_at_all(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	up(&l, L, PC_R_KEY_LIVE);
	down(&l, OK_ANSWER);
	lose_answer(&l, D, strlen(D));
	for (uint32_t i = 0; i <= l.answer_size; i++) {
		l.c.s.ack = l.answer_seq + i;
		up(&l, "", PC_R_NO_PAYLOAD);
		assert_int_equal(line_map_ack(&l, l.c.s.ack), l.mark);
	}
	/* A segment that was overtaken. */
	l.c.s.ack = l.answer_seq - 10;
	up(&l, "", PC_R_NO_PAYLOAD);
	l.c.s.ack = l.answer_seq + l.answer_size;
	line_goes_on(&l);
}

static void sack_blocks_are_translated(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l = line_open_variant(v);
		unsigned int most = shape_has_ts(&l.c.s) ? 3 : 4;

		refused(&l, D);
		refused(&l, D);
		for (unsigned int n = 1; n <= most; n++) {
			for (unsigned int i = 0; i < n; i++) {
				uint32_t at = 1000 * (n - i);

				l.c.s.sacks[i][0] = l.c.s.ack + at;
				l.c.s.sacks[i][1] = l.c.s.ack + at + 500;
				l.g.s.sacks[i][0] = l.g.s.ack + at;
				l.g.s.sacks[i][1] = l.g.s.ack + at + 500;
			}
			l.c.s.n_sacks = l.g.s.n_sacks = (uint8_t)n;
			up(&l, "", PC_R_NO_PAYLOAD);
			down(&l, "");
		}
		/* Of the answer, of a part, of what was before and after it. */
		for (unsigned int k = 0; k < 4; k++) {
			uint32_t end = l.answer_seq + l.answer_size;

			l.c.s.n_sacks = 1;
			l.c.s.sacks[0][0] =
				l.answer_seq - 30 * (k == 3) + 10 * (k & 1);
			l.c.s.sacks[0][1] = end + 20 * (k & 2);
			up(&l, "", PC_R_NO_PAYLOAD);
		}
		l.c.s.n_sacks = l.g.s.n_sacks = 0;
		line_goes_on(&l);
	}
}

/* What the gateway sent before the last answer keeps its place before it. */
static void older_segments_keep_their_place(void **state)
{
	const size_t n = strlen(OK_ANSWER);
	const struct outcome *o;
	struct shape want;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	for (int i = 0; i < 3; i++) {
		up(&l, L, PC_R_KEY_LIVE);
		down(&l, OK_ANSWER);
		refused(&l, D);
		for (size_t from = 0; from < n; from++) {
			l.g.s.seq = l.mark - (uint32_t)(n - from);
			want = l.g.s;
			want.ack = line_to_client(&l).ack;
			want.seq += l.added_before;
			want.payload = OK_ANSWER + from;
			want.payload_size = n - from;
			o = server_say(&l.g, OK_ANSWER + from);
			assert_passed_as(o, &want);
		}
		assert_int_equal(l.g.s.seq, l.mark);
		line_goes_on(&l);
	}
}

static void a_request_asked_again_is_answered_alike(void **state)
{
	const uint32_t n = strlen(D);

	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l = line_open_variant(v);

		refused(&l, D);
		lose_answer(&l, D, n);
		l.c.s.seq = l.from;
		l.c.s.ts_value += !!l.c.s.ts_value; /* sent later */
		assert_repeated(&l, client_say(&l.c, D));
		/* As another MSS would have it, in parts. */
		l.c.s.seq = l.from;
		assert_repeated(&l, client_send(&l.c, D, n / 2));
		assert_repeated(&l, client_send(&l.c, D + n / 2, n - n / 2));
		/* It has half of it. */
		l.c.s.ack += l.answer_size / 2;
		l.c.s.seq = l.from;
		assert_repeated(&l, client_say(&l.c, D));
		/* It has it. */
		l.c.s.ack = l.answer_seq + l.answer_size;
		l.c.s.seq = l.from;
		assert_swallowed(&l, client_say(&l.c, D));
		line_goes_on(&l);
	}
}

/* Nobody gains by asking for ever. */
static void an_answer_is_repeated_sixteen_times(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	lose_answer(&l, D, strlen(D));
	for (int i = 0; i < 16; i++) {
		l.c.s.seq = l.from;
		assert_repeated(&l, client_say(&l.c, D));
	}
	l.c.s.seq = l.from;
	assert_swallowed(&l, client_say(&l.c, D));
}

/* The gateway's segments acknowledge what it has got, the refused request's
 * bytes among them; the client would then never ask for a lost answer.
 */
static void nothing_acknowledges_what_was_not_answered_yet(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l = line_open_variant(v);

		up(&l, L, PC_R_KEY_LIVE);
		down(&l, OK_ANSWER);
		lose_answer(&l, D, strlen(D));
		down(&l, ""); /* a probe */
		l.c.s.ack = l.answer_seq;
		l.g.s.flags = TCP_FIN | TCP_ACK;
		down(&l, "");
		l.g.s.flags = TCP_ACK;
		/* All but its last byte. */
		l.c.s.ack = l.answer_seq + l.answer_size - 1;
		up(&l, "", PC_R_NO_PAYLOAD);
		down(&l, "");
		l.c.s.ack = l.answer_seq;
		l.c.s.seq = l.from;
		assert_repeated(&l, client_say(&l.c, D));
		l.c.s.ack += l.answer_size;
		up(&l, "", PC_R_NO_PAYLOAD);
		down(&l, "");
	}
}

/* A refusal whose packet cannot be sent is healed by the next try. */
static void an_answer_that_was_not_sent_is_asked_for(void **state)
{
	const struct outcome *o;
	struct pc_living entry;
	struct segment g;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	assert_int_equal(harness_set_lo(false), 0);
	o = client_say(&l.c, D);
	assert_int_equal(harness_set_lo(true), 0);
	assert_int_equal(o->reason, PC_R_KEY_DISABLED);
	assert_int_equal(o->other, PC_R_ANSWER_FAILED);
	assert_true(line_find(&entry, &l));
	line_empty_tap();
	l.c.s.seq -= (uint32_t)strlen(D);
	assert_reason(client_say(&l.c, D), PC_R_REPEATED, "again");
	assert_sent(&g, &l, TCP_PSH | TCP_ACK, l.c.s.ack, l.c.s.seq);
}

static const struct {
	const char *head;
	const char *body;
} bodies[] = {
	{ POST(DISABLED, "20"), "0123456789abcdefghij" },
	{ CHUNKED(DISABLED), "5\r\nabcde\r\na;b\r\n0123456789\r\n"
			     "0\r\nX: y\r\n\r\n" },
};

static void swallow(struct line *l, const char *body, size_t from, size_t to)
{
	const struct outcome *o;

	l->c.s.seq = l->taken;
	o = client_send(&l->c, body + from, to - from);
	line_take(l, to - from);
	assert_swallowed(l, o);
}

/* The request's end. */
static void complete(struct line *l, const char *body, size_t from, size_t to)
{
	const struct outcome *o;

	l->c.s.seq = l->taken;
	o = client_send(&l->c, body + from, to - from);
	line_take(l, to - from);
	assert_completed(l, o);
}

static void a_body_is_swallowed_however_it_is_cut(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (size_t k = 0; k < ARRAY_SIZE(bodies); k++) {
		const char *body = bodies[k].body;
		const size_t n = strlen(body);

		for (size_t cut = 1; cut < n; cut++) {
			struct line l = line_open_variant((unsigned int)cut %
							  LINE_VARIANTS);

			begin_refused(&l, bodies[k].head);
			swallow(&l, body, 0, cut);
			complete(&l, body, cut, n);
			line_goes_on(&l);
		}
	}
}

/* Byte by byte, and with its first part in the head's segment. */
static void a_body_is_swallowed_byte_by_byte(void **state)
{
	char text[512];

	(void)state;
	line_use(PC_DENY_REPLY);
	for (size_t k = 0; k < ARRAY_SIZE(bodies); k++) {
		const char *body = bodies[k].body;
		const size_t n = strlen(body);

		for (size_t first = 0; first < n; first++) {
			struct line l = line_open();

			snprintf(text, sizeof(text), "%s%.*s", bodies[k].head,
				 (int)first, body);
			begin_refused(&l, text);
			for (size_t i = first; i + 1 < n; i++)
				swallow(&l, body, i, i + 1);
			complete(&l, body, n - 1, n);
			refused(&l, D);
			line_goes_on(&l);
		}
	}
}

/* Who has the last byte acknowledged has the answer, too; else it is sent again
 * and answered alike.
 */
static void the_answer_comes_with_the_bodys_end(void **state)
{
	const char *body = "0123456789";
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "10"));
	for (size_t i = 0; i < 9; i++)
		swallow(&l, body, i, i + 1);
	/* What was acknowledged brings nothing yet. */
	l.c.s.seq = l.from;
	assert_swallowed(&l, client_say(&l.c, POST(DISABLED, "10")));
	complete(&l, body, 9, 10);
	l.c.s.ack = l.answer_seq;
	l.c.s.seq = l.taken - 1;
	assert_repeated(&l, client_send(&l.c, body + 9, 1));
	l.c.s.seq = l.from;
	assert_repeated(&l, client_say(&l.c, POST(DISABLED, "10")));
	l.c.s.seq = l.taken;
	l.c.s.ack += l.answer_size;
	line_goes_on(&l);
}

/* The gateway may speak meanwhile: behind the answer that is to come. */
static void the_gateway_speaks_while_a_body_is_swallowed(void **state)
{
	uint32_t at;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "10"));
	at = l.c.s.ack;
	down(&l, "");
	l.g.s.flags = TCP_FIN | TCP_ACK;
	down(&l, "");
	l.c.s.ack = at;
	up(&l, "", PC_R_NO_PAYLOAD);
	swallow(&l, "01234", 0, 5);
	complete(&l, "56789", 0, 5);
	up(&l, "", PC_R_NO_PAYLOAD);
	down(&l, "");
}

/* How far it goes is known, and what is in it is not wanted. */
static void a_hole_in_a_swallowed_body_does_not_matter(void **state)
{
	const struct outcome *o;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "30"));
	l.c.s.seq = l.taken + 10;
	o = client_say(&l.c, "abcdefghij");
	line_take(&l, 20);
	assert_swallowed(&l, o);
	complete(&l, "ABCDEFGHIJ", 0, 10);
	l.c.s.seq = l.taken - 30;
	assert_swallowed(&l, client_say(&l.c, "0123456789"));
	l.c.s.seq = l.taken;
	line_goes_on(&l);
}

/* Segments that begin in what was taken and reach into what was not. */
static void segments_that_overlap_what_was_taken(void **state)
{
	const struct outcome *o;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "10"));
	l.c.s.seq -= 2;
	o = client_say(&l.c, "\r\n0123456789");
	line_take(&l, 10);
	assert_completed(&l, o);
	/* The request's end and the next head. */
	l.c.s.seq = l.taken - 3;
	assert_swallowed(&l, client_say(&l.c, "789" L));
	l.c.s.seq = l.taken;
	line_goes_on(&l);
	lose_answer(&l, D, strlen(D));
	l.c.s.seq = l.from;
	assert_repeated(&l, client_say(&l.c, D D));
	l.c.s.seq = l.taken;
	l.c.s.ack += l.answer_size;
	line_goes_on(&l);
}

/* A refused request and more in its segment: that is sent again. */
static void what_is_behind_a_refused_request_is_not_taken(void **state)
{
	static const char *const heads[] = {
		D,
		POST(DISABLED, "3") "abc",
		CHUNKED(DISABLED) "0\r\n\r\n",
	};
	char text[1024];

	(void)state;
	line_use(PC_DENY_REPLY);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		struct line l = line_open();

		snprintf(text, sizeof(text), "%s%s", heads[i], L);
		lose_answer(&l, text, strlen(heads[i]));
		l.c.s.ack += l.answer_size;
		line_goes_on(&l);
		snprintf(text, sizeof(text), "%s%s", heads[i], D);
		lose_answer(&l, text, strlen(heads[i]));
		l.c.s.ack += l.answer_size;
		refused(&l, D);
		line_goes_on(&l);
		/* And one that ends in a swallowed body's last segment. */
		begin_refused(&l, POST(DISABLED, "3"));
		line_take(&l, 3);
		assert_completed(&l, client_say(&l.c, "abc" L));
		l.c.s.seq = l.taken;
		line_goes_on(&l);
		/* Which is then judged like any other. */
		begin_refused(&l, POST(DISABLED, "3"));
		line_take(&l, 3);
		assert_completed(&l, client_say(&l.c, "abc" D));
		l.c.s.seq = l.taken;
		refused(&l, D);
		begin_refused(&l, CHUNKED(DISABLED));
		line_take(&l, 5);
		assert_completed(&l, client_say(&l.c, "0\r\n\r\n" D));
		l.c.s.seq = l.taken;
		refused(&l, D);
		line_goes_on(&l);
	}
}

/* Answered after all, with FIN; the gateway is reset in its own numbers. */
static void assert_ends_with_its_answer(struct line *l, const char *body,
					size_t n)
{
	uint32_t seq = l->taken - l->skipped;
	const struct outcome *o = client_send(&l->c, body, n);
	struct segment g;

	assert_reason(o, PC_R_SWALLOW_LIMIT, "the limit");
	assert_int_equal(o->retval, TC_PASS);
	assert_int_equal(segment_read_packet(&g, o->bytes, o->size), 0);
	assert_int_equal(g.flags, TCP_RST | TCP_ACK);
	assert_int_equal(g.seq, seq);
	assert_int_equal(g.ack, l->mark);
	assert_true(g.sums_right);
	assert_sent(&g, l, TCP_FIN | TCP_PSH | TCP_ACK, l->answer_seq,
		    l->c.s.seq);
	assert_memory_equal(g.payload, "HTTP/1.1 401 ", 13);
	assert_non_null(
		memmem(g.payload, g.payload_size, "Connection: close", 17));
	assert_false(line_lives(l));
	assert_int_equal(server_say(&l->g, "late")->retval, TC_SHOT);
	assert_reason(client_say(&l->c, "more"), PC_R_REPEATED, "more");
	line_empty_tap();
}

/* Where a chunked one ends is not known, and what comes too early is not kept.
 */
static void a_hole_in_a_chunked_body_ends_it(void **state)
{
	static const char body[] = "14\r\n0123456789abcdefghij\r\n0\r\n\r\n";
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, CHUNKED(DISABLED));
	l.c.s.seq = l.taken + 10;
	assert_ends_with_its_answer(&l, body + 10, sizeof(body) - 11);
}

/* More chunks in a segment than are followed. */
static void chunks_beyond_count_end_it(void **state)
{
	static char body[2400];
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	for (size_t i = 0; i < 2400; i += 6)
		memcpy(body + i, "1\r\nx\r\n", 6);
	l = line_open();
	begin_refused(&l, CHUNKED(DISABLED));
	l.c.s.seq = l.taken;
	assert_ends_with_its_answer(&l, body, sizeof(body));
}

static void a_body_beyond_the_limit_ends_the_connection(void **state)
{
	static char bytes[2048];
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	begin_refused(&l, CHUNKED(DISABLED));
	swallow(&l, "200000\r\n", 0, 8);
	while (l.taken + sizeof(bytes) - l.from <= 1u << 20)
		swallow(&l, bytes, 0, sizeof(bytes));
	assert_ends_with_its_answer(&l, bytes, sizeof(bytes));
}

static void a_swallowed_body_that_is_none_ends_the_connection(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	begin_refused(&l, CHUNKED(DISABLED));
	assert_ends_with_its_answer(&l, "no size\r\n", 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_translated),
		cmocka_unit_test(nothing_changes_before_a_refusal),
		cmocka_unit_test(an_answer_is_acknowledged_whole_or_not_at_all),
		cmocka_unit_test(sack_blocks_are_translated),
		cmocka_unit_test(older_segments_keep_their_place),
		cmocka_unit_test(a_request_asked_again_is_answered_alike),
		cmocka_unit_test(an_answer_is_repeated_sixteen_times),
		cmocka_unit_test(
			nothing_acknowledges_what_was_not_answered_yet),
		cmocka_unit_test(an_answer_that_was_not_sent_is_asked_for),
		cmocka_unit_test(a_body_is_swallowed_however_it_is_cut),
		cmocka_unit_test(a_body_is_swallowed_byte_by_byte),
		cmocka_unit_test(the_answer_comes_with_the_bodys_end),
		cmocka_unit_test(the_gateway_speaks_while_a_body_is_swallowed),
		cmocka_unit_test(a_hole_in_a_swallowed_body_does_not_matter),
		cmocka_unit_test(a_hole_in_a_chunked_body_ends_it),
		cmocka_unit_test(chunks_beyond_count_end_it),
		cmocka_unit_test(segments_that_overlap_what_was_taken),
		cmocka_unit_test(what_is_behind_a_refused_request_is_not_taken),
		cmocka_unit_test(a_body_beyond_the_limit_ends_the_connection),
		cmocka_unit_test(
			a_swallowed_body_that_is_none_ends_the_connection),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
