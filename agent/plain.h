/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests that are plain: a head and nothing else, whole, in the one form that
 * nobody reads differently.  Whatever is not is left to a real HTTP parser, so
 * this one refuses where it could be lenient.  Pure.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <stddef.h>

#include "decide.h"

#define PLAIN_FIELDS 200

struct plain {
	const char *method;
	const char *path;
	const char *query; /* "" */
	struct header fields[PLAIN_FIELDS];
	size_t n_fields;
};

/*
 * The size of the plain request that the bytes begin with; 0: they do not.
 * bytes[n] is written, too, and what *out points to lies among them.
 */
size_t plain_parse(struct plain *out, char *bytes, size_t n);

#endif /* PLAIN_H */
