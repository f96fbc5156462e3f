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

/* IPv4 and IPv6 addresses; the families are kept apart. */
struct scope;

/* What any of the prefixes covers; NULL: out of memory. */
struct scope *scope_new(const struct prefix *items, size_t n);
struct scope *scope_everything(void);
void scope_free(struct scope *s);

/* s becomes the result and is untouched on failure.  0, -ENOMEM. */
int scope_unite(struct scope *s, const struct scope *other);
int scope_intersect(struct scope *s, const struct scope *other);
int scope_subtract(struct scope *s, const struct scope *other);

bool scope_is_empty(const struct scope *s);
/* Is every address of the family (AF_INET, AF_INET6) in it? */
bool scope_has_all(const struct scope *s, uint8_t family);
/* Takes all addresses of a family out. */
void scope_clear(struct scope *s, uint8_t family);

/* The fewest prefixes that cover exactly s, sorted; a new array in *out. */
int scope_prefixes(struct prefix **out, size_t *n, const struct scope *s);

#endif /* SCOPE_H */
