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

/* The size of the line's name where that is of letters and not too long, else
 * 0; and the word that it ends in, or the first.
 */
#define PC_NAME_WORDS 4

PC_INLINE __u32 pc_head_name(const __u8 *line, __u32 *from, __u64 *word)
{
	PC_UNROLL
	for (__u32 n = 0; n < PC_NAME_WORDS * 8; n += 8) {
		__u64 rest, w = PC_LOAD(__u64, line + n);
		__u32 size;

		if (!n)
			*word = w;
		rest = pc_swar_not_letter(w);
		if (!rest)
			continue;
		size = n + pc_swar_first(rest);
		if (line[size] != ':')
			return 0;
		*word = w;
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

/* A control character: PC_NEXT for a line's end, or what it makes of the head.
 */
static inline __u32 pc_head_control(const struct pc_scan *s, __u32 pos)
{
	__u8 c = pc_head_byte(s, pos);

	if (c == '\n')
		return PC_NEXT;
	if (c != '\r')
		return s->lines ? PC_R_HEAD_SYNTAX : pc_head_foreign(s);
	if (pos + 1 >= s->filled)
		return PC_R_HEAD_SPLIT;
	return pc_head_byte(s, pos + 1) == '\n' ? PC_NEXT : PC_R_HEAD_SYNTAX;
}

/* How far is looked before a loop turns. */
#define PC_STRETCH 128

/* From p on, where the word is: the place of what may be a control character,
 * or PC_STRETCH.
 */
PC_INLINE __u64 pc_head_seek(const __u8 *p, __u64 word)
{
	PC_UNROLL
	for (__u32 n = 0; n < PC_STRETCH; n += 8) {
		__u64 w = n ? PC_LOAD(__u64, p + n) : word;
		__u64 events = pc_swar_control(w);

		if (events)
			return n + pc_swar_first(events);
	}
	return PC_STRETCH;
}

/* Control characters, but for tabs, which values may hold. */
PC_INLINE __u64 pc_head_controls(const struct pc_scan *s, __u64 w)
{
	__u64 controls = pc_swar_control_exact(w);

	return s->lines ? controls & ~pc_swar_eq(w, '\t') : controls;
}

static long pc_head_far_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = s->at + i * PC_STRETCH;
	const __u8 *p = s->buf + (at & PC_HEAD_MASK);

	PC_NO_UNROLL
	for (__u32 n = 0; n < PC_STRETCH; n += 8) {
		__u64 events = pc_head_controls(s, PC_LOAD(__u64, p + n));

		if (!events)
			continue;
		at += n + pc_swar_first(events);
		s->line_end = at;
		if (at < s->filled)
			s->reason = pc_head_control(s, at);
		return 1;
	}
	return at + PC_STRETCH >= s->filled;
}

/*
 * A line's end at or behind "at", wherever it is.  PC_NEXT: it is at
 * s->line_end, and the next line begins at s->at.
 */
PC_GLOBAL __u32 pc_head_far(struct pc_scan *s, __u32 at)
{
	struct pc_scan_arg arg = { s };

	if (!s)
		return PC_R_HEAD_SYNTAX;
	s->at = at;
	s->reason = PC_R_HEAD_SPLIT;
	pc_loop(PC_HEAD_MAX / PC_STRETCH + 1, pc_head_far_step, &arg);
	if (s->reason == PC_NEXT)
		s->at = s->line_end + 1 +
			(pc_head_byte(s, s->line_end) == '\r');
	return s->reason;
}

/* Is there a CRLF at p, which is the byte at "pos"? */
PC_INLINE int pc_head_is_end(const struct pc_scan *s, const __u8 *p, __u32 pos)
{
	return PC_LOAD(__u16, p) == PC_CRLF && pos + 1 < s->filled;
}

/* A line whose name is not of letters, or very long: none that matters is. */
PC_INLINE __u32 pc_head_odd_line(const struct pc_scan *s, __u32 at, __u32 end)
{
	__u8 c = pc_head_byte(s, at);
	__u32 n = pc_head_any_name(s, at);

	if (n && at + n < end)
		return PC_SCANNING;
	return c == ' ' || c == '\t' ? PC_R_OBS_FOLD : PC_R_HEAD_SYNTAX;
}

/* The line at *at, then *at is where the next one begins.  A name holds no
 * control character, so these are looked for from where it ends.
 */
PC_INLINE __u32 pc_head_line(struct pc_scan *s, __u32 *at)
{
	__u32 begin = *at, from = 0, end, size, r;
	const __u8 *p = s->buf + (begin & PC_HEAD_MASK);
	__u64 word, n;

	size = pc_head_name(p, &from, &word);
	n = pc_head_seek(p + from, word);
	end = begin + from + n;
	if (pc_head_is_end(s, p + from + n, end)) {
		*at = end + 2;
	} else {
		r = pc_head_far(s, end);
		if (r != PC_NEXT)
			return r;
		end = s->line_end;
		*at = s->at;
	}
	if (size && !pc_head_may_matter(s, begin, size))
		return PC_SCANNING;
	if (begin == end)
		return pc_head_end(s, *at);
	if (!size)
		return pc_head_odd_line(s, begin, end);
	r = pc_head_field_line(s, begin, size, end);
	return r == PC_NEXT ? PC_SCANNING : r;
}

#define PC_STEP_LINES 20 /* as many as usual: a call costs as some words do */

static long pc_head_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = s->line_at;

	(void)i;
	PC_NO_UNROLL
	for (__u32 k = 0; k < PC_STEP_LINES; k++) {
		__u32 begin = at, r = pc_head_line(s, &at);

		if (r != PC_SCANNING) {
			s->line_at = begin;
			s->reason = r;
			return 1;
		}
	}
	s->line_at = at;
	s->reason = PC_R_HEAD_SPLIT;
	return 0;
}

_Static_assert(PC_HEAD_SLACK >= PC_STRETCH + 8 * PC_NAME_WORDS + 8,
	       "a line may begin anywhere");

/* The fields, from line_at on, until the head ends. */
PC_INLINE __u32 pc_head_lines(struct pc_scan *s)
{
	struct pc_scan_arg arg = { s };

	pc_loop(PC_HEAD_MAX / PC_STEP_LINES + 1, pc_head_step, &arg);
	return s->reason;
}

/* The first line, to its end. */
PC_INLINE __u32 pc_head_first_line(struct pc_scan *s)
{
	__u64 n = pc_head_seek(s->buf, pc_head_word(s, 0));
	__u32 r;

	s->line_end = n;
	s->line_at = n + 2;
	if (!pc_head_is_end(s, s->buf + n, n)) {
		r = pc_head_far(s, n);
		if (r != PC_NEXT) {
			s->line_at = 0;
			return r;
		}
		s->line_at = s->at;
	}
	s->lines = 1;
	return s->answer ? PC_SCANNING : pc_head_request_line(s, s->line_end);
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
