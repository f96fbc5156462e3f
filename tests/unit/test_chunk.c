// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunked bodies byte by byte: against rows, and against a plain decoder over
 * random bodies, whole, cut, and with something in them changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunk.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BODY_MAX 4096

enum fate {
	ENDED, /* at the offset given */
	OPEN,  /* more is to come */
	BROKEN
};

/* As the walk does it: a byte where the stream stands, then on to where it
 * stands next.  Where the body ends, *end is just behind it.
 */
static enum fate follow(size_t *end, const char *bytes, size_t n, uint32_t base)
{
	struct pc_stream st = { .next = base };

	pc_chunk_begin(&st);
	while (st.next - base < n) {
		if (pc_chunk_step(&st, (uint8_t)bytes[st.next - base]))
			return BROKEN;
		if (st.phase == PC_PHASE_HEAD) {
			*end = st.next - base;
			return ENDED;
		}
	}
	return OPEN;
}

/* A line without its CRLF; NULL where there is none yet. */
static const char *naive_line(const char *p, const char *end)
{
	for (; p + 1 < end; p++) {
		if (p[0] == '\r' && p[1] == '\n')
			return p;
	}
	return NULL;
}

static int is_text(const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == 0x7f || ((uint8_t)*p < ' ' && *p != '\t'))
			return 0;
	}
	return 1;
}

/* Seven digits at most, and nothing behind them but an extension. */
static int naive_size(size_t *out, const char *p, const char *end)
{
	const char digits[] = "0123456789abcdefABCDEF";
	char buf[8] = "";
	size_t n = 0;

	while (p + n < end && p[n] && strchr(digits, p[n]))
		n++;
	if (!n || n > 7 || (p + n < end && p[n] != ';') || !is_text(p + n, end))
		return -1;
	memcpy(buf, p, n);
	*out = strtoul(buf, NULL, 16);
	return 0;
}

/* A whole body, read with the whole of it at hand. */
static enum fate naive(size_t *out, const char *bytes, size_t n)
{
	const char *p = bytes, *end = bytes + n, *line;
	size_t size;

	do {
		line = naive_line(p, end);
		if (!line)
			return OPEN;
		if (naive_size(&size, p, line))
			return BROKEN;
		p = line + 2;
		if (!size)
			break;
		if ((size_t)(end - p) < size + 2)
			return OPEN;
		if (memcmp(p + size, "\r\n", 2))
			return BROKEN;
		p += size + 2;
	} while (1);
	for (;; p = line + 2) {
		line = naive_line(p, end);
		if (!line)
			return OPEN;
		if (line == p)
			break;
		if (*p == ' ' || *p == '\t' || !is_text(p, line))
			return BROKEN;
	}
	*out = (size_t)(p + 2 - bytes);
	return ENDED;
}

static const struct {
	const char *what;
	const char *body;
	enum fate want;
	size_t end; /* 0: all of it */
} rows[] = {
	{ "nothing", "0\r\n\r\n", ENDED, 0 },
	{ "one chunk", "3\r\nabc\r\n0\r\n\r\n", ENDED, 0 },
	{ "many noughts", "0000000\r\n\r\n", ENDED, 0 },
	{ "a size with noughts", "0000003\r\nabc\r\n0\r\n\r\n", ENDED, 0 },
	{ "both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
	  ENDED, 0 },
	{ "more behind it", "0\r\n\r\nGET / HTTP/1.1\r\n", ENDED, 5 },
	{ "data like an end", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", ENDED, 0 },
	{ "an extension", "1;a=b;c=\"d\"\r\nx\r\n0;e\r\n\r\n", ENDED, 0 },
	{ "an empty extension", "1;\r\nx\r\n0\r\n\r\n", ENDED, 0 },
	{ "trailers", "0\r\nA: b\r\nC:\r\n\r\n", ENDED, 0 },
	{ "data of control characters", "3\r\n\r\n\x7f\r\n0\r\n\r\n", ENDED,
	  0 },
	{ "no end", "0\r\n", OPEN, 0 },
	{ "half a size", "1", OPEN, 0 },
	{ "half a chunk", "5\r\nab", OPEN, 0 },
	{ "256 MiB less one", "fffffff\r\nx", OPEN, 0 },
	{ "no size", "\r\n", BROKEN, 0 },
	{ "an extension only", ";a\r\n", BROKEN, 0 },
	{ "a sign", "+1\r\nx\r\n", BROKEN, 0 },
	{ "0x", "0x1\r\nx\r\n", BROKEN, 0 },
	{ "a blank before", " 1\r\nx\r\n", BROKEN, 0 },
	{ "a blank behind", "1 \r\nx\r\n", BROKEN, 0 },
	{ "a tab behind", "1\t\r\nx\r\n", BROKEN, 0 },
	{ "no CR", "1\nx\r\n", BROKEN, 0 },
	{ "CR CR", "1\r\r\nx\r\n", BROKEN, 0 },
	{ "no LF", "1\rx", BROKEN, 0 },
	{ "eight digits", "00000001\r\nx\r\n", BROKEN, 0 },
	{ "LF in an extension", "1;a\nx\r\n", BROKEN, 0 },
	{ "more data than said", "1\r\nxy\r\n", BROKEN, 0 },
	{ "less data than said", "3\r\nx\r\n0\r\n\r\n", BROKEN, 0 },
	{ "data without CR", "1\r\nx\n0\r\n\r\n", BROKEN, 0 },
	{ "a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", BROKEN, 0 },
	{ "a trailer that begins with a blank", "0\r\n A: b\r\n\r\n", BROKEN,
	  0 },
	{ "LF in a trailer", "0\r\nA: b\n\r\n", BROKEN, 0 },
	{ "LF alone at the end", "0\r\n\n", BROKEN, 0 },
};

static void bodies_end_where_they_should(void **state)
{
	/* Anywhere on the circle of sequence numbers. */
	static const uint32_t bases[] = { 0, 77, 0u - 1, 0u - 4, 0u - 9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].body);
		size_t want = rows[i].end ? rows[i].end : n, end = 0;

		for (size_t b = 0; b < ARRAY_SIZE(bases); b++) {
			enum fate got = follow(&end, rows[i].body, n, bases[b]);

			if (got != rows[i].want ||
			    (got == ENDED && end != want))
				fail_msg("%s: fate %d at %zu", rows[i].what,
					 got, end);
		}
		/* The measure of what follows is right itself. */
		assert_int_equal(naive(&end, rows[i].body, n) == ENDED,
				 rows[i].want == ENDED);
	}
}

