/* SPDX-License-Identifier: GPL-2.0-only */
/* Prefixes into the order of prefix_compare(), in time linear in their number.
 */
#ifndef RADIX_H
#define RADIX_H

#include "prefix.h"

/* In place, so that a million take no second million's room. */
void radix_sort(struct prefix *items, size_t n);

#endif /* RADIX_H */
