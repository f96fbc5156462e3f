// SPDX-License-Identifier: GPL-2.0-only
#include "plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* What a byte may stand in (RFC 9110, 5.6.2 and 5.5; RFC 3986). */
#define TOKEN 1
#define TARGET 2
#define VALUE 4

#define T (TOKEN | TARGET | VALUE)
#define P (TARGET | VALUE)
#define V VALUE

static const uint8_t kinds[256] = {
	['\t'] = V,
	[' '] = V,
	/* not '#': no target has a fragment */
	['!'] = T,
	['"'] = P,
	['#'] = TOKEN | VALUE,
	['$'] = T,
	['%'] = T,
	['&'] = T,
	['\''] = T,
	['('] = P,
	[')'] = P,
	['*'] = T,
	['+'] = T,
	[','] = P,
	['-'] = T,
	['.'] = T,
	['/'] = P,
	['0' ... '9'] = T,
	[':'] = P,
	[';'] = P,
	['<'] = P,
	['='] = P,
	['>'] = P,
	['?'] = P,
	['@'] = P,
	['A' ... 'Z'] = T,
	['['] = P,
	['\\'] = P,
	[']'] = P,
	['^'] = T,
	['_'] = T,
	['`'] = T,
	['a' ... 'z'] = T,
	['{'] = P,
	['|'] = T,
	['}'] = P,
	['~'] = T,
	/* Only values: a target of such bytes is somebody else's to refuse. */
	[0x80 ... 0xff] = V,
};

#undef T
#undef P
#undef V

/* The first byte that is not of the kind; a NUL is of none. */
static char *skip(char *at, uint8_t kind)
{
	while (kinds[(uint8_t)*at] & kind)
		at++;
	return at;
}

static bool take(char **at, const char *literal)
{
	size_t n = strlen(literal);

	if (strncmp(*at, literal, n))
		return false;
	*at += n;
	return true;
}

/* "METHOD SP /path?query SP HTTP/1.1 CRLF" */
static char *parse_line(struct plain *out, char *at)
{
	char *end = skip(at, TOKEN), *mark;

	if (end == at || *end != ' ' || end[1] != '/')
		return NULL;
	out->method = at;
	*end = '\0';
	out->path = at = end + 1;
	end = skip(at, TARGET);
	mark = memchr(at, '?', (size_t)(end - at));
	if (*end != ' ')
		return NULL;
	*end = '\0';
	out->query = mark ? mark + 1 : end;
	if (mark)
		*mark = '\0';
	at = end + 1;
	return take(&at, "HTTP/1.1\r\n") ? at : NULL;
}

/* "name: value CRLF"; a line that is folded begins like no name. */
static char *parse_field(struct header *out, char *at)
{
	char *end = skip(at, TOKEN), *value;

	if (end == at || *end != ':')
		return NULL;
	*end = '\0';
	out->name = at;
	value = end + 1;
	while (*value == ' ' || *value == '\t')
		value++;
	end = skip(value, VALUE);
	if (end[0] != '\r' || end[1] != '\n')
		return NULL;
	at = end + 2;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	out->value = value;
	return at;
}

/* May the field stand in a request that is nothing but a head? */
static bool is_plain(const struct header *h, size_t *n_hosts)
{
	switch (h->name[0] | 0x20) {
	case 'c':
		if (!strcasecmp(h->name, "Content-Length"))
			return !strcmp(h->value, "0");
		if (!strcasecmp(h->name, "Connection"))
			return !strcasecmp(h->value, "keep-alive");
		return true;
	case 'e':
		return strcasecmp(h->name, "Expect") != 0;
	case 'h':
		*n_hosts += !strcasecmp(h->name, "Host");
		return strcasecmp(h->name, "HTTP2-Settings") != 0;
	case 't':
		return strcasecmp(h->name, "Transfer-Encoding") != 0 &&
		       strcasecmp(h->name, "Trailer") != 0;
	case 'u':
		return strcasecmp(h->name, "Upgrade") != 0;
	default:
		return true;
	}
}

size_t plain_parse(struct plain *out, char *bytes, size_t n)
{
	size_t n_hosts = 0;
	char *at;

	/* No kind of byte: whatever is skipped, it ends here. */
	bytes[n] = '\0';
	at = parse_line(out, bytes);
	out->n_fields = 0;
	while (at && *at != '\r') {
		struct header *h = &out->fields[out->n_fields++];

		if (out->n_fields > PLAIN_FIELDS)
			return 0;
		at = parse_field(h, at);
		if (at && !is_plain(h, &n_hosts))
			return 0;
	}
	if (!at || at[1] != '\n' || n_hosts != 1)
		return 0;
	/* Answers to these are framed in ways of their own. */
	if (!strcmp(out->method, "HEAD") || !strcmp(out->method, "CONNECT"))
		return 0;
	return (size_t)(at + 2 - bytes);
}
