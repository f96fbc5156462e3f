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

#define PC_NAME_WORDS (PC_NAME_MAX / 8)
#define PC_VALUE_WORDS 12
/* Lines, or parts of lines, that one call of the loop's body looks at: a call
 * costs as much as a short line.
 */
#define PC_PARTS 8

/* The name at the line's start when it is not all letters.  PC_SCANNING, or
 * what the line is instead.
 */
PC_GLOBAL __u32 pc_head_name(struct pc_scan *s)
{
	__u32 n;

	if (!s)
		return PC_R_HEAD_SYNTAX;
	for (n = 0; n < PC_NAME_MAX; n += 8) {
		__u64 rest = pc_swar_not_name(pc_head_word(s, s->line_at + n));

		if (!rest)
			continue;
		n += pc_swar_first(rest);
		break;
	}
	s->name = n;
	s->at = s->line_at + n + 1;
	if (s->line_at + n >= s->filled)
		return PC_R_HEAD_SPLIT;
	return n && n < PC_NAME_MAX && pc_head_byte(s, s->at - 1) == ':'
		       ? PC_SCANNING
		       : PC_R_HEAD_SYNTAX;
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

/* A line that does not begin with a letter. */
static inline __u32 pc_head_odd(struct pc_scan *s)
{
	__u32 at = s->line_at;
	__u8 c = pc_head_byte(s, at);

	if (at >= s->filled)
		return PC_R_HEAD_SPLIT;
	if (c == '\n')
		return pc_head_end(s, at + 1);
	if (c == ' ' || c == '\t')
		return PC_R_OBS_FOLD;
	if (c != '\r')
		return pc_head_name(s);
	if (at + 1 >= s->filled)
		return PC_R_HEAD_SPLIT;
	return pc_head_byte(s, at + 1) == '\n' ? pc_head_end(s, at + 2)
					       : PC_R_HEAD_SYNTAX;
}

/* The name at a line's start, s->at behind its colon. */
static inline __u32 pc_head_begin_line(struct pc_scan *s)
{
	__u32 at = s->line_at, i;
	__u64 rest = 0;

	PC_NO_UNROLL
	for (i = 0; i < PC_NAME_WORDS; i++) {
		rest = pc_swar_not_letter(pc_head_word(s, at));
		if (rest)
			break;
		at += 8;
	}
	if (rest)
		at += pc_swar_first(rest);
	if (at == s->line_at)
		return pc_head_odd(s);
	s->name = at - s->line_at;
	s->at = at + 1;
	if (at >= s->filled)
		return PC_R_HEAD_SPLIT;
	return rest && pc_head_byte(s, at) == ':' ? PC_SCANNING
						  : pc_head_name(s);
}

/* A whole line, without its end. */
static inline __u32 pc_head_line(struct pc_scan *s, __u32 at, __u32 end)
{
	__u32 field, r;

	if (!s->lines++)
		return s->answer ? PC_SCANNING
				 : pc_head_request_line(s, s->target.at, end);
	field = pc_head_field(s, at, s->name);
	if (field == PC_FIELD_OTHER)
		return PC_SCANNING;
	r = pc_head_value(s, field, at + s->name + 1, end);
	return r == PC_NEXT ? PC_SCANNING : r;
}

/*
 * A control character: the line's end, a tab, or nothing that belongs there.
 * PC_SCANNING to go on with s->at.
 */
static inline __u32 pc_head_control(struct pc_scan *s, __u32 at)
{
	__u32 c = pc_head_byte(s, at), line = s->line_at, next = at + 1;

	if (at >= s->filled)
		return PC_R_HEAD_SPLIT;
	if (c == '\r') {
		if (next >= s->filled)
			return PC_R_HEAD_SPLIT;
		if (pc_head_byte(s, next) != '\n')
			return PC_R_HEAD_SYNTAX;
		next++;
	} else if (c != '\n') {
		s->at = next;
		if (!s->lines)
			return pc_head_foreign(s);
		return c == '\t' ? PC_SCANNING : PC_R_HEAD_SYNTAX;
	}
	s->line_at = next;
	s->at = next;
	return pc_head_line(s, line, at);
}

/*
 * The next line, or part of a long one.  PC_SCANNING to go on, PC_NEXT when the
 * head is whole, or why there is no more to it.
 */
static inline __u32 pc_head_part(struct pc_scan *s)
{
	__u64 event = 0;
	__u32 at, r;

	if (s->at == s->line_at) {
		r = pc_head_begin_line(s);
		if (r != PC_SCANNING)
			return r;
	}
	at = s->at;
	PC_NO_UNROLL
	for (int i = 0; i < PC_VALUE_WORDS; i++) {
		event = pc_swar_control(pc_head_word(s, at));
		if (event)
			break;
		at += 8;
	}
	if (event)
		return pc_head_control(s, at + pc_swar_first(event));
	s->at = at;
	return at < s->filled ? PC_SCANNING : PC_R_HEAD_SPLIT;
}

static long pc_head_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;

	(void)i;
	PC_NO_UNROLL
	for (int k = 0; k < PC_PARTS; k++) {
		__u32 r = pc_head_part(s);

		if (r != PC_SCANNING) {
			s->reason = r;
			return 1;
		}
	}
	return 0;
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
	struct pc_scan_arg arg = { s };
	__u32 r = PC_SCANNING;

	s->at = s->line_at;
	if (!s->lines)
		r = s->answer ? pc_head_status(s) : pc_head_first(s);
	if (r == PC_SCANNING) {
		s->reason = PC_R_HEAD_SPLIT;
		/* A part takes a byte at least. */
		pc_loop(PC_HEAD_MAX / PC_PARTS + 1, pc_head_step, &arg);
		r = s->reason;
	}
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
