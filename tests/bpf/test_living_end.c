// SPDX-License-Identifier: GPL-2.0-only
/*
 * How living connections end, and what does not end them: FIN, RST and SYN from
 * both ends and from strangers, probes, maps that are full or have forgotten;
 * and refusals that end theirs, or pass.
 */
#include "living.h"

/* The client's segment with other flags and another place, no payload. */
static const struct outcome *client_flag(const struct line *l, uint8_t flags,
					 int32_t ahead)
{
	struct client c = l->c;

	c.s.flags = flags;
	c.s.seq += (uint32_t)ahead;
	return client_run(&c);
}

static void probes_pass_translated(void **state)
{
	struct shape want;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	for (int i = 0; i < 2; i++) {
		/* Without data, from either end, and its answer. */
		l.c.s.seq--;
		up(&l, "", PC_R_NO_PAYLOAD);
		l.c.s.seq++;
		up(&l, "", PC_R_NO_PAYLOAD);
		l.g.s.seq--;
		down(&l, "");
		l.g.s.seq++;
		down(&l, "");
		/* With a byte of old: what follows an answer of ours is ours
		 * to acknowledge.
		 */
		l.g.s.seq--;
		want = l.g.s;
		want.seq += l.mark == l.g.s.seq + 1 ? l.added_before : l.added;
		want.ack += l.skipped;
		want.payload = "k";
		want.payload_size = 1;
		assert_passed_as(server_say(&l.g, "k"), &want);
		if (!i) {
			l.c.s.seq--;
			assert_swallowed(&l, client_say(&l.c, "\n"));
		}
		line_goes_on(&l);
		up(&l, L, PC_R_KEY_LIVE);
		down(&l, OK_ANSWER);
	}
}

static void assert_ended(const struct line *l, uint8_t ended)
{
	struct pc_living entry;

	assert_true(line_find(&entry, l));
	assert_int_equal(entry.ended, ended);
}

static void both_ends_say_fin(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l = line_open_variant(v);

		refused(&l, D);
		assert_ended(&l, 0);
		if (v % 3) {
			l.c.s.flags = TCP_FIN | TCP_ACK;
			up(&l, "", PC_R_NO_PAYLOAD);
			l.c.s.seq++;
			l.g.s.ack++;
			l.c.s.flags = TCP_ACK;
			assert_ended(&l, PC_ENDED_CLIENT);
			down(&l, "");
		}
		l.g.s.flags = TCP_FIN | TCP_ACK;
		down(&l, "");
		l.g.s.seq++;
		l.c.s.ack++;
		up(&l, "", PC_R_NO_PAYLOAD);
		assert_ended(&l, v % 3 ? PC_ENDED_CLIENT | PC_ENDED_GATEWAY
				       : PC_ENDED_GATEWAY);
	}
}

/* The client's FIN behind what is left of a refused body. */
static void a_fin_behind_a_swallowed_body(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "10"));
	l.c.s.flags = TCP_FIN | TCP_PSH | TCP_ACK;
	line_take(&l, 10);
	assert_completed(&l, client_say(&l.c, "0123456789"));
	l.c.s.flags = TCP_FIN | TCP_ACK;
	up(&l, "", PC_R_NO_PAYLOAD); /* what is not acknowledged, again */
	assert_ended(&l, PC_ENDED_CLIENT);
}

static void a_reset_of_the_clients_ends_it(void **state)
{
	static const uint8_t flags[] = { TCP_RST, TCP_RST | TCP_ACK };

	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l = line_open_variant(v);
		struct shape want;

		refused(&l, D);
		line_goes_on(&l);
		/* Made up: it passes, for the gateway to judge. */
		client_flag(&l, flags[v % 2], -1);
		client_flag(&l, flags[v % 2], 1);
		client_flag(&l, flags[v % 2], 1 << 20);
		/* So that the next one fits what was seen last. */
		client_flag(&l, TCP_ACK, 1 << 24);
		client_flag(&l, flags[v % 2], 1 << 24);
		client_flag(&l, TCP_FIN | TCP_ACK, 1 << 24);
		assert_ended(&l, 0);
		line_goes_on(&l);
		/* Real. */
		l.c.s.flags = flags[v % 2];
		want = line_to_gateway(&l);
		if (!(l.c.s.flags & TCP_ACK))
			want.ack = l.c.s.ack; /* means nothing */
		assert_passed_as(client_run(&l.c), &want);
		assert_ended(&l, PC_ENDED_RESET);
	}
}

