// SPDX-License-Identifier: GPL-2.0-only
/* row.c: what a line of a list file means, and what is refused, and how. */
#include "row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct row_case {
	const char *what;
	const char *line;
	const char *wanted; /* prefixes, or the objection */
};

static const struct row_case good[] = {
	{ "address", "192.0.2.1", "192.0.2.1/32" },
	{ "prefix", "192.0.2.0/24", "192.0.2.0/24" },
	{ "address of IPv6", "2001:db8::1", "2001:db8::1/128" },
	{ "prefix of IPv6", "2001:DB8::/32", "2001:db8::/32" },
	{ "mapped address", "::ffff:192.0.2.1", "192.0.2.1/32" },
	{ "mapped prefix", "::ffff:192.0.2.0/120", "192.0.2.0/24" },
	{ "shortest", "10.0.0.0/8", "10.0.0.0/8" },
	{ "shortest of IPv6", "2000::/8", "2000::/8" },
	{ "mapped of 104 is 8", "::ffff:10.0.0.0/104", "10.0.0.0/8" },
	{ "length with zeros", "192.0.2.0/024", "192.0.2.0/24" },
	{ "nobody speaks from there", "224.0.0.0/3", "224.0.0.0/3" },
	{ "nor there", "240.0.0.0/4", "240.0.0.0/4" },
	{ "nor there, as a range", "224.0.0.0-255.255.255.255", "224.0.0.0/3" },

	{ "blank", "", "" },
	{ "blanks", " \t ", "" },
	{ "hash", "# 192.0.2.1", "" },
	{ "semicolon", "; 192.0.2.1", "" },
	{ "indented comment", "  ;192.0.2.1", "" },

	{ "blanks around", " \t192.0.2.1 \t ", "192.0.2.1/32" },
	{ "glued hash", "192.0.2.1#x", "192.0.2.1/32" },
	{ "glued semicolon", "192.0.2.0/24;SBL1", "192.0.2.0/24" },
	{ "Spamhaus", "1.10.16.0/20 ; SBL256894", "1.10.16.0/20" },
	{ "Spamhaus of IPv6", "2001:678:254::/48 ; SBL633402",
	  "2001:678:254::/48" },
	{ "hosts.deny", "192.0.2.1 *: sshd", "192.0.2.1/32" },
	{ "fail2ban with times",
	  "192.0.2.1 \t2026-01-30 12:00:01 + 600 = 2026-01-30 12:10:01",
	  "192.0.2.1/32" },
	{ "count", "192.0.2.1\t9", "192.0.2.1/32" },
	{ "host name", "192.0.2.1 mail.example.net", "192.0.2.1/32" },
	{ "address again", "192.0.2.1 192.0.2.1", "192.0.2.1/32" },
	{ "address in a comment", "192.0.2.1 # not 192.0.2.9", "192.0.2.1/32" },
	{ "address later on", "192.0.2.1 seen by 192.0.2.9", "192.0.2.1/32" },
	{ "not ASCII behind", "192.0.2.1 caf\xc3\xa9", "192.0.2.1/32" },
	{ "access log", "192.0.2.1 - - [30/Jan/2026:12:00:01 +0000] \"GET /",
	  "192.0.2.1/32" },
	{ "dash and a word", "192.0.2.1 - bad", "192.0.2.1/32" },
	{ "dash and a date", "192.0.2.1 - 2026-01-30", "192.0.2.1/32" },
	{ "dash and a comment", "192.0.2.1 - # 192.0.2.9", "192.0.2.1/32" },
	{ "dash and a name", "192.0.2.0/24 - AS64500", "192.0.2.0/24" },
	{ "arrow", "192.0.2.1 -> 192.0.2.9", "192.0.2.1/32" },
	{ "typeset dash and a word", "192.0.2.1 \xe2\x80\x93 bad",
	  "192.0.2.1/32" },
	{ "two dashes", "192.0.2.1 -- 192.0.2.9", "192.0.2.1/32" },

	{ "range", "192.0.2.0-192.0.2.255", "192.0.2.0/24" },
	{ "range with blanks", "192.0.2.0 - 192.0.2.255", "192.0.2.0/24" },
	{ "range with one blank", "192.0.2.0\t-192.0.2.255", "192.0.2.0/24" },
	{ "range with the other", "192.0.2.0- 192.0.2.255", "192.0.2.0/24" },
	{ "range of one", "192.0.2.5-192.0.2.5", "192.0.2.5/32" },
	{ "range and text", "192.0.2.0-192.0.2.1 - bad", "192.0.2.0/31" },
	{ "range and comment", "192.0.2.0-192.0.2.1;x", "192.0.2.0/31" },
	{ "range of three", "192.0.2.1-192.0.2.3",
	  "192.0.2.1/32 192.0.2.2/31" },
	{ "range of IPv6", "2001:db8::-2001:db8::3", "2001:db8::/126" },
	{ "mapped range", "::ffff:192.0.2.0-192.0.2.3", "192.0.2.0/30" },
	{ "as large as may be", "10.0.0.5-11.0.0.4", NULL },
};

