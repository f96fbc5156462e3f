/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes borrowed from a request, and how Go's strings package cuts them up. */
#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *text; /* not NUL-ended */
	size_t size;
};

struct span span_of(const char *string);

/* strings.TrimSpace: Unicode's white space, in UTF-8, off both ends. */
struct span span_trim(struct span s);

/*
 * One step of strings.Split(rest, ","): the part up to the first comma, taken
 * off rest.  False when the last part has been given; as in Go even "" is one
 * part.
 */
bool span_split(struct span *part, struct span *rest);

#endif /* SPAN_H */
