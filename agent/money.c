// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decimal text to nano-dollars by integer arithmetic on the digits.  The text
 * may be hostile: a megabyte of digits costs one pass, any exponent fits.
 */
#include "money.h"

#include <errno.h>
#include <stdbool.h>

#define NANO_DIGITS 9

/* A number is digits * 10^exponent, the digits being text[0..size) less '.'. */
struct decimal {
	const char *digits;
	size_t size;
	bool negative;
	int64_t exponent;
};

struct cursor {
	const char *at;
	const char *end;
};

static bool is_digit(const struct cursor *c)
{
	return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool take(struct cursor *c, char byte)
{
	if (c->at == c->end || *c->at != byte)
		return false;
	c->at++;
	return true;
}

/* At least one digit; returns how many. */
static size_t take_digits(struct cursor *c)
{
	const char *start = c->at;

	while (is_digit(c))
		c->at++;
	return (size_t)(c->at - start);
}

/*
 * Held at a size that no text can outweigh with digits, and that adds up
 * without overflow.
 */
static int parse_exponent(int64_t *out, struct cursor *c)
{
	const int64_t limit = INT64_MAX / 16;
	bool negative = take(c, '-');
	int64_t n = 0;

	if (!negative)
		take(c, '+');
	if (!is_digit(c))
		return -EINVAL;
	for (; is_digit(c); c->at++) {
		if (n < limit)
			n = n * 10 + (*c->at - '0');
	}
	*out = negative ? -n : n;
	return 0;
}

static int parse_decimal(struct decimal *out, struct cursor c)
{
	struct decimal d = { .negative = take(&c, '-') };
	size_t fraction = 0;
	int64_t exponent = 0;
	int err = 0;

	d.digits = c.at;
	/* JSON: a leading zero stands alone. */
	if (!take(&c, '0') && !take_digits(&c))
		return -EINVAL;
	if (take(&c, '.')) {
		fraction = take_digits(&c);
		if (!fraction)
			return -EINVAL;
	}
	d.size = (size_t)(c.at - d.digits);
	if (take(&c, 'e') || take(&c, 'E'))
		err = parse_exponent(&exponent, &c);
	if (err || c.at != c.end)
		return -EINVAL;
	d.exponent = exponent - (int64_t)fraction;
	*out = d;
	return 0;
}

/* How many digits of d are whole nano-dollars; may be negative. */
static int64_t whole_digits(const struct decimal *d)
{
	int64_t n = 0;

	for (size_t i = 0; i < d->size; i++)
		n += d->digits[i] != '.';
	return n + d->exponent + NANO_DIGITS;
}

/* Appends a digit; false when the amount no longer fits. */
static bool append(int64_t *n, int digit)
{
	return !__builtin_mul_overflow(*n, 10, n) &&
	       !__builtin_add_overflow(*n, digit, n);
}

/*
 * The magnitude of d in nano-dollars.  Too large a sum is held at INT64_MAX,
 * and one below it when rounding down: a use and its quota must not meet up
 * there.
 */
static int64_t magnitude(const struct decimal *d, bool round_up)
{
	int64_t left = whole_digits(d), most = INT64_MAX - !round_up;
	bool rest = false;
	int64_t n = 0;

	for (size_t i = 0; i < d->size; i++) {
		if (d->digits[i] == '.')
			continue;
		if (left-- <= 0)
			rest |= d->digits[i] != '0';
		else if (!append(&n, d->digits[i] - '0'))
			return most;
	}
	/* Ends soon: a non-zero n overflows after 19 digits, 0 stays 0. */
	while (n && left-- > 0) {
		if (!append(&n, 0))
			return most;
	}
	if (rest && round_up && n < most)
		n++;
	return n < most ? n : most;
}

static int parse(int64_t *out_nusd, const char *text, size_t size,
		 bool round_up)
{
	struct cursor c = { text, text + size };
	struct decimal d;
	int err = parse_decimal(&d, c);

	if (!err) {
		*out_nusd = magnitude(&d, round_up);
		if (d.negative)
			*out_nusd = -*out_nusd;
	}
	return err;
}

int money_parse(int64_t *out_nusd, const char *text, size_t size)
{
	return parse(out_nusd, text, size, true);
}

int money_parse_used(int64_t *out_nusd, const char *text, size_t size)
{
	return parse(out_nusd, text, size, false);
}

int64_t money_add(int64_t a_nusd, int64_t b_nusd)
{
	int64_t sum;

	if (__builtin_add_overflow(a_nusd, b_nusd, &sum))
		return b_nusd < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

int64_t money_sub(int64_t a_nusd, int64_t b_nusd)
{
	int64_t rest;

	if (__builtin_sub_overflow(a_nusd, b_nusd, &rest))
		return b_nusd < 0 ? INT64_MAX : INT64_MIN;
	return rest;
}