static const struct row_case bad[] = {
	{ "word", "foo", "\"foo\" is not an address, prefix or range" },
	{ "word with a dash", "foo-bar",
	  "\"foo-bar\" is not an address, prefix or range" },
	{ "octet too large", "192.0.2.256",
	  "\"192.0.2.256\" is not an address, prefix or range" },
	{ "port", "192.0.2.1:80",
	  "\"192.0.2.1:80\" is not an address, prefix or range" },
	{ "zone", "fe80::1%eth0",
	  "\"fe80::1%eth0\" is not an address, prefix or range" },
	{ "brackets", "[2001:db8::1]",
	  "\"[2001:db8::1]\" is not an address, prefix or range" },
	{ "comma", "192.0.2.1,bad",
	  "\"192.0.2.1,bad\" is not an address, prefix or range" },
	{ "length too large", "192.0.2.0/33",
	  "\"192.0.2.0/33\" is not an address, prefix or range" },
	{ "no length", "192.0.2.0/",
	  "\"192.0.2.0/\" is not an address, prefix or range" },
	{ "net mask", "192.0.2.0/255.255.255.0",
	  "\"192.0.2.0/255.255.255.0\" is not an address, prefix or range" },
	{ "hostile", "\x1b[2J\xff",
	  "\"?[2J?\" is not an address, prefix or range" },
	{ "word in front", "deny 192.0.2.1",
	  "\"deny\" is not an address, prefix or range" },
	{ "very long",
	  "192.0.2.1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	  "\"192.0.2.1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" is not an address, "
	  "prefix or range" },

	{ "host bits", "10.0.0.1/8",
	  "\"10.0.0.1/8\": host bits are set; did you mean 10.0.0.0/8?" },
	{ "host bits of IPv6", "2001:db8::1/64",
	  "\"2001:db8::1/64\": host bits are set; did you mean "
	  "2001:db8::/64?" },
	{ "host bits, mapped", "::ffff:192.0.2.1/120",
	  "\"::ffff:192.0.2.1/120\": host bits are set; did you mean "
	  "192.0.2.0/24?" },

	{ "everybody", "0.0.0.0/0",
	  "\"0.0.0.0/0\" is shorter than /8: too much for one line" },
	{ "everybody of IPv6", "::/0",
	  "\"::/0\" is shorter than /8: too much for one line" },
	{ "nearly", "10.0.0.0/7",
	  "\"10.0.0.0/7\" is shorter than /8: too much for one line" },
	{ "nearly, of IPv6", "2000::/7",
	  "\"2000::/7\" is shorter than /8: too much for one line" },
	{ "everybody, mapped", "::ffff:0.0.0.0/96",
	  "\"::ffff:0.0.0.0/96\" is shorter than /8: too much for one line" },
	{ "nearly, mapped", "::ffff:10.0.0.0/103",
	  "\"::ffff:10.0.0.0/103\" is shorter than /8: too much for one "
	  "line" },
	{ "more than nobody", "192.0.0.0/2",
	  "\"192.0.0.0/2\" is shorter than /8: too much for one line" },
	{ "short and host bits", "10.0.0.1/7",
	  "\"10.0.0.1/7\" is shorter than /8: too much for one line" },
	{ "range of everybody", "0.0.0.0-255.255.255.255",
	  "\"0.0.0.0-255.255.255.255\" is more than a /8: too much for one "
	  "line" },
	{ "range of one too many", "10.0.0.5-11.0.0.5",
	  "\"10.0.0.5-11.0.0.5\" is more than a /8: too much for one line" },
	{ "range of IPv6 too large", "2000:: - 2100::",
	  "\"2000:: - 2100::\" is more than a /8: too much for one line" },
	{ "range that begins before nobody", "223.0.0.0-255.255.255.255",
	  "\"223.0.0.0-255.255.255.255\" is more than a /8: too much for one "
	  "line" },
	{ "range of IPv6 with all of IPv4 in it", "::fffe:0:0-::1:0:0:0",
	  "\"::fffe:0:0-::1:0:0:0\" is more than a /8: too much for one "
	  "line" },

	{ "range backwards", "192.0.2.9-192.0.2.1",
	  "\"192.0.2.9-192.0.2.1\" ends before it begins" },
	{ "range of two families", "192.0.2.1-2001:db8::1",
	  "\"192.0.2.1-2001:db8::1\" goes from one address family to the "
	  "other" },
	{ "range without an end", "192.0.2.1-",
	  "\"192.0.2.1-\" is not an address, prefix or range" },
	{ "range without a beginning", "-192.0.2.1",
	  "\"-192.0.2.1\" is not an address, prefix or range" },
	{ "range to a word", "192.0.2.1-foo",
	  "\"192.0.2.1-foo\" is not a range of addresses" },
	{ "range of three ends", "192.0.2.1-192.0.2.3-192.0.2.5",
	  "\"192.0.2.1-192.0.2.3-192.0.2.5\" is not a range of addresses" },
	{ "range to the last octet", "192.0.2.1-9",
	  "\"192.0.2.1-9\" is not a range of addresses" },
	{ "the same with blanks", "192.0.2.1 - 9",
	  "\"192.0.2.1 - 9\" is not a range of addresses" },
	{ "range of prefixes", "192.0.2.0/25 - 192.0.2.128/25",
	  "\"192.0.2.0/25 - 192.0.2.128/25\" is not a range of addresses" },
	{ "end mistyped", "192.0.2.1 - 192.0.2.999",
	  "\"192.0.2.1 - 192.0.2.999\" is not a range of addresses" },
	{ "end of IPv6 mistyped", "2001:db8::1 - 2001:db8:::2",
	  "\"2001:db8::1 - 2001:db8:::2\" is not a range of addresses" },
	{ "beginning mistyped", "192.0.2 - 192.0.2.9",
	  "\"192.0.2 - 192.0.2.9\" is not a range of addresses" },

	{ "blank before the length", "192.0.2.0 /24",
	  "\"192.0.2.0 /24\": a blank before the /" },
	{ "DShield", "192.0.2.0\t192.0.2.255\t24\t3200",
	  "\"192.0.2.0?192.0.2.255\": two addresses; a range is written a-b" },
	{ "en dash", "192.0.2.0 \xe2\x80\x93 192.0.2.9",
	  "\"192.0.2.0 ??? 192.0.2.9\": two addresses; a range is written "
	  "a-b" },
	{ "minus sign", "192.0.2.0 \xe2\x88\x92 192.0.2.9",
	  "\"192.0.2.0 ??? 192.0.2.9\": two addresses; a range is written "
	  "a-b" },
	{ "net mask behind", "192.0.2.0 255.255.255.0",
	  "\"192.0.2.0 255.255.255.0\": two addresses; a range is written "
	  "a-b" },
};

