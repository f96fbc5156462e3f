/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first line of HTTP/1.x: of a request, method, target, version; of an
 * answer, version and status.
 */
#ifndef PC_TARGET_H
#define PC_TARGET_H

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
static inline int pc_target_word(struct pc_scan *s, __u32 at)
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

#define PC_TARGET_STRIDE 32

static long pc_target_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = s->target.at + i * PC_TARGET_STRIDE;

	for (int k = 0; k < PC_TARGET_STRIDE / 8; k++) {
		if (at >= s->target.end || pc_target_word(s, at))
			return 1;
		at += 8;
	}
	return 0;
}

static inline __u32 pc_head_target(struct pc_scan *s, __u32 at, __u32 end)
{
	struct pc_scan_arg arg = { s };
	struct pc_target *t = &s->target;

	if (at >= end || end - at > PC_TARGET_MAX || pc_head_byte(s, at) != '/')
		return PC_R_TARGET_FORM;
	*t = (struct pc_target){ .at = at, .end = end };
	pc_loop(PC_TARGET_MAX / PC_TARGET_STRIDE, pc_target_step, &arg);
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
	/* Such a path can be followed, it just cannot be judged. */
	if (t->bad)
		s->head.path.size = 0;
	return PC_NEXT;
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

/* Length of the method: ordinary characters up to a blank; 0: it is not one. */
static inline __u32 pc_head_method(struct pc_scan *s)
{
	__u64 w = pc_head_word(s, 0), rest = pc_swar_not_name(w);
	__u32 n;

	if (rest) {
		n = pc_swar_first(rest);
	} else {
		rest = pc_swar_not_name(pc_head_word(s, 8));
		if (!rest)
			return 0;
		n = 8 + pc_swar_first(rest);
	}
	if (pc_head_byte(s, n) != ' ')
		return 0;
	if ((w & 0xffffffff) == (PC_W8("GET \0\0\0\0") & 0xffffffff))
		s->head.method = PC_METHOD_GET;
	if ((w & 0xffffffffffULL) == (PC_W8("HEAD \0\0\0") & 0xffffffffffULL))
		s->head.method = PC_METHOD_HEAD;
	if ((w & 0xffffffffffULL) == (PC_W8("POST \0\0\0") & 0xffffffffffULL))
		s->head.method = PC_METHOD_POST;
	return n;
}

PC_GLOBAL __u32 pc_head_request_line(struct pc_scan *s, __u32 end)
{
	__u64 version;
	__u32 n;

	if (!s)
		return PC_R_NOT_HTTP;
	n = pc_head_method(s);
	if (!n || end < n + 11 || pc_head_byte(s, end - 9) != ' ')
		return pc_head_foreign(s);
	version = pc_head_word(s, end - 8);
	if (version == PC_W8("HTTP/1.0"))
		s->head.flags |= PC_H_HTTP10;
	else if (version != PC_W8("HTTP/1.1"))
		return pc_head_foreign(s);
	return pc_head_target(s, n + 1, end - 9);
}

static inline __u32 pc_head_status_line(struct pc_scan *s, __u32 end)
{
	__u64 version = pc_head_word(s, 0);
	__u32 status = 0;

	if (version == PC_W8("HTTP/1.0"))
		s->head.flags |= PC_H_HTTP10;
	else if (version != PC_W8("HTTP/1.1"))
		return PC_R_NOT_HTTP;
	if (end < 12 || pc_head_byte(s, 8) != ' ' ||
	    (end > 12 && pc_head_byte(s, 12) != ' '))
		return PC_R_NOT_HTTP;
	for (int i = 9; i < 12; i++) {
		__u8 c = pc_head_byte(s, i);

		if (c < '0' || c > '9')
			return PC_R_NOT_HTTP;
		status = status * 10 + (c - '0');
	}
	s->head.status = status;
	return PC_NEXT;
}

#endif /* PC_TARGET_H */
