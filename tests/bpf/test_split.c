// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests cut into segments: at every byte, at random, out of order, twice,
 * overlapping.  What a naive reader of the whole stream says of it is the
 * measure: never a refusal for a request whose key is not dead, and always one
 * where a dead key's bytes come in order.  And of a key that comes in parts
 * none is left in a map between them.
 */
#include "expect.h"

#include "map.h"
#include "naive/http.h"
#include "request.h"

#define SEGMENT_MAX 3000 /* what a test run takes */
#define STREAM_MAX 32768
#define REQUESTS_MAX 16

/* A stream of requests and what is to be known of each, by the naive reader. */
struct request {
	size_t begin;
	size_t head_end;
	size_t end;
	bool dead;
};

struct stream {
	char bytes[STREAM_MAX];
	size_t size;
	struct request requests[REQUESTS_MAX];
	size_t n;
};

static const char *key_of(const struct http_head *h)
{
	const char *bearer = http_find(h, "Authorization", 0);

	return bearer ? bearer + strlen("Bearer ")
		      : http_find(h, "x-api-key", 0);
}

/* The end of a chunked body without extensions and trailers. */
static size_t chunks_end(const char *p)
{
	const char *at = p;
	char *rest;
	size_t size;

	do {
		size = strtoul(at, &rest, 16);
		at = rest + 2 + size + 2;
	} while (size);
	return (size_t)(at - p);
}

/* Reads what follows as one request. */
static void stream_note(struct stream *s, size_t begin)
{
	struct request *r = &s->requests[s->n++];
	const char *p = s->bytes + begin;
	struct http_head *h = http_read(p, s->size - begin);

	assert_int_equal(h->state, HTTP_HEAD);
	r->begin = begin;
	r->head_end = begin + h->size;
	r->end = r->head_end + h->content_length +
		 (h->chunked ? chunks_end(p + h->size) : 0);
	r->dead = !strcmp(key_of(h), DISABLED);
	assert_true(r->end <= s->size);
	http_free(h);
}

static void stream_add(struct stream *s, const char *text)
{
	size_t n = strlen(text), begin = s->size;

	assert_true(s->size + n < sizeof(s->bytes));
	memcpy(s->bytes + s->size, text, n);
	s->size += n;
	while (begin < s->size) {
		stream_note(s, begin);
		begin = s->requests[s->n - 1].end;
	}
}

/* A head of exactly "size" bytes, most of it before or behind the key. */
static void large_head(char *out, size_t size, const char *key, bool key_last)
{
	size_t n = (size_t)sprintf(out, "POST /v1/messages HTTP/1.1\r\n"
					"Host: a\r\n");
	size_t tail = 2 + strlen("x-api-key: \r\n") + strlen(key);

	if (!key_last)
		n += (size_t)sprintf(out + n, "x-api-key: %s\r\n", key);
	else
		size -= tail - 2;
	while (n + 2 < size) {
		size_t line = size - 2 - n;

		if (line > 1200)
			line = 1000;
		memset(out + n, 'x', line);
		memcpy(out + n, "x-a: ", 5);
		memcpy(out + n + line - 2, "\r\n", 2);
		n += line;
	}
	if (key_last)
		n += (size_t)sprintf(out + n, "x-api-key: %s\r\n", key);
	strcpy(out + n, "\r\n");
}

#define CHUNKS "5\r\nabcde\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
#define GOOGLE(key) HEAD("POST /v1beta/models/x:y", "x-api-key: " key "\r\n")
#define CRAMPED(key) \
	"GET /v1/messages HTTP/1.1\nHost:a\nAuthorization: Bearer " key "\n\n"
#define MEDIUM_SIZE 2500
#define LARGE_SIZE 8192
#define N_KINDS 16

/* One request of each kind, dead ones at even places. */
static const char *kind(size_t i)
{
	static char large[N_KINDS][LARGE_SIZE + 1];
	static const char *const texts[] = {
		MESSAGES(DISABLED),
		MESSAGES(LIVE),
		POST(DISABLED, "10") "0123456789",
		POST(LIVE, "10") "0123456789",
		CHUNKED(DISABLED) CHUNKS,
		CHUNKED(LIVE) CHUNKS,
		GOOGLE(DISABLED),
		GOOGLE(LIVE),
		CRAMPED(DISABLED),
		CRAMPED(LIVE),
	};

	if (i < ARRAY_SIZE(texts))
		return texts[i];
	large_head(large[i], i < 14 ? MEDIUM_SIZE : LARGE_SIZE,
		   i % 2 ? LIVE : DISABLED, i < 12 || i >= 14);
	return large[i];
}

