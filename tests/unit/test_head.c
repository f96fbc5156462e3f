// SPDX-License-Identifier: GPL-2.0-only
/*
 * The head scanner: what it decides, what it calls undecidable and why, and
 * that it never reads otherwise than the naive parser.
 */
#include "head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "answer.h"
#include "naive/compare.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* 567 bytes, the key behind byte 127: what the Claude CLI sends. */
static const char cli[] =
	"POST /v1/messages?beta=true HTTP/1.1\r\n"
	"Host: gateway1.example.com:18080\r\n"
	"Accept: application/json\r\n"
	"x-stainless-retry-count: 0\r\n"
	"x-stainless-timeout: 600\r\n"
	"x-stainless-lang: js\r\n"
	"x-stainless-package-version: 0.60.10\r\n"
	"x-stainless-os: Linux\r\n"
	"x-stainless-arch: x64\r\n"
	"x-stainless-runtime: node\r\n"
	"anthropic-version: 2023-06-01\r\n"
	"authorization: Bearer sk-0123456789abcdef0123456789abcdef"
	"0123456789abcdef0123456789abcdef\r\n"
	"user-agent: claude-cli/2.0.14 (external, cli)\r\n"
	"content-type: application/json\r\n"
	"accept-encoding: gzip, deflate\r\n"
	"connection: keep-alive\r\n"
	"content-length: 48213\r\n\r\n";

static struct pc_scan s;

static uint32_t scan_bytes(const void *bytes, size_t n)
{
	memset(&s, 0xa5, sizeof(s)); /* leftovers must not matter */
	memcpy(s.buf, bytes, n);
	s.filled = (uint32_t)n;
	return pc_head_scan(&s);
}

/*
 * The same bytes, but the first "cut" of them come alone, then "step" at a
 * time. What is done with stays only where the scanner says that it must.
 */
static uint32_t scan_cut(struct pc_scan *p, const void *bytes, size_t n,
			 size_t cut, size_t step)
{
	uint32_t r;

	memset(p, 0x5a, sizeof(*p));
	memcpy(p->buf, bytes, cut);
	p->filled = (uint32_t)cut;
	r = pc_head_scan(p);
	while (r == PC_R_HEAD_SPLIT && cut < n) {
		size_t more = step < n - cut ? step : n - cut;

		if (cut % 2)
			memset(p->buf, '\n', p->line_at);
		memcpy(p->buf + cut, (const char *)bytes + cut, more);
		cut += more;
		p->filled = (uint32_t)cut;
		r = pc_head_scan_more(p);
	}
	return r;
}

static uint32_t scan(const char *text)
{
	return scan_bytes(text, strlen(text));
}

static const char *name(uint32_t reason)
{
	return reason == PC_NEXT ? "(decided)" : reason_name(reason);
}

static void check(const char *what, uint32_t got, uint32_t want)
{
	if (got != want)
		fail_msg("%s: %s, not %s", what, name(got), name(want));
}

/* In one go, in two at every byte, and byte by byte: all the same. */
static void check_cuts(const void *bytes, size_t n, uint32_t want)
{
	static struct pc_scan p;

	for (size_t cut = 0; cut <= n; cut++) {
		size_t step = cut ? n : 1;

		check("cut", scan_cut(&p, bytes, n, cut, step), want);
		if (want == PC_NEXT)
			assert_memory_equal(&p.head, &s.head, sizeof(p.head));
	}
}

static void check_span(struct pc_span span, const char *want)
{
	assert_int_equal(span.size, strlen(want));
	assert_memory_equal(s.buf + span.at, want, span.size);
}

