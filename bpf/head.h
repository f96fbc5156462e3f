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

#include "loop.h"
#include "pc_abi.h"
#include "swar.h"

#define PC_HEAD_MAX 8192 /* a power of two: offsets are masked with it */
#define PC_HEAD_SLACK 64 /* readable bytes after it */
#define PC_HEAD_MASK (PC_HEAD_MAX - 1)

#define PC_TARGET_MAX 1024
#define PC_NAME_MAX 64
#define PC_BLANKS_MAX 4 /* around a value that we read */
#define PC_LENGTH_DIGITS 9

struct pc_span {
	__u16 at;
	__u16 size;
};

enum pc_method {
	PC_METHOD_OTHER,
	PC_METHOD_GET,
	PC_METHOD_POST
};

#define PC_H_HOST 0x0001u
#define PC_H_LENGTH 0x0002u
#define PC_H_CHUNKED 0x0004u
#define PC_H_CLOSE 0x0008u     /* Connection: close */
#define PC_H_UPGRADE 0x0010u   /* Upgrade, or Connection with other options */
#define PC_H_EXPECT 0x0020u    /* Expect: 100-continue */
#define PC_H_FORWARDED 0x0040u /* a header that may name the client */
#define PC_H_HTTP10 0x0080u
#define PC_H_AUTHORIZATION 0x0100u
#define PC_H_X_API_KEY 0x0200u
#define PC_H_X_GOOG_API_KEY 0x0400u
#define PC_H_CONNECTION 0x0800u
#define PC_H_QUERY_UNSURE 0x1000u /* may hold a key: see pc_head_target() */

struct pc_head {
	__u32 size; /* bytes, the empty line included */
	__u32 content_length;
	__u32 flags;  /* PC_H_* */
	__u32 method; /* enum pc_method */
	struct pc_span path;
	struct pc_span query;
	/* Values of the first header of each name, blanks trimmed. */
	struct pc_span authorization;
	struct pc_span x_api_key;
	struct pc_span x_goog_api_key;
};

/* What a scan works on and with; too large for a BPF stack. */
struct pc_scan {
	struct pc_head head;
	__u32 filled;  /* bytes of buf in use */
	__u32 line_at; /* where the current line starts */
	__u32 lines;   /* lines done */
	__u32 cr_at;   /* 1 + where the last '\r' was, 0: none pending */
	__u32 reason;  /* why the scan ended: PC_NEXT is "a whole head" */
	__u32 pad;
	__u8 buf[PC_HEAD_MAX + PC_HEAD_SLACK];
};

#define PC_SCANNING 0xffffu /* reason while no end is found */

static inline __u64 pc_head_word(const struct pc_scan *s, __u32 at)
{
	__u64 w;

	__builtin_memcpy(&w, s->buf + (at & PC_HEAD_MASK), sizeof(w));
	return w;
}

static inline __u8 pc_head_byte(const struct pc_scan *s, __u32 at)
{
	return s->buf[at & PC_HEAD_MASK];
}

/* A span without the blanks around it; false if there are too many to follow.
 */
static inline int pc_head_trim(const struct pc_scan *s, __u32 *at, __u32 *end)
{
	__u32 a = *at, e = *end;

	for (int i = 0; i <= PC_BLANKS_MAX; i++) {
		__u8 c = pc_head_byte(s, a);

		if (a >= e || (c != ' ' && c != '\t'))
			break;
		if (i == PC_BLANKS_MAX)
			return 0;
		a++;
	}
	for (int i = 0; i <= PC_BLANKS_MAX; i++) {
		__u8 c = pc_head_byte(s, e - 1);

		if (a >= e || (c != ' ' && c != '\t'))
			break;
		if (i == PC_BLANKS_MAX)
			return 0;
		e--;
	}
	*at = a;
	*end = e;
	return 1;
}

/* What pc_head_target() finds while it walks the target byte by byte. */
struct pc_target {
	const struct pc_scan *s;
	__u32 at;
	__u32 end;
	__u32 query_at; /* after the first '?', or 0 */
	__u32 bad;	/* enum pc_reason, or 0 */
	__u32 flags;
	__u32 last; /* the last bytes of the query, newest lowest */
};