static void a_reset_of_the_gateways_ends_it(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		struct line l = line_open_variant(v);

		refused(&l, D);
		line_goes_on(&l);
		l.g.s.flags = TCP_RST | TCP_ACK;
		down(&l, "");
		assert_false(line_lives(&l));
	}
}

/* A stranger's SYN changes nothing that is translated. */
static void a_made_up_syn_ends_nothing(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	line_goes_on(&l);
	client_flag(&l, TCP_SYN, 123456);
	assert_true(line_lives(&l));
	up(&l, "", PC_R_NO_PAYLOAD);
	down(&l, "");
	down(&l, OK_ANSWER);
	up(&l, "", PC_R_NO_PAYLOAD);
	/* The gateway's challenge and what it brings. */
	l.g.s.flags = TCP_ACK;
	down(&l, "");
	l.c.s.flags = TCP_RST;
	assert_reason(client_run(&l.c), PC_R_NO_PAYLOAD, "a real reset");
	assert_ended(&l, PC_ENDED_RESET);
}

static void a_made_up_syn_does_not_change_what_is_swallowed(void **state)
{
	static const int32_t ahead[] = { 123456, -1000, 3, 0, -1 };

	(void)state;
	line_use(PC_DENY_REPLY);
	for (size_t i = 0; i < ARRAY_SIZE(ahead); i++) {
		struct line l = line_open();

		begin_refused(&l, POST(DISABLED, "10"));
		client_flag(&l, TCP_SYN, ahead[i]);
		line_take(&l, 5);
		assert_swallowed(&l, client_say(&l.c, "01234"));
		client_flag(&l, TCP_SYN, ahead[i]);
		line_take(&l, 5);
		assert_completed(&l, client_say(&l.c, "56789"));
		line_goes_on(&l);
	}
}

/* The gateway answers the SYN: what was known of the ports is history. */
static void a_real_syn_begins_anew(void **state)
{
	struct line l, next;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "10"));
	next = (struct line){ .c = l.c };
	next.c.s.seq += 99999;
	next.c.s.ack += 77777;
	next.g = server_open(&next.c);
	assert_false(line_lives(&next));
	line_goes_on(&next);
}

static void a_real_syn_with_data_is_not_followed(void **state)
{
	struct client syn;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	syn = l.c;
	syn.s.seq += 99999;
	syn.s.flags = TCP_SYN;
	assert_reason(client_say(&syn, D), PC_R_SYN_DATA, "SYN with data");
	syn.s.flags = TCP_ACK;
	syn.s.seq = l.c.s.seq + 99999 + 1; /* its data is not taken */
	l.g = server_of(&syn);
	server_syn_ack(&l.g);
	assert_false(line_lives(&l));
	assert_reason(client_say(&syn, D), PC_R_OPAQUE, "not followed");
}

/* Translation needs nothing of what may be forgotten. */
static void a_forgotten_flow_is_translated_on(void **state)
{
	struct pc_flow_key key;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		l = line_open_variant(v);
		refused(&l, D);
		key = line_key(&l);
		assert_int_equal(bpf_map_delete_elem(harness.flows, &key), 0);
		up(&l, "", PC_R_NO_PAYLOAD);
		up(&l, D, PC_R_MID_STREAM);
		down(&l, OK_ANSWER);
		/* Asked again, the refused request is answered as before. */
		l.c.s.seq = l.from;
		assert_swallowed(&l, client_say(&l.c, D));
	}
	/* Where its body ends nobody knows any more. */
	l = line_open();
	begin_refused(&l, POST(DISABLED, "10"));
	key = line_key(&l);
	assert_int_equal(bpf_map_delete_elem(harness.flows, &key), 0);
	assert_reason(client_say(&l.c, "0123456789"), PC_R_SWALLOW_LIMIT,
		      "in a body");
	assert_false(line_lives(&l));
}

