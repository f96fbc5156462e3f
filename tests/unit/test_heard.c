// SPDX-License-Identifier: GPL-2.0-only
/*
 * The quick look at an answer's head, against the whole scanner: it may leave
 * a head to that, but never reads one otherwise.
 */
#include "heard.h"
#include "head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define OK "HTTP/1.1 200 OK\r\n"
#define NGINX                                        \
	OK "Server: nginx/1.22.1\r\n"                \
	   "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n" \
	   "Content-Type: application/json\r\n"
#define GO                                                      \
	OK "Access-Control-Allow-Origin: *\r\n"                 \
	   "Content-Type: text/event-stream; charset=utf-8\r\n" \
	   "X-Request-Id: 0123456789abcdef\r\n"

/* Understood at a look, or left to the scanner. */
static const struct {
	const char *what;
	int understood;
	const char *text;
} rows[] = {
	{ "nginx", 1,
	  NGINX "Content-Length: 8\r\nConnection: keep-alive\r\n\r\n" },
	{ "Go, chunked", 1, GO "Transfer-Encoding: chunked\r\n\r\n" },
	{ "no phrase", 1, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n" },
	{ "no header", 1, OK "\r\n" },
	{ "until the end", 1, GO "\r\n" },
	{ "204", 1, "HTTP/1.1 204 No Content\r\n\r\n" },
	{ "100", 1, "HTTP/1.1 100 Continue\r\n\r\n" },
	{ "a body behind it", 1, OK "Content-Length: 2\r\n\r\nok" },
	{ "a body like a head", 1, OK "Content-Length: 2\r\n\r\n\r\n\r\n" },
	{ "any case", 1,
	  OK "CONTENT-LENGTH: 12\r\nconnection: Keep-Alive\r\n\r\n" },
	{ "noughts", 1, OK "Content-Length: 0000012\r\n\r\n" },
	{ "seven digits", 1, OK "Content-Length: 9876543\r\n\r\n" },
	{ "other content", 1,
	  OK "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n" },
	{ "names that begin alike", 1,
	  OK "Contents: 1\r\nConnect: 1\r\nTransfe: 1\r\nUpgrad: 1\r\n\r\n" },
	{ "eight digits", 0, OK "Content-Length: 98765432\r\n\r\n" },
	{ "no digit", 0, OK "Content-Length: \r\n\r\n" },
	{ "a sign", 0, OK "Content-Length: +1\r\n\r\n" },
	{ "a list", 0, OK "Content-Length: 1, 1\r\n\r\n" },
	{ "no blank", 0, OK "Content-Length:1\r\n\r\n" },
	{ "two blanks", 0, OK "Content-Length:  1\r\n\r\n" },
	{ "a blank behind", 0, OK "Content-Length: 1 \r\n\r\n" },
	{ "a blank before the colon", 0, OK "Content-Length : 1\r\n\r\n" },
	{ "a name of more", 0, OK "Content-Length-X: 1\r\n\r\n" },
	{ "two lengths", 0,
	  OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\n" },
	{ "length and chunks", 0,
	  OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ "chunks and length", 0,
	  OK "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n" },
	{ "two codings", 0, OK "Transfer-Encoding: gzip, chunked\r\n\r\n" },
	{ "chunked twice", 0,
	  OK "Transfer-Encoding: chunked\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n" },
	{ "chunked and more", 0, OK "Transfer-Encoding: chunkedx\r\n\r\n" },
	{ "close", 0, OK "Connection: close\r\n\r\n" },
	{ "other options", 0, OK "Connection: keep-alive, upgrade\r\n\r\n" },
	{ "upgrade", 0, OK "Upgrade: h2c\r\n\r\n" },
	{ "folded", 0, OK "A: b\r\n Content-Length: 1\r\n\r\n" },
	{ "bare newlines", 0, "HTTP/1.1 200 OK\nContent-Length: 1\n\n" },
	{ "a bare newline", 0, OK "A: b\nContent-Length: 1\r\n\r\n" },
	{ "a bare return", 0, OK "A: b\rContent-Length: 1\r\n\r\n" },
	{ "a tab", 0, OK "A:\tb\r\n\r\n" },
	{ "a control like a letter", 0, OK "A\r\x03ontent\r\n\r\n" },
	{ "HTTP/1.0", 0, "HTTP/1.0 200 OK\r\n\r\n" },
	{ "another protocol", 0, "SSH-2.0-OpenSSH_9.2\r\n\r\n" },
	{ "no number", 0, "HTTP/1.1 2xx OK\r\n\r\n" },
	{ "four digits", 0, "HTTP/1.1 2000 OK\r\n\r\n" },
	{ "cut", 0, OK "Content-Length: 1\r\n\r" },
};

static struct pc_scan quick, whole;

/* What lies behind the bytes looks as if the head ended there. */
static int look(const char *text, size_t n)
{
	for (size_t i = 0; i < sizeof(quick.buf); i++)
		quick.buf[i] = "\r\n"[i & 1];
	memcpy(quick.buf, text, n);
	quick.filled = (uint32_t)(n < PC_HEARD_MAX ? n : PC_HEARD_MAX);
	return pc_heard_scan(&quick);
}

static uint32_t scan(const char *text, size_t n)
{
	memset(&whole, 0, sizeof(whole));
	memcpy(whole.buf, text, n);
	whole.filled = (uint32_t)n;
	pc_head_scan_begin(&whole, 1);
	return pc_head_scan_more(&whole);
}

#define FRAMING (PC_H_LENGTH | PC_H_CHUNKED | PC_H_UPGRADE | PC_H_HTTP10)

static int is_same(void)
{
	const struct pc_head *a = &quick.head, *b = &whole.head;

	return a->size == b->size && a->status == b->status &&
	       a->content_length == b->content_length &&
	       !((a->flags ^ b->flags) & FRAMING);
}

static void usual_heads_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].text);

		if (look(rows[i].text, n) != rows[i].understood)
			fail_msg("%s: %sunderstood", rows[i].what,
				 rows[i].understood ? "not " : "");
		if (rows[i].understood &&
		    (scan(rows[i].text, n) != PC_NEXT || !is_same()))
			fail_msg("%s: read otherwise", rows[i].what);
	}
}

