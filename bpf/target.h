/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first line of HTTP/1.x: of a request method, target and version, of an
 * answer version and status.
 */
#ifndef PC_TARGET_H
#define PC_TARGET_H

#include "path.h"
#include "scan.h"

/* The first n bytes of a word, 0 to 8, as a mask. */
static inline __u64 pc_target_first(__u32 n)
{
	return n >= 8 ? PC_HIGH : PC_HIGH & ((1ULL << n * 8 % 64) - 1);
}

/*
 * A path with escapes, dots or empty segments is the gateway's to resolve.
 * "within" masks the bytes that are the path's.
 */
static inline __u64 pc_target_path(struct pc_target *t, __u64 w, __u64 within)
{
	__u64 slash = pc_swar_eq(w, '/');
	__u64 behind = slash << 8 | (t->after_slash ? 0x80 : 0);

	t->after_slash = slash >> 63;
	return (pc_swar_eq(w, '%') | (behind & (slash | pc_swar_eq(w, '.')))) &
	       within;
}

/* A parameter named key or api_key, however it is written, shows as "key" or
 * hides behind an escape.
 */
static inline __u64 pc_target_query(const struct pc_scan *s, __u32 at, __u64 w,
				    __u64 within)
{
	__u64 key = pc_swar_eq(w, 'k') &
		    pc_swar_eq(pc_head_word(s, at + 1), 'e') &
		    pc_swar_eq(pc_head_word(s, at + 2), 'y');

	return (key | pc_swar_eq(w, '%') | pc_swar_eq(w, '+') |
		pc_swar_eq(w, ';')) &
	       within;
}

/* Eight bytes of the target; 1: it is not one we follow. */
PC_INLINE int pc_target_word(struct pc_scan *s, __u32 at)
{
	struct pc_target *t = &s->target;
	__u64 w = pc_head_word(s, at), in = pc_target_first(t->end - at);
	__u64 mark, path = in;

	if ((pc_swar_eq(w, ' ') | pc_swar_eq(w, '#')) & in) {
		t->bad = PC_R_TARGET_FORM;
		return 1;
	}
	if (!t->query_at) {
		mark = pc_swar_eq(w, '?') & in;
		if (mark) {
			path = in & ((mark & -mark) - 1);
			t->query_at = at + pc_swar_first(mark) + 1;
		}
		if (pc_target_path(t, w, path))
			t->bad = PC_R_PATH_UNSURE;
		in &= ~path;
	}
	if (t->query_at && pc_target_query(s, at, w, in))
		s->head.flags |= PC_H_QUERY_UNSURE;
	return 0;
}

#define PC_TARGET_STRIDE 64

static long pc_target_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = s->target.at + (i + 1) * PC_TARGET_STRIDE;

	PC_NO_UNROLL
	for (int k = 0; k < PC_TARGET_STRIDE / 8; k++) {
		if (at >= s->target.end || pc_target_word(s, at))
			return 1;
		at += 8;
	}
	return 0;
}

/* Most targets are short, and a loop is entered at the price of a call. */
static inline void pc_target_walk(struct pc_scan *s)
{
	struct pc_scan_arg arg = { s };
	__u32 at = s->target.at;

	PC_NO_UNROLL
	for (int k = 0; k < PC_TARGET_STRIDE / 8; k++) {
		if (at >= s->target.end || pc_target_word(s, at))
			return;
		at += 8;
	}
	pc_loop(PC_TARGET_MAX / PC_TARGET_STRIDE, pc_target_step, &arg);
}

/* May the target be a whole URL?  Of CONNECT it would be a tunnel's end. */
static inline int pc_target_may_be_absolute(const struct pc_scan *s, __u8 c)
{
	return c == 'h' && s->head.method != PC_METHOD_OTHER;
}

PC_GLOBAL int pc_target_is_absolute(const struct pc_scan *s, __u32 at)
{
	__u64 w;

	if (!s)
		return 0;
	w = pc_head_word(s, at);
	return pc_target_may_be_absolute(s, w & 0xff) &&
	       (w == PC_W8("https://") ||
		(w & ~0ULL >> 8) == PC_W8("http://\0"));
}

