// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a request.  What is taken for plain must read the same to one
 * who only knows that lines end with CR LF and names with a colon.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next line of what is left, cut out; NULL: no more. */
static char *take_line(char **rest)
{
	char *line = *rest, *end = strstr(line, "\r\n");

	assert(end && !memchr(line, '\n', (size_t)(end - line)));
	*end = '\0';
	*rest = end + 2;
	assert(!strchr(line, '\r'));
	return *line ? line : NULL;
}

static void check_line(const struct plain *p, const char *line)
{
	size_t n = strlen(p->method);

	assert(!strncmp(line, p->method, n) && line[n] == ' ');
	line += n + 1;
	n = strlen(p->path);
	assert(n && p->path[0] == '/' && !strncmp(line, p->path, n));
	line += n;
	if (*line == '?')
		line++;
	n = strlen(p->query);
	assert(!strncmp(line, p->query, n) && !strcmp(line + n, " HTTP/1.1"));
}

static void check_field(const struct header *h, const char *line)
{
	const char *colon = strchr(line, ':'), *value;
	size_t n;

	assert(colon && strlen(h->name) == (size_t)(colon - line) &&
	       !strncmp(line, h->name, (size_t)(colon - line)));
	value = colon + 1 + strspn(colon + 1, " \t");
	n = strlen(h->value);
	assert(!strncmp(value, h->value, n) &&
	       strspn(value + n, " \t") == strlen(value + n));
	assert(strcasecmp(h->name, "Transfer-Encoding"));
	assert(strcasecmp(h->name, "Content-Length") || !strcmp(h->value, "0"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size + 1), *copy = malloc(size + 1), *rest = copy;
	struct plain p;
	char *line;
	size_t n;

	assert(bytes && copy);
	memcpy(bytes, data, size);
	n = plain_parse(&p, bytes, size);
	assert(n <= size);
	if (n) {
		memcpy(copy, data, n);
		copy[n] = '\0';
		assert(strlen(copy) == n);
		check_line(&p, take_line(&rest));
		for (size_t i = 0; (line = take_line(&rest)); i++) {
			assert(i < p.n_fields);
			check_field(&p.fields[i], line);
		}
		assert(rest == copy + n);
	}
	free(bytes);
	free(copy);
	return 0;
}
