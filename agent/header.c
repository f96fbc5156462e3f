// SPDX-License-Identifier: GPL-2.0-only
/* Header lines by name.  Says nothing of what a value means. */
#include "header.h"

#include <string.h>
#include <strings.h>

/* net/textproto takes spaces and tabs, and only those, off a value. */
static struct span value_span(const char *value)
{
	struct span s = span_of(value + strspn(value, " \t"));

	while (s.size &&
	       (s.text[s.size - 1] == ' ' || s.text[s.size - 1] == '\t'))
		s.size--;
	return s;
}

bool header_next(struct span *value, const struct decide_request *req,
		 const char *name, size_t *at)
{
	for (; *at < req->n_headers; ++*at) {
		const struct header *h = &req->headers[*at];

		/* Most names differ in their first letter. */
		if ((h->name[0] ^ name[0]) & ~0x20 || strcasecmp(h->name, name))
			continue;
		*value = value_span(h->value);
		++*at;
		return true;
	}
	return false;
}

struct span header_get(const struct decide_request *req, const char *name)
{
	struct span value = { "", 0 };
	size_t at = 0;

	header_next(&value, req, name, &at);
	return value;
}
