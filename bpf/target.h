/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The request line of HTTP/1.x: method, target, version.
 */
#ifndef PC_TARGET_H
#define PC_TARGET_H

#include "scan.h"

static long pc_target_byte(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	struct pc_target *t = &s->target;
	__u32 at = t->at + i;
	__u8 c;

	if (at >= t->end)
		return 1;
	c = pc_head_byte(s, at);
	if (c == ' ' || c == '#') {
		t->bad = PC_R_TARGET_FORM;
		return 1;
	}
	if (!t->query_at) {
		/* Dots and empty segments are for the gateway to resolve. */
		if (c == '%' ||
		    ((t->last & 0xff) == '/' && (c == '.' || c == '/')))
			t->bad = PC_R_PATH_UNSURE;
		t->last = c;
		if (c == '?')
			t->query_at = at + 1;
		return 0;
	}
	/* A parameter named key or api_key, however it is written, shows as
	 * "key" or hides behind an escape.
	 */
	t->last = t->last << 8 | c;
	if (c == '%' || c == '+' || c == ';' ||
	    (t->last & 0xffffff) == ('k' << 16 | 'e' << 8 | 'y'))
		s->head.flags |= PC_H_QUERY_UNSURE;
	return 0;
}

static inline __u32 pc_head_target(struct pc_scan *s, __u32 at, __u32 end)
{
	struct pc_scan_arg arg = { s };
	struct pc_target *t = &s->target;

	if (at >= end || end - at > PC_TARGET_MAX || pc_head_byte(s, at) != '/')
		return PC_R_TARGET_FORM;
	*t = (struct pc_target){ .at = at, .end = end };
	pc_loop(PC_TARGET_MAX, pc_target_byte, &arg);
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

#endif /* PC_TARGET_H */