/* Not waited for: it passes, whatever its key is. */
static void a_request_not_waited_for_passes(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	up(&l, L, PC_R_KEY_LIVE);
	up(&l, D, PC_R_PIPELINED);
	down(&l, OK_ANSWER);
	up(&l, "", PC_R_NO_PAYLOAD);
	up(&l, D, PC_R_PIPELINED);
	down(&l, OK_ANSWER);
	down(&l, OK_ANSWER);
	refused(&l, D);
	line_goes_on(&l);
	/* Two in one segment, the second being dead. */
	up(&l, L D, PC_R_KEY_LIVE);
	down(&l, OK_ANSWER);
	up(&l, D, PC_R_PIPELINED);
	down(&l, OK_ANSWER OK_ANSWER);
	refused(&l, D);
	/* Our own answer is outstanding. */
	lose_answer(&l, D, strlen(D));
	up(&l, D, PC_R_PIPELINED);
	l.c.s.ack += l.answer_size;
	down(&l, OK_ANSWER);
	/* The answer is there, but not all of it acknowledged. */
	up(&l, L, PC_R_KEY_LIVE);
	down(&l, OK_ANSWER);
	l.c.s.ack--;
	up(&l, D, PC_R_PIPELINED);
	down(&l, OK_ANSWER);
	refused(&l, D);
	line_goes_on(&l);
}

/* Answered with FIN; the gateway gets a reset in its own numbers. */
static void assert_closed(struct line *l, const char *text, const char *what)
{
	struct shape at = line_to_gateway(l);
	uint32_t fin = l->c.s.flags & TCP_FIN ? 1 : 0;
	const struct outcome *o = client_say(&l->c, text);
	struct segment g;

	assert_reason(o, PC_R_KEY_DISABLED, what);
	assert_int_equal(o->retval, TC_PASS);
	assert_int_equal(segment_read_packet(&g, o->bytes, o->size), 0);
	assert_int_equal(g.flags, TCP_RST | TCP_ACK);
	assert_int_equal(g.seq, at.seq);
	assert_int_equal(g.ack, at.ack);
	assert_true(g.sums_right);
	assert_sent(&g, l, TCP_FIN | TCP_PSH | TCP_ACK, l->c.s.ack,
		    l->c.s.seq + fin);
	assert_false(line_lives(l));
	/* Nothing of the gateway's reaches the client any more. */
	assert_int_equal(server_say(&l->g, "late")->retval, TC_SHOT);
}

static const struct {
	const char *what;
	const char *text;
	uint8_t flags;
} last_ones[] = {
	{ "HTTP/1.0", "GET /v1/x HTTP/1.0\r\n" BEARER(DISABLED) "\r\n", 0 },
	{ "close", HEAD("GET /v1/x", BEARER(DISABLED) "Connection: close\r\n"),
	  0 },
	{ "Expect",
	  HEAD("POST /v1/x", BEARER(DISABLED) "Content-Length: 5\r\n"
					      "Expect: 100-continue\r\n"),
	  0 },
	{ "FIN", D, TCP_FIN | TCP_ACK },
	{ "a body of more than the limit", POST(DISABLED, "1048577"), 0 },
};

static void some_requests_are_the_last_ones(void **state)
{
	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int v = 0; v < LINE_VARIANTS; v++) {
		for (size_t i = 0; i < ARRAY_SIZE(last_ones); i++) {
			struct line l = line_open_variant(v);

			if (v % 3) {
				refused(&l, D);
				line_goes_on(&l);
			}
			if (last_ones[i].flags)
				l.c.s.flags = last_ones[i].flags;
			assert_closed(&l, last_ones[i].text, last_ones[i].what);
		}
	}
}

