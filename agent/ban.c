// SPDX-License-Identifier: GPL-2.0-only
#include "ban.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DAY_NS (24 * 3600 * 1000000000LL)

bool ban_holds(const struct ban *b, int64_t now_ns)
{
	return now_ns <= b->expires_ns;
}

bool ban_correct(struct ban *b, int64_t now_ns)
{
	int64_t ahead_ns;

	if (__builtin_sub_overflow(b->made_ns, now_ns, &ahead_ns))
		ahead_ns = b->made_ns < now_ns ? 0 : INT64_MAX;
	if (ahead_ns <= BAN_CLOCK_SLACK_NS)
		return false;
	b->made_ns = now_ns;
	if (b->expires_ns != PC_NEVER &&
	    __builtin_sub_overflow(b->expires_ns, ahead_ns, &b->expires_ns))
		b->expires_ns = INT64_MIN;
	return true;
}

int64_t ban_end_ns(int64_t now_ns, uint64_t length_ns)
{
	int64_t end_ns;

	if (!length_ns || __builtin_add_overflow(now_ns, length_ns, &end_ns))
		return PC_NEVER;
	return end_ns;
}

void ban_merge(struct ban *out, const struct ban *old, const struct ban *want)
{
	struct ban b = *want;

	if (old && b.times < old->times)
		b.times = old->times;
	if (old && ban_holds(old, b.made_ns)) {
		b.made_ns = old->made_ns;
		if (b.expires_ns < old->expires_ns)
			b.expires_ns = old->expires_ns;
		if (!b.reason[0])
			memcpy(b.reason, old->reason, sizeof(b.reason));
	}
	*out = b;
}

/* The end of the next one after so many. */
static int64_t repeat_end_ns(const struct ban_rule *rule, uint32_t times,
			     int64_t now_ns)
{
	uint64_t max_ns = rule->max_ns ? rule->max_ns : INT64_MAX;
	uint64_t length_ns = rule->base_ns;

	while (times-- && length_ns < max_ns)
		length_ns *= 2;
	return ban_end_ns(now_ns, length_ns < max_ns ? length_ns : max_ns);
}

int ban_repeat(struct ban *out, const struct ban *old, const struct ban *want,
	       const struct ban_rule *rule)
{
	struct ban b = *want;

	if (old && ban_holds(old, b.made_ns)) {
		*out = *old;
		return -EALREADY;
	}
	b.made_by = BAN_BY_AUTO;
	b.times = old ? old->times : 0;
	b.expires_ns = repeat_end_ns(rule, b.times, b.made_ns);
	b.times += b.times < UINT32_MAX;
	*out = b;
	return 0;
}

int64_t ban_keep_ns(const struct ban *b)
{
	int64_t length_ns = b->expires_ns - b->made_ns, keep_ns;

	if (b->expires_ns == PC_NEVER ||
	    __builtin_add_overflow(b->expires_ns,
				   length_ns > DAY_NS ? length_ns : DAY_NS,
				   &keep_ns))
		return PC_NEVER;
	return keep_ns;
}

/* C0, DEL, and what of C1 UTF-8 can hold. */
static bool is_control(const unsigned char *c)
{
	return *c < ' ' || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0);
}

const char *ban_check_reason(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	json_t *valid;

	if (strlen(text) >= BAN_REASON_SIZE)
		return "longer than 127 bytes";
	for (; *c; c++) {
		if (is_control(c))
			return "has control characters";
	}
	valid = json_string(text);
	json_decref(valid);
	return valid ? NULL : "not UTF-8";
}

const char *ban_by_name(enum ban_by by)
{
	return by == BAN_BY_AUTO ? "auto" : "operator";
}
