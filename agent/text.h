/* SPDX-License-Identifier: GPL-2.0-only */
/* Text laid out in a fixed buffer, JSON strings as Go's encoding/json has them.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

/* Once something has not fit, full is set and nothing more is added. */
struct text {
	char *buf;
	size_t size; /* at least 1; buf stays NUL-ended */
	size_t used;
	bool full;
};

void text_add(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Quotes included; invalid UTF-8 becomes \ufffd, <>& and U+2028/9 are escaped.
 */
void text_add_json(struct text *t, const char *string);

/* Invalid UTF-8 becomes '?': JSON cannot hold every file's name.  NULL: out of
 * memory.
 */
json_t *text_json(const char *string);

/* For a terminal or for JSON: whatever is not printable ASCII becomes '?'. */
void text_to_ascii(char *string);

/* Value of a hexadecimal digit, either case; -1: it is none. */
int text_hex_digit(char c);

#endif /* TEXT_H */