static void a_usual_head_is_decided(void **state)
{
	(void)state;
	assert_int_equal(sizeof(cli) - 1, 567);
	check("cli", scan(cli), PC_NEXT);
	assert_int_equal(s.head.size, 567);
	assert_int_equal(s.head.method, PC_METHOD_POST);
	assert_int_equal(s.head.content_length, 48213);
	check_span(s.head.path, "/v1/messages");
	check_span(s.head.query, "beta=true");
	check_span(s.head.authorization,
		   "Bearer sk-0123456789abcdef0123456789abcdef"
		   "0123456789abcdef0123456789abcdef");
	assert_true(s.head.authorization.at > 127);
	assert_int_equal(s.head.flags,
			 PC_H_HOST | PC_H_LENGTH | PC_H_AUTHORIZATION);
	assert_null(compare_heads(&s, PC_NEXT, s.filled));
}

static void every_truncation_is_a_split_head(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(cli) - 1; n++) {
		check("truncated", scan_bytes(cli, n), PC_R_HEAD_SPLIT);
		assert_null(compare_heads(&s, PC_R_HEAD_SPLIT, n));
	}
}

/* The rest of a head may lie there from another time, down to its end. */
static void what_lies_behind_the_bytes_is_not_read(void **state)
{
	static const char *const rests[] = { "", "\n", "\r\n", "\t:\r\n\r\n" };
	char bare[sizeof(cli)], *to = bare;

	(void)state;
	for (const char *from = cli; *from; from++) {
		if (*from != '\r')
			*to++ = *from;
	}
	*to = '\0';
	for (size_t n = 0; n < sizeof(cli) - 1; n++) {
		for (size_t i = 0; i < ARRAY_SIZE(rests); i++) {
			memcpy(s.buf, cli, sizeof(cli));
			if (*rests[i])
				strcpy((char *)s.buf + n, rests[i]);
			s.filled = (uint32_t)n;
			check("left behind", pc_head_scan(&s), PC_R_HEAD_SPLIT);
		}
	}
	for (size_t n = 0; n < strlen(bare); n++) {
		memcpy(s.buf, bare, sizeof(bare));
		s.filled = (uint32_t)n;
		check("left behind, bare", pc_head_scan(&s), PC_R_HEAD_SPLIT);
	}
}

/* At every position in its word, and with anything behind it. */
static void where_a_head_stands_does_not_matter(void **state)
{
	char padded[sizeof(cli) + 32];

	(void)state;
	for (int pad = 0; pad < 24; pad++) {
		int n = snprintf(padded, sizeof(padded), "%.*sx-%.*s: 1\r\n%s",
				 38, cli, pad + 1, "aaaaaaaaaaaaaaaaaaaaaaaaa",
				 cli + 38);

		check("padded", scan_bytes(padded, (size_t)n), PC_NEXT);
		assert_int_equal(s.head.size, n);
		assert_null(compare_heads(&s, PC_NEXT, (size_t)n));
		check("with a body", scan_bytes(padded, (size_t)n + 1),
		      PC_NEXT);
		assert_int_equal(s.head.size, n);
	}
}

#define H "Host: a\r\n"
#define GET "GET /v1/x HTTP/1.1\r\n"
#define N60 "x23456789-123456789-123456789-123456789-123456789-123456789"
#define BLANKS4 " \t \t"

