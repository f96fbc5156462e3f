// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text laid out in a fixed buffer, and JSON strings in it byte for byte as Go's
 * encoding/json writes them.  Not a JSON writer: structure is the caller's.
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	if (t->full)
		return;
	va_start(args, format);
	n = vsnprintf(t->buf + t->used, t->size - t->used, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->size - t->used)
		t->full = true;
	else
		t->used += (size_t)n;
}

/* Bytes of the UTF-8 sequence at s, 0 for one that Go would not accept. */
static unsigned int utf8_size(const unsigned char *s)
{
	/* Overlong forms, surrogates and what lies past U+10FFFF show in the
	 * second byte alone.
	 */
	unsigned char low = 0x80, high = 0xbf;
	unsigned int n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (unsigned int i = 2; i < n; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return n;
}

static void text_add_ascii(struct text *t, unsigned char c)
{
	static const char shorts[] = "\bb\ff\nn\rr\tt\"\"\\\\";

	for (size_t i = 0; shorts[i]; i += 2) {
		if (c == (unsigned char)shorts[i]) {
			text_add(t, "\\%c", shorts[i + 1]);
			return;
		}
	}
	/* The last three are Go's HTML escaping, which gin leaves on. */
	if (c < 0x20 || c == '<' || c == '>' || c == '&')
		text_add(t, "\\u%04x", c);
	else
		text_add(t, "%c", c);
}

void text_add_json(struct text *t, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	text_add(t, "\"");
	while (*s) {
		unsigned int n = utf8_size(s);

		if (n == 0)
			text_add(t, "\\ufffd");
		else if (n == 1)
			text_add_ascii(t, *s);
		else if (!memcmp(s, "\xe2\x80\xa8", 3) ||
			 !memcmp(s, "\xe2\x80\xa9", 3))
			text_add(t, "\\u202%x", s[2] & 15);
		else
			text_add(t, "%.*s", (int)n, (const char *)s);
		s += n ? n : 1;
	}
	text_add(t, "\"");
}

json_t *text_json(const char *string)
{
	char *copy = strdup(string);
	json_t *json;

	for (char *s = copy; s && *s;) {
		unsigned int n = utf8_size((const unsigned char *)s);

		if (!n)
			*s = '?';
		s += n ? n : 1;
	}
	json = copy ? json_string(copy) : NULL;
	free(copy);
	return json;
}

void text_to_ascii(char *string)
{
	for (; *string; string++) {
		if (*string < ' ' || *string > '~')
			*string = '?';
	}
}

int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
