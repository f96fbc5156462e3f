// SPDX-License-Identifier: GPL-2.0-only
#include "framing.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

static const char token[] = "!#$%&'*+-.^_`|~0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz";

bool framing_name_good(const char *name, size_t n)
{
	return n && strspn(name, token) == n;
}

bool framing_value_good(const char *value, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void frame_by_length(struct framing *f, const char *value)
{
	unsigned long long n = 0;
	const char *c = value;

	for (; *c >= '0' && *c <= '9' && n < UINT64_MAX / 10 - 1; c++)
		n = n * 10 + (unsigned long long)(*c - '0');
	if (c == value || *c || (f->has_length && n != f->length))
		f->bad = true;
	f->has_length = true;
	f->length = n;
}

struct framing framing_find(const struct header *fields, size_t n)
{
	struct framing f = { .bad = false };

	for (size_t i = 0; i < n; i++) {
		const struct header *field = &fields[i];

		if (!strcasecmp(field->name, "Content-Length")) {
			frame_by_length(&f, field->value);
		} else if (!strcasecmp(field->name, "Transfer-Encoding")) {
			f.bad |= f.chunked ||
				 strcasecmp(field->value, "chunked");
			f.chunked = true;
		}
	}
	f.bad |= f.chunked && f.has_length;
	return f;
}