static long pc_target_byte(__u32 i, void *arg)
{
	struct pc_target *t = arg;
	__u32 at = t->at + i;
	__u8 c;

	if (at >= t->end)
		return 1;
	c = pc_head_byte(t->s, at);
	if (c == ' ' || c == '#') {
		t->bad = PC_R_TARGET_FORM;
		return 1;
	}
	if (!t->query_at) {
		if (c == '%')
			t->bad = PC_R_PATH_ENCODED;
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
		t->flags |= PC_H_QUERY_UNSURE;
	return 0;
}

static inline __u32 pc_head_target(struct pc_scan *s, __u32 at, __u32 end)
{
	struct pc_target t = { .s = s, .at = at, .end = end };

	if (at >= end || end - at > PC_TARGET_MAX || pc_head_byte(s, at) != '/')
		return PC_R_TARGET_FORM;
	pc_loop(PC_TARGET_MAX, pc_target_byte, &t);
	if (t.bad == PC_R_TARGET_FORM)
		return t.bad;
	s->head.path.at = at;
	s->head.path.size = (t.query_at ? t.query_at - 1 : end) - at;
	s->head.query.at = t.query_at;
	s->head.query.size = t.query_at ? end - t.query_at : 0;
	s->head.flags |= t.flags;
	/* An encoded path can be followed, it just cannot be judged. */
	if (t.bad)
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

/* Host: what Go accepts and nobody disputes: names, addresses, a port. */
static inline __u32 pc_head_host(struct pc_scan *s, __u32 at, __u32 end)
{
	if (s->head.flags & PC_H_HOST)
		return PC_R_HEAD_HOST;
	s->head.flags |= PC_H_HOST;
	for (int i = 0; i < 32; i++) {
		__u64 w = pc_head_word(s, at), bad;

		if (at >= end)
			return PC_NEXT;
		bad = pc_swar_not_name(w) & ~pc_swar_eq(w, '.') &
		      ~pc_swar_eq(w, ':') & ~pc_swar_eq(w, '[') &
		      ~pc_swar_eq(w, ']');
		if (bad && at + pc_swar_first(bad) < end)
			return PC_R_HEAD_HOST;
		at += 8;
	}
	return PC_R_HEAD_HOST;
}

static inline __u32 pc_head_length(struct pc_scan *s, __u32 at, __u32 end)
{
	__u32 n = 0;

	if (s->head.flags & PC_H_LENGTH || at >= end ||
	    end - at > PC_LENGTH_DIGITS)
		return PC_R_HEAD_FRAMING;
	for (int i = 0; i < PC_LENGTH_DIGITS; i++) {
		__u8 c = pc_head_byte(s, at + i);

		if (at + i >= end)
			break;
		if (c < '0' || c > '9')
			return PC_R_HEAD_FRAMING;
		n = n * 10 + (c - '0');
	}
	s->head.content_length = n;
	s->head.flags |= PC_H_LENGTH;
	return PC_NEXT;
}

/* The lower-cased first eight and last eight bytes of a value or name. */
struct pc_ends {
	__u64 first;
	__u64 last;
	__u32 size;
};

static inline struct pc_ends pc_head_ends(const struct pc_scan *s, __u32 at,
					  __u32 end)
{
	struct pc_ends e = { .size = end - at };

	e.first = pc_head_word(s, at) | 0x20 * PC_ONES;
	e.last = pc_head_word(s, end - 8) | 0x20 * PC_ONES;
	if (e.size < 8) {
		e.first &= (1ULL << e.size * 8 % 64) - 1;
		e.last = 0;
	}
	return e;
}

/*
 * Does it read as this literal?  Blanks and control characters are known not to
 * be in it where that matters, so folding with 0x20 loses nothing.
 */
#define PC_ENDS_ARE(e, lit)                                        \
	((e).size == sizeof(lit) - 1 && (e).first == PC_W8(lit) && \
	 (e).last == PC_W8((lit) + sizeof(lit) - 9))
#define PC_SHORT_IS(e, lit)                          \
	((e).size == sizeof(lit) - 1 &&              \
	 (e).first == (PC_W8(lit "\0\0\0\0\0\0\0") & \
		       ((1ULL << (sizeof(lit) - 1) * 8) - 1)))

static inline __u32 pc_head_coding(struct pc_scan *s, __u32 at, __u32 end)
{
	struct pc_ends e = pc_head_ends(s, at, end);

	if (s->head.flags & PC_H_CHUNKED || !PC_SHORT_IS(e, "chunked"))
		return PC_R_HEAD_FRAMING;
	s->head.flags |= PC_H_CHUNKED;
	return PC_NEXT;
}

static inline __u32 pc_head_connection(struct pc_scan *s, __u32 at, __u32 end)
{
	struct pc_ends e = pc_head_ends(s, at, end);

	if (PC_SHORT_IS(e, "close"))
		s->head.flags |= PC_H_CLOSE;
	else if (!PC_ENDS_ARE(e, "keep-alive"))
		s->head.flags |= PC_H_UPGRADE;
	return PC_NEXT;
}

static inline __u32 pc_head_expect(struct pc_scan *s, __u32 at, __u32 end)
{
	struct pc_ends e = pc_head_ends(s, at, end);

	if (!PC_ENDS_ARE(e, "100-continue"))
		return PC_R_HEAD_FRAMING;
	s->head.flags |= PC_H_EXPECT;
	return PC_NEXT;
}

/* The first line of a name wins, even an empty one. */
static inline __u32 pc_head_credential(struct pc_scan *s, struct pc_span *span,
				       __u32 flag, __u32 at, __u32 end)
{
	if (s->head.flags & flag)
		return PC_NEXT;
	s->head.flags |= flag;
	span->at = at;
	span->size = end - at;
	return PC_NEXT;
}

enum pc_field {
	PC_FIELD_OTHER,
	PC_FIELD_HOST,
	PC_FIELD_LENGTH,
	PC_FIELD_CODING,
	PC_FIELD_CONNECTION,
	PC_FIELD_UPGRADE,
	PC_FIELD_EXPECT,
	PC_FIELD_FORWARDED,
	PC_FIELD_AUTHORIZATION,
	PC_FIELD_X_API_KEY,
	PC_FIELD_X_GOOG_API_KEY,
};

static inline __u32 pc_head_field(const struct pc_scan *s, __u32 at,
				  struct pc_ends e)
{
	if (PC_SHORT_IS(e, "host"))
		return PC_FIELD_HOST;
	if (PC_ENDS_ARE(e, "content-length"))
		return PC_FIELD_LENGTH;
	if (PC_ENDS_ARE(e, "authorization"))
		return PC_FIELD_AUTHORIZATION;
	if (PC_ENDS_ARE(e, "x-api-key"))
		return PC_FIELD_X_API_KEY;
	if (PC_ENDS_ARE(e, "x-goog-api-key"))
		return PC_FIELD_X_GOOG_API_KEY;
	if (PC_ENDS_ARE(e, "connection"))
		return PC_FIELD_CONNECTION;
	if (PC_SHORT_IS(e, "upgrade"))
		return PC_FIELD_UPGRADE;
	if (PC_SHORT_IS(e, "expect"))
		return PC_FIELD_EXPECT;
	if (PC_ENDS_ARE(e, "x-real-ip") || PC_ENDS_ARE(e, "x-forwarded-for") ||
	    PC_ENDS_ARE(e, "cf-connecting-ip"))
		return PC_FIELD_FORWARDED;
	/* Seventeen bytes: the middle one is in neither end. */
	if (e.size == 17 && e.first == PC_W8("transfer") &&
	    e.last == PC_W8("encoding") && pc_head_byte(s, at + 8) == '-')
		return PC_FIELD_CODING;
	return PC_FIELD_OTHER;
}

PC_GLOBAL __u32 pc_head_value(struct pc_scan *s, __u32 field, __u32 at,
			      __u32 end)
{
	struct pc_head *h;

	if (!s)
		return PC_R_HEAD_SYNTAX;
	h = &s->head;
	if (!pc_head_trim(s, &at, &end))
		return PC_R_HEAD_SYNTAX;
	switch (field) {
	case PC_FIELD_HOST:
		return pc_head_host(s, at, end);
	case PC_FIELD_LENGTH:
		return pc_head_length(s, at, end);
	case PC_FIELD_CODING:
		return pc_head_coding(s, at, end);
	case PC_FIELD_CONNECTION:
		return pc_head_connection(s, at, end);
	case PC_FIELD_EXPECT:
		return pc_head_expect(s, at, end);
	case PC_FIELD_UPGRADE:
		h->flags |= PC_H_UPGRADE;
		return PC_NEXT;
	case PC_FIELD_FORWARDED:
		h->flags |= PC_H_FORWARDED;
		return PC_NEXT;
	case PC_FIELD_AUTHORIZATION:
		return pc_head_credential(s, &h->authorization,
					  PC_H_AUTHORIZATION, at, end);
	case PC_FIELD_X_API_KEY:
		return pc_head_credential(s, &h->x_api_key, PC_H_X_API_KEY, at,
					  end);
	default:
		return pc_head_credential(s, &h->x_goog_api_key,
					  PC_H_X_GOOG_API_KEY, at, end);
	}
}

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

PC_GLOBAL __u32 pc_head_header(struct pc_scan *s, __u32 at, __u32 end)
{
	__u32 n, field;
	__u8 c;

	if (!s)
		return PC_R_HEAD_SYNTAX;
	c = pc_head_byte(s, at);
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
	if (!(flags & (PC_H_HOST | PC_H_HTTP10)))
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

	if (s->cr_at) {
		if (s->cr_at != nl)
			return PC_R_HEAD_SYNTAX; /* a '\r' inside a line */
		end--;
		s->cr_at = 0;
	}
	s->line_at = nl + 1;
	if (!s->lines++)
		r = pc_head_request_line(s, end);
	else if (at == end)
		return pc_head_end(s, nl + 1);
	else
		r = pc_head_header(s, at, end);
	return r == PC_NEXT ? PC_SCANNING : r;
}

PC_GLOBAL __u32 pc_head_control(struct pc_scan *s, __u32 at)
{
	__u8 c;

	if (!s)
		return PC_R_HEAD_SYNTAX;
	c = pc_head_byte(s, at);
	if (c == '\n')
		return pc_head_line(s, at);
	if (s->cr_at)
		return PC_R_HEAD_SYNTAX;
	if (c == '\t' && s->lines)
		return PC_SCANNING;
	if (c == '\r') {
		s->cr_at = at + 1;
		return PC_SCANNING;
	}
	return s->lines ? PC_R_HEAD_SYNTAX : pc_head_foreign(s);
}

struct pc_scan_arg {
	struct pc_scan *s;
};

static long pc_head_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_scan_arg *)arg)->s;
	__u32 at = (i * 8) & PC_HEAD_MASK;
	__u64 events = pc_swar_control(pc_head_word(s, at));

	for (int k = 0; k < 8; k++) {
		__u32 pos, r;

		if (!events)
			break;
		pos = at + pc_swar_first(events);
		if (pos >= s->filled)
			return 1;
		r = pc_head_control(s, pos);
		if (r != PC_SCANNING) {
			s->reason = r;
			return 1;
		}
		events &= events - 1;
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
	__u32 words;

	__builtin_memset(&s->head, 0, sizeof(s->head));
	s->line_at = 0;
	s->lines = 0;
	s->cr_at = 0;
	s->reason = PC_SCANNING;
	words = (s->filled + 7) / 8;
	if (words > PC_HEAD_MAX / 8)
		words = PC_HEAD_MAX / 8;
	pc_loop(words, pc_head_step, &arg);
	if (s->reason != PC_SCANNING)
		return s->reason;
	return s->filled < PC_HEAD_MAX ? PC_R_HEAD_SPLIT : PC_R_HEAD_TOO_LARGE;
}

#endif /* PC_HEAD_H */
