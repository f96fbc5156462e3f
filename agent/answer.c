// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gateway's answers: one table of status, code and message by reason and
 * middleware, and the three ways a body is written.  Knows nothing of keys.
 */
#include "answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "path.h"
#include "text.h"
#include "verdict.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const reason_names[PC_R_MAX] = {
#define X(id, name, class) [PC_R_##id] = name,
	PC_REASONS(X)
#undef X
};

static const uint8_t reason_classes[PC_R_MAX] = {
#define X(id, name, class) [PC_R_##id] = PC_CLASS_##class,
	PC_REASONS(X)
#undef X
};

static const char *const profile_names[PC_PROFILE_MAX] = {
	[PC_PROFILE_SEED] = "seed",
	[PC_PROFILE_V0_1_179] = "v0.1.179",
};

/* The middlewares that give an answer, one bit each. */
enum {
	SEED_MAIN = 1,
	SEED_GOOGLE = 2,
	NEW_MAIN = 4,
	NEW_GOOGLE = 8
};
#define SEED (SEED_MAIN | SEED_GOOGLE)
#define NEW (NEW_MAIN | NEW_GOOGLE)
#define MAIN (SEED_MAIN | NEW_MAIN)
#define GOOGLE (SEED_GOOGLE | NEW_GOOGLE)
#define ALL (SEED | NEW)

/* A message that is Go's error text and nothing else. */
#define DETAIL "%s"
/* Stands for the client's address while a body is laid out; Go does not escape
 * it and no message holds it.
 */
#define MARK '\x7f'

/* Codes are the main middleware's; Google's follow from the status. */
static const struct answer_row {
	uint8_t reason;
	uint8_t where;
	uint16_t status;
	const char *code;
	const char *message;
} rows[] = {
	{ PC_R_KEY_LIVE, ALL, 200, "ALLOW", "" },
	{ PC_R_QUERY_KEY, MAIN, 400, "api_key_in_query_deprecated",
	  "API key in query parameter is deprecated. Please use Authorization header instead." },
	{ PC_R_QUERY_KEY, GOOGLE, 400, "",
	  "Query parameter api_key is deprecated. Use Authorization header or key instead." },
	{ PC_R_CREDENTIAL_MISSING, MAIN, 401, "API_KEY_REQUIRED",
	  "API key is required in Authorization header (Bearer scheme), x-api-key header, or x-goog-api-key header" },
	{ PC_R_CREDENTIAL_MISSING, GOOGLE, 401, "", "API key is required" },
	{ PC_R_KEY_INVALID, ALL, 401, "INVALID_API_KEY", "Invalid API key" },
	{ PC_R_RATE_LIMITED, NEW, 429, "INVALID_AUTH_RATE_LIMITED",
	  "Too many invalid authentication attempts; retry later" },
	{ PC_R_LOOKUP_BUSY, NEW, 503, "API_KEY_AUTH_OVERLOADED",
	  "API key authentication is temporarily unavailable" },
	{ PC_R_LOOKUP_FAILED, ALL, 500, "INTERNAL_ERROR",
	  "Failed to validate API key" },
	{ PC_R_KEY_DISABLED, ALL, 401, "API_KEY_DISABLED",
	  "API key is disabled" },
	{ PC_R_KEY_EXPIRED, SEED_MAIN | NEW, 403, "API_KEY_EXPIRED",
	  "API key 已过期" },
	{ PC_R_KEY_EXHAUSTED, SEED_MAIN | NEW, 429, "API_KEY_QUOTA_EXHAUSTED",
	  "API key 额度已用完" },
	{ PC_R_ADDRESS_DENIED, SEED_MAIN, 403, "ACCESS_DENIED",
	  "Access denied" },
	{ PC_R_ADDRESS_DENIED, NEW, 403, "ACCESS_DENIED",
	  "Access denied. Your IP is %s" },
	{ PC_R_USER_MISSING, ALL, 401, "USER_NOT_FOUND",
	  "User associated with API key not found" },
	{ PC_R_USER_INACTIVE, ALL, 401, "USER_INACTIVE",
	  "User account is not active" },
	{ PC_R_GROUP_DELETED, NEW, 403, "GROUP_DELETED",
	  "API Key 所属分组已删除" },
	{ PC_R_GROUP_DISABLED, NEW, 403, "GROUP_DISABLED",
	  "API Key 所属分组已停用" },
	{ PC_R_GROUP_NOT_ALLOWED, NEW, 403, "GROUP_NOT_ALLOWED",
	  "API Key 所属专属分组不再允许当前用户使用" },
	{ PC_R_SUBSCRIPTION_MISSING, ALL, 403, "SUBSCRIPTION_NOT_FOUND",
	  "No active subscription found for this group" },
	{ PC_R_SUBSCRIPTION_INVALID, ALL, 403, "SUBSCRIPTION_INVALID", DETAIL },
	{ PC_R_USAGE_LIMIT, ALL, 429, "USAGE_LIMIT_EXCEEDED", DETAIL },
	{ PC_R_BALANCE_EMPTY, ALL, 403, "INSUFFICIENT_BALANCE",
	  "Insufficient account balance" },
	/* The handlers', who ask once the middleware has let a request pass. */
	{ PC_R_WINDOW_5H, ALL, 429, "API_KEY_RATE_5H_EXCEEDED",
	  "API key 5h rate limit exceeded" },
	{ PC_R_WINDOW_1D, ALL, 429, "API_KEY_RATE_1D_EXCEEDED",
	  "API key 1d rate limit exceeded" },
	{ PC_R_WINDOW_7D, ALL, 429, "API_KEY_RATE_7D_EXCEEDED",
	  "API key 7d rate limit exceeded" },
};

