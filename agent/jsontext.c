// SPDX-License-Identifier: GPL-2.0-only
#include "jsontext.h"

#include <string.h>

/* Every step checks the end, so that invalid text is only not found. */
static void skip_blanks(struct jsontext *t)
{
	while (t->size && jsontext_is_blank(*t->at)) {
		t->at++;
		t->size--;
	}
}

static bool take(struct jsontext *t, char byte)
{
	skip_blanks(t);
	if (!t->size || *t->at != byte)
		return false;
	t->at++;
	t->size--;
	return true;
}

/* After the opening quote: the string's text, and past the closing quote. */
static bool take_string(struct jsontext *t, struct jsontext *out)
{
	struct jsontext_depth d = { .in_string = true };
	const char *start = t->at;

	while (t->size && d.in_string) {
		jsontext_step(&d, *t->at++);
		t->size--;
	}
	*out = (struct jsontext){ start, (size_t)(t->at - start) - 1 };
	return !d.in_string;
}

/* Up to the ',' or '}' after the value. */
static struct jsontext take_value(struct jsontext *t)
{
	struct jsontext_depth d = { 0 };
	struct jsontext value;

	skip_blanks(t);
	value = *t;
	while (t->size && !jsontext_ends(&d, *t->at)) {
		jsontext_step(&d, *t->at++);
		t->size--;
	}
	value.size -= t->size;
	while (value.size && jsontext_is_blank(value.at[value.size - 1]))
		value.size--;
	return value;
}

bool jsontext_find(struct jsontext *out, struct jsontext object,
		   const char *name)
{
	struct jsontext key, value;
	size_t name_size = strlen(name);

	if (!take(&object, '{'))
		return false;
	do {
		if (!take(&object, '"') || !take_string(&object, &key) ||
		    !take(&object, ':'))
			return false;
		value = take_value(&object);
		if (key.size == name_size && !memcmp(key.at, name, name_size)) {
			*out = value;
			return true;
		}
	} while (take(&object, ','));
	return false;
}