/* Half of the head went to the gateway before. */
static void a_split_head_is_the_last_one(void **state)
{
	static const char first[] = "GET /v1/x HTTP/1.1\r\nHo";
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	line_goes_on(&l);
	up(&l, first, PC_R_HEAD_SPLIT);
	assert_closed(&l, "st: a\r\n" BEARER(DISABLED) "\r\n", "split");
}

/* A body in its head's segment, of more chunks than are followed in one: where
 * it ends is not known, and it may have ended already.
 */
static void more_chunks_than_are_followed_are_the_last(void **state)
{
	static char text[3000];

	(void)state;
	line_use(PC_DENY_REPLY);
	for (unsigned int n = 250; n < 260; n++) {
		size_t at = (size_t)sprintf(text, "%s", CHUNKED(DISABLED));
		struct line l = line_open();

		for (unsigned int i = 0; i < n; i++)
			at += (size_t)sprintf(text + at, "1\r\nx\r\n");
		strcpy(text + at, "0\r\n\r\n");
		if (n < 256) {
			refused(&l, text);
			line_goes_on(&l);
			continue;
		}
		assert_closed(&l, text, "its end");
		text[at] = '\0';
		l = line_open();
		assert_closed(&l, text, "the end comes later");
	}
}

/* It waits at the gateway, and what it waits for cannot be left out. */
static void behind_what_ran_ahead_a_refusal_is_the_last(void **state)
{
	static const int32_t ahead[] = { 1, 40, 100000 };

	(void)state;
	line_use(PC_DENY_REPLY);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(ahead); i++) {
		struct line l = line_open();

		if (i % 2) {
			refused(&l, D);
			line_goes_on(&l);
		}
		l.c.s.seq += (uint32_t)ahead[i / 2];
		up(&l, "ahead", PC_R_GAP);
		l.c.s.seq -= 5 + (uint32_t)ahead[i / 2];
		assert_closed(&l, D, "something is ahead");
	}
}

/* Until its place has come: then it is like any other. */
static void what_ran_ahead_is_caught_up_with(void **state)
{
	const uint32_t n = strlen(L);
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	l.c.s.seq += n - 4;
	up(&l, "\r\n\r\n", PC_R_GAP);
	l.c.s.seq -= n;
	up(&l, L, PC_R_KEY_LIVE);
	down(&l, OK_ANSWER);
	refused(&l, D);
	line_goes_on(&l);
}

/* A body whose end came first. */
static void a_swallowed_bodys_end_that_runs_ahead(void **state)
{
	const struct outcome *o;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	begin_refused(&l, POST(DISABLED, "10"));
	l.c.s.seq = l.taken + 5;
	o = client_say(&l.c, "56789");
	line_take(&l, 10);
	assert_completed(&l, o);
	l.c.s.seq = l.taken - 10;
	assert_swallowed(&l, client_say(&l.c, "01234"));
	l.c.s.seq = l.taken;
	line_goes_on(&l);
}

static void while_draining_connections_are_closed(void **state)
{
	struct line l, idle;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	idle = line_open();
	refused(&idle, D);
	maps_set_draining(&harness.maps, true);
	assert_closed(&l, D, "draining");
	up(&idle, L, PC_R_KEY_LIVE);
	maps_set_draining(&harness.maps, false);
	down(&idle, OK_ANSWER);
	refused(&idle, D);
	line_goes_on(&idle);
}

/* Whose answers do not pass our egress hook. */
static void an_unheard_gateways_connection_is_closed(void **state)
{
	struct line l = { .c = client_open(CLIENT) };

	(void)state;
	line_use(PC_DENY_REPLY);
	l.g = server_of(&l.c);
	assert_closed(&l, D, "no SYN-ACK seen");
}

