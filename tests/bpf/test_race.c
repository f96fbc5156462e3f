// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments of one connection on two processors at the same time: whoever comes
 * first, what the two ends disagree by and what each is told fit together.
 */
#include "race.h"

#define E MESSAGES(EXPIRED)

/* What the programs know of a connection, to be put back before each round. */
struct scene {
	struct line l;
	struct pc_flow_key key;
	struct pc_flow flow;
	struct pc_living living;
	bool lives;
};

static struct scene scene_of(const struct line *l)
{
	struct scene s = { .l = *l, .key = line_key(l) };

	assert_int_equal(bpf_map_lookup_elem(harness.flows, &s.key, &s.flow),
			 0);
	s.lives = line_find(&s.living, l);
	return s;
}

static void scene_put_back(const struct scene *s)
{
	assert_int_equal(
		bpf_map_update_elem(harness.flows, &s->key, &s->flow, BPF_ANY),
		0);
	if (s->lives)
		assert_int_equal(bpf_map_update_elem(harness.living, &s->key,
						     &s->living, BPF_ANY),
				 0);
	else
		bpf_map_delete_elem(harness.living, &s->key);
}

static bool is_closing(const struct scene *s)
{
	struct pc_flow flow;

	return !bpf_map_lookup_elem(harness.flows, &s->key, &flow) &&
	       flow.state == PC_FLOW_CLOSING;
}

/* The client's segment, so far ahead of where it stands. */
static struct shape ahead_of(const struct line *l, size_t ahead)
{
	struct shape s = l->c.s;

	s.seq += (uint32_t)ahead;
	return s;
}

/* What one of the two became: did it go on, with what it was about? */
static bool went_on(struct segment *out, int end)
{
	const struct outcome *o = &race.ends[end].out;

	return o->retval == TC_PASS &&
	       !segment_read_packet(out, o->bytes, o->size) &&
	       out->payload_size;
}

/* Was it turned into an answer, or an acknowledgement, to the client? */
static bool was_answered(struct segment *out, int end)
{
	const struct outcome *o = &race.ends[end].out;

	return o->retval == TC_REDIRECT &&
	       !segment_read_packet(out, o->bytes, o->size);
}

/* Each end's FIN is remembered, whatever the other one does. */
static void both_ends_say_fin_at_once(void **state)
{
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	s = scene_of(&l);
	l.c.s.flags = TCP_FIN | TCP_ACK;
	l.g.s.flags = TCP_FIN | TCP_ACK;
	for (race_begin(); race_goes_on();) {
		struct pc_living entry;

		scene_put_back(&s);
		race_put(0, harness.request, &l.c.s, "");
		race_put(1, harness.reply, &l.g.s, "");
		race_run();
		assert_true(line_find(&entry, &l));
		assert_int_equal(entry.ended,
				 PC_ENDED_CLIENT | PC_ENDED_GATEWAY);
	}
	race_end();
}

/* One of them is answered, the other one is nobody's; or it went on before that
 * was known, and the answer is the connection's last.
 */
static void a_refused_head_and_its_copy(void **state)
{
	const uint32_t n = strlen(D);
	struct pc_living entry;
	struct segment g;
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	s = scene_of(&l);
	for (race_begin(); race_goes_on();) {
		bool on;

		scene_put_back(&s);
		race_put(0, harness.request, &l.c.s, D);
		race_put(1, harness.request, &l.c.s, D);
		race_run();
		on = went_on(&g, 0);
		on |= went_on(&g, 1);
		if (is_closing(&s)) {
			assert_false(line_lives(&l));
			continue;
		}
		assert_false(on);
		assert_int_equal((race.ends[0].out.retval == TC_PASS) +
					 (race.ends[1].out.retval == TC_PASS),
				 1);
		assert_true(line_find(&entry, &l));
		assert_int_equal(entry.delta.skipped, n);
		assert_int_equal(entry.delta.added, entry.last.answer_size);
		assert_int_equal(entry.last.from, l.c.s.seq);
		assert_int_equal(entry.last.taken, l.c.s.seq + n);
	}
	race_end();
}

/* What comes behind goes on in the place it has then, or not, or the connection
 * is closed.
 */
static void a_refused_head_and_what_is_behind_it(void **state)
{
	const uint32_t n = strlen(D);
	unsigned int closed = 0, on = 0;
	struct pc_living entry;
	struct segment g;
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	for (int living = 0; living < 2; living++) {
		l = line_open();
		if (living)
			refused(&l, D);
		s = scene_of(&l);
		for (race_begin(); race_goes_on();) {
			struct shape behind = ahead_of(&l, n);

			scene_put_back(&s);
			race_put(0, harness.request, &l.c.s, D);
			race_put(1, harness.request, &behind, L);
			race_run();
			assert_false(went_on(&g, 0));
			if (!line_find(&entry, &l)) {
				closed++;
				continue;
			}
			assert_int_equal(entry.delta.skipped, l.skipped + n);
			assert_int_equal(entry.delta.added,
					 l.added + entry.last.answer_size);
			if (!went_on(&g, 1))
				continue;
			on++;
			assert_int_equal(g.seq,
					 behind.seq - entry.delta.skipped);
		}
		race_end();
	}
	print_message("closed %u, went on %u\n", closed, on);
}

