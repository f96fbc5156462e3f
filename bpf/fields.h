/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Header fields that bear on a verdict or on where the request ends, each read
 * as Go's net/http reads it, or called undecidable.
 */
#ifndef PC_FIELDS_H
#define PC_FIELDS_H

#include "scan.h"

/* Bytes that no Host has: Go's are names, addresses, a port. */
PC_INLINE __u64 pc_head_not_host(__u64 w)
{
	__u64 bad = pc_swar_not_plain(w);

	if (bad)
		bad &= ~pc_swar_eq(w, '_') & ~pc_swar_eq(w, '[') &
		       ~pc_swar_eq(w, ']');
	return bad;
}

/* Host: what Go accepts and nobody disputes. */
static inline __u32 pc_head_host(struct pc_scan *s, __u32 at, __u32 end)
{
	if (s->head.flags & PC_H_HOST)
		return PC_R_HEAD_HOST;
	s->head.flags |= PC_H_HOST;
	for (int i = 0; i < 32; i++) {
		__u64 bad = pc_head_not_host(pc_head_word(s, at));

		if (at >= end)
			return PC_NEXT;
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

PC_INLINE struct pc_ends pc_head_ends(const struct pc_scan *s, __u32 at,
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

PC_INLINE __u32 pc_head_field_x(struct pc_ends e)
{
	if (PC_ENDS_ARE(e, "x-api-key"))
		return PC_FIELD_X_API_KEY;
	if (PC_ENDS_ARE(e, "x-goog-api-key"))
		return PC_FIELD_X_GOOG_API_KEY;
	if (PC_ENDS_ARE(e, "x-real-ip") || PC_ENDS_ARE(e, "x-forwarded-for"))
		return PC_FIELD_FORWARDED;
	return PC_FIELD_OTHER;
}

PC_INLINE __u32 pc_head_field_c(struct pc_ends e)
{
	if (PC_ENDS_ARE(e, "content-length"))
		return PC_FIELD_LENGTH;
	if (PC_ENDS_ARE(e, "connection"))
		return PC_FIELD_CONNECTION;
	return PC_ENDS_ARE(e, "cf-connecting-ip") ? PC_FIELD_FORWARDED
						  : PC_FIELD_OTHER;
}

/* Seventeen bytes: the middle one is in neither end. */
PC_INLINE __u32 pc_head_field_t(const struct pc_scan *s, __u32 at,
				struct pc_ends e)
{
	return e.size == 17 && e.first == PC_W8("transfer") &&
			       e.last == PC_W8("encoding") &&
			       pc_head_byte(s, at + 8) == '-'
		       ? PC_FIELD_CODING
		       : PC_FIELD_OTHER;
}

/* By the first letter. */
PC_INLINE __u32 pc_head_field(const struct pc_scan *s, __u32 at, __u32 size)
{
	struct pc_ends e = pc_head_ends(s, at, at + size);

	switch (e.first & 0xff) {
	case 'a':
		return PC_ENDS_ARE(e, "authorization") ? PC_FIELD_AUTHORIZATION
						       : PC_FIELD_OTHER;
	case 'c':
		return pc_head_field_c(e);
	case 'e':
		return PC_SHORT_IS(e, "expect") ? PC_FIELD_EXPECT
						: PC_FIELD_OTHER;
	case 'h':
		return PC_SHORT_IS(e, "host") ? PC_FIELD_HOST : PC_FIELD_OTHER;
	case 't':
		return pc_head_field_t(s, at, e);
	case 'u':
		return PC_SHORT_IS(e, "upgrade") ? PC_FIELD_UPGRADE
						 : PC_FIELD_OTHER;
	case 'x':
		return pc_head_field_x(e);
	default:
		return PC_FIELD_OTHER;
	}
}

/* Sizes of the names above, by the low bits of their first letter. */
#define PC_SIZE_OF(lit) (1u << (sizeof(lit) - 1))
static const __u32 pc_field_sizes[32] = {
	['a' & 31] = PC_SIZE_OF("authorization"),
	['c' & 31] = PC_SIZE_OF("content-length") | PC_SIZE_OF("connection") |
		     PC_SIZE_OF("cf-connecting-ip"),
	['e' & 31] = PC_SIZE_OF("expect"),
	['h' & 31] = PC_SIZE_OF("host"),
	['t' & 31] = PC_SIZE_OF("transfer-encoding"),
	['u' & 31] = PC_SIZE_OF("upgrade"),
	['x' & 31] = PC_SIZE_OF("x-api-key") | PC_SIZE_OF("x-goog-api-key") |
		     PC_SIZE_OF("x-real-ip") | PC_SIZE_OF("x-forwarded-for"),
};

/* May a line be one of these?  Nearly all that may not are told apart here. */
static inline int pc_head_may_matter(const struct pc_scan *s, __u32 at,
				     __u32 name_size)
{
	return pc_field_sizes[pc_head_byte(s, at) & 31] >> (name_size & 31) & 1;
}

static inline __u32 pc_head_value(struct pc_scan *s, __u32 field, __u32 at,
				  __u32 end)
{
	struct pc_head *h = &s->head;

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

/* A whole line whose name ends before a colon. */
PC_GLOBAL __u32 pc_head_field_line(struct pc_scan *s, __u32 at, __u32 name_size,
				   __u32 end)
{
	__u32 field;

	if (!s)
		return PC_R_HEAD_SYNTAX;
	field = pc_head_field(s, at, name_size);
	if (field == PC_FIELD_OTHER)
		return PC_NEXT;
	return pc_head_value(s, field, at + name_size + 1, end);
}

#endif /* PC_FIELDS_H */
