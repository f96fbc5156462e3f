/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The head of an HTTP/1.x request: where its parts are, how its body is framed,
 * and which headers bear on a verdict.  Plain C, compiled for BPF and natively.
 *
 * It reads as Go's net/http reads, and answers "undecidable" to whatever that
 * might refuse or read differently: a head it accepts means the same to both.
 */
#ifndef PC_HEAD_H
#define PC_HEAD_H

#include "fields.h"
#include "target.h"

/* Length of the field name at a line's start; 0: no name we would swear to. */
PC_GLOBAL __u32 pc_head_any_name(const struct pc_scan *s, __u32 at)
{
	if (!s)
		return 0;
	for (__u32 n = 0; n < PC_NAME_MAX; n += 8) {
		__u64 rest = pc_swar_not_name(pc_head_word(s, at + n));

		if (!rest)
			continue;
		n += pc_swar_first(rest);
		return pc_head_byte(s, at + n) == ':' ? n : 0;
	}
	return 0;
}

/* The size of the line's name where that is of letters and not too long, and in
 * *from the word that it ends in; else 0.
 */
#define PC_NAME_WORDS 4

PC_INLINE __u32 pc_head_name(const __u8 *line, __u32 *from)
{
	PC_UNROLL
	for (__u32 n = 0; n < PC_NAME_WORDS * 8; n += 8) {
		__u64 rest = pc_swar_not_letter(PC_LOAD(__u64, line + n));
		__u32 size;

		if (!rest)
			continue;
		size = n + pc_swar_first(rest);
		if (line[size] != ':')
			return 0;
		*from = n;
		return size;
	}
	return 0;
}

/* The empty line: is what was read a head that the gateway would take? */
static inline __u32 pc_head_end(struct pc_scan *s, __u32 size)
{
	__u32 flags = s->head.flags;

	s->head.size = size;
	if (!(flags & (PC_H_HOST | PC_H_HTTP10)) && !s->answer)
		return PC_R_HEAD_HOST;
	if ((flags & PC_H_CHUNKED) && (flags & (PC_H_LENGTH | PC_H_HTTP10)))
		return PC_R_HEAD_FRAMING;
	return PC_NEXT;
}

/* A control character that ends no line; or none, as masks are not exact. */
static inline __u32 pc_head_stray(const struct pc_scan *s, __u8 c)
{
	if (c >= ' ' && c != 0x7f)
		return PC_SCANNING;
	if (c == '\t' && s->lines)
		return PC_SCANNING;
	return s->lines ? PC_R_HEAD_SYNTAX : pc_head_foreign(s);
}

/* What may be a control character, and is no whole CRLF: PC_NEXT for a line's
 * end.
 */
PC_GLOBAL __u32 pc_head_control(const struct pc_scan *s, __u32 pos)
{
	__u8 c;

	if (!s)
		return PC_R_HEAD_SYNTAX;
	c = pc_head_byte(s, pos);
	if (pos >= s->filled)
		return PC_R_HEAD_SPLIT;
	if (c == '\r')
		return pos + 1 < s->filled ? PC_R_HEAD_SYNTAX : PC_R_HEAD_SPLIT;
	return c == '\n' ? PC_NEXT : pc_head_stray(s, c);
}

/* How far is looked before a loop turns. */
#define PC_STRETCH 128

/* Where there may be a control character; PC_STRETCH if nowhere before that. */
PC_INLINE __u64 pc_head_seek(const __u8 *p)
{
	PC_UNROLL
	for (__u32 n = 0; n < PC_STRETCH; n += 8) {
		__u64 events = pc_swar_control(PC_LOAD(__u64, p + n));

		if (events)
			return n + pc_swar_first(events);
	}
	return PC_STRETCH;
}

/*
 * From "at", which p points to, towards the line's end.  PC_NEXT: that is at
 * *end, and the next line begins at *at.  PC_SCANNING: to go on at *at.
 */
PC_INLINE __u32 pc_head_look(const struct pc_scan *s, const __u8 *p, __u32 *at,
			     __u32 *end)
{
	__u64 n = pc_head_seek(p);
	__u32 pos = *at + n;

	*end = pos;
	if (PC_LOAD(__u16, p + n) == PC_CRLF && pos + 1 < s->filled) {
		*at = pos + 2;
		return PC_NEXT;
	}
	if (n < PC_STRETCH) {
		*at = pos + 1;
		return pc_head_control(s, pos);
	}
	*at = pos;
	return pos < s->filled ? PC_SCANNING : PC_R_HEAD_SPLIT;
}

#define PC_NAME_OTHER 0xffffu /* of a field that does not matter */

