// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies that change while a refused client is without its answer: it gets
 * the bytes that were promised to it, or both ends are told that it is over.
 */
#include "living.h"

#define SLOTS 2
#define LIVES 0
#define CLOSES 1

/* Makes the answer to a disabled key longer, or, with 0, takes it away. */
static void reword(uint32_t slot, uint32_t closing, uint16_t longer)
{
	uint32_t index = PC_ANSWER_INDEX(slot, PC_R_KEY_DISABLED,
					 PC_DIALECT_STD, closing);
	struct pc_answer a;

	assert_int_equal(bpf_map_lookup_elem(harness.maps.answers, &index, &a),
			 0);
	a.size = longer ? (uint16_t)(a.size + longer) : 0;
	assert_int_equal(
		bpf_map_update_elem(harness.maps.answers, &index, &a, BPF_ANY),
		0);
}

static void reword_all(uint32_t closing, uint16_t longer)
{
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		reword(slot, closing, longer);
}

/* Another policy, whose answers are longer than the last one's. */
static void flip(uint8_t deny)
{
	line_use(deny);
	reword(*harness.maps.active_word, LIVES, 7);
	reword(*harness.maps.active_word, CLOSES, 7);
}

/* RST to both, each in its own numbers, and nothing is left to translate. */
static void assert_reset(struct line *l, const struct outcome *o,
			 uint32_t gateway_seq)
{
	struct segment g;

	assert_int_equal(o->retval, TC_PASS);
	assert_int_equal(segment_read_packet(&g, o->bytes, o->size), 0);
	assert_int_equal(g.flags, TCP_RST | TCP_ACK);
	assert_int_equal(g.seq, gateway_seq);
	assert_int_equal(g.ack, l->mark);
	assert_true(g.sums_right);
	assert_sent(&g, l, TCP_RST | TCP_ACK, l->c.s.ack, l->c.s.seq);
	assert_false(line_lives(l));
}

static void a_lost_answer_outlives_a_flip(void **state)
{
	(void)state;
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l;

		line_use(PC_DENY_REPLY);
		l = line_open_variant(v);
		lose_answer(&l, D, strlen(D));
		flip(PC_DENY_REPLY);
		l.c.s.seq = l.from;
		assert_repeated(&l, client_say(&l.c, D));
		l.c.s.ack += l.answer_size;
		line_goes_on(&l);
	}
}

static void a_bodys_end_behind_a_flip_is_answered(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "3"));
	flip(PC_DENY_REPLY);
	line_take(&l, 3);
	assert_completed(&l, client_say(&l.c, "abc"));
	line_goes_on(&l);
}

/* What was promised is known to neither slot any more. */
static void an_answer_nobody_knows_resets_both_ends(void **state)
{
	struct line l;

	(void)state;
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		const struct outcome *o;

		line_use(PC_DENY_REPLY);
		l = line_open_variant(v);
		refused(&l, D);
		line_goes_on(&l);
		lose_answer(&l, D, strlen(D));
		flip(PC_DENY_REPLY);
		reword_all(LIVES, v % 2 ? 9 : 0);
		l.c.s.seq = l.from;
		o = client_say(&l.c, D);
		assert_reason(o, PC_R_ANSWER_FAILED, "no such answer");
		assert_reset(&l, o, l.taken - l.skipped);
	}
	/* Others may have gone on behind it. */
	line_use(PC_DENY_REPLY);
	l = line_open();
	lose_answer(&l, D, strlen(D));
	up(&l, L, PC_R_PIPELINED);
	reword_all(LIVES, 9);
	l.c.s.seq = l.from;
	assert_reset(&l, client_say(&l.c, D),
		     l.taken + (uint32_t)strlen(L) - l.skipped);
}

static void a_body_without_an_answer_resets_both_ends(void **state)
{
	const struct outcome *o;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "3"));
	reword_all(LIVES, 9);
	line_take(&l, 3);
	o = client_say(&l.c, "abc");
	assert_reason(o, PC_R_ANSWER_FAILED, "no such answer");
	assert_reset(&l, o, l.taken - l.skipped);
}

