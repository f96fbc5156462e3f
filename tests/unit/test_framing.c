// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "framing.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CL "Content-Length"
#define TE "Transfer-Encoding"

static const struct {
	const char *what;
	struct header fields[2];
	size_t n;
	struct framing want;
} rows[] = {
	{ "no body", { { "Host", "x" } }, 1, { .bad = false } },
	{ "a length",
	  { { CL, "12" } },
	  1,
	  { .has_length = true, .length = 12 } },
	{ "none, said so",
	  { { "content-length", "0" } },
	  1,
	  { .has_length = true } },
	{ "twice the same",
	  { { CL, "5" }, { CL, "5" } },
	  2,
	  { .has_length = true, .length = 5 } },
	{ "two lengths", { { CL, "5" }, { CL, "6" } }, 2, { .bad = true } },
	{ "a sign", { { CL, "+5" } }, 1, { .bad = true } },
	{ "a list", { { CL, "5, 5" } }, 1, { .bad = true } },
	{ "hexadecimal", { { CL, "0x5" } }, 1, { .bad = true } },
	{ "nothing", { { CL, "" } }, 1, { .bad = true } },
	{ "a blank inside", { { CL, "1 2" } }, 1, { .bad = true } },
	{ "beyond 64 bits",
	  { { CL, "99999999999999999999" } },
	  1,
	  { .bad = true } },
	{ "chunked", { { TE, "chunked" } }, 1, { .chunked = true } },
	{ "Chunked",
	  { { "transfer-encoding", "Chunked" } },
	  1,
	  { .chunked = true } },
	{ "another coding", { { TE, "gzip, chunked" } }, 1, { .bad = true } },
	{ "identity", { { TE, "identity" } }, 1, { .bad = true } },
	{ "twice chunked",
	  { { TE, "chunked" }, { TE, "chunked" } },
	  2,
	  { .bad = true } },
	{ "chunks and a length",
	  { { TE, "chunked" }, { CL, "5" } },
	  2,
	  { .bad = true } },
	{ "a length and chunks",
	  { { CL, "0" }, { TE, "chunked" } },
	  2,
	  { .bad = true } },
};

static void what_can_be_read_in_two_ways_is_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct framing got = framing_find(rows[i].fields, rows[i].n);
		const struct framing *want = &rows[i].want;

		if (got.bad != want->bad)
			fail_msg("%s: bad %d", rows[i].what, got.bad);
		if (!got.bad && (got.chunked != want->chunked ||
				 got.has_length != want->has_length ||
				 got.length != want->length))
			fail_msg("%s: %d %d %llu", rows[i].what, got.chunked,
				 got.has_length, got.length);
	}
}

/* A string and what it holds besides its end. */
#define TEXT(s) s, sizeof(s) - 1

static const struct {
	const char *what, *text;
	size_t n;
	bool name, value;
} texts[] = {
	{ "a token", TEXT("X-A_b.9~"), true, true },
	{ "nothing", TEXT(""), false, true },
	{ "a blank behind", TEXT(TE " "), false, true },
	{ "a tab behind", TEXT(CL "\t"), false, true },
	{ "a NUL", TEXT("a\0b"), false, false },
	{ "a NUL behind", TEXT("a\0"), false, false },
	{ "a carriage return", TEXT("a\r" TE), false, false },
	{ "a control character", TEXT("a\x01"), false, false },
	{ "DEL", TEXT("a\x7f"), false, false },
	{ "beyond ASCII", TEXT("\xc3\xa9"), false, true },
	{ "a delimiter", TEXT("a(b)"), false, true },
};

static void names_and_values_are_those_of_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = texts[i].text;
		size_t n = texts[i].n;

		if (framing_name_good(text, n) != texts[i].name)
			fail_msg("%s as a name", texts[i].what);
		if (framing_value_good(text, n) != texts[i].value)
			fail_msg("%s as a value", texts[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_read_in_two_ways_is_bad),
		cmocka_unit_test(names_and_values_are_those_of_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