/* The body is taken to its end, or it is not: what follows knows which. */
static void a_swallowed_bodys_end_and_what_is_behind_it(void **state)
{
	struct pc_living entry;
	unsigned int on = 0;
	struct segment g;
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "3"));
	s = scene_of(&l);
	for (race_begin(); race_goes_on();) {
		struct shape behind = ahead_of(&l, 3);

		scene_put_back(&s);
		race_put(0, harness.request, &l.c.s, "abc");
		race_put(1, harness.request, &behind, L);
		race_run();
		assert_true(was_answered(&g, 0));
		assert_int_equal(g.seq, l.answer_seq);
		assert_int_equal(g.ack, l.taken + 3);
		assert_true(line_find(&entry, &l));
		assert_int_equal(entry.delta.skipped, l.skipped + 3);
		if (!went_on(&g, 1))
			continue;
		on++;
		assert_int_equal(g.seq, behind.seq - entry.delta.skipped);
		assert_int_equal(g.ack, l.mark);
	}
	race_end();
	print_message("went on %u\n", on);
}

/* Both parts are taken, and the answer comes with whichever is the last. */
static void two_parts_of_a_swallowed_body(void **state)
{
	struct pc_living entry;
	struct segment g;
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "6"));
	s = scene_of(&l);
	for (race_begin(); race_goes_on();) {
		struct shape second = ahead_of(&l, 3);
		bool answered = false;

		scene_put_back(&s);
		race_put(0, harness.request, &l.c.s, "abc");
		race_put(1, harness.request, &second, "def");
		race_run();
		for (int end = 0; end < RACE_ENDS; end++) {
			assert_true(was_answered(&g, end));
			/* Nothing but the answer acknowledges all of it. */
			if (g.ack == l.taken + 6 && g.seq == l.answer_seq)
				assert_int_equal(g.payload_size, l.answer_size);
			answered |= g.payload_size > 0;
		}
		assert_true(answered);
		assert_true(line_find(&entry, &l));
		assert_int_equal(entry.delta.skipped, l.skipped + 6);
		assert_int_equal(entry.last.taken, l.taken + 6);
	}
	race_end();
}

/* The client is never told that its request was got before it is answered, and
 * what the gateway says keeps its place before the answer, or gets one behind.
 */
static void a_refusal_and_what_the_gateway_says(void **state)
{
	unsigned int before = 0, behind = 0;
	struct pc_living entry;
	struct segment g;
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	for (int living = 0; living < 2; living++) {
		l = line_open();
		if (living) {
			refused(&l, D);
			up(&l, "", PC_R_NO_PAYLOAD);
		}
		s = scene_of(&l);
		for (race_begin(); race_goes_on();) {
			const struct outcome *o = &race.ends[1].out;

			scene_put_back(&s);
			race_put(0, harness.request, &l.c.s, D);
			race_put(1, harness.reply, &l.g.s, "");
			race_run();
			assert_true(line_find(&entry, &l));
			assert_int_equal(o->retval, TC_PASS);
			assert_int_equal(
				segment_read_packet(&g, o->bytes, o->size), 0);
			assert_int_equal(g.ack, l.c.s.seq);
			if (g.seq == l.g.s.seq + l.added)
				before++;
			else if (g.seq == l.g.s.seq + entry.delta.added)
				behind++;
			else
				fail();
		}
		race_end();
	}
	print_message("before %u, behind %u\n", before, behind);
}

/* It gives up the connection, or stops: either is before our answer or behind
 * it, and never in its place.
 */
static void a_refusal_and_what_the_gateway_says_unasked(void **state)
{
	unsigned int before = 0, behind = 0;
	struct pc_living entry;
	struct segment g;
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	for (int k = 0; k < 4; k++) {
		const char *text =
			k % 2 ? "HTTP/1.1 408 x\r\nContent-Length: 0\r\n\r\n"
			      : "";

		l = line_open();
		if (k / 2) {
			refused(&l, D);
			up(&l, "", PC_R_NO_PAYLOAD);
		}
		if (!*text)
			l.g.s.flags = TCP_FIN | TCP_ACK;
		s = scene_of(&l);
		for (race_begin(); race_goes_on();) {
			const struct outcome *o = &race.ends[1].out;

			scene_put_back(&s);
			race_put(0, harness.request, &l.c.s, D);
			race_put(1, harness.reply, &l.g.s, text);
			race_run();
			assert_int_equal(o->retval, TC_PASS);
			assert_int_equal(
				segment_read_packet(&g, o->bytes, o->size), 0);
			if (!line_find(&entry, &l) ||
			    entry.delta.added == l.added) {
				before++;
				continue;
			}
			assert_int_equal(g.seq, l.g.s.seq + entry.delta.added);
			behind++;
		}
		race_end();
	}
	print_message("before %u, behind %u\n", before, behind);
}

