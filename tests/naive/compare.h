/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The head scanner against the naive parser: whatever the scanner does not call
 * undecidable, both must read alike.  Returns what differs, or NULL.
 */
#ifndef TESTS_NAIVE_COMPARE_H
#define TESTS_NAIVE_COMPARE_H

#include "head.h"
#include "naive/http.h"

static inline bool span_is(const struct pc_scan *s, struct pc_span span,
			   const char *want)
{
	size_t n = want ? strlen(want) : 0;

	return span.size == n && (!n || !memcmp(s->buf + span.at, want, n));
}

static inline const char *compare_credentials(const struct pc_scan *s,
					      const struct http_head *h)
{
	const struct pc_head *head = &s->head;
	const char *value = http_find(h, "Authorization", 0);

	if (!span_is(s, head->authorization, value) ||
	    !(head->flags & PC_H_AUTHORIZATION) != !value)
		return "Authorization";
	value = http_find(h, "x-api-key", 0);
	if (!span_is(s, head->x_api_key, value) ||
	    !(head->flags & PC_H_X_API_KEY) != !value)
		return "x-api-key";
	value = http_find(h, "x-goog-api-key", 0);
	if (!span_is(s, head->x_goog_api_key, value) ||
	    !(head->flags & PC_H_X_GOOG_API_KEY) != !value)
		return "x-goog-api-key";
	return NULL;
}

static inline const char *compare_target(const struct pc_scan *s,
					 const struct http_head *h)
{
	const struct pc_head *head = &s->head;
	uint32_t method = !strcmp(h->method, "GET")    ? PC_METHOD_GET
			  : !strcmp(h->method, "HEAD") ? PC_METHOD_HEAD
			  : !strcmp(h->method, "POST") ? PC_METHOD_POST
						       : PC_METHOD_OTHER;
	/* Paths that the gateway may read otherwise than they stand there. */
	bool encoded = strchr(h->path, '%') != NULL;
	size_t n = strlen(h->path);
	bool odd = encoded || strstr(h->path, "//") || strstr(h->path, "/.") ||
		   (n > 1 && h->path[n - 1] == '/');

	if (head->method != method)
		return "method";
	if (!span_is(s, head->path, "") &&
	    (encoded || !span_is(s, head->path, h->path)))
		return "path";
	if (!head->path.size && !odd)
		return "a plain path that is not judged";
	if (!span_is(s, head->query, h->query))
		return "query";
	if (h->query && !(head->flags & PC_H_QUERY_UNSURE) &&
	    (http_has_parameter(h->query, "key") ||
	     http_has_parameter(h->query, "api_key")))
		return "a key in the query";
	return NULL;
}

/* An upgrade may be suspected in vain, never be missed. */
static inline bool compare_upgrade(const struct pc_head *head,
				   const struct http_head *h)
{
	bool upgrade = http_find(h, "Upgrade", 0) ||
		       http_has_word(h, "Connection", "upgrade") ||
		       http_has_word(h, "Connection", "http2-settings");

	return !upgrade || head->flags & PC_H_UPGRADE;
}

static inline const char *compare_framing(const struct pc_head *head,
					  const struct http_head *h)
{
	bool forwarded = http_find(h, "X-Forwarded-For", 0) ||
			 http_find(h, "X-Real-IP", 0) ||
			 http_find(h, "CF-Connecting-IP", 0);

	if (head->size != h->size)
		return "size";
	if (head->content_length != h->content_length)
		return "Content-Length";
	if (!(head->flags & PC_H_CHUNKED) != !h->chunked)
		return "Transfer-Encoding";
	if (!(head->flags & PC_H_HTTP10) != !h->http10)
		return "version";
	if (!(head->flags & PC_H_FORWARDED) != !forwarded)
		return "forwarding headers";
	if (!compare_upgrade(head, h))
		return "Upgrade";
	if (!(head->flags & PC_H_UPGRADE) &&
	    !(head->flags & PC_H_CLOSE) !=
		    !http_has_word(h, "Connection", "close"))
		return "Connection: close";
	return NULL;
}

/* result is what pc_head_scan() said of the first n bytes. */
static inline const char *compare_heads(const struct pc_scan *s,
					uint32_t result, size_t n)
{
	struct http_head *h;
	const char *what = NULL;

	if (result != PC_NEXT && result != PC_R_HEAD_SPLIT)
		return NULL;
	h = http_read((const char *)s->buf, n);
	if (result == PC_R_HEAD_SPLIT) {
		what = h->state == HTTP_HEAD ? "a whole head" : NULL;
	} else if (h->state != HTTP_HEAD) {
		what = "no head at all";
	} else {
		what = compare_target(s, h);
		if (!what)
			what = compare_credentials(s, h);
		if (!what)
			what = compare_framing(&s->head, h);
	}
	http_free(h);
	return what;
}

#endif /* TESTS_NAIVE_COMPARE_H */
