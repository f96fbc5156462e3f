/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection on which refusals are answered and that goes on, with a plain
 * account of what its two ends disagree by: each end has its own numbers, and
 * what passes between them must have been changed by just that.
 */
#ifndef TESTS_BPF_LIVING_H
#define TESTS_BPF_LIVING_H

#include "expect.h"

#include "request.h"

#define D MESSAGES(DISABLED)
#define L MESSAGES(LIVE)
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define LINE_ANSWER_MAX 1024
#define LINE_VARIANTS 12

struct line {
	struct client c; /* in the client's numbers */
	struct server g; /* in the gateway's */
	uint32_t skipped;
	uint32_t added;
	uint32_t added_before;
	uint32_t mark; /* the gateway's */
	uint32_t from; /* of the last refused request, the client's */
	uint32_t taken;
	uint32_t answer_seq;
	uint32_t answer_size;
	bool waiting;	 /* the client may not have that answer */
	bool swallowing; /* nor can it: its request is not complete */
	uint8_t answer[LINE_ANSWER_MAX];
};

static inline void line_use(uint8_t deny)
{
	struct policy_options opt = harness_options();

	opt.deny = deny;
	request_use(&opt);
}

static inline void line_empty_tap(void)
{
	struct segment g;

	while (harness_catch(&g))
		;
}

static inline struct line line_open_client(struct client c)
{
	struct line l = { .c = c };

	line_empty_tap();
	l.g = server_open(&l.c);
	return l;
}

static inline struct line line_open(void)
{
	return line_open_client(client_at(CLIENT));
}

/* Both families, with and without timestamps, under no tag, one and two, with
 * 2^32 soon to come on both sides.
 */
static inline struct line line_open_variant(unsigned int v)
{
	struct client c = client_at(v % 2 ? CLIENT : CLIENT6);

	c.s.ts_value = v & 2 ? 0xfedcba98 : 0;
	c.s.ts_echo = v & 2 ? 0x01020304 : 0;
	c.s.n_tags = v / 4;
	c.s.seq = 0u - 100 * v;
	c.s.ack = 0u - 60 * v;
	return line_open_client(c);
}

static inline struct pc_flow_key line_key(const struct line *l)
{
	const struct shape *s = &l->c.s;
	int family = strchr(s->from, ':') ? AF_INET6 : AF_INET;
	struct pc_flow_key key = {
		.ifindex = HARNESS_LO,
		.sport = htons(s->sport),
		.dport = htons(s->dport),
		.family = family == AF_INET6 ? 6 : 4,
	};

	inet_pton(family, s->from, key.saddr);
	inet_pton(family, s->to, key.daddr);
	return key;
}

static inline bool line_find(struct pc_living *out, const struct line *l)
{
	struct pc_flow_key key = line_key(l);

	return !bpf_map_lookup_elem(harness.living, &key, out);
}

static inline bool line_lives(const struct line *l)
{
	struct pc_living entry;

	return line_find(&entry, l);
}

/* The packet passed and is the one described, its checksums right. */
static inline void check_passed_as(const struct outcome *o,
				   const struct shape *want, const char *file,
				   int line)
{
	static struct packet p;
	uint8_t got[PACKET_MAX];
	struct segment g;

	packet_build(&p, want);
	_assert_int_equal(o->retval, TC_PASS, file, line);
	_assert_int_equal(o->size, p.size, file, line);
	memcpy(got, o->bytes, p.size);
	memcpy(got + p.l4_at + 16, p.bytes + p.l4_at + 16, 2);
	_assert_memory_equal(got, p.bytes, p.size, file, line);
	_assert_int_equal(segment_read_packet(&g, o->bytes, o->size), 0, file,
			  line);
	_assert_true(g.sums_right, "sums_right", file, line);
}

#define assert_passed_as(o, want) check_passed_as(o, want, __FILE__, __LINE__)