static void use(bool monitor)
{
	struct policy_options opt = harness_options();

	opt.monitor = monitor;
	request_use(&opt);
}

/* Bytes [from, to) of the stream, of a client whose stream begins at base. */
static const struct outcome *send_part(const struct client *c, uint32_t base,
				       const struct stream *s, size_t from,
				       size_t to)
{
	struct client part = *c;

	part.s.seq = base + (uint32_t)from;
	return client_send(&part, s->bytes + from, to - from);
}

static bool is_denial(const struct outcome *o)
{
	return o->reason != PC_NEXT && reason_class(o->reason) == PC_CLASS_DENY;
}

/* What the segment [from, to) must get that comes in order, nothing being
 * outstanding, and in which no two requests have a part.
 */
static enum pc_reason due(const struct request *r, size_t from, size_t to)
{
	if (from >= r->head_end)
		return PC_R_BODY;
	if (to < r->head_end)
		return PC_R_HEAD_SPLIT;
	return r->dead ? PC_R_KEY_DISABLED : PC_R_KEY_LIVE;
}

/* One request in parts that end at cuts[], in order. */
static void send_in_order(const struct client *c, uint32_t base,
			  const struct stream *s, const struct request *r,
			  const size_t *cuts, size_t n)
{
	size_t from = r->begin;

	for (size_t i = 0; i <= n; i++) {
		size_t end = i < n ? cuts[i] : r->end;

		while (from < end) {
			size_t to = end - from > SEGMENT_MAX
					    ? from + SEGMENT_MAX
					    : end;
			const struct outcome *o =
				send_part(c, base, s, from, to);

			if (o->reason != due(r, from, to))
				print_error("[%zu, %zu) of a head of %zu\n",
					    from - r->begin, to - r->begin,
					    r->head_end - r->begin);
			assert_reason(o, due(r, from, to), s->bytes);
			from = to;
		}
	}
}

static struct stream stream_of(size_t first, size_t second)
{
	static struct stream s;

	memset(&s, 0, sizeof(s));
	stream_add(&s, kind(first));
	if (second < N_KINDS)
		stream_add(&s, kind(second));
	return s;
}

/* Cuts of a large head: at every line's end, and here and there. */
static size_t next_cut(const struct stream *s, size_t cut)
{
	size_t size = s->size, next = cut + 1;

	while (size > 1000 && next < size && next % 41 &&
	       s->bytes[next] != '\r' && s->bytes[next - 1] != '\n' &&
	       next + 100 < size)
		next++;
	return next;
}

static void every_cut_in_two_is_decided(void **state)
{
	(void)state;
	use(true);
	for (size_t k = 0; k < N_KINDS; k++) {
		struct stream s = stream_of(k, N_KINDS);

		assert_int_equal(s.requests[0].dead, k % 2 == 0);
		for (size_t cut = 1; cut < s.size; cut = next_cut(&s, cut)) {
			struct client c =
				client_open(cut % 2 ? CLIENT : CLIENT6);

			send_in_order(&c, c.s.seq, &s, &s.requests[0], &cut, 1);
		}
	}
}

/* The second request of a connection, after the first one's answer. */
static void every_cut_of_a_second_request_is_decided(void **state)
{
	(void)state;
	use(true);
	for (size_t k = 0; k < 10; k++) {
		struct stream s = stream_of((k + 3) % 10, k);
		const struct request *r = &s.requests[1];

		for (size_t cut = r->begin + 1; cut < s.size; cut++) {
			struct client c = client_open(CLIENT);

			send_in_order(&c, c.s.seq, &s, &s.requests[0], NULL, 0);
			c.s.ack += 100;
			send_in_order(&c, c.s.seq, &s, r, &cut, 1);
		}
	}
}