static void every_size_is_stepped_over(void **state)
{
	char line[16];

	(void)state;
	for (uint32_t size = 1; size < 1u << 28; size = size * 3 + 1) {
		struct pc_stream st = { .next = 5 };
		int n = snprintf(line, sizeof(line), "%x\r\n", size);

		pc_chunk_begin(&st);
		for (int i = 0; i < n; i++)
			assert_int_equal(pc_chunk_step(&st, (uint8_t)line[i]),
					 0);
		assert_int_equal(st.next, 5 + (uint32_t)n + size);
		assert_int_equal(st.phase, PC_PHASE_DATA_CR);
	}
}

static size_t random_body(char out[BODY_MAX])
{
	size_t n = 0;

	for (int i = rand() % 4; i; i--) {
		size_t size = (size_t)rand() % 40 + 1;

		n += (size_t)sprintf(out + n, rand() % 2 ? "%zx" : "%03zX",
				     size);
		if (rand() % 4 == 0)
			n += (size_t)sprintf(out + n, ";x=\t\"y\"");
		n += (size_t)sprintf(out + n, "\r\n");
		while (size--)
			out[n++] = "\r\n0a;"[rand() % 5];
		n += (size_t)sprintf(out + n, "\r\n");
	}
	n += (size_t)sprintf(out + n, "0\r\n");
	for (int i = rand() % 3; i; i--)
		n += (size_t)sprintf(out + n, "A%d: b\r\n", i);
	return n + (size_t)sprintf(out + n, "\r\n");
}

/* What is read alike must end alike; what the plain decoder calls broken may be
 * open to one who has not seen the end of its line, never ended.
 */
static void assert_alike(const char *body, size_t n)
{
	size_t end = 0, want_end = 0;
	enum fate got = follow(&end, body, n, 0u - 100);
	enum fate want = naive(&want_end, body, n);

	if ((got == ENDED) != (want == ENDED) || end != want_end)
		fail_msg("%.*s: fate %d at %zu, not %d at %zu", (int)n, body,
			 got, end, want, want_end);
	if (want == BROKEN)
		assert_int_equal(got, BROKEN);
}

/* Whole and cut everywhere: what comes later changes nothing of the end. */
static void random_bodies_end_alike(void **state)
{
	static char body[BODY_MAX + 8];

	(void)state;
	srand(1);
	for (int i = 0; i < 5000; i++) {
		size_t n = random_body(body), end = 0;

		assert_int_equal(follow(&end, body, n, 0), ENDED);
		assert_int_equal(end, n);
		memcpy(body + n, "GET /", 5);
		assert_int_equal(follow(&end, body, n + 5, 0), ENDED);
		assert_int_equal(end, n);
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(follow(&end, body, cut, 0), OPEN);
	}
}

static void changed_bodies_end_alike(void **state)
{
	static const char bytes[] = "\r\n 0a;g\t\x7f";
	static char body[BODY_MAX];

	(void)state;
	srand(2);
	for (int i = 0; i < 200000; i++) {
		size_t n = random_body(body), at = (size_t)rand() % n;
		size_t keep = (size_t)rand() % 2;

		body[at] = bytes[(size_t)rand() % sizeof(bytes)];
		if (rand() % 3 == 0) { /* or one byte less */
			memmove(body + at, body + at + 1, n - at - 1);
			n--;
		}
		assert_alike(body, keep ? n : at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_end_where_they_should),
		cmocka_unit_test(every_size_is_stepped_over),
		cmocka_unit_test(random_bodies_end_alike),
		cmocka_unit_test(changed_bodies_end_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
