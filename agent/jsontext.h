/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON as text: just enough of its structure to tell where a value ends.  It
 * judges nothing; whether the text is JSON at all is jansson's to say.
 */
#ifndef JSONTEXT_H
#define JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>

struct jsontext {
	const char *at;
	size_t size;
};

/* Where in a value a byte is; zero before the value. */
struct jsontext_depth {
	size_t open; /* brackets and braces */
	bool in_string;
	bool escaped;
};

static inline void jsontext_step(struct jsontext_depth *d, char byte)
{
	if (d->in_string) {
		if (!d->escaped && byte == '"')
			d->in_string = false;
		d->escaped = !d->escaped && byte == '\\';
		return;
	}
	if (byte == '"')
		d->in_string = true;
	else if (byte == '{' || byte == '[')
		d->open++;
	else if ((byte == '}' || byte == ']') && d->open)
		d->open--;
}

/* Whether byte, next, is the ',' or '}' after a member's value. */
static inline bool jsontext_ends(const struct jsontext_depth *d, char byte)
{
	return !d->open && !d->in_string && (byte == ',' || byte == '}');
}

static inline bool jsontext_is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/*
 * The value of a member in an object's text, without blanks around it.  object
 * must be a valid JSON object.  A name is compared as written: one spelt with
 * escapes is not found.
 */
bool jsontext_find(struct jsontext *out, struct jsontext object,
		   const char *name);

#endif /* JSONTEXT_H */
