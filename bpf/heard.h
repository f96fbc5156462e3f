/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The head of an answer, written the way nearly all are: only where it ends and
 * how its body is framed, at a fraction of what the whole scanner costs.  Plain
 * C, compiled for BPF and natively.
 *
 * It says nothing of a head with anything out of the ordinary in it, which is
 * then for the scanner: what it does understand means the same to both.
 */
#ifndef PC_HEARD_H
#define PC_HEARD_H

#include "target.h"

#define PC_HEARD_MAX 512 /* bytes looked at, a power of two */
#define PC_HEARD_LINES 32
/* One for every eight bytes, and one more where a line ends. */
#define PC_HEARD_STEPS (PC_HEARD_MAX / 8 + PC_HEARD_LINES)

#define PC_HEARD_LINE_END 0x0a0d /* "\r\n", as it is loaded */
#define PC_FOLD (0x20 * PC_ONES) /* lower case; a control never gets so far */

/* "HTTP/1.1 NNN", with a blank or the line's end behind; else 0. */
PC_INLINE __u32 pc_heard_status(const __u8 *p)
{
	__u64 w = PC_LOAD(__u64, p + 8);
	__u32 a = (w >> 8 & 0xff) - '0', b = (w >> 16 & 0xff) - '0',
	      c = (w >> 24 & 0xff) - '0';

	if (PC_LOAD(__u64, p) != PC_W8("HTTP/1.1") || (w & 0xff) != ' ' ||
	    (w >> 32 & 0xff) > ' ' || a > 9 || b > 9 || c > 9)
		return 0;
	return a * 100 + b * 10 + c;
}

/* Up to seven digits and a '\r'. */
PC_INLINE int pc_heard_number(__u32 *out, const __u8 *p)
{
	__u64 t = PC_LOAD(__u64, p) ^ '0' * PC_ONES;
	__u64 other = ((t + 0x76 * PC_ONES) | t) & PC_HIGH;
	__u32 n;

	if (!other)
		return 0;
	n = pc_swar_first(other);
	if (!n || (t >> 8 * n & 0xff) != ('\r' ^ '0'))
		return 0;
	/* With noughts before them: pairs, fours and all of them. */
	t <<= 64 - 8 * n;
	t = t * (1 + (10 << 8)) >> 8 & 0x00ff00ff00ff00ffULL;
	t = t * (1 + (100 << 16)) >> 16 & 0x0000ffff0000ffffULL;
	*out = t * (1 + (10000ULL << 32)) >> 32;
	return 1;
}

/* A line that begins with "content-". */
PC_INLINE int pc_heard_content(struct pc_head *h, const __u8 *p)
{
	__u64 w = PC_LOAD(__u64, p + 8) | PC_FOLD;

	if (w != PC_W8("length: "))
		return w << 16 != PC_W8("length: ") << 16;
	if (h->flags & PC_H_LENGTH)
		return 0;
	h->flags |= PC_H_LENGTH;
	return pc_heard_number(&h->content_length, p + 16);
}

/* A line that begins with "transfer". */
PC_INLINE int pc_heard_coding(struct pc_head *h, const __u8 *p)
{
	if ((PC_LOAD(__u64, p + 8) | PC_FOLD) != PC_W8("-encodin") ||
	    (PC_LOAD(__u64, p + 16) | PC_FOLD) != PC_W8("g: chunk") ||
	    (PC_LOAD(__u32, p + 24) | 0x2020) != 0x0a0d6465 ||
	    h->flags & PC_H_CHUNKED)
		return 0;
	h->flags |= PC_H_CHUNKED;
	return 1;
}

/* May the head go on after this line, which is not empty? */
PC_INLINE int pc_heard_line(struct pc_head *h, const __u8 *p)
{
	__u64 w = PC_LOAD(__u64, p) | PC_FOLD;

	if (w == PC_W8("content-"))
		return pc_heard_content(h, p);
	if (w == PC_W8("transfer"))
		return pc_heard_coding(h, p);
	if (w == PC_W8("connecti"))
		return (PC_LOAD(__u64, p + 8) | PC_FOLD) == PC_W8("on: keep") &&
		       (PC_LOAD(__u64, p + 16) | 0x202020202020ULL) ==
			       PC_W8("-alive\r\n");
	/* The line before goes on, or this one is no header at all. */
	if ((__u8)PC_LOAD(__u64, p) <= ' ')
		return 0;
	return w << 8 != PC_W8("upgrade:") << 8;
}

/* The framing of a head whose lines are fine. */
PC_INLINE int pc_heard_end(const struct pc_head *h)
{
	return (h->flags & (PC_H_LENGTH | PC_H_CHUNKED)) !=
	       (PC_H_LENGTH | PC_H_CHUNKED);
}

/*
 * The head at the beginning of buf[0, filled).  1: size, status, framing in
 * s->head.  0: it is longer than that, or for the whole scanner to say.
 */
PC_GLOBAL int pc_heard_scan(struct pc_scan *s)
{
	__u32 at;

	if (!s)
		return 0;
	/* Read back: known numbers would be a state each to the verifier. */
	*(volatile __u32 *)&s->at = PC_STATUS_END;
	at = *(volatile __u32 *)&s->at;
	s->head.flags = 0;
	s->head.content_length = 0;
	s->head.status = pc_heard_status(s->buf);
	if (!s->head.status)
		return 0;
	PC_NO_UNROLL
	for (int i = 0; i < PC_HEARD_STEPS; i++) {
		const __u8 *p = s->buf + (at & (PC_HEARD_MAX - 1));
		__u64 stop = pc_swar_control(PC_LOAD(__u64, p));

		if (at + 4 > s->filled)
			return 0;
		if (!stop) {
			at += 8;
			continue;
		}
		at += pc_swar_first(stop);
		p = s->buf + (at & (PC_HEARD_MAX - 1));
		if (PC_LOAD(__u16, p) != PC_HEARD_LINE_END ||
		    at + 4 > s->filled)
			return 0;
		at += 2;
		if (PC_LOAD(__u16, p + 2) == PC_HEARD_LINE_END) {
			s->head.size = at + 2;
			return pc_heard_end(&s->head);
		}
		if (!pc_heard_line(&s->head, p + 2))
			return 0;
	}
	return 0;
}

#endif /* PC_HEARD_H */