static inline __u32 pc_head_target(struct pc_scan *s, __u32 at, __u32 end)
{
	struct pc_target *t = &s->target;

	if (at >= end || end - at > PC_TARGET_MAX ||
	    (pc_head_byte(s, at) != '/' && !pc_target_is_absolute(s, at)))
		return PC_R_TARGET_FORM;
	*t = (struct pc_target){ .at = at, .end = end };
	pc_target_walk(s);
	if (t->bad == PC_R_TARGET_FORM)
		return t->bad;
	s->head.path.at = at;
	s->head.path.size = (t->query_at ? t->query_at - 1 : end) - at;
	s->head.query.at = t->query_at;
	s->head.query.size = t->query_at ? end - t->query_at : 0;
	/* A slash at the end makes another route of it, or a redirection. */
	if (s->head.path.size > 1 &&
	    pc_head_byte(s, at + s->head.path.size - 1) == '/')
		t->bad = PC_R_PATH_UNSURE;
	if (pc_head_byte(s, at) != '/')
		t->bad = PC_R_TARGET_FORM;
	/* Such a target can be followed, it just cannot be judged. */
	if (t->bad)
		s->head.path.size = 0;
	else
		s->head.path_class = pc_path_all(s->buf + (at & PC_HEAD_MASK),
						 s->head.path.size);
	return PC_SCANNING;
}

/* A line that is no request line of HTTP/1: say what it looks like. */
static inline __u32 pc_head_foreign(const struct pc_scan *s)
{
	__u64 w = pc_head_word(s, 0);

	if ((w & 0xff) == 0x16)
		return PC_R_TLS;
	if ((w & 0xffffffff) == (PC_W8("PRI \0\0\0\0") & 0xffffffff))
		return PC_R_H2C;
	return PC_R_NOT_HTTP;
}

static inline __u32 pc_head_method(__u64 w)
{
	if ((w & 0xffffffff) == (PC_W8("GET \0\0\0\0") & 0xffffffff))
		return PC_METHOD_GET;
	if ((w & 0xffffffffffULL) == (PC_W8("HEAD \0\0\0") & 0xffffffffffULL))
		return PC_METHOD_HEAD;
	if ((w & 0xffffffffffULL) == (PC_W8("POST \0\0\0") & 0xffffffffffULL))
		return PC_METHOD_POST;
	return PC_METHOD_OTHER;
}

/*
 * How a request begins: a method of ordinary characters, a blank, and a slash
 * or the beginning of a URL.
 * PC_SCANNING if it does, with where the target begins in s->target, or what it
 * is instead.
 */
static inline __u32 pc_head_first(struct pc_scan *s)
{
	__u64 w = pc_head_word(s, 0), rest = pc_swar_not_name(w);
	__u32 n = 0;
	__u8 c;

	if (!rest) {
		n = 8;
		rest = pc_swar_not_name(pc_head_word(s, 8));
	}
	n += rest ? pc_swar_first(rest) : 8;
	if (n >= s->filled && s->filled < PC_METHOD_MAX)
		return PC_R_HEAD_SPLIT;
	if (!n || n >= PC_METHOD_MAX || pc_head_byte(s, n) != ' ')
		return pc_head_foreign(s);
	s->head.method = pc_head_method(w);
	s->target.at = n + 1;
	if (n + 1 >= s->filled)
		return PC_R_HEAD_SPLIT;
	c = pc_head_byte(s, n + 1);
	/* A control character is for who looks for the line's end. */
	if (c == '/' || c < ' ' || c == 0x7f || pc_target_may_be_absolute(s, c))
		return PC_SCANNING;
	return pc_head_foreign(s) == PC_R_H2C ? PC_R_H2C : PC_R_TARGET_FORM;
}

#define PC_STATUS_END 12 /* "HTTP/1.1 200" */

/* How an answer begins: PC_SCANNING if it does. */
static inline __u32 pc_head_status(struct pc_scan *s)
{
	__u64 version = pc_head_word(s, 0);

	if (s->filled <= PC_STATUS_END)
		return PC_R_HEAD_SPLIT;
	if (version == PC_W8("HTTP/1.0"))
		s->head.flags |= PC_H_HTTP10;
	else if (version != PC_W8("HTTP/1.1"))
		return PC_R_NOT_HTTP;
	if (pc_head_byte(s, 8) != ' ' || pc_head_byte(s, PC_STATUS_END) > ' ')
		return PC_R_NOT_HTTP;
	for (int i = 9; i < PC_STATUS_END; i++) {
		__u8 c = pc_head_byte(s, i);

		if (c < '0' || c > '9')
			return PC_R_NOT_HTTP;
		s->head.status = s->head.status * 10 + (c - '0');
	}
	return PC_SCANNING;
}

/* The whole request line, after pc_head_first(). */
PC_GLOBAL __u32 pc_head_request_line(struct pc_scan *s, __u32 end)
{
	__u64 version;
	__u32 at;

	if (!s)
		return PC_R_NOT_HTTP;
	at = s->target.at;
	if (end < at + 10 || pc_head_byte(s, end - 9) != ' ')
		return pc_head_foreign(s);
	version = pc_head_word(s, end - 8);
	if (version == PC_W8("HTTP/1.0"))
		s->head.flags |= PC_H_HTTP10;
	else if (version != PC_W8("HTTP/1.1"))
		return pc_head_foreign(s);
	return pc_head_target(s, at, end - 9);
}

#endif /* PC_TARGET_H */
