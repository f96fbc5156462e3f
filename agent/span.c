// SPDX-License-Identifier: GPL-2.0-only
/*
 * Borrowed bytes.  Outside ASCII every blank is matched as a whole UTF-8
 * sequence, so invalid text is never one.
 */
#include "span.h"

#include <string.h>

static const char *const wide_blanks[] = {
	"\xc2\x85",	"\xc2\xa0",	"\xe1\x9a\x80", "\xe2\x80\x80",
	"\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
	"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
	"\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
	"\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};

struct span span_of(const char *string)
{
	return (struct span){ string, strlen(string) };
}

static bool is_ascii_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Bytes of the blank at the front (or the back); 0 when there is none. */
static size_t blank_size(struct span s, bool back)
{
	char edge;

	if (!s.size)
		return 0;
	edge = s.text[back ? s.size - 1 : 0];
	if (!(edge & 0x80))
		return is_ascii_blank(edge);
	for (size_t i = 0; i < sizeof(wide_blanks) / sizeof(wide_blanks[0]);
	     i++) {
		size_t n = strlen(wide_blanks[i]);

		if (n <= s.size && !memcmp(s.text + (back ? s.size - n : 0),
					   wide_blanks[i], n))
			return n;
	}
	return 0;
}

struct span span_trim(struct span s)
{
	size_t n;

	while ((n = blank_size(s, false)) > 0) {
		s.text += n;
		s.size -= n;
	}
	while ((n = blank_size(s, true)) > 0)
		s.size -= n;
	return s;
}

bool span_split(struct span *part, struct span *rest)
{
	const char *comma;

	if (!rest->text)
		return false;
	comma = memchr(rest->text, ',', rest->size);
	*part = *rest;
	if (comma) {
		part->size = (size_t)(comma - rest->text);
		rest->text = comma + 1;
		rest->size -= part->size + 1;
	} else {
		*rest = (struct span){ NULL, 0 };
	}
	return true;
}