/* What the client acknowledged, as the gateway counts. */
static inline uint32_t line_map_ack(const struct line *l, uint32_t ack)
{
	uint32_t mapped = ack - l->added;

	return l->added && (int32_t)(mapped - l->mark) < 0 ? l->mark : mapped;
}

static inline struct shape line_to_gateway(const struct line *l)
{
	struct shape s = l->c.s;

	s.seq -= l->skipped;
	s.ack = line_map_ack(l, s.ack);
	for (unsigned int i = 0; i < 2u * s.n_sacks; i++)
		s.sacks[i / 2][i % 2] = line_map_ack(l, s.sacks[i / 2][i % 2]);
	return s;
}

static inline struct shape line_to_client(const struct line *l)
{
	struct shape s = l->g.s;

	s.seq += l->added;
	s.ack += l->skipped;
	/* It must ask again, should the answer be lost. */
	if (l->waiting && (int32_t)(s.ack - l->from) > 0)
		s.ack = l->from;
	for (unsigned int i = 0; i < 2u * s.n_sacks; i++)
		s.sacks[i / 2][i % 2] += l->skipped;
	return s;
}

/* The program has seen what the client acknowledges. */
static inline void line_note(struct line *l)
{
	if ((int32_t)(l->c.s.ack - l->answer_seq - l->answer_size) >= 0)
		l->waiting = false;
}

/* From the client, and it reaches the gateway. */
static inline void check_up(struct line *l, const char *text,
			    enum pc_reason want, const char *file, int line)
{
	size_t n = strlen(text);
	struct shape s = line_to_gateway(l);
	const struct outcome *o = client_send(&l->c, text, n);

	s.payload = text;
	s.payload_size = n;
	check_reason(o, want, text, file, line);
	check_passed_as(o, &s, file, line);
	l->g.s.ack = l->c.s.seq - l->skipped;
	line_note(l);
}

/* From the gateway, and the client has it. */
static inline void check_down(struct line *l, const char *text,
			      const char *file, int line)
{
	size_t n = strlen(text);
	struct shape s = line_to_client(l);
	const struct outcome *o = server_send(&l->g, text, n);

	s.payload = text;
	s.payload_size = n;
	check_reason(o, PC_NEXT, text, file, line);
	check_passed_as(o, &s, file, line);
	l->c.s.ack = l->g.s.seq + l->added;
}

#define up(l, text, want) check_up(l, text, want, __FILE__, __LINE__)
#define down(l, text) check_down(l, text, __FILE__, __LINE__)

/* A segment of ours to the client: the only one, and its own clock with it. */
static inline void check_sent(struct segment *g, const struct line *l,
			      uint8_t flags, uint32_t seq, uint32_t ack,
			      const char *file, int line)
{
	const struct shape *s = &l->c.s;
	static uint8_t payload[LINE_ANSWER_MAX];
	struct segment more;

	_assert_true(harness_catch(g), "a segment was sent", file, line);
	_assert_in_range(g->payload_size, 0, sizeof(payload), file, line);
	memcpy(payload, g->payload, g->payload_size);
	g->payload = payload;
	_assert_true(!harness_catch(&more), "no other was", file, line);
	_assert_true(g->sums_right, "sums_right", file, line);
	_assert_string_equal(g->to, s->from, file, line);
	_assert_string_equal(g->from, s->to, file, line);
	_assert_int_equal(g->dport, s->sport, file, line);
	_assert_int_equal(g->sport, s->dport, file, line);
	_assert_int_equal(g->n_tags, s->n_tags, file, line);
	_assert_int_equal(g->flags, flags, file, line);
	_assert_int_equal(g->seq, seq, file, line);
	_assert_int_equal(g->ack, ack, file, line);
	_assert_int_equal(g->has_ts, shape_has_ts(s), file, line);
	_assert_int_equal(g->ts_value, s->ts_echo, file, line);
	_assert_int_equal(g->ts_echo, s->ts_value, file, line);
}

