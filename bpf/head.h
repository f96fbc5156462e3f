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

/* The same, without a call where the name is of letters and not too long. */
#define PC_NAME_WORDS 4

PC_INLINE __u32 pc_head_name(const struct pc_scan *s, __u32 at)
{
	PC_NO_UNROLL
	for (__u32 n = 0; n < PC_NAME_WORDS * 8; n += 8) {
		__u64 rest = pc_swar_not_letter(pc_head_word(s, at + n));

		if (!rest)
			continue;
		n += pc_swar_first(rest);
		if (n && pc_head_byte(s, at + n) == ':')
			return n;
		break;
	}
	return pc_head_any_name(s, at);
}

PC_INLINE __u32 pc_head_header(struct pc_scan *s, __u32 at, __u32 end)
{
	__u32 n = pc_head_name(s, at), r;
	__u8 c = pc_head_byte(s, at);

	if (!n || at + n >= end)
		return c == ' ' || c == '\t' ? PC_R_OBS_FOLD : PC_R_HEAD_SYNTAX;
	if (!pc_head_may_matter(s, at, n))
		return PC_SCANNING;
	r = pc_head_field_line(s, at, n, end);
	return r == PC_NEXT ? PC_SCANNING : r;
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

/*
 * A line without its end, and where the next one begins.  PC_SCANNING to go on,
 * PC_NEXT when the head is whole, or the reason it is undecidable.
 */
PC_INLINE __u32 pc_head_line(struct pc_scan *s, __u32 end, __u32 next)
{
	__u32 at = s->line_at;

	s->line_at = next;
	if (!s->lines++) {
		s->target.end = end;
		return PC_FIRST_LINE;
	}
	if (at == end)
		return pc_head_end(s, next);
	return pc_head_header(s, at, end);
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

/* The first control character of the eight bytes at "at", taken out of events;
 * with a '\r' the '\n' that must follow it.
 */
PC_INLINE __u32 pc_head_control(struct pc_scan *s, __u32 at, __u64 *events)
{
	__u32 pos = at + pc_swar_first(*events);
	__u8 c = pc_head_byte(s, pos);

	*events &= *events - 1;
	/* Of a line done with: one that began in the middle of these bytes, or
	 * a '\n' whose '\r' is in the eight before.
	 */
	if (pos < s->line_at)
		return PC_SCANNING;
	if (pos >= s->filled)
		return PC_R_HEAD_SPLIT;
	if (c == '\r') {
		*events &= *events - 1;
		if (pos + 1 >= s->filled)
			return PC_R_HEAD_SPLIT;
		if (pc_head_byte(s, pos + 1) != '\n')
			return PC_R_HEAD_SYNTAX;
		return pc_head_line(s, pos, pos + 2);
	}
	if (c != '\n')
		return pc_head_stray(s, c);
	return pc_head_line(s, pos, pos + 1);
}

/* All of them, in their order. */
PC_GLOBAL __u32 pc_head_controls(struct pc_scan *s, __u32 at, __u64 events)
{
	if (!s)
		return PC_R_HEAD_SYNTAX;
	PC_NO_UNROLL
	for (int k = 0; k < 8; k++) {
		__u32 r;

		if (!events)
			break;
		r = pc_head_control(s, at, &events);
		if (r != PC_SCANNING)
			return r;
	}
	return PC_SCANNING;
}

/* Most words hold no control character, few more than a line's end, and a call
 * costs more than looking at ten words.
 */
#define PC_STRIDE 128

static long pc_head_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = (s->at + i * PC_STRIDE) & PC_HEAD_MASK;
	const __u8 *p = s->buf + at;

	PC_NO_UNROLL
	for (__u32 k = 0; k < PC_STRIDE; k += 8) {
		__u64 events = pc_swar_control(PC_LOAD(__u64, p + k));
		__u32 r;

		if (!events)
			continue;
		r = pc_head_control(s, at + k, &events);
		if (r == PC_SCANNING && events)
			r = pc_head_controls(s, at + k, events);
		if (r != PC_SCANNING) {
			s->reason = r;
			return 1;
		}
	}
	return 0;
}

_Static_assert(PC_HEAD_SLACK >= PC_STRIDE, "a stride may begin anywhere");

/* From line_at on, until the first line ends or the head does. */
PC_INLINE __u32 pc_head_lines(struct pc_scan *s)
{
	struct pc_scan_arg arg = { s };
	__u32 strides;

	/* Words are looked at where they are aligned. */
	s->at = s->line_at & ~7u;
	s->reason = PC_R_HEAD_SPLIT;
	strides = (s->filled - s->at + PC_STRIDE - 1) / PC_STRIDE;
	if (strides > PC_HEAD_MAX / PC_STRIDE)
		strides = PC_HEAD_MAX / PC_STRIDE;
	pc_loop(strides, pc_head_step, &arg);
	return s->reason;
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

	if (!s->lines)
		r = s->answer ? pc_head_status(s) : pc_head_first(s);
	if (r == PC_SCANNING)
		r = pc_head_lines(s);
	/* Here, not within the lines: a BPF stack is not deep. */
	if (r == PC_FIRST_LINE)
		r = s->answer ? PC_SCANNING
			      : pc_head_request_line(s, s->target.end);
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
