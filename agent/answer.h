/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the gateway answers for a reason: status, code, message, body, and the
 * whole HTTP/1.1 response the kernel sends in its place.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"

struct answer {
	int status; /* HTTP; 200 for PC_R_KEY_LIVE */
	/* "ALLOW" for PC_R_KEY_LIVE; Google's status name in its dialect,
	 * "insufficient_quota" in OpenAI's.
	 */
	const char *code;
	/* May hold one %s, for the client's address or Go's error text. */
	const char *message;
	/* Of an error that comes from behind the middlewares; else NULL. */
	const char *type;
};

/*
 * 0, -ENOENT: the gateway has no such answer (a reason that is no refusal, or
 * that this profile never gives).
 */
int answer_find(struct answer *out, uint8_t profile, enum pc_dialect dialect,
		enum pc_reason reason);

/* The message with the client's address ("unknown" when empty) or Go's error
 * text put in.  Returns buf.
 */
const char *answer_message(char *buf, size_t size, const struct answer *a,
			   const char *client, const char *detail);

/* The JSON body, escaped as Go's encoding/json does.  Length, or -ENOSPC. */
int answer_body(char *buf, size_t size, enum pc_dialect dialect,
		const struct answer *a, const char *message);

/* The dialect a refusal is written in, given PC_P_* flags of the path. */
enum pc_dialect answer_dialect(uint8_t profile, uint8_t variant,
			       uint32_t path_flags, enum pc_reason reason);

/*
 * The whole response for the kernel: status line, headers (Connection: close
 * when closing), body, with the client's address left to be inserted.
 * -ENOENT as answer_find(); -ENOSPC: it does not fit.
 */
int answer_compile(struct pc_answer *out, uint8_t profile,
		   enum pc_dialect dialect, enum pc_reason reason, int closing);

const char *reason_name(enum pc_reason reason);
enum pc_class reason_class(enum pc_reason reason);
/* enum pc_deny */
const char *deny_name(uint8_t deny);
const char *profile_name(uint8_t profile);
/* 0, -EINVAL. */
int profile_parse(uint8_t *out, const char *text);

#endif /* ANSWER_H */