static void other_ways_to_refuse_on_a_living_connection(void **state)
{
	const struct outcome *o;
	struct segment g;
	struct shape at;
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	line_use(PC_DENY_DROP);
	for (int i = 0; i < 3; i++) {
		o = client_say(&l.c, D);
		assert_reason(o, PC_R_KEY_DISABLED, "drop");
		assert_int_equal(o->retval, TC_SHOT);
		assert_false(harness_catch(&g));
		l.c.s.seq -= (uint32_t)strlen(D);
	}
	line_use(PC_DENY_REPLY);
	line_goes_on(&l);
	line_use(PC_DENY_CLOSE);
	assert_closed(&l, D, "close");
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	line_use(PC_DENY_RESET);
	at = line_to_gateway(&l);
	o = client_say(&l.c, D);
	assert_reason(o, PC_R_KEY_DISABLED, "reset");
	assert_int_equal(o->retval, TC_PASS);
	assert_int_equal(segment_read_packet(&g, o->bytes, o->size), 0);
	assert_int_equal(g.flags, TCP_RST | TCP_ACK);
	assert_int_equal(g.seq, at.seq);
	assert_int_equal(g.ack, at.ack);
	assert_sent(&g, &l, TCP_RST | TCP_ACK, l.c.s.ack, l.c.s.seq);
	assert_false(line_lives(&l));
}

static void monitor_mode_translates_on(void **state)
{
	struct policy_options opt;
	struct line l, fresh;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	fresh = line_open();
	opt = harness_options();
	opt.deny = PC_DENY_REPLY;
	opt.monitor = true;
	request_use(&opt);
	up(&l, D, PC_R_KEY_DISABLED);
	down(&l, OK_ANSWER);
	up(&fresh, D, PC_R_KEY_DISABLED);
	down(&fresh, OK_ANSWER);
	assert_false(line_lives(&fresh));
	line_use(PC_DENY_REPLY);
	refused(&l, D);
	line_goes_on(&l);
}

#define FULL 65536

/* Room for no more: refusals end their connections, the others live on. */
static void a_full_table_closes(void **state)
{
	static struct pc_flow_key keys[FULL];
	static struct pc_living values[FULL];
	struct line l, living;
	uint32_t n = 0;

	(void)state;
	line_use(PC_DENY_REPLY);
	living = line_open();
	refused(&living, D);
	for (uint32_t i = 0; i < FULL; i++) {
		keys[i].ifindex = 77;
		memcpy(keys[i].saddr, &i, 4);
		keys[i].family = 4;
	}
	while (n < FULL && !bpf_map_update_elem(harness.living, &keys[n],
						&values[n], BPF_NOEXIST))
		n++;
	assert_in_range(n, 1000, FULL);
	l = line_open();
	assert_closed(&l, D, "full");
	line_goes_on(&living);
	while (n--)
		bpf_map_delete_elem(harness.living, &keys[n]);
	l = line_open();
	refused(&l, D);
	line_goes_on(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_pass_translated),
		cmocka_unit_test(both_ends_say_fin),
		cmocka_unit_test(a_fin_behind_a_swallowed_body),
		cmocka_unit_test(a_reset_of_the_clients_ends_it),
		cmocka_unit_test(a_reset_of_the_gateways_ends_it),
		cmocka_unit_test(a_made_up_syn_ends_nothing),
		cmocka_unit_test(
			a_made_up_syn_does_not_change_what_is_swallowed),
		cmocka_unit_test(a_real_syn_begins_anew),
		cmocka_unit_test(a_real_syn_with_data_is_not_followed),
		cmocka_unit_test(a_forgotten_flow_is_translated_on),
		cmocka_unit_test(a_request_not_waited_for_passes),
		cmocka_unit_test(some_requests_are_the_last_ones),
		cmocka_unit_test(a_split_head_is_the_last_one),
		cmocka_unit_test(more_chunks_than_are_followed_are_the_last),
		cmocka_unit_test(behind_what_ran_ahead_a_refusal_is_the_last),
		cmocka_unit_test(what_ran_ahead_is_caught_up_with),
		cmocka_unit_test(a_swallowed_bodys_end_that_runs_ahead),
		cmocka_unit_test(while_draining_connections_are_closed),
		cmocka_unit_test(an_unheard_gateways_connection_is_closed),
		cmocka_unit_test(other_ways_to_refuse_on_a_living_connection),
		cmocka_unit_test(monitor_mode_translates_on),
		cmocka_unit_test(a_full_table_closes),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
