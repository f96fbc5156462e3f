// SPDX-License-Identifier: GPL-2.0-only
/*
 * Percent-decoding as Go's net/url has it.  A decoded NUL byte becomes \x01, so
 * that a C string never ends earlier than Go's does: no key, name or route
 * holds either of the two.
 */
#include "query.h"
#include "text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Two hex digits within the n bytes at s; -1 where there are not. */
static int escape_value(const char *s, size_t n)
{
	int high, low;

	if (n < 2)
		return -1;
	high = text_hex_digit(s[0]);
	low = text_hex_digit(s[1]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* New string in *out.  -EINVAL: a bad escape; -ENOMEM. */
static int decode(char **out, const char *text, size_t size, bool plus)
{
	char *result = malloc(size + 1), *to = result;

	if (!result)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		int c = (unsigned char)text[i];

		if (c == '+' && plus) {
			c = ' ';
		} else if (c == '%') {
			c = escape_value(text + i + 1, size - i - 1);
			i += 2;
		}
		if (c < 0) {
			free(result);
			return -EINVAL;
		}
		*to++ = c ? (char)c : '\x01';
	}
	*to = '\0';
	*out = result;
	return 0;
}

/* 1 and the value when the pair has that name, 0, -ENOMEM. */
static int pair_value(char **out, const char *pair, size_t size,
		      const char *name)
{
	const char *equals = memchr(pair, '=', size);
	size_t name_size = equals ? (size_t)(equals - pair) : size;
	char *decoded;
	bool same;
	int err;

	/* net/url refuses pairs with a semicolon since Go 1.17. */
	if (!size || memchr(pair, ';', size))
		return 0;
	err = decode(&decoded, pair, name_size, true);
	if (err)
		return err == -EINVAL ? 0 : err;
	same = !strcmp(decoded, name);
	free(decoded);
	if (!same)
		return 0;
	err = decode(out, equals ? equals + 1 : "",
		     equals ? size - name_size - 1 : 0, true);
	if (err)
		return err == -EINVAL ? 0 : err;
	return 1;
}

int query_find(char **out, const char *query, const char *name)
{
	char *value = NULL;

	while (*query) {
		size_t size = strcspn(query, "&");
		int found = pair_value(&value, query, size, name);

		if (found < 0)
			return found;
		if (found)
			break;
		query += size + (query[size] == '&');
	}
	*out = value;
	return 0;
}

int query_decode_path(char **out, const char *path)
{
	return decode(out, path, strlen(path), false);
}