static int by_size(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t random_below(size_t n)
{
	return (size_t)rand() % n;
}

static struct stream random_stream(size_t n)
{
	static struct stream s;

	memset(&s, 0, sizeof(s));
	while (n--)
		stream_add(&s, kind(random_below(n ? 10 : N_KINDS)));
	return s;
}

static void many_cuts_in_order_are_decided(void **state)
{
	(void)state;
	srand(2);
	use(true);
	for (int i = 0; i < 300; i++) {
		struct stream s = random_stream(1 + random_below(4));
		struct client c = client_open(CLIENT);
		uint32_t base = c.s.seq;

		for (size_t k = 0; k < s.n; k++) {
			const struct request *r = &s.requests[k];
			size_t cuts[24], n = random_below(ARRAY_SIZE(cuts));

			for (size_t j = 0; j < n; j++)
				cuts[j] = r->begin +
					  random_below(r->end - r->begin);
			qsort(cuts, n, sizeof(*cuts), by_size);
			send_in_order(&c, base, &s, r, cuts, n);
			c.s.ack += 100;
		}
	}
}

/* Whole heads byte by byte, the most there is to carry. */
static void a_byte_a_segment_is_decided(void **state)
{
	(void)state;
	use(true);
	for (size_t k = 0; k < 12; k++) {
		struct stream s = stream_of(k, N_KINDS);
		struct client c = client_open(CLIENT);

		for (size_t at = 0; at < s.size; at++)
			assert_reason(send_part(&c, c.s.seq, &s, at, at + 1),
				      due(&s.requests[0], at, at + 1), "byte");
	}
}

/* Which request a refusal of [from, to) is for: the first whose head ends in
 * it, behind what came in order before.
 */
static const struct request *judged(const struct stream *s, size_t next,
				    size_t to)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->requests[i].head_end > next &&
		    s->requests[i].head_end <= to)
			return &s->requests[i];
	}
	return NULL;
}

struct chaos {
	struct client c;
	uint32_t base;
	struct stream s;
	size_t next; /* in order so far */
	size_t n_denied;
};

/* A segment anywhere, often the next one, at times with bytes of its own where
 * others came before.
 */
static void chaos_step(struct chaos *x)
{
	static char garbage[SEGMENT_MAX];
	size_t most = x->s.size > SEGMENT_MAX ? SEGMENT_MAX : x->s.size;
	size_t from = x->next, to, old;
	const struct request *r;
	const struct outcome *o;
	struct client part = x->c;

	if (rand() % 4 == 0)
		from = random_below(x->s.size);
	else if (rand() % 4 == 0)
		from -= random_below(from + 1 > 200 ? 200 : from + 1);
	to = from + 1 + random_below(rand() % 2 ? 100 : most);
	if (to > x->s.size)
		to = x->s.size;
	if (to - from > SEGMENT_MAX)
		to = from + SEGMENT_MAX;
	memcpy(garbage, x->s.bytes + from, to - from);
	old = from < x->next ? x->next - from : 0;
	if (old && rand() % 2)
		memset(garbage, "\nG\r "[rand() % 4],
		       old < to - from ? old : to - from);
	if (rand() % 3 == 0)
		x->c.s.ack += 50;
	part.s.seq = x->base + (uint32_t)from;
	part.s.ack = x->c.s.ack;
	o = client_send(&part, garbage, to - from);
	r = judged(&x->s, x->next, to);
	if (is_denial(o)) {
		assert_true(from <= x->next);
		assert_true(r && r->dead);
		x->n_denied++;
	}
	if (from <= x->next && to > x->next)
		x->next = to;
}

static void no_order_of_segments_refuses_a_living_key(void **state)
{
	static struct chaos x;
	size_t n_denied = 0;

	(void)state;
	srand(3);
	use(true);
	for (int i = 0; i < 600; i++) {
		x.c = client_open(i % 2 ? CLIENT : CLIENT6);
		x.s = random_stream(1 + random_below(4));
		x.base = x.c.s.seq;
		x.next = 0;
		x.n_denied = 0;
		for (int k = 0; k < 60 && x.next < x.s.size; k++)
			chaos_step(&x);
		n_denied += x.n_denied;
	}
	assert_in_range(n_denied, 150, 3000);
}

static struct {
	int carries;
	int scratch;
	int memo;
} maps;

/* Eight bytes of a key, as they are or with both words reversed. */
struct piece {
	uint8_t bytes[8];
};

#define PIECES_MAX 256

/* Not the piece that is a word of answers. */
static size_t cut_pieces(struct piece out[PIECES_MAX], const char *key)
{
	size_t n = 0;

	for (size_t i = strlen("sk-d"); i + 8 <= strlen(key); i++, n += 2) {
		memcpy(out[n].bytes, key + i, 8);
		for (size_t k = 0; k < 8; k++)
			out[n + 1].bytes[k] = (uint8_t)key[i + (k ^ 3)];
	}
	return n;
}

static bool holds_key(const uint8_t *bytes, size_t size, const char *key)
{
	static struct piece pieces[PIECES_MAX];
	bool begins[256] = { 0 };
	size_t n = cut_pieces(pieces, key);

	for (size_t k = 0; k < n; k++)
		begins[pieces[k].bytes[0]] = true;
	for (size_t i = 0; i + 8 <= size; i++) {
		for (size_t k = 0; begins[bytes[i]] && k < n; k++) {
			if (!memcmp(bytes + i, pieces[k].bytes, 8))
				return true;
		}
	}
	return false;
}

