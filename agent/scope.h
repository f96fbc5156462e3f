/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of addresses as sorted, disjoint ranges: union, intersection,
 * difference, and back to prefixes.  For --ip-scope; pure.
 */
#ifndef SCOPE_H
#define SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix.h"

/* Both families in one line: IPv4 and IPv6 ranges are kept apart. */
struct scope;

struct scope *scope_new(void); /* empty; NULL: out of memory */
struct scope *scope_everything(void);
void scope_free(struct scope *s);

/* 0, -ENOMEM. */
int scope_add(struct scope *s, const struct prefix *p);
int scope_intersect(struct scope *s, const struct scope *other);
int scope_subtract(struct scope *s, const struct scope *other);
bool scope_is_empty(const struct scope *s);
/* The fewest prefixes that cover exactly s; a new array in *out. */
int scope_prefixes(struct prefix **out, size_t *n, const struct scope *s);

#endif /* SCOPE_H */