static const struct {
	uint32_t want;
	const char *head;
} rows[] = {
	{ PC_NEXT, GET H "\r\n" },
	{ PC_NEXT, "GET /v1/x HTTP/1.1\nHost: a\n\n" },
	{ PC_NEXT, GET "Host: a\n\r\n" },
	{ PC_NEXT, "GET / HTTP/1.0\r\n\r\n" },
	{ PC_NEXT, "DELETE / HTTP/1.1\r\n" H "\r\n" },
	{ PC_NEXT, "PROPFIND-ABCDEF / HTTP/1.1\r\n" H "\r\n" },
	{ PC_NEXT, GET "Host:\r\n\r\n" },
	{ PC_NEXT, GET "HOST:a\r\n\r\n" },
	{ PC_NEXT, GET "hOsT: [2001:db8::1]:8080\r\n\r\n" },
	{ PC_NEXT, GET H "x:\ty\t\r\n\r\n" },
	{ PC_NEXT, GET H "x_y-Z0: \x80\xff\r\n\r\n" },
	{ PC_NEXT, GET H "x-api-key:" BLANKS4 "k" BLANKS4 "\r\n\r\n" },
	{ PC_NEXT, GET H "x-api-key:\r\n\r\n" },
	{ PC_NEXT, GET H "Content-Length: 000000007\r\n\r\n" },
	{ PC_NEXT, GET H "Transfer-Encoding: Chunked\r\n\r\n" },
	{ PC_NEXT, GET H "TransferXEncoding: gzip\r\n\r\n" },
	{ PC_NEXT, GET H "Expect: 100-Continue\r\n\r\n" },
	{ PC_NEXT, GET H "Connection: Keep-Alive\r\n\r\n" },
	{ PC_NEXT, GET H N60 "-60: 1\r\n\r\n" },
	/* not HTTP/1 */
	{ PC_R_NOT_HTTP, "\r\n" GET H "\r\n" },
	{ PC_R_NOT_HTTP, "\n" },
	{ PC_R_NOT_HTTP, "GET\r\n\r\n" },
	{ PC_R_NOT_HTTP, "GET /\r\n\r\n" },
	{ PC_R_NOT_HTTP, "GET / HTTP/1.1 \r\n" H "\r\n" },
	{ PC_R_NOT_HTTP, "GET / HTTP/1.2\r\n" H "\r\n" },
	{ PC_R_NOT_HTTP, "GET / http/1.1\r\n" H "\r\n" },
	{ PC_R_NOT_HTTP, "GET / HTTP/0.9\r\n\r\n" },
	{ PC_R_NOT_HTTP, " GET / HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_NOT_HTTP, "GET\t/ HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_NOT_HTTP, "G(T / HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_NOT_HTTP, "METHODOF16LETTER / HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_NOT_HTTP, "\x80\x2e\x01\x03\x01\n" },
	{ PC_R_TLS, "\x16\x03\x01\x02" },
	{ PC_R_TLS, "\x16\x03\x01" GET },
	{ PC_R_H2C, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
	/* targets */
	{ PC_R_TARGET_FORM, "GET ftp://a/v1 HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET http:/a/v1 HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET httpx://a/v1 HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET http://a/v1#b HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET http://a/ b HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "PUT http://a/v1 HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "CONNECT http://a HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "OPTIONS * HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "CONNECT a:80 HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET /a b HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET /a#b HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET /a?b#c HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET  / HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET /  HTTP/1.1\r\n" H "\r\n" },
	{ PC_R_TARGET_FORM, "GET  HTTP/1.1\r\n" H "\r\n" },
	/* lines */
	{ PC_R_HEAD_SYNTAX, GET H "a: b\rc\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "a: b\r\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "\r\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "a: \x01\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "a: \x7f\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "a : b\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "a\t: b\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H ": b\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "a\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "a b: c\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "a\x80: c\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H N60 "-6012: 1\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "x-api-key: " BLANKS4 "k\r\n\r\n" },
	{ PC_R_HEAD_SYNTAX, GET H "x-api-key:k" BLANKS4 " \r\n\r\n" },
	{ PC_R_OBS_FOLD, GET H " b\r\n\r\n" },
	{ PC_R_OBS_FOLD, GET H "\tb: c\r\n\r\n" },
	{ PC_R_OBS_FOLD, GET " " H "\r\n" },
	{ PC_R_OBS_FOLD, GET H " \r\n\r\n" },
	/* hosts */
	{ PC_R_HEAD_HOST, GET "\r\n" },
	{ PC_R_HEAD_HOST, GET H H "\r\n" },
	{ PC_R_HEAD_HOST, GET "Host: a/b\r\n\r\n" },
	{ PC_R_HEAD_HOST, GET "Host: a b\r\n\r\n" },
	{ PC_R_HEAD_HOST, GET "Host: a,b\r\n\r\n" },
	/* framing */
	{ PC_R_HEAD_FRAMING, GET H "Content-Length:\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Content-Length: -1\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Content-Length: +1\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Content-Length: 0x1\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Content-Length: 1 2\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Content-Length: 1234567890\r\n\r\n" },
	{ PC_R_HEAD_FRAMING,
	  GET H "Content-Length: 1\r\ncontent-length: 1\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Transfer-Encoding: gzip\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Transfer-Encoding:\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Transfer-Encoding: gzip, chunked\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Transfer-Encoding: chunked\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Transfer-Encoding: chunked\r\n"
				   "Content-Length: 1\r\n\r\n" },
	{ PC_R_HEAD_FRAMING,
	  "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Expect: 200-ok\r\n\r\n" },
	{ PC_R_HEAD_FRAMING, GET H "Expect:\r\n\r\n" },
};

static void heads_are_decided_or_undecidable(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t r = scan(rows[i].head);
		const char *what = compare_heads(&s, r, s.filled);

		check(rows[i].head, r, rows[i].want);
		if (what)
			fail_msg("%s: %s", rows[i].head, what);
	}
}

static void a_nul_is_syntax_wherever_it_is(void **state)
{
	char head[sizeof(cli)];

	(void)state;
	for (size_t i = 0; i < sizeof(cli) - 1; i++) {
		uint32_t want = i < 38 ? PC_R_NOT_HTTP : PC_R_HEAD_SYNTAX;

		memcpy(head, cli, sizeof(cli));
		head[i] = '\0';
		/* In the place of a '\n' it comes behind a '\r'. */
		check("NUL", scan_bytes(head, sizeof(cli) - 1),
		      i == 37 ? PC_R_HEAD_SYNTAX : want);
	}
}

static void heads_may_come_in_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_cuts(rows[i].head, strlen(rows[i].head),
			   scan(rows[i].head));
	check_cuts(cli, sizeof(cli) - 1, scan(cli));
}

