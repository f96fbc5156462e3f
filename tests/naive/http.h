/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The head of an HTTP/1.x request as Go's net/http server takes it, read in the
 * plainest way: line by line, a copy of everything, no cleverness.  Strict
 * where the server answers 400 or 501; what it accepts and few would send
 * (folded lines, repeated equal lengths) is refused here too, since the scanner
 * under test must call that undecidable.
 */
#ifndef TESTS_NAIVE_HTTP_H
#define TESTS_NAIVE_HTTP_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HTTP_HEADERS_MAX 4096

struct http_header {
	char *name;
	char *value; /* trimmed */
};

struct http_head {
	enum {
		HTTP_SPLIT,   /* no empty line yet */
		HTTP_REFUSED, /* not a request, or not one without doubt */
		HTTP_HEAD
	} state;
	size_t size; /* bytes, the empty line included */
	char *method;
	char *path;
	char *query; /* NULL without a '?' */
	bool http10;
	bool chunked;
	uint64_t content_length;
	struct http_header headers[HTTP_HEADERS_MAX];
	size_t n_headers;
};

static inline bool http_is_token(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) &&
		    (!s[i] || !strchr("!#$%&'*+-.^_`|~", s[i])))
			return false;
	}
	return n > 0;
}

/* Control characters; a tab is one only where it is not allowed. */
static inline bool http_has_control(const char *s, size_t n, bool tab_allowed)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < ' ' || c == 0x7f) && !(c == '\t' && tab_allowed))
			return true;
	}
	return false;
}

/* strndup(), which looks for a NUL beyond the bytes it is given. */
static inline char *http_copy(const char *s, size_t n)
{
	char *copy = malloc(n + 1);

	if (!copy)
		abort();
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

static inline char *http_trim(const char *s, size_t n)
{
	while (n && (*s == ' ' || *s == '\t'))
		s++, n--;
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	return http_copy(s, n);
}

/* "POST /path?query HTTP/1.1"; false where the server would refuse it. */
static inline bool http_read_request(struct http_head *h, const char *s,
				     size_t n)
{
	const char *blank = memchr(s, ' ', n), *target, *end, *mark;

	if (!blank || http_has_control(s, n, false) ||
	    !http_is_token(s, (size_t)(blank - s)))
		return false;
	target = blank + 1;
	end = memchr(target, ' ', (size_t)(s + n - target));
	if (!end || s + n - end != 9 || end == target)
		return false;
	if (*target != '/' && strncmp(target, "http://", 7) &&
	    strncmp(target, "https://", 8))
		return false;
	if (!memcmp(end + 1, "HTTP/1.0", 8))
		h->http10 = true;
	else if (memcmp(end + 1, "HTTP/1.1", 8))
		return false;
	h->method = http_copy(s, (size_t)(blank - s));
	mark = memchr(target, '?', (size_t)(end - target));
	h->path = http_copy(target, (size_t)((mark ? mark : end) - target));
	if (mark)
		h->query = http_copy(mark + 1, (size_t)(end - mark - 1));
	return true;
}

static inline bool http_read_header(struct http_head *h, const char *s,
				    size_t n)
{
	const char *colon = memchr(s, ':', n);
	struct http_header *header = &h->headers[h->n_headers];

	if (!colon || !http_is_token(s, (size_t)(colon - s)) ||
	    http_has_control(s, n, true) || h->n_headers == HTTP_HEADERS_MAX)
		return false;
	header->name = http_copy(s, (size_t)(colon - s));
	header->value = http_trim(colon + 1, (size_t)(s + n - colon - 1));
	h->n_headers++;
	return true;
}

/* The n-th value of a name, or NULL. */
static inline const char *http_find(const struct http_head *h, const char *name,
				    size_t nth)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		if (!strcasecmp(h->headers[i].name, name) && !nth--)
			return h->headers[i].value;
	}
	return NULL;
}

/* Is the word in any header of the name, which are lists with commas? */
static inline bool http_has_word(const struct http_head *h, const char *name,
				 const char *word)
{
	const char *value;

	for (size_t i = 0; (value = http_find(h, name, i)); i++) {
		char *copy = strdup(value), *save = NULL;
		bool found = false;

		for (char *w = strtok_r(copy, ", \t", &save); w;
		     w = strtok_r(NULL, ", \t", &save))
			found |= !strcasecmp(w, word);
		free(copy);
		if (found)
			return true;
	}
	return false;
}

static inline bool http_read_length(struct http_head *h)
{
	const char *text = http_find(h, "Content-Length", 0);

	if (!text)
		return true;
	if (!*text || http_find(h, "Content-Length", 1) || strlen(text) > 18)
		return false;
	for (const char *c = text; *c; c++) {
		if (!isdigit((unsigned char)*c))
			return false;
		h->content_length =
			h->content_length * 10 + (uint64_t)(*c - '0');
	}
	return true;
}

/* What the whole set of headers must satisfy. */
static inline bool http_check(struct http_head *h)
{
	const char *coding = http_find(h, "Transfer-Encoding", 0);

	if (http_find(h, "Host", 1) || (!h->http10 && !http_find(h, "Host", 0)))
		return false;
	if (!http_read_length(h))
		return false;
	if (!coding)
		return true;
	h->chunked = true;
	return !strcasecmp(coding, "chunked") && !h->http10 &&
	       !http_find(h, "Transfer-Encoding", 1) &&
	       !http_find(h, "Content-Length", 0);
}

/* Free with http_free(), whatever the state. */
static inline struct http_head *http_read(const char *bytes, size_t n)
{
	struct http_head *h = calloc(1, sizeof(*h));
	size_t at = 0, n_lines = 0;
	bool good = true;

	while (h) {
		const char *line = bytes + at, *nl = memchr(line, '\n', n - at);
		size_t size = nl ? (size_t)(nl - line) : 0;

		if (!nl)
			return h;
		at += size + 1;
		if (size && line[size - 1] == '\r')
			size--;
		if (!n_lines++)
			good = http_read_request(h, line, size);
		else if (!size)
			break;
		else
			good = good && http_read_header(h, line, size);
	}
	if (!h)
		abort();
	h->size = at;
	h->state = good && http_check(h) ? HTTP_HEAD : HTTP_REFUSED;
	return h;
}

static inline void http_free(struct http_head *h)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		free(h->headers[i].name);
		free(h->headers[i].value);
	}
	free(h->method);
	free(h->path);
	free(h->query);
	free(h);
}

static inline int http_hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0'
	       : isxdigit((unsigned char)c)
		       ? tolower((unsigned char)c) - 'a' + 10
		       : -1;
}

/* Might any reader of queries see a parameter of this name? */
static inline bool http_has_parameter(const char *query, const char *name)
{
	char got[64];
	size_t n = 0;

	for (const char *c = query;; c++) {
		if (!*c || strchr("&;=", *c)) {
			got[n] = '\0';
			if (!strcmp(got, name))
				return true;
			/* What follows "=" is no name; it does no harm to ask.
			 */
			n = 0;
			if (!*c)
				return false;
			continue;
		}
		if (n + 1 >= sizeof(got))
			continue;
		if (*c == '%' && http_hex(c[1]) >= 0 && http_hex(c[2]) >= 0) {
			got[n++] = (char)(http_hex(c[1]) << 4 | http_hex(c[2]));
			c += 2;
		} else {
			got[n++] = *c == '+' ? ' ' : *c;
		}
	}
}

#endif /* TESTS_NAIVE_HTTP_H */