static void a_part_is_never_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *end = strstr(rows[i].text, "\r\n\r\n");

		for (size_t n = 0; end && rows[i].text + n < end + 4; n++) {
			if (look(rows[i].text, n))
				fail_msg("%s: %zu bytes", rows[i].what, n);
		}
	}
}

/* Up to the last byte that is looked at, and not further. */
static void a_long_head_is_left_to_the_scanner(void **state)
{
	static const char end[] = "\r\n\r\n";
	char text[PC_HEARD_MAX + 16];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, OK, sizeof(OK) - 1);
	for (size_t n = PC_HEARD_MAX - 16; n <= sizeof(text); n++) {
		memcpy(text + n - 4, end, 4);
		assert_int_equal(look(text, n), n <= PC_HEARD_MAX);
		memset(text + n - 4, 'a', 4);
	}
}

/* Numbers, so that they are the same every time. */
static uint32_t draw(uint32_t n)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32) % n;
}

static void spoil(char *text, size_t n)
{
	static const char odd[] = "\r\n\t :,-0189cCtTuUxX\x7f\xff\x1a";
	size_t at = draw((uint32_t)n);

	if (draw(2))
		text[at] = odd[draw(sizeof(odd))];
	else
		text[at] ^= (char)(1 << draw(8));
}

/* A name that no framing has is not looked at: the scanner may object. */
static void spoilt_heads_are_never_read_otherwise(void **state)
{
	unsigned int understood = 0;

	(void)state;
	for (int k = 0; k < 200000; k++) {
		const char *from = rows[draw(ARRAY_SIZE(rows))].text;
		size_t n = strlen(from);
		char text[PC_HEARD_MAX];
		uint32_t r;

		memcpy(text, from, n);
		for (uint32_t i = draw(3); i < 3; i++)
			spoil(text, n);
		if (!look(text, n))
			continue;
		understood++;
		r = scan(text, n);
		if (r != PC_R_HEAD_SYNTAX && (r != PC_NEXT || !is_same()))
			fail_msg("reason %u: %.*s", r, (int)n, text);
	}
	assert_true(understood > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_heads_are_understood),
		cmocka_unit_test(a_part_is_never_understood),
		cmocka_unit_test(a_long_head_is_left_to_the_scanner),
		cmocka_unit_test(spoilt_heads_are_never_read_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