/* Nothing is waited for that cannot come any more. */
static const struct {
	uint32_t want;
	const char *bytes;
} first_bytes[] = {
	{ PC_R_HEAD_SPLIT, "" },
	{ PC_R_HEAD_SPLIT, "G" },
	{ PC_R_HEAD_SPLIT, "GET" },
	{ PC_R_HEAD_SPLIT, "GET " },
	{ PC_R_HEAD_SPLIT, "GET /" },
	{ PC_R_HEAD_SPLIT, "POST /v1/mess" },
	{ PC_R_HEAD_SPLIT, "PRI" },
	{ PC_R_HEAD_SPLIT, "PRI " },
	{ PC_R_HEAD_SPLIT, "PRI /" },
	{ PC_R_H2C, "PRI *" },
	{ PC_R_NOT_HTTP, " " },
	{ PC_R_NOT_HTTP, "\r" },
	{ PC_R_NOT_HTTP, "\n" },
	{ PC_R_NOT_HTTP, "GET\r" },
	{ PC_R_NOT_HTTP, "G(" },
	{ PC_R_NOT_HTTP, "SSH-2." },
	{ PC_R_NOT_HTTP, "\x80" },
	{ PC_R_TLS, "\x16" },
	{ PC_R_HEAD_SPLIT, "GET h" },
	{ PC_R_TARGET_FORM, "GET x" },
	{ PC_R_TARGET_FORM, "CONNECT h" },
	{ PC_R_TARGET_FORM, "OPTIONS *" },
	{ PC_R_HEAD_SPLIT, "METHODOF15BYTES" },
	{ PC_R_NOT_HTTP, "METHODOF16LETTER" },
	{ PC_R_NOT_HTTP, "GET /\x01" },
	{ PC_R_HEAD_SPLIT, GET },
	{ PC_R_HEAD_SPLIT, GET "\r" },
	{ PC_R_HEAD_SYNTAX, GET "\r\r" },
	{ PC_R_HEAD_SPLIT, GET "a\r" },
	{ PC_R_HEAD_SYNTAX, GET "a\rb" },
	{ PC_R_HEAD_SPLIT, GET "a: \r" },
	{ PC_R_HEAD_SYNTAX, GET "a: \x01" },
};

