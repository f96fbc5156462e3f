/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parameters "key" and "api_key" of a request's query, as Go's net/url
 * reads them: pairs between '&', escapes and '+' decoded in names and values,
 * pairs with a ';' or a bad escape dropped, the first of a name counts.  Plain
 * C, compiled for BPF and natively; agent/query.c is its counterpart for
 * strings.
 */
#ifndef PC_HEAD_QUERY_H
#define PC_HEAD_QUERY_H

#include "scan.h"

/* A parameter's value, decoded where it stood. */
struct pc_parameter {
	__u32 found;
	__u32 solid; /* holds more than blanks for certain */
	__u32 odd;   /* holds bytes that may be blanks of Unicode's */
	__u32 at;    /* without ASCII blanks at its ends */
	__u32 end;
};

/* No place for it on a BPF stack: see struct pc_scan. */
struct pc_query {
	__u32 at; /* the byte at hand */
	__u32 end;
	__u64 name; /* the pair's, decoded: its last eight bytes */
	__u32 name_size;
	__u32 in_value;
	__u32 dropped; /* the pair is one that Go drops */
	__u32 to;      /* where the value's next byte goes */
	struct pc_parameter value;
	/* What was asked for. */
	struct pc_parameter key;
	struct pc_parameter api_key;
	__u32 odd; /* of pc_head_key_plain() */
};

struct pc_query_arg {
	struct pc_scan *s;
	struct pc_query *q;
};

static inline int pc_head_query_hex(__u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Go's strings.TrimSpace(), as far as it is ASCII. */
static inline int pc_head_query_blank(__u8 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline void pc_head_query_pair(struct pc_query *q)
{
	q->name = 0;
	q->name_size = 0;
	q->in_value = 0;
	q->dropped = 0;
	__builtin_memset(&q->value, 0, sizeof(q->value));
}

/* A pair is whole: is it one that was asked for, and the first? */
static inline void pc_head_query_keep(struct pc_query *q)
{
	const __u64 key = 'k' << 16 | 'e' << 8 | 'y';
	const __u64 api_key = (__u64)('a' << 16 | 'p' << 8 | 'i') << 32 |
			      (__u64)'_' << 24 | key;

	q->value.found = 1;
	if (q->dropped)
		return;
	if (q->name_size == 3 && q->name == key && !q->key.found)
		q->key = q->value;
	if (q->name_size == 7 && q->name == api_key && !q->api_key.found)
		q->api_key = q->value;
}

static inline void pc_head_query_put(struct pc_scan *s, struct pc_query *q,
				     __u8 c)
{
	struct pc_parameter *v = &q->value;

	if (!q->in_value) {
		q->name = q->name << 8 | c;
		q->name_size++;
		return;
	}
	/* Decoded text is never longer, so nothing unread is overwritten. */
	s->buf[q->to & PC_HEAD_MASK] = c;
	q->to++;
	if (pc_head_query_blank(c))
		return;
	if (!v->end)
		v->at = q->to - 1;
	v->end = q->to;
	if (c & 0x80)
		v->odd = 1;
	else
		v->solid = 1;
}

/* The two digits behind a '%': no digit is a delimiter, so none is skipped. */
static inline void pc_head_query_escape(struct pc_scan *s, struct pc_query *q)
{
	int high = pc_head_query_hex(pc_head_byte(s, q->at + 1));
	int low = pc_head_query_hex(pc_head_byte(s, q->at + 2));

	if (high < 0 || low < 0) {
		q->dropped = 1;
		return;
	}
	q->at += 2;
	pc_head_query_put(s, q, high << 4 | low);
}

static inline void pc_head_query_byte(struct pc_scan *s, struct pc_query *q)
{
	__u8 c = pc_head_byte(s, q->at);

	if (c == '&') {
		pc_head_query_keep(q);
		pc_head_query_pair(q);
	} else if (c == '=' && !q->in_value) {
		q->in_value = 1;
		q->to = q->at + 1;
	} else if (c == '%') {
		pc_head_query_escape(s, q);
	} else {
		if (c == ';')
			q->dropped = 1;
		pc_head_query_put(s, q, c == '+' ? ' ' : c);
	}
	q->at++;
}

#define PC_HEAD_QUERY_STRIDE 16

static long pc_head_query_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_query_arg *)arg)->s;
	struct pc_query *q = ((struct pc_query_arg *)arg)->q;

	(void)i;
	PC_NO_UNROLL
	for (int k = 0; k < PC_HEAD_QUERY_STRIDE; k++) {
		if (q->at >= q->end)
			return 1;
		pc_head_query_byte(s, q);
	}
	return 0;
}

/*
 * Fills q->key and q->api_key from the query of a scanned head, whose bytes may
 * be overwritten.  Only a query marked PC_H_QUERY_UNSURE can hold either.
 */
PC_GLOBAL __u32 pc_head_query_scan(struct pc_scan *s, struct pc_query *q)
{
	struct pc_query_arg arg = { s, q };

	if (!s || !q)
		return PC_R_QUERY_UNSURE;
	__builtin_memset(q, 0, sizeof(*q));
	if (!(s->head.flags & PC_H_QUERY_UNSURE))
		return PC_NEXT;
	q->at = s->head.query.at;
	q->end = q->at + s->head.query.size;
	pc_loop(PC_TARGET_MAX / PC_HEAD_QUERY_STRIDE + 1, pc_head_query_step,
		&arg);
	if (q->at < q->end)
		return PC_R_QUERY_UNSURE;
	pc_head_query_keep(q);
	/* Somebody's key, put where a name belongs, must not stay here. */
	q->name = 0;
	return PC_NEXT;
}

#endif /* PC_HEAD_QUERY_H */