#define assert_sent(g, l, flags, seq, ack) \
	check_sent(g, l, flags, seq, ack, __FILE__, __LINE__)

/* A whole answer that keeps the connection. */
static inline void check_answer(const struct segment *g, const char *file,
				int line)
{
	char text[LINE_ANSWER_MAX + 1];
	const char *body, *length;

	memcpy(text, g->payload, g->payload_size);
	text[g->payload_size] = '\0';
	body = strstr(text, "\r\n\r\n");
	length = strstr(text, "\r\nContent-Length:");
	_assert_true(!strncmp(text, "HTTP/1.1 401 ", 13), "401", file, line);
	_assert_true(body && length, "a head", file, line);
	_assert_true(!strstr(text, "Connection:"), "it lives", file, line);
	_assert_int_equal(atoi(length + 17), strlen(body + 4), file, line);
}

/* The bare ACK that is left of a refused request. */
static inline void check_acked(const struct outcome *o,
			       const struct shape *want, const char *file,
			       int line)
{
	struct segment g;

	_assert_int_equal(o->retval, TC_PASS, file, line);
	_assert_int_equal(segment_read_packet(&g, o->bytes, o->size), 0, file,
			  line);
	_assert_true(g.sums_right, "sums_right", file, line);
	_assert_string_equal(g.from, want->from, file, line);
	_assert_string_equal(g.to, want->to, file, line);
	_assert_int_equal(g.sport, want->sport, file, line);
	_assert_int_equal(g.n_tags, want->n_tags, file, line);
	_assert_int_equal(g.flags, TCP_ACK, file, line);
	_assert_int_equal(g.seq, want->seq, file, line);
	_assert_int_equal(g.ack, want->ack, file, line);
	_assert_int_equal(g.window, PACKET_WINDOW, file, line);
	_assert_int_equal(g.has_ts, shape_has_ts(want), file, line);
	_assert_int_equal(g.ts_value, want->ts_value, file, line);
	_assert_int_equal(g.ts_echo, want->ts_echo, file, line);
	_assert_int_equal(g.payload_size, 0, file, line);
}

/* What the two ends disagree by from now on. */
static inline void line_note_refusal(struct line *l, size_t taken)
{
	l->added_before = l->added;
	l->added += l->answer_size;
	l->skipped += (uint32_t)taken;
	l->mark = l->g.s.seq;
	l->waiting = true;
}

/* The segment of a refused request, of which "taken" bytes are acknowledged;
 * what was sent of ours is in *g.
 */
static inline void check_refusal(struct segment *g, struct line *l,
				 const char *text, size_t taken, uint8_t flags,
				 const char *file, int line)
{
	struct shape at = line_to_gateway(l);
	/* The gateway knows already what the client acknowledged. */
	bool told = l->added && line_map_ack(l, l->c.s.ack) == l->mark;
	const struct outcome *o = client_say(&l->c, text);

	l->from = l->c.s.seq - (uint32_t)strlen(text);
	l->taken = l->from + (uint32_t)taken;
	l->c.s.seq = l->taken;
	check_reason(o, PC_R_KEY_DISABLED, text, file, line);
	if (told)
		_assert_int_equal(o->retval, TC_SHOT, file, line);
	else
		check_acked(o, &at, file, line);
	check_sent(g, l, flags, l->c.s.ack, l->taken, file, line);
	_assert_int_equal(g->window,
			  l->g.s.window ? l->g.s.window : PACKET_WINDOW, file,
			  line);
	l->answer_seq = g->seq;
}

/* It is complete, and its answer is sent, which the client has not got yet. */
static inline void check_refused(struct line *l, const char *text, size_t taken,
				 const char *file, int line)
{
	struct segment g;

	check_refusal(&g, l, text, taken, TCP_PSH | TCP_ACK, file, line);
	check_answer(&g, file, line);
	l->answer_size = (uint32_t)g.payload_size;
	memcpy(l->answer, g.payload, g.payload_size);
	line_note_refusal(l, taken);
}