static void what_cannot_become_a_head_is_known_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(first_bytes); i++)
		check(first_bytes[i].bytes, scan(first_bytes[i].bytes),
		      first_bytes[i].want);
}

static const struct {
	uint32_t flags;
	const char *headers;
} flag_rows[] = {
	{ 0, "" },
	{ PC_H_CLOSE, "Connection: close\r\n" },
	{ PC_H_CLOSE, "connection: CLOSE\r\n" },
	{ 0, "Connection: keep-alive\r\n" },
	{ PC_H_UPGRADE, "Connection: upgrade\r\n" },
	{ PC_H_UPGRADE, "Connection: close, x\r\n" },
	{ PC_H_UPGRADE, "Connection: closed\r\n" },
	{ PC_H_UPGRADE, "Connection:\r\n" },
	{ PC_H_UPGRADE, "Connection: keep-xxxx-alive\r\n" },
	{ PC_H_UPGRADE, "Upgrade: websocket\r\n" },
	{ PC_H_UPGRADE, "upgrade:\r\n" },
	{ PC_H_EXPECT, "expect: 100-continue\r\n" },
	{ PC_H_FORWARDED, "X-Forwarded-For: 1\r\n" },
	{ PC_H_FORWARDED, "x-real-ip: 1\r\n" },
	{ PC_H_FORWARDED, "CF-Connecting-IP:\r\n" },
	{ 0, "X-Forwarded-Host: 1\r\nX-Real-IQ: 1\r\nForwarded: for=1\r\n" },
	{ PC_H_X_API_KEY, "X-Api-Key: 1\r\n" },
	{ PC_H_X_GOOG_API_KEY, "X-Goog-Api-Key: 1\r\n" },
	{ PC_H_AUTHORIZATION, "AUTHORIZATION: 1\r\n" },
	{ 0, "X-Authorization: 1\r\nAuthorizatio: 1\r\nAuthorizations: 1\r\n" },
	{ 0, "Proxy-Authorization: 1\r\nx_api_key: 1\r\nx-api-kex: 1\r\n" },
	{ PC_H_LENGTH, "Content-Length: 0\r\n" },
	{ 0,
	  "Content-Lengt: 1\r\nContent-Lengths: 1\r\nContentxLength: 1\r\n" },
	{ PC_H_CHUNKED, "transfer-encoding: chunked\r\n" },
	{ 0, "TransferXEncoding: chunked\r\n" },
};

static void headers_are_known_by_their_whole_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flag_rows); i++) {
		char head[512];

		snprintf(head, sizeof(head), GET H "%s\r\n",
			 flag_rows[i].headers);
		check(flag_rows[i].headers, scan(head), PC_NEXT);
		check_cuts(head, strlen(head), PC_NEXT);
		assert_int_equal(s.head.flags, flag_rows[i].flags | PC_H_HOST);
		assert_null(compare_heads(&s, PC_NEXT, s.filled));
	}
}

static void the_first_header_of_a_name_wins(void **state)
{
	(void)state;
	check("two keys",
	      scan(GET H "x-api-key: one\r\nX-API-Key: two\r\n\r\n"), PC_NEXT);
	check_span(s.head.x_api_key, "one");
	check("an empty one first",
	      scan(GET H "authorization: \r\nAuthorization: Bearer x\r\n\r\n"),
	      PC_NEXT);
	check_span(s.head.authorization, "");
}

