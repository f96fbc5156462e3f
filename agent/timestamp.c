// SPDX-License-Identifier: GPL-2.0-only
/*
 * RFC 3339 as Go's time.Time reads it from JSON.  That is stricter than the
 * RFC: 'T' and 'Z' are upper case and no minute has a second 60.
 */
#include "timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000
#define NS_DIGITS 9

struct cursor {
	const char *at;
	const char *end;
};

static bool take(struct cursor *c, char byte)
{
	if (c->at == c->end || *c->at != byte)
		return false;
	c->at++;
	return true;
}

static bool is_digit(const struct cursor *c)
{
	return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

/* Exactly width digits, the value within min and max. */
static bool take_number(struct cursor *c, int width, int min, int max, int *out)
{
	int n = 0;

	for (int i = 0; i < width; i++) {
		if (!is_digit(c))
			return false;
		n = n * 10 + (*c->at++ - '0');
	}
	*out = n;
	return n >= min && n <= max;
}

static int days_in(int month, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/*
 * Days since 1970-01-01, proleptic Gregorian.  The year is taken to begin in
 * March, so that the leap day is its last and the months' lengths follow
 * 153 days for every five; 400 years are 146097 days, and 719468 days lie
 * between 0000-03-01 and 1970-01-01.
 */
static int64_t days_since_epoch(int year, int month, int day)
{
	int y = month > 2 ? year : year - 1;
	int month_from_march = (month + 9) % 12;
	int era = (y + 400) / 400 - 1; /* y is -1 at least */
	int year_of_era = y - era * 400;
	int day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 -
			 year_of_era / 100 + day_of_year;

	return (int64_t)era * 146097 + day_of_era - 719468;
}

static bool take_date(struct cursor *c, int64_t *out_days)
{
	int year, month, day;

	if (!take_number(c, 4, 0, 9999, &year) || !take(c, '-') ||
	    !take_number(c, 2, 1, 12, &month) || !take(c, '-') ||
	    !take_number(c, 2, 1, days_in(month, year), &day))
		return false;
	*out_days = days_since_epoch(year, month, day);
	return true;
}

static bool take_clock(struct cursor *c, int64_t *out_s)
{
	int hour, minute, second;

	if (!take_number(c, 2, 0, 23, &hour) || !take(c, ':') ||
	    !take_number(c, 2, 0, 59, &minute) || !take(c, ':') ||
	    !take_number(c, 2, 0, 59, &second))
		return false;
	*out_s = (hour * 60 + minute) * 60 + second;
	return true;
}

static bool take_fraction(struct cursor *c, int64_t *out_ns)
{
	int64_t ns = 0;
	int digits = 0;

	if (!take(c, '.')) {
		*out_ns = 0;
		return true;
	}
	if (!is_digit(c))
		return false;
	for (; is_digit(c); c->at++) {
		if (digits++ < NS_DIGITS)
			ns = ns * 10 + (*c->at - '0');
	}
	for (; digits < NS_DIGITS; digits++)
		ns *= 10;
	*out_ns = ns;
	return true;
}

static bool take_offset(struct cursor *c, int64_t *out_s)
{
	int hour, minute, sign;

	if (take(c, 'Z')) {
		*out_s = 0;
		return true;
	}
	sign = take(c, '-') ? -1 : 1;
	if (sign > 0 && !take(c, '+'))
		return false;
	if (!take_number(c, 2, 0, 23, &hour) || !take(c, ':') ||
	    !take_number(c, 2, 0, 59, &minute))
		return false;
	*out_s = sign * (hour * 60 + minute) * 60;
	return true;
}

/* One short of the ends: INT64_MAX is PC_NEVER, which no date may mean. */
static int64_t saturated_ns(int64_t s, int64_t ns)
{
	__int128 total = (__int128)s * NS_PER_S + ns;

	if (total <= INT64_MIN)
		return INT64_MIN + 1;
	return total >= INT64_MAX ? INT64_MAX - 1 : (int64_t)total;
}

int timestamp_parse(int64_t *out_ns, const char *text, size_t size)
{
	struct cursor c = { text, text + size };
	int64_t days, clock_s, ns, offset_s;

	if (!take_date(&c, &days) || !take(&c, 'T') ||
	    !take_clock(&c, &clock_s) || !take_fraction(&c, &ns) ||
	    !take_offset(&c, &offset_s) || c.at != c.end)
		return -EINVAL;
	*out_ns = saturated_ns(days * 86400 + clock_s - offset_s, ns);
	return 0;
}

const char *timestamp_print(int64_t ns, char buf[static TIMESTAMP_STRLEN])
{
	time_t s = ns / NS_PER_S;
	int rest = (int)(ns % NS_PER_S);
	struct tm tm;
	size_t at;

	if (rest < 0) {
		rest += NS_PER_S;
		s--;
	}
	gmtime_r(&s, &tm);
	at = strftime(buf, TIMESTAMP_STRLEN, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest) {
		at += (size_t)snprintf(buf + at, TIMESTAMP_STRLEN - at, ".%09d",
				       rest);
		while (buf[at - 1] == '0')
			at--;
	}
	snprintf(buf + at, TIMESTAMP_STRLEN - at, "Z");
	return buf;
}