static const char *google_status(int status)
{
	switch (status) {
	case 400:
		return "INVALID_ARGUMENT";
	case 401:
		return "UNAUTHENTICATED";
	case 403:
		return "PERMISSION_DENIED";
	case 429:
		return "RESOURCE_EXHAUSTED";
	default:
		return "INTERNAL";
	}
}

static unsigned int middleware(uint8_t profile, enum pc_dialect dialect)
{
	bool google = dialect == PC_DIALECT_GOOGLE;

	if (profile == PC_PROFILE_SEED)
		return google ? SEED_GOOGLE : SEED_MAIN;
	return google ? NEW_GOOGLE : NEW_MAIN;
}

static const struct answer_row *
row_find(uint8_t profile, enum pc_dialect dialect, enum pc_reason reason)
{
	unsigned int where = middleware(profile, dialect);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].reason == reason && rows[i].where & where)
			return &rows[i];
	}
	return NULL;
}

static const char *row_code(const struct answer_row *row,
			    enum pc_dialect dialect)
{
	if (row->reason == PC_R_KEY_LIVE || dialect == PC_DIALECT_STD)
		return row->code;
	if (dialect == PC_DIALECT_GOOGLE)
		return google_status(row->status);
	return "insufficient_quota";
}

/* Refusals of the handlers, who word them in their own way. */
static bool handlers_own(enum pc_reason reason)
{
	return reason == PC_R_WINDOW_5H || reason == PC_R_WINDOW_1D ||
	       reason == PC_R_WINDOW_7D;
}

int answer_find(struct answer *out, uint8_t profile, enum pc_dialect dialect,
		enum pc_reason reason)
{
	const struct answer_row *row = row_find(profile, dialect, reason);

	if (!row)
		return -ENOENT;
	if (dialect == PC_DIALECT_OPENAI && reason != PC_R_KEY_LIVE &&
	    (profile == PC_PROFILE_SEED || reason != PC_R_KEY_EXHAUSTED))
		return -ENOENT;
	out->status = row->status;
	out->code = row_code(row, dialect);
	out->message = row->message;
	out->type = handlers_own(reason) ? "rate_limit_exceeded" : NULL;
	return 0;
}

const char *answer_message(char *buf, size_t size, const struct answer *a,
			   const char *client, const char *detail)
{
	const char *hole = strstr(a->message, "%s");
	const char *fill = client && *client ? client : "unknown";

	if (!strcmp(a->message, DETAIL))
		fill = detail ? detail : "";
	if (!hole)
		snprintf(buf, size, "%s", a->message);
	else
		snprintf(buf, size, "%.*s%s%s", (int)(hole - a->message),
			 a->message, fill, hole + 2);
	return buf;
}

int answer_body(char *buf, size_t size, enum pc_dialect dialect,
		const struct answer *a, const char *message)
{
	struct text t = { .buf = buf, .size = size, .full = size == 0 };

	switch (dialect) {
	case PC_DIALECT_GOOGLE:
		text_add(&t, "{\"error\":{\"code\":%d,\"message\":", a->status);
		text_add_json(&t, message);
		text_add(&t, ",\"status\":\"%s\"}}", a->code);
		break;
	case PC_DIALECT_OPENAI:
		text_add(&t,
			 "{\"error\":{\"code\":\"%s\",\"message\":", a->code);
		text_add_json(&t, message);
		text_add(&t, ",\"param\":null,\"type\":\"%s\"}}", a->code);
		break;
	default:
		if (a->type) {
			text_add(&t, "{\"error\":{\"message\":");
			text_add_json(&t, message);
			text_add(&t, ",\"type\":\"%s\"},\"type\":\"error\"}",
				 a->type);
			break;
		}
		text_add(&t, "{\"code\":\"%s\",\"message\":", a->code);
		text_add_json(&t, message);
		text_add(&t, "}");
		break;
	}
	return t.full ? -ENOSPC : (int)t.used;
}

