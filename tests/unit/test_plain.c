// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plain.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define LINE "GET /v1/auth/nginx HTTP/1.1\r\n"
#define HOST "Host: x\r\n"
#define END "\r\n"

static const struct {
	const char *what, *text;
	bool plain;
} rows[] = {
	{ "the least", LINE HOST END, true },
	{ "with a query", "POST /a?b=c?d HTTP/1.1\r\n" HOST END, true },
	{ "blanks around a value", LINE "Host: \t x \t\r\n" END, true },
	{ "an empty value", LINE HOST "A:\r\n" END, true },
	{ "obs-text", LINE HOST "A: \xc3\xa9\xff\r\n" END, true },
	{ "no body, said so", LINE HOST "Content-Length: 0\r\n" END, true },
	{ "keep-alive", LINE HOST "connection: Keep-Alive\r\n" END, true },
	{ "a field that is like one", LINE HOST "Connections: x\r\n" END,
	  true },
	{ "every byte of a target",
	  "GET /!\"$%&'()*+,-./:;<=>@[\\]^_`{|}~"
	  " HTTP/1.1\r\n" HOST END,
	  true },

	{ "nothing", "", false },
	{ "half a line", "GET /v1", false },
	{ "no end", LINE HOST, false },
	{ "half an end", LINE HOST "\r", false },
	{ "line feeds alone", "GET / HTTP/1.1\nHost: x\n\n", false },
	{ "one line feed alone", LINE "Host: x\n" END, false },
	{ "a carriage return within", LINE HOST "A: b\rc\r\n" END, false },
	{ "lines before the line", "\r\n" LINE HOST END, false },
	{ "HTTP/1.0", "GET / HTTP/1.0\r\n" HOST END, false },
	{ "HTTP/1.10", "GET / HTTP/1.10\r\n" HOST END, false },
	{ "HTTP/0.9", "GET /\r\n", false },
	{ "two blanks", "GET  / HTTP/1.1\r\n" HOST END, false },
	{ "a blank behind the line", "GET / HTTP/1.1 \r\n" HOST END, false },
	{ "a tab", "GET\t/ HTTP/1.1\r\n" HOST END, false },
	{ "a whole URL", "GET http://x/ HTTP/1.1\r\n" HOST END, false },
	{ "a fragment", "GET /#a HTTP/1.1\r\n" HOST END, false },
	{ "a target beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST END,
	  false },
	{ "no method", " / HTTP/1.1\r\n" HOST END, false },
	{ "a method that is no token", "G@T / HTTP/1.1\r\n" HOST END, false },
	{ "HEAD", "HEAD / HTTP/1.1\r\n" HOST END, false },
	{ "CONNECT", "CONNECT / HTTP/1.1\r\n" HOST END, false },
	{ "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false },
	{ "no host", LINE END, false },
	{ "two hosts", LINE HOST "host: y\r\n" END, false },
	{ "a body", LINE HOST "Content-Length: 1\r\n\r\nx", false },
	{ "a length of two noughts", LINE HOST "Content-Length: 00\r\n" END,
	  false },
	{ "a list of lengths", LINE HOST "Content-Length: 0, 0\r\n" END,
	  false },
	{ "chunks", LINE HOST "transfer-encoding: chunked\r\n" END, false },
	{ "some other coding", LINE HOST "Transfer-Encoding: x\r\n" END,
	  false },
	{ "trailers", LINE HOST "Trailer: x\r\n" END, false },
	{ "close", LINE HOST "Connection: close\r\n" END, false },
	{ "an upgrade", LINE HOST "Upgrade: h2c\r\n" END, false },
	{ "an expectation", LINE HOST "Expect: 100-continue\r\n" END, false },
	{ "a folded line", LINE HOST "A: b\r\n c\r\n" END, false },
	{ "a fold at once", LINE " A: b\r\n" HOST END, false },
	{ "a blank before the colon", LINE HOST "A : b\r\n" END, false },
	{ "no colon", LINE HOST "A\r\n" END, false },
	{ "no name", LINE HOST ": b\r\n" END, false },
	{ "a control character", LINE HOST "A: \x01\r\n" END, false },
	{ "DEL", LINE HOST "A: \x7f\r\n" END, false },
};

static size_t parse(struct plain *out, const char *text, size_t n, char **buf)
{
	*buf = malloc(n + 1);
	memcpy(*buf, text, n);
	return plain_parse(out, *buf, n);
}

static void only_what_is_plain_is_taken(void **state)
{
	struct plain p;
	char *buf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].text);
		size_t size = parse(&p, rows[i].text, n, &buf);

		if (size != (rows[i].plain ? n : 0))
			fail_msg("%s: %zu", rows[i].what, size);
		free(buf);
	}
}

/* Every beginning of a request is incomplete. */
static void no_part_is_a_whole(void **state)
{
	static const char text[] =
		LINE HOST "Authorization: Bearer x\r\nB: \r\n" END;
	struct plain p;
	char *buf;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		if (parse(&p, text, n, &buf))
			fail_msg("%zu bytes", n);
		free(buf);
	}
}

static void a_nul_ends_it(void **state)
{
	char text[] = LINE HOST "A: b?c\r\n" END;
	struct plain p;
	char *buf;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char before = text[i];

		text[i] = '\0';
		if (parse(&p, text, sizeof(text) - 1, &buf))
			fail_msg("at %zu", i);
		text[i] = before;
		free(buf);
	}
}

static void what_is_read_is_what_was_sent(void **state)
{
	static const char text[] =
		"PATCH /a%20b?c=d&e HTTP/1.1\r\nHost:\t x y \r\n"
		"X-Api-Key:k\r\nx-api-key: \t\r\n\r\nGET /next";
	struct plain p;
	char *buf;
	size_t size;

	(void)state;
	size = parse(&p, text, sizeof(text) - 1, &buf);
	assert_int_equal(size, strlen(text) - strlen("GET /next"));
	assert_string_equal(p.method, "PATCH");
	assert_string_equal(p.path, "/a%20b");
	assert_string_equal(p.query, "c=d&e");
	assert_int_equal(p.n_fields, 3);
	assert_string_equal(p.fields[0].name, "Host");
	assert_string_equal(p.fields[0].value, "x y");
	assert_string_equal(p.fields[1].name, "X-Api-Key");
	assert_string_equal(p.fields[1].value, "k");
	assert_string_equal(p.fields[2].name, "x-api-key");
	assert_string_equal(p.fields[2].value, "");
	free(buf);
}

static void two_hundred_fields_are_enough(void **state)
{
	char text[4096] = LINE HOST, *buf;
	struct plain p;

	(void)state;
	for (int i = 0; i < 199; i++)
		strcat(text, "A: b\r\n");
	strcat(text, END);
	assert_int_equal(parse(&p, text, strlen(text), &buf), strlen(text));
	free(buf);
	strcpy(text + strlen(text) - 2, "A: b\r\n" END);
	assert_int_equal(parse(&p, text, strlen(text), &buf), 0);
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_plain_is_taken),
		cmocka_unit_test(no_part_is_a_whole),
		cmocka_unit_test(a_nul_ends_it),
		cmocka_unit_test(what_is_read_is_what_was_sent),
		cmocka_unit_test(two_hundred_fields_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
