// SPDX-License-Identifier: GPL-2.0-only
#include "framing.h"

#include <stdint.h>
#include <strings.h>

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
