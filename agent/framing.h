/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a request's body is framed, where that can be said in one way only (RFC
 * 9112, 6).  Whoever could be understood differently by the proxy before us is
 * not understood at all.
 */
#ifndef FRAMING_H
#define FRAMING_H

#include <stdbool.h>
#include <stddef.h>

#include "decide.h"

struct framing {
	bool bad; /* the rest means nothing */
	bool chunked;
	bool has_length;
	unsigned long long length;
};

struct framing framing_find(const struct header *fields, size_t n);

/* Are the n bytes what Go's server takes for a field's name, or its value? */
bool framing_name_good(const char *name, size_t n);
bool framing_value_good(const char *value, size_t n);

#endif /* FRAMING_H */