static const struct {
	const char *target;
	bool unsure;
} queries[] = {
	{ "/v1/x", false },	     { "/v1/x?", false },
	{ "/v1/x?a=1&b=2", false },  { "/v1/x?beta=true", false },
	{ "/v1/key", false },	     { "/v1/x?key=1", true },
	{ "/v1/x?a=1&key=1", true }, { "/v1/x?api_key=1", true },
	{ "/v1/x?a=key", true },     { "/v1/x?k%65y=1", true },
	{ "/v1/x?a+b", true },	     { "/v1/x?a;b", true },
	{ "/v1/x?ke=y", false },     { "/v1/x?KEY=1", false },
	{ "/v1/x?a?key", true },     { "/v1/x?k?ey", false },
};

static void queries_that_may_hold_a_key_are_marked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		char head[128];

		snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\n" H "\r\n",
			 queries[i].target);
		check(queries[i].target, scan(head), PC_NEXT);
		assert_int_equal(!!(s.head.flags & PC_H_QUERY_UNSURE),
				 queries[i].unsure);
		assert_null(compare_heads(&s, PC_NEXT, s.filled));
	}
	check("an encoded path", scan("GET /v1/%78 HTTP/1.1\r\n" H "\r\n"),
	      PC_NEXT);
	assert_int_equal(s.head.path.size, 0);
}

/* Its path is the gateway's to find, its end is not. */
static void absolute_targets_are_followed(void **state)
{
	static const char *const targets[] = {
		"http://a",	  "http://a/",	       "http://a/v1/messages",
		"https://a:1/v1", "http://a/v1?key=1", "http://a%2f/v1",
		"https://",
	};
	static const char *const methods[] = { "GET", "HEAD", "POST" };
	char head[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(methods); k++) {
			snprintf(head, sizeof(head),
				 "%s %s HTTP/1.1\r\n" H
				 "Content-Length: 5\r\n\r\n",
				 methods[k], targets[i]);
			check(head, scan(head), PC_NEXT);
			check_cuts(head, strlen(head), PC_NEXT);
			assert_int_equal(s.head.path.size, 0);
			assert_int_equal(s.target.bad, PC_R_TARGET_FORM);
			assert_int_equal(s.head.size, strlen(head));
			assert_int_equal(s.head.content_length, 5);
			assert_null(compare_heads(&s, PC_NEXT, s.filled));
		}
	}
}

/* The scanner looks at eight bytes at a time: wherever the odd ones stand. */
static void odd_paths_are_marked_wherever_they_are_odd(void **state)
{
	static const struct {
		const char *text;
		bool odd;
	} ends[] = {
		{ "//x", true },  { "/.x", true },   { "/../x", true },
		{ "%2fx", true }, { "/", true },     { "/?a=//", true },
		{ "/x", false },  { "/x.y", false }, { "/x?a=/./%", false },
	};
	char path[64], head[160];

	(void)state;
	for (size_t n = 1; n < 40; n++) {
		for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
			path[0] = '/';
			memset(path + 1, 'a', n);
			strcpy(path + 1 + n, ends[i].text);
			snprintf(head, sizeof(head),
				 "GET %s HTTP/1.1\r\n" H "\r\n", path);
			check(path, scan(head), PC_NEXT);
			if (!s.head.path.size != ends[i].odd)
				fail_msg("%s", path);
		}
	}
}

static size_t long_head(char *out, size_t size)
{
	static const char first[] = GET H "x: ";

	memset(out, 'x', size);
	memcpy(out, first, sizeof(first) - 1);
	memcpy(out + size - 4, "\r\n\r\n", 4);
	return size;
}

static void heads_fit_up_to_the_buffers_end(void **state)
{
	static char head[PC_HEAD_MAX + 1];

	(void)state;
	for (size_t n = PC_HEAD_MAX - 20; n <= PC_HEAD_MAX; n++) {
		check("8 KiB", scan_bytes(head, long_head(head, n)), PC_NEXT);
		assert_int_equal(s.head.size, n);
	}
	long_head(head, PC_HEAD_MAX + 1);
	check("more", scan_bytes(head, PC_HEAD_MAX), PC_R_HEAD_TOO_LARGE);
	check("all but one", scan_bytes(head, PC_HEAD_MAX - 1),
	      PC_R_HEAD_SPLIT);
}

