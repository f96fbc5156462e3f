/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the head scanner works on: the bytes, and what it finds in them.  Plain
 * C, compiled for BPF and natively.
 */
#ifndef PC_SCAN_H
#define PC_SCAN_H

#include "loop.h"
#include "pc_abi.h"
#include "swar.h"

#define PC_HEAD_MAX 8192  /* a power of two: offsets are masked with it */
#define PC_HEAD_SLACK 256 /* readable bytes after it */
#define PC_HEAD_MASK (PC_HEAD_MAX - 1)

#define PC_METHOD_MAX 16
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
	PC_METHOD_HEAD,
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
#define PC_H_QUERY_UNSURE 0x1000u /* may hold a key: see pc_head_target() */

struct pc_head {
	__u32 size; /* bytes, the empty line included */
	__u32 content_length;
	__u32 flags;	  /* PC_H_* */
	__u32 method;	  /* enum pc_method */
	__u32 status;	  /* of an answer */
	__u32 path_class; /* pc_path_all() of a path that is not empty */
	struct pc_span path;
	struct pc_span query;
	/* Values of the first header of each name, blanks trimmed. */
	struct pc_span authorization;
	struct pc_span x_api_key;
	struct pc_span x_goog_api_key;
};

/* A request target, walked eight bytes at a time. */
struct pc_target {
	__u32 at;
	__u32 end;
	__u32 query_at;	   /* after the first '?', or 0 */
	__u32 bad;	   /* enum pc_reason, or 0 */
	__u32 after_slash; /* the byte before is a slash */
};

/*
 * What a scan works on and with.  Too large for a BPF stack, and no place for
 * loop state either: the verifier of kernel 6.1 takes what a loop body changes
 * on the stack for what it was before the loop, and drops branches by it.
 */
struct pc_scan {
	struct pc_head head;
	__u32 filled;  /* bytes of buf in use */
	__u32 line_at; /* where the current line starts */
	__u32 lines;   /* the first one is done */
	/* Of pc_head_far(). */
	__u32 at;
	__u32 line_end;
	__u32 reason; /* why the scan ended: PC_NEXT is "a whole head" */
	__u32 answer; /* it is an answer's head, not a request's */
	struct pc_target target;
	/* Twice: the verifier adds up the largest offset and the largest
	 * length.
	 */
	__u8 buf[2 * PC_HEAD_MAX + PC_HEAD_SLACK] __attribute__((aligned(8)));
};

/* The argument of a loop body: a pointer, which no body changes. */
struct pc_scan_arg {
	struct pc_scan *s;
};

#define PC_SCANNING 0xffffu /* reason while no end is found */
#define PC_CRLF 0x0a0d	    /* as two bytes are loaded */

static inline __u64 pc_head_word(const struct pc_scan *s, __u32 at)
{
	return PC_LOAD(__u64, s->buf + (at & PC_HEAD_MASK));
}

static inline __u8 pc_head_byte(const struct pc_scan *s, __u32 at)
{
	return s->buf[at & PC_HEAD_MASK];
}

static inline int pc_head_trim_any(const struct pc_scan *s, __u32 *at,
				   __u32 *end)
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

/* A span without the blanks around it; false if there are too many to follow.
 * Nearly all have one in front.
 */
PC_INLINE int pc_head_trim(const struct pc_scan *s, __u32 *at, __u32 *end)
{
	__u32 a = *at + (pc_head_byte(s, *at) == ' ');

	if (a >= *end || pc_head_byte(s, a) <= ' ' ||
	    pc_head_byte(s, *end - 1) <= ' ')
		return pc_head_trim_any(s, at, end);
	*at = a;
	return 1;
}

#endif /* PC_SCAN_H */