/* A line, unless its name is PC_NAME_OTHER. */
PC_INLINE __u32 pc_head_header(struct pc_scan *s, __u32 at, __u32 end,
			       __u32 next)
{
	__u32 n = s->name, r;
	__u8 c = pc_head_byte(s, at);

	if (at == end)
		return pc_head_end(s, next);
	if (!n)
		n = pc_head_any_name(s, at);
	if (!n || at + n >= end)
		return c == ' ' || c == '\t' ? PC_R_OBS_FOLD : PC_R_HEAD_SYNTAX;
	r = pc_head_field_line(s, at, n, end);
	return r == PC_NEXT ? PC_SCANNING : r;
}

/* The line at hand, or what is left of it, from *at on.  Names are free of
 * control characters, so these are looked for where the name ends.
 */
PC_INLINE __u32 pc_head_line(struct pc_scan *s, __u32 *at)
{
	__u32 here = *at & PC_HEAD_MASK, from = 0, begin = s->line_at, end, r;

	if (*at == begin) {
		__u32 n = pc_head_name(s->buf + here, &from);

		if (n && !pc_head_may_matter(s, here, n))
			n = PC_NAME_OTHER;
		s->name = n;
	}
	*at += from;
	r = pc_head_look(s, s->buf + here + from, at, &end);
	if (r != PC_NEXT)
		return r;
	s->line_at = *at;
	if (s->name == PC_NAME_OTHER)
		return PC_SCANNING;
	return pc_head_header(s, begin, end, *at);
}

#define PC_STEP_LINES 12 /* a call costs as much as some words */

static long pc_head_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = s->at;

	(void)i;
	PC_NO_UNROLL
	for (__u32 k = 0; k < PC_STEP_LINES; k++) {
		__u32 r = pc_head_line(s, &at);

		if (r != PC_SCANNING) {
			s->reason = r;
			return 1;
		}
	}
	s->at = at;
	return 0;
}

_Static_assert(PC_HEAD_SLACK >= PC_STRETCH + 8 * PC_NAME_WORDS + 8,
	       "a line may begin anywhere");

/* The fields, from line_at on, until the head ends. */
PC_INLINE __u32 pc_head_lines(struct pc_scan *s)
{
	struct pc_scan_arg arg = { s };

	s->at = s->line_at;
	s->reason = PC_R_HEAD_SPLIT;
	pc_loop(PC_HEAD_MAX / PC_STEP_LINES + 1, pc_head_step, &arg);
	return s->reason;
}

/* The first line has no name, and its end is the target's at first. */
static long pc_head_first_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = s->at, end;

	(void)i;
	s->reason = pc_head_look(s, s->buf + (at & PC_HEAD_MASK), &at, &end);
	s->at = at;
	s->target.end = end;
	return s->reason != PC_SCANNING;
}

/* The first line, to its end. */
PC_INLINE __u32 pc_head_first_line(struct pc_scan *s)
{
	struct pc_scan_arg arg = { s };

	s->at = 0;
	if (!pc_head_first_step(0, &arg))
		pc_loop(PC_HEAD_MAX, pc_head_first_step, &arg);
	if (s->reason != PC_NEXT)
		return s->reason == PC_SCANNING ? PC_R_HEAD_SPLIT : s->reason;
	s->line_at = s->at;
	s->lines = 1;
	return PC_SCANNING;
}

/*
 * Scans on after bytes were added to buf[0, filled), with what pc_head_scan()
 * found in those before.  Of these only the ones from line_at on are looked at
 * again.  PC_NEXT: a whole head, described by s->head.  PC_R_HEAD_SPLIT: the
 * bytes may become one.  Anything else: undecidable whatever follows, and where
 * the head ends is unknown.
 */
static inline __u32 pc_head_scan_more(struct pc_scan *s)
{
	__u32 r = PC_SCANNING;

	if (!s->lines) {
		r = s->answer ? pc_head_status(s) : pc_head_first(s);
		if (r == PC_SCANNING)
			r = pc_head_first_line(s);
		if (r == PC_SCANNING && !s->answer)
			r = pc_head_request_line(s, s->target.end);
	}
	if (r == PC_SCANNING)
		r = pc_head_lines(s);
	if (r == PC_R_HEAD_SPLIT && s->filled >= PC_HEAD_MAX)
		return PC_R_HEAD_TOO_LARGE;
	return r;
}

/* Before the first bytes, of a request's head or an answer's. */
static inline void pc_head_scan_begin(struct pc_scan *s, __u32 answer)
{
	__builtin_memset(&s->head, 0, sizeof(s->head));
	s->line_at = 0;
	s->lines = 0;
	s->answer = answer;
}

/* Scans buf[0, filled) as a request's head. */
static inline __u32 pc_head_scan(struct pc_scan *s)
{
	pc_head_scan_begin(s, 0);
	return pc_head_scan_more(s);
}

#endif /* PC_HEAD_H */