enum pc_dialect answer_dialect(uint8_t profile, uint8_t variant,
			       uint32_t path_flags, enum pc_reason reason)
{
	if (variant == PC_VARIANT_GOOGLE)
		return PC_DIALECT_GOOGLE;
	if (profile != PC_PROFILE_SEED && path_flags & PC_P_OPENAI &&
	    reason == PC_R_KEY_EXHAUSTED)
		return PC_DIALECT_OPENAI;
	return PC_DIALECT_STD;
}

static const char *status_text(int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	default:
		return "Too Many Requests";
	}
}

/* Refusals that rest on what the kernel cannot see, or need Retry-After. */
static bool compilable(enum pc_reason reason)
{
	switch (reason) {
	case PC_R_KEY_LIVE:
	case PC_R_RATE_LIMITED:
	case PC_R_LOOKUP_BUSY:
	case PC_R_LOOKUP_FAILED:
	case PC_R_SUBSCRIPTION_INVALID:
	case PC_R_USAGE_LIMIT:
		return false;
	default:
		return !handlers_own(reason);
	}
}

/* The body with MARK taken out of it; where it stood, or NULL. */
static char *take_mark(char *body, int *size)
{
	char *mark = memchr(body, MARK, (size_t)*size);

	if (mark) {
		memmove(mark, mark + 1, (size_t)(body + *size - mark));
		--*size;
	}
	return mark;
}

int answer_compile(struct pc_answer *out, uint8_t profile,
		   enum pc_dialect dialect, enum pc_reason reason, int closing)
{
	char data[PC_ANSWER_SIZE + 1], body[PC_ANSWER_SIZE + 1];
	char message[PC_ANSWER_SIZE];
	struct text t = { .buf = data, .size = sizeof(data) };
	const char client[] = { MARK, '\0' };
	struct answer a;
	char *mark;
	int size;

	if (!compilable(reason) || answer_find(&a, profile, dialect, reason))
		return -ENOENT;
	answer_message(message, sizeof(message), &a, client, NULL);
	size = answer_body(body, sizeof(body), dialect, &a, message);
	if (size < 0)
		return size;
	mark = take_mark(body, &size);
	text_add(&t,
		 "HTTP/1.1 %d %s\r\n"
		 "Content-Type: application/json; charset=utf-8\r\n"
		 "%sContent-Length: %*d\r\n\r\n",
		 a.status, status_text(a.status),
		 closing ? "Connection: close\r\n" : "", mark ? 3 : 0, size);
	if (t.full || t.used + (size_t)size > PC_ANSWER_SIZE)
		return -ENOSPC;
	*out = (struct pc_answer){ 0 };
	memcpy(out->data, data, t.used);
	memcpy(out->data + t.used, body, (size_t)size);
	out->size = (__u16)(t.used + (size_t)size);
	out->body_size = (__u16)size;
	if (!mark)
		return 0;
	/* The length the kernel will write is known to it alone. */
	out->length_at = (__u16)(t.used - strlen("nnn\r\n\r\n"));
	out->address_at = (__u16)(t.used + (size_t)(mark - body));
	return 0;
}

const char *reason_name(enum pc_reason reason)
{
	return (unsigned int)reason < PC_R_MAX ? reason_names[reason] : "?";
}

enum pc_class reason_class(enum pc_reason reason)
{
	return (unsigned int)reason < PC_R_MAX ? reason_classes[reason]
					       : PC_CLASS_PASS;
}

const char *deny_name(uint8_t deny)
{
	static const char *const names[PC_DENY_MAX] = {
		[PC_DENY_REPLY] = "reply",
		[PC_DENY_CLOSE] = "close",
		[PC_DENY_RESET] = "reset",
		[PC_DENY_DROP] = "drop",
	};

	return deny < PC_DENY_MAX ? names[deny] : "?";
}

const char *profile_name(uint8_t profile)
{
	return profile < PC_PROFILE_MAX ? profile_names[profile] : "?";
}

int profile_parse(uint8_t *out, const char *text)
{
	for (uint8_t i = 0; i < PC_PROFILE_MAX; i++) {
		if (!strcmp(text, profile_names[i])) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}
