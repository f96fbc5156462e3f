// SPDX-License-Identifier: GPL-2.0-only
#include "money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	const char *what;
	const char *in;
	int64_t amount; /* rounded away from zero */
	int64_t used;	/* the rest dropped */
};

static const struct row exact[] = {
	{ "zero", "0", 0, 0 },
	{ "minus zero", "-0", 0, 0 },
	{ "a dollar", "1", 1000000000, 1000000000 },
	{ "a debt", "-0.5", -500000000, -500000000 },
	{ "a nano-dollar", "0.000000001", 1, 1 },
	{ "Go below 1e-6", "1e-7", 100, 100 },
	{ "signed exponent", "2.50E+1", 25000000000, 25000000000 },
	{ "exponent with zeros", "1e-0007", 100, 100 },
	{ "numeric(20,8)", "123456.12345678", 123456123456780,
	  123456123456780 },
	{ "beyond a double", "9007199254.740993001", 9007199254740993001,
	  9007199254740993001 },
	{ "largest", "9223372036.854775807", INT64_MAX, INT64_MAX - 1 },
	{ "least", "-9223372036.854775807", -INT64_MAX, 1 - INT64_MAX },
	{ "many zeros in front", "0.00000000000000000000e20", 0, 0 },
	{ "zeros behind", "1.50000000000000000000000000", 1500000000,
	  1500000000 },
	{ "point moved over zeros", "0.00000000000000000001e20", 1000000000,
	  1000000000 },
	{ "point moved back", "123456789000e-12", 123456789, 123456789 },
};

static const struct row rounded[] = {
	{ "a tenth of a nano", "1e-10", 1, 0 },
	{ "negative", "-1e-10", -1, 0 },
	{ "tail", "1.0000000001", 1000000001, 1000000000 },
	{ "0.1 + 0.2 in floats", "0.30000000000000004", 300000001, 300000000 },
	{ "just below", "0.29999999999999993", 300000000, 299999999 },
	{ "rest far down", "1.00000000000000000000000000000001", 1000000001,
	  1000000000 },
	{ "vanishing", "1e-999999999999999999999999", 1, 0 },
	{ "all rest", "123e-12", 1, 0 },
};

static const struct row saturated[] = {
	/* A use stays below what a quota as absurd is held at. */
	{ "one too many", "9223372036.854775808", INT64_MAX, INT64_MAX - 1 },
	{ "one too few", "-9223372036.854775808", -INT64_MAX, 1 - INT64_MAX },
	{ "no rounding past the end", "9223372036.8547758071", INT64_MAX,
	  INT64_MAX - 1 },
	{ "ten billion", "10000000000", INT64_MAX, INT64_MAX - 1 },
	{ "infinite in a double", "1e999", INT64_MAX, INT64_MAX - 1 },
	{ "exponent beyond int64", "-1e99999999999999999999", -INT64_MAX,
	  1 - INT64_MAX },
	{ "nothing, a huge number of times", "0e99999999999999999999", 0, 0 },
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		int64_t amount = -7, used = -7;

		assert_int_equal(money_parse(&amount, r->in, strlen(r->in)), 0);
		assert_int_equal(money_parse_used(&used, r->in, strlen(r->in)),
				 0);
		if (amount != r->amount || used != r->used)
			fail_msg("%s: %s is %" PRId64 " and %" PRId64, r->what,
				 r->in, amount, used);
	}
}

static void amounts_are_exact_to_the_nano_dollar(void **state)
{
	(void)state;
	check(exact, ARRAY_SIZE(exact));
}

static void a_rest_is_rounded_so_that_use_never_reaches_quota(void **state)
{
	(void)state;
	check(rounded, ARRAY_SIZE(rounded));
}

static void amounts_beyond_int64_saturate(void **state)
{
	(void)state;
	check(saturated, ARRAY_SIZE(saturated));
}

static void only_json_numbers_are_amounts(void **state)
{
	static const char *const rows[] = {
		"",    "-",	   ".5",	"5.",	 "+5",
		"01",  "-01",	   "1e",	"1e+",	 "1.e5",
		"e5",  "1 ",	   " 1",	"1,5",	 "0x10",
		"NaN", "Infinity", "-Infinity", "1e5.5", "1.2.3",
		"--1", "1-",	   "null",	"\"1\"", "1_000",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t n = 42;

		if (money_parse(&n, rows[i], strlen(rows[i])) != -EINVAL)
			fail_msg("\"%s\" is taken for an amount", rows[i]);
		assert_int_equal(n, 42);
	}
}

static void size_bounds_the_text(void **state)
{
	int64_t n;

	(void)state;
	assert_int_equal(money_parse(&n, "125", 2), 0);
	assert_int_equal(n, 12000000000);
	assert_int_equal(money_parse(&n, "1\0", 2), -EINVAL);
}

static void a_megabyte_of_digits_is_one_pass(void **state)
{
	const size_t size = 1 << 20;
	char *text = malloc(size);
	int64_t n;

	(void)state;
	assert_non_null(text);
	memset(text, '9', size);
	assert_int_equal(money_parse(&n, text, size), 0);
	assert_int_equal(n, INT64_MAX);
	memset(text, '0', size);
	text[1] = '.';
	text[size - 1] = '1';
	assert_int_equal(money_parse(&n, text, size), 0);
	assert_int_equal(n, 1);
	free(text);
}

/* The oracle: every cent printed in two ways. */
static void cents_agree_with_printf(void **state)
{
	(void)state;
	for (int64_t cents = 0; cents < 200000; cents += 7) {
		char text[64];
		int64_t n;

		snprintf(text, sizeof(text), "%" PRId64 ".%02" PRId64,
			 cents / 100, cents % 100);
		money_parse(&n, text, strlen(text));
		assert_int_equal(n, cents * 10000000);
		snprintf(text, sizeof(text), "-%" PRId64 "e-2", cents);
		money_parse(&n, text, strlen(text));
		assert_int_equal(n, -cents * 10000000);
	}
}

static void sums_stay_within_int64(void **state)
{
	static const struct {
		int64_t a, b, sum, rest;
	} rows[] = {
		{ 5, 7, 12, -2 },
		{ INT64_MAX, 1, INT64_MAX, INT64_MAX - 1 },
		{ INT64_MIN, 1, INT64_MIN + 1, INT64_MIN },
		{ INT64_MIN, -1, INT64_MIN, INT64_MIN + 1 },
		{ INT64_MAX, -1, INT64_MAX - 1, INT64_MAX },
		{ 0, INT64_MIN, INT64_MIN, INT64_MAX },
		{ INT64_MAX, INT64_MIN, -1, INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(money_add(rows[i].a, rows[i].b), rows[i].sum);
		assert_int_equal(money_sub(rows[i].a, rows[i].b), rows[i].rest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_are_exact_to_the_nano_dollar),
		cmocka_unit_test(
			a_rest_is_rounded_so_that_use_never_reaches_quota),
		cmocka_unit_test(amounts_beyond_int64_saturate),
		cmocka_unit_test(only_json_numbers_are_amounts),
		cmocka_unit_test(size_bounds_the_text),
		cmocka_unit_test(sums_stay_within_int64),
		cmocka_unit_test(a_megabyte_of_digits_is_one_pass),
		cmocka_unit_test(cents_agree_with_printf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