/* That another answer was got says nothing of the new one. */
static void a_refusal_and_an_old_acknowledgement(void **state)
{
	struct segment g;
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	s = scene_of(&l);
	for (race_begin(); race_goes_on();) {
		struct server probe = l.g;
		const struct outcome *o;

		scene_put_back(&s);
		race_put(0, harness.request, &l.c.s, D);
		race_put(1, harness.request, &l.c.s, "");
		race_run();
		/* The gateway has all there was for it to get. */
		probe.s.ack = l.c.s.seq - l.skipped;
		o = server_run(&probe);
		assert_int_equal(segment_read_packet(&g, o->bytes, o->size), 0);
		assert_int_equal(g.ack, l.c.s.seq);
	}
	race_end();
}

/* Is this the answer to the request before, in its place? */
static bool is_answer_of(const struct segment *g, const struct line *l)
{
	return g->seq == l->answer_seq && g->ack == l->taken &&
	       g->payload_size == l->answer_size &&
	       !memcmp(g->payload, l->answer, l->answer_size);
}

/* A late copy of the request before: it gets that one's answer or the new one,
 * each in its place, and nothing in between.
 */
static void a_refusal_and_a_copy_of_the_last(void **state)
{
	unsigned int first = 0, second = 0;
	struct pc_living entry;
	struct segment g;
	struct scene s;
	struct shape copy;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	copy = l.c.s;
	refused(&l, D);
	s = scene_of(&l);
	for (race_begin(); race_goes_on();) {
		scene_put_back(&s);
		race_put(0, harness.request, &l.c.s, E);
		race_put(1, harness.request, &copy, D);
		race_run();
		assert_false(went_on(&g, 0));
		assert_true(was_answered(&g, 1));
		assert_true(line_find(&entry, &l));
		if (is_answer_of(&g, &l)) {
			first++;
			continue;
		}
		second++;
		assert_int_equal(g.seq, l.c.s.ack);
		assert_int_equal(g.ack, l.c.s.seq + strlen(E));
		assert_int_equal(g.payload_size, entry.last.answer_size);
		assert_memory_equal(g.payload, "HTTP/1.1 403 ", 13);
	}
	race_end();
	print_message("the first %u, the second %u\n", first, second);
}

/* A slot that knows no key, beside the one in force. */
static void make_other_slot_pass(void)
{
	uint32_t slot = *harness.maps.active_word;

	harness.maps.policies[!slot] = harness.maps.policies[slot];
}

/* For one policy it is to be refused, for the other it is the gateway's. */
static void a_head_and_its_copy_judged_by_two_policies(void **state)
{
	unsigned int refusals = 0, on = 0, closed = 0;
	uint32_t refuses, passes;
	struct segment g;
	struct scene s;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	make_other_slot_pass();
	refuses = *harness.maps.active_word;
	passes = !refuses;
	l = line_open();
	s = scene_of(&l);
	for (race_begin(); race_goes_on();) {
		bool passed;

		scene_put_back(&s);
		*harness.maps.active_word = race.rounds % 2 ? refuses : passes;
		race_put(0, harness.request, &l.c.s, D);
		race_put(1, harness.request, &l.c.s, D);
		race_flip(harness.maps.active_word,
			  race.rounds % 2 ? passes : refuses);
		passed = went_on(&g, 0);
		passed |= went_on(&g, 1);
		if (line_lives(&l)) {
			refusals++;
			assert_false(passed);
		} else if (is_closing(&s)) {
			closed++;
		} else {
			on++;
			assert_true(passed);
		}
	}
	*harness.maps.active_word = refuses;
	race_end();
	print_message("refused %u, went on %u, closed %u\n", refusals, on,
		      closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_say_fin_at_once),
		cmocka_unit_test(a_refused_head_and_its_copy),
		cmocka_unit_test(a_refused_head_and_what_is_behind_it),
		cmocka_unit_test(a_swallowed_bodys_end_and_what_is_behind_it),
		cmocka_unit_test(two_parts_of_a_swallowed_body),
		cmocka_unit_test(a_refusal_and_what_the_gateway_says),
		cmocka_unit_test(a_refusal_and_what_the_gateway_says_unasked),
		cmocka_unit_test(a_refusal_and_an_old_acknowledgement),
		cmocka_unit_test(a_refusal_and_a_copy_of_the_last),
		cmocka_unit_test(a_head_and_its_copy_judged_by_two_policies),
	};
	int rc;

	if (harness_open())
		return HARNESS_SKIP;
	if (race_open()) {
		printf("1..0 # SKIP needs two processors\n");
		return HARNESS_SKIP;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	race_close();
	return rc;
}