/* More of it is to come, and it is not answered before that. */
static inline void check_begun(struct line *l, const char *text,
			       const char *file, int line)
{
	struct pc_living entry;
	struct segment g;

	check_refusal(&g, l, text, strlen(text), TCP_ACK, file, line);
	_assert_int_equal(g.payload_size, 0, file, line);
	_assert_true(line_find(&entry, l), "an entry", file, line);
	l->answer_size = entry.last.answer_size;
	line_note_refusal(l, strlen(text));
	l->swallowing = true;
}

#define begin_refused(l, text) check_begun(l, text, __FILE__, __LINE__)

#define lose_answer(l, text, taken) \
	check_refused(l, text, taken, __FILE__, __LINE__)
#define refused(l, text)                            \
	do {                                        \
		lose_answer(l, text, strlen(text)); \
		(l)->c.s.ack += (l)->answer_size;   \
	} while (0)

/* The same answer once more, with what has been taken by now. */
static inline void check_repeated(struct line *l, const struct outcome *o,
				  const char *file, int line)
{
	struct segment g;

	check_reason(o, PC_R_REPEATED, "repeated", file, line);
	_assert_int_equal(o->retval, TC_SHOT, file, line);
	check_sent(&g, l, TCP_PSH | TCP_ACK, l->answer_seq, l->taken, file,
		   line);
	_assert_int_equal(g.payload_size, l->answer_size, file, line);
	_assert_memory_equal(g.payload, l->answer, l->answer_size, file, line);
}

/* The request is complete, and its answer comes, and arrives. */
static inline void check_completed(struct line *l, const struct outcome *o,
				   const char *file, int line)
{
	struct segment g;

	check_reason(o, PC_R_REPEATED, "completed", file, line);
	_assert_int_equal(o->retval, TC_SHOT, file, line);
	check_sent(&g, l, TCP_PSH | TCP_ACK, l->answer_seq, l->taken, file,
		   line);
	check_answer(&g, file, line);
	_assert_int_equal(g.payload_size, l->answer_size, file, line);
	memcpy(l->answer, g.payload, g.payload_size);
	l->swallowing = false;
}

/* An acknowledgement and nothing else. */
static inline void check_swallowed(struct line *l, const struct outcome *o,
				   const char *file, int line)
{
	struct segment g;

	check_reason(o, PC_R_SWALLOWED, "swallowed", file, line);
	_assert_int_equal(o->retval, TC_SHOT, file, line);
	check_sent(&g, l, TCP_ACK,
		   l->answer_seq + (l->swallowing ? 0 : l->answer_size),
		   l->taken, file, line);
	_assert_int_equal(g.payload_size, 0, file, line);
	line_note(l);
}

#define assert_completed(l, o)                             \
	do {                                               \
		check_completed(l, o, __FILE__, __LINE__); \
		(l)->c.s.ack += (l)->answer_size;          \
	} while (0)
#define assert_repeated(l, o) check_repeated(l, o, __FILE__, __LINE__)
#define assert_swallowed(l, o) check_swallowed(l, o, __FILE__, __LINE__)

/* So many more bytes of the refused request were taken. */
static inline void line_take(struct line *l, size_t n)
{
	l->taken += (uint32_t)n;
	l->skipped += (uint32_t)n;
}

/* It lives: a good request and its answer, and another refusal. */
static inline void line_goes_on(struct line *l)
{
	up(l, "", PC_R_NO_PAYLOAD);
	up(l, L, PC_R_KEY_LIVE);
	down(l, "");
	down(l, OK_ANSWER);
	up(l, "", PC_R_NO_PAYLOAD);
	refused(l, D);
	up(l, "", PC_R_NO_PAYLOAD);
}

#endif /* TESTS_BPF_LIVING_H */