/* Its body is none, and the policy has no answer that would end it. */
static void a_body_that_is_none_without_an_answer(void **state)
{
	const struct outcome *o;
	uint32_t seq;
	struct line l;

	(void)state;
	for (uint32_t known = 0; known < SLOTS; known++) {
		line_use(PC_DENY_REPLY);
		l = line_open();
		begin_refused(&l, CHUNKED(DISABLED));
		seq = l.taken - l.skipped;
		flip(PC_DENY_REPLY);
		reword(*harness.maps.active_word, CLOSES, 0);
		if (!known)
			reword_all(CLOSES, 0);
		o = client_say(&l.c, "no size\r\n");
		assert_int_equal(o->reason, known ? PC_R_SWALLOW_LIMIT
						  : PC_R_ANSWER_FAILED);
		if (known) {
			struct segment g;

			assert_sent(&g, &l, TCP_FIN | TCP_PSH | TCP_ACK,
				    l.answer_seq, l.c.s.seq);
			assert_false(line_lives(&l));
		} else {
			assert_int_equal(o->other, PC_R_SWALLOW_LIMIT);
			assert_reset(&l, o, seq);
		}
	}
}

/* An answer that ends the connection is not got, either. */
static void a_last_answer_outlives_a_flip(void **state)
{
	static uint8_t first[LINE_ANSWER_MAX];
	const struct outcome *o;
	struct segment g;
	struct line l;

	(void)state;
	line_use(PC_DENY_CLOSE);
	l = line_open();
	assert_reason(client_say(&l.c, D), PC_R_KEY_DISABLED, "close");
	assert_sent(&g, &l, TCP_FIN | TCP_PSH | TCP_ACK, l.c.s.ack, l.c.s.seq);
	memcpy(first, g.payload, g.payload_size);
	l.answer_size = (uint32_t)g.payload_size;
	flip(PC_DENY_CLOSE);
	l.c.s.seq -= (uint32_t)strlen(D);
	assert_reason(client_say(&l.c, D), PC_R_REPEATED, "again");
	assert_sent(&g, &l, TCP_FIN | TCP_PSH | TCP_ACK, l.c.s.ack, l.c.s.seq);
	assert_int_equal(g.payload_size, l.answer_size);
	assert_memory_equal(g.payload, first, l.answer_size);
	reword_all(CLOSES, 9);
	l.c.s.seq -= (uint32_t)strlen(D);
	o = client_say(&l.c, D);
	assert_reason(o, PC_R_ANSWER_FAILED, "no such answer");
	assert_int_equal(o->retval, TC_SHOT);
	assert_sent(&g, &l, TCP_RST | TCP_ACK, l.c.s.ack, l.c.s.seq);
}

/* Any refusal may turn out to be the connection's last: without an answer for
 * that it does not begin.
 */
static void both_answers_must_be_there(void **state)
{
	(void)state;
	for (uint32_t closing = LIVES; closing <= CLOSES; closing++) {
		struct line l;

		line_use(PC_DENY_REPLY);
		l = line_open();
		refused(&l, D);
		line_goes_on(&l);
		reword_all(closing, 0);
		up(&l, D, PC_R_ANSWER_UNFIT);
		down(&l, OK_ANSWER);
		line_use(PC_DENY_REPLY);
		refused(&l, D);
		line_goes_on(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_answer_outlives_a_flip),
		cmocka_unit_test(a_bodys_end_behind_a_flip_is_answered),
		cmocka_unit_test(an_answer_nobody_knows_resets_both_ends),
		cmocka_unit_test(a_body_without_an_answer_resets_both_ends),
		cmocka_unit_test(a_body_that_is_none_without_an_answer),
		cmocka_unit_test(a_last_answer_outlives_a_flip),
		cmocka_unit_test(both_answers_must_be_there),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