/* Every value of a map, of all CPUs. */
static void assert_map_is_clean(int map, const char *key, const char *what)
{
	static uint8_t value[1 << 20], next[256], at[256];
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	size_t n, n_values = 0;
	bool first = true;

	assert_int_equal(bpf_obj_get_info_by_fd(map, &info, &size), 0);
	n = info.value_size;
	if (info.type == BPF_MAP_TYPE_PERCPU_ARRAY)
		n = (n + 7) / 8 * 8 * (size_t)libbpf_num_possible_cpus();
	assert_true(n <= sizeof(value));
	while (!bpf_map_get_next_key(map, first ? NULL : at, next)) {
		memcpy(at, next, info.key_size);
		first = false;
		if (bpf_map_lookup_elem(map, at, value))
			continue;
		n_values++;
		if (holds_key(value, n, key))
			fail_msg("%s: in %s", what, info.name);
	}
	assert_true(n_values || map == harness.living || map == maps.carries);
}

static void assert_clean(const char *key, const char *what, bool all)
{
	assert_map_is_clean(maps.carries, key, what);
	assert_map_is_clean(maps.scratch, key, what);
	if (!all)
		return;
	assert_map_is_clean(harness.flows, key, what);
	assert_map_is_clean(harness.living, key, what);
	assert_map_is_clean(maps.memo, key, what);
}

static void empty_map(int map)
{
	uint8_t key[256];

	while (!bpf_map_get_next_key(map, NULL, key))
		bpf_map_delete_elem(map, key);
}

static void no_part_of_a_key_stays_in_a_map(void **state)
{
	static const char piece[] = "Bearer " LIVE;

	(void)state;
	maps.carries = map_of(harness.request, "pc_carries");
	maps.scratch = map_of(harness.request, "pc_scratch");
	maps.memo = map_of(harness.request, "pc_memo");
	assert_true(holds_key((const uint8_t *)piece, sizeof(piece), LIVE));
	use(true);
	for (size_t k = 0; k < 12; k++) {
		struct stream s = stream_of(k, N_KINDS);
		const char *key = k % 2 ? LIVE : DISABLED;
		size_t step = s.size > 1000 ? 97 : 1;

		for (size_t cut = 1; cut < s.size; cut += step) {
			struct client c = client_open(CLIENT);
			bool all = cut % 29 == 1;

			empty_map(maps.carries);
			if (all)
				empty_map(harness.flows);
			c = client_open(CLIENT);
			send_part(&c, c.s.seq, &s, 0, cut);
			assert_clean(key, "after the first", all);
			send_part(&c, c.s.seq, &s, cut, s.size);
			assert_clean(key, "after the second", all);
		}
	}
}

/* Cut in three, so that what was carried is carried again. */
static void no_part_of_a_key_stays_when_carried_twice(void **state)
{
	struct stream s = stream_of(0, N_KINDS);

	(void)state;
	use(false);
	for (size_t a = 1; a + 8 < s.size; a += 5) {
		struct client c;

		empty_map(maps.carries);
		c = client_open(CLIENT);
		send_part(&c, c.s.seq, &s, 0, a);
		send_part(&c, c.s.seq, &s, a, a + 7);
		assert_clean(DISABLED, "after the second", false);
		assert_reason(send_part(&c, c.s.seq, &s, a + 7, s.size),
			      PC_R_KEY_DISABLED, "third");
		assert_clean(DISABLED, "after the third", false);
	}
}

/* Sizes of chunks are read with some of what stands behind them. */
static void no_part_of_a_body_stays_in_a_map(void **state)
{
	static const char *const bodies[] = {
		"100\r\n" DISABLED,
		"0\r\n\r\n" DISABLED,
		"0\r\nx: " DISABLED,
		"no size" DISABLED,
	};

	(void)state;
	use(true);
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		struct client c = client_open(CLIENT);

		assert_reason(client_say(&c, CHUNKED(LIVE)), PC_R_KEY_LIVE,
			      "head");
		assert_reason(client_say(&c, bodies[i]), PC_R_BODY, bodies[i]);
		assert_clean(DISABLED, bodies[i], true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_in_two_is_decided),
		cmocka_unit_test(every_cut_of_a_second_request_is_decided),
		cmocka_unit_test(many_cuts_in_order_are_decided),
		cmocka_unit_test(a_byte_a_segment_is_decided),
		cmocka_unit_test(no_order_of_segments_refuses_a_living_key),
		cmocka_unit_test(no_part_of_a_key_stays_in_a_map),
		cmocka_unit_test(no_part_of_a_key_stays_when_carried_twice),
		cmocka_unit_test(no_part_of_a_body_stays_in_a_map),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