/* Everything that a row holds, or the objection. */
static int read_row(char text[static 4096], const char *line)
{
	char what[ROW_WHAT_SIZE], buf[PREFIX_STRLEN];
	struct prefix p;
	struct row row;
	size_t at = 0;
	int rc;

	rc = row_parse(&row, line, strlen(line), what);
	snprintf(text, 4096, "%s", rc < 0 ? what : "");
	if (rc <= 0)
		return rc;
	if (!row.is_range) {
		prefix_print(&row.prefix, text);
		return rc;
	}
	while (range_take(&p, &row.range))
		at += (size_t)snprintf(text + at, 4096 - at, "%s%s",
				       at ? " " : "", prefix_print(&p, buf));
	return rc;
}

static void good_rows_are_read(void **state)
{
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int rc = read_row(text, good[i].line);

		if (rc < 0)
			fail_msg("%s: %s", good[i].what, text);
		if (good[i].wanted && strcmp(text, good[i].wanted))
			fail_msg("%s: got %s", good[i].what, text);
		assert_int_equal(rc, *text != '\0');
	}
}

static void bad_rows_are_refused(void **state)
{
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int rc = read_row(text, bad[i].line);

		if (rc != -EBADMSG || strcmp(text, bad[i].wanted))
			fail_msg("%s: %d, %s", bad[i].what, rc, text);
	}
}

/* A line is part of a buffer: what comes after it is not looked at. */
static void rows_end_where_they_end(void **state)
{
	static const char line[] = "192.0.2.1 - 192.0.2.9";
	char what[ROW_WHAT_SIZE];
	struct row row;

	(void)state;
	assert_int_equal(row_parse(&row, line, strlen("192.0.2.1"), what), 1);
	assert_false(row.is_range);
	assert_int_equal(row_parse(&row, line, strlen("192.0.2.1 - "), what),
			 1);
	assert_false(row.is_range);
	assert_int_equal(row_parse(&row, line, 0, what), 0);
}

static void a_refused_row_leaves_out_alone(void **state)
{
	char what[ROW_WHAT_SIZE];
	struct row row, before;

	(void)state;
	memset(&row, 0x5a, sizeof(row));
	memcpy(&before, &row, sizeof(row));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		row_parse(&row, bad[i].line, strlen(bad[i].line), what);
		assert_memory_equal(&row, &before, sizeof(row));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_rows_are_read),
		cmocka_unit_test(bad_rows_are_refused),
		cmocka_unit_test(rows_end_where_they_end),
		cmocka_unit_test(a_refused_row_leaves_out_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
