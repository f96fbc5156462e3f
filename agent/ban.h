/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ban: who, until when, why, and what a second one makes of the first.  Pure:
 * no I/O, no clock.
 */
#ifndef BAN_H
#define BAN_H

#include <stdbool.h>
#include <stdint.h>

#include "pc_abi.h"
#include "prefix.h"

#define BAN_REASON_SIZE 128 /* with its NUL */

/* As the database has them: append only. */
enum ban_by {
	BAN_BY_OPERATOR,
	BAN_BY_AUTO
};

struct ban {
	struct prefix prefix;
	int64_t made_ns; /* Unix time; an extended ban's is the first one's */
	int64_t expires_ns; /* over after it; PC_NEVER */
	uint8_t made_by;    /* enum ban_by */
	uint32_t times;	    /* how often BAN_BY_AUTO */
	char reason[BAN_REASON_SIZE];
};

/* How long automatic bans are. */
struct ban_rule {
	uint64_t base_ns; /* the first time; twice as long each next time */
	uint64_t max_ns;  /* 0: no end to doubling */
};

bool ban_holds(const struct ban *b, int64_t now_ns);

/* Clocks are set by less than this all the time. */
#define BAN_CLOCK_SLACK_NS 10000000000LL
/*
 * A ban from the future was made by a clock that was ahead: it is given its
 * length from now on, which is always less than it had.  False: it is not.
 */
bool ban_correct(struct ban *b, int64_t now_ns);

/* When a ban of that length is over; 0, or past all time: PC_NEVER. */
int64_t ban_end_ns(int64_t now_ns, uint64_t length_ns);

/*
 * What holds when want comes to old (NULL: there was none): the later end.  A
 * ban in force that is extended without a reason keeps its own.
 */
void ban_merge(struct ban *out, const struct ban *old, const struct ban *want);

/* As ban_merge() for an automatic ban, whose end it finds: -EALREADY, with old
 * in *out: that one is in force.
 */
int ban_repeat(struct ban *out, const struct ban *old, const struct ban *want,
	       const struct ban_rule *rule);

/* Until when it is remembered, so that the next one is longer. */
int64_t ban_keep_ns(const struct ban *b);

/* What is wrong with a reason, or NULL: it is short UTF-8 without controls. */
const char *ban_check_reason(const char *text);

const char *ban_by_name(enum ban_by by);

#endif /* BAN_H */