static void targets_are_followed_to_a_limit(void **state)
{
	char head[PC_TARGET_MAX + 64], target[PC_TARGET_MAX + 2];

	(void)state;
	memset(target, '/', sizeof(target));
	for (int n = PC_TARGET_MAX - 1; n <= PC_TARGET_MAX + 1; n++) {
		snprintf(head, sizeof(head), "GET %.*s HTTP/1.1\r\n" H "\r\n",
			 n, target);
		check("a long target", scan(head),
		      n > PC_TARGET_MAX ? PC_R_TARGET_FORM : PC_NEXT);
	}
}

static const char *const pieces[] = {
	"\r\n",
	"\n",
	"\r",
	" ",
	"\t",
	":",
	"\x01",
	"\x80",
	"?key=1",
	"%6b",
	"Host: b\r\n",
	"Content-Length: 7\r\n",
	"Transfer-Encoding: chunked\r\n",
	"x-api-key: k\r\n",
	"Connection: close\r\n",
	"Upgrade: x\r\n",
	"GET / HTTP/1.1\r\n",
	"HTTP/1.0",
	"#",
	"\r\n\r\n",
	"x-real-ip: 1\r\n",
	"authorization: Bearer \r\n",
	"-",
	"",
	"a",
};

/* A piece put in, bytes taken out, a byte replaced: heads nearly right. */
static size_t mutate(char *head, size_t n)
{
	for (int i = rand() % 3; i >= 0; i--) {
		const char *piece = pieces[(size_t)rand() % ARRAY_SIZE(pieces)];
		size_t at = (size_t)rand() % n, size = strlen(piece);
		size_t out = (size_t)rand() % 3 ? 0 : (size_t)rand() % 12;

		out = out > n - at ? n - at : out;
		memmove(head + at + size, head + at + out, n - at - out);
		memcpy(head + at, piece, size);
		n += size - out;
		if (!n)
			head[n++] = '\n';
		if (rand() % 4 == 0)
			head[(size_t)rand() % n] = (char)rand();
	}
	return n;
}

static void the_naive_parser_agrees(void **state)
{
	static char head[2048];
	static struct pc_scan p;
	uint32_t decided = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 100000; i++) {
		const char *base = i % 3 ? rows[(size_t)rand() % 19].head : cli;
		size_t n = strlen(base);
		const char *what;
		uint32_t r;

		memcpy(head, base, n);
		n = mutate(head, n);
		r = scan_bytes(head, n);
		what = compare_heads(&s, r, n);
		if (what)
			fail_msg("%s: %.*s", what, (int)n, head);
		check(head, scan_cut(&p, head, n, (size_t)rand() % n, 7), r);
		decided += r == PC_NEXT;
	}
	assert_in_range(decided, 10000, 90000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usual_head_is_decided),
		cmocka_unit_test(every_truncation_is_a_split_head),
		cmocka_unit_test(what_lies_behind_the_bytes_is_not_read),
		cmocka_unit_test(where_a_head_stands_does_not_matter),
		cmocka_unit_test(heads_are_decided_or_undecidable),
		cmocka_unit_test(heads_may_come_in_parts),
		cmocka_unit_test(what_cannot_become_a_head_is_known_at_once),
		cmocka_unit_test(a_nul_is_syntax_wherever_it_is),
		cmocka_unit_test(headers_are_known_by_their_whole_names),
		cmocka_unit_test(the_first_header_of_a_name_wins),
		cmocka_unit_test(queries_that_may_hold_a_key_are_marked),
		cmocka_unit_test(absolute_targets_are_followed),
		cmocka_unit_test(odd_paths_are_marked_wherever_they_are_odd),
		cmocka_unit_test(heads_fit_up_to_the_buffers_end),
		cmocka_unit_test(targets_are_followed_to_a_limit),
		cmocka_unit_test(the_naive_parser_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
