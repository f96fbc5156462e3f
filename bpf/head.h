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
static inline __u32 pc_head_name(const struct pc_scan *s, __u32 at)
{
	for (__u32 n = 0; n < PC_NAME_MAX; n += 8) {
		__u64 rest = pc_swar_not_name(pc_head_word(s, at + n));

		if (!rest)
			continue;
		n += pc_swar_first(rest);
		return pc_head_byte(s, at + n) == ':' ? n : 0;
	}
	return 0;
}

static inline __u32 pc_head_header(struct pc_scan *s, __u32 at, __u32 end)
{
	__u32 n, field;
	__u8 c = pc_head_byte(s, at);

	if (c == ' ' || c == '\t')
		return PC_R_OBS_FOLD;
	n = pc_head_name(s, at);
	if (!n || at + n >= end)
		return PC_R_HEAD_SYNTAX;
	field = pc_head_field(s, at, pc_head_ends(s, at, at + n));
	if (field == PC_FIELD_OTHER)
		return PC_NEXT;
	return pc_head_value(s, field, at + n + 1, end);
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
 * A line ends before the '\n' at nl.  PC_SCANNING to go on, PC_NEXT when the
 * head is whole, or the reason it is undecidable.
 */
static inline __u32 pc_head_line(struct pc_scan *s, __u32 nl)
{
	__u32 at = s->line_at, end = nl, r;

	if (end > at && pc_head_byte(s, end - 1) == '\r')
		end--;
	s->line_at = nl + 1;
	if (!s->lines++)
		r = s->answer ? pc_head_status_line(s, end)
			      : pc_head_request_line(s, end);
	else if (at == end)
		return pc_head_end(s, nl + 1);
	else
		r = pc_head_header(s, at, end);
	return r == PC_NEXT ? PC_SCANNING : r;
}

static inline __u32 pc_head_control(struct pc_scan *s, __u32 at)
{
	__u8 c = pc_head_byte(s, at);

	if (c == '\n')
		return pc_head_line(s, at);
	if (c == '\r') /* and nowhere but at a line's end */
		return at + 1 >= s->filled || pc_head_byte(s, at + 1) == '\n'
			       ? PC_SCANNING
			       : PC_R_HEAD_SYNTAX;
	if (c == '\t' && s->lines)
		return PC_SCANNING;
	return s->lines ? PC_R_HEAD_SYNTAX : pc_head_foreign(s);
}

/* The control characters of the eight bytes at "at", in their order; events is
 * their mask.
 */
PC_GLOBAL __u32 pc_head_controls(struct pc_scan *s, __u32 at, __u64 events)
{
	if (!s)
		return PC_R_HEAD_SYNTAX;
	for (int k = 0; k < 8; k++) {
		__u32 pos, r;

		if (!events)
			break;
		pos = at + pc_swar_first(events);
		if (pos >= s->filled)
			break;
		r = pc_head_control(s, pos);
		if (r != PC_SCANNING)
			return r;
		events &= events - 1;
	}
	return PC_SCANNING;
}

/* Most words hold no control character, and calling a loop's body costs more
 * than looking at one.
 */
#define PC_STRIDE 128

static long pc_head_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = (i * PC_STRIDE) & PC_HEAD_MASK;

	for (__u32 k = 0; k < PC_STRIDE; k += 8) {
		__u64 events = pc_swar_control(pc_head_word(s, at + k));
		__u32 r;

		if (!events)
			continue;
		r = pc_head_controls(s, at + k, events);
		if (r != PC_SCANNING) {
			s->reason = r;
			return 1;
		}
	}
	return 0;
}

/*
 * Scans buf[0, filled).  PC_NEXT: a whole head, described by s->head.
 * PC_R_HEAD_SPLIT: no end of it in the buffer.  Anything else: undecidable, and
 * where the head ends is unknown.
 */
static inline __u32 pc_head_scan(struct pc_scan *s)
{
	struct pc_scan_arg arg = { s };
	__u32 strides;

	__builtin_memset(&s->head, 0, sizeof(s->head));
	s->line_at = 0;
	s->lines = 0;
	s->reason = PC_SCANNING;
	strides = (s->filled + PC_STRIDE - 1) / PC_STRIDE;
	if (strides > PC_HEAD_MAX / PC_STRIDE)
		strides = PC_HEAD_MAX / PC_STRIDE;
	pc_loop(strides, pc_head_step, &arg);
	if (s->reason != PC_SCANNING)
		return s->reason;
	return s->filled < PC_HEAD_MAX ? PC_R_HEAD_SPLIT : PC_R_HEAD_TOO_LARGE;
}

#endif /* PC_HEAD_H */
