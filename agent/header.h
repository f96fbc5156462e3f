/* SPDX-License-Identifier: GPL-2.0-only */
/* A request's header lines as Go's net/http looks them up. */
#ifndef HEADER_H
#define HEADER_H

#include <stdbool.h>

#include "decide.h"
#include "span.h"

/*
 * Header.Get: the value of the first line of that name, of any case; empty
 * where there is none.  An empty first line hides a later one.
 */
struct span header_get(const struct decide_request *req, const char *name);

/* The next line of that name from *at on, *at being moved past it. */
bool header_next(struct span *value, const struct decide_request *req,
		 const char *name, size_t *at);

#endif /* HEADER_H */
