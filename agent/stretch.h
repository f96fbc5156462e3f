/* SPDX-License-Identifier: GPL-2.0-only */
/* An image, walked in order of addresses, by stretches of one owner.  Pure. */
#ifndef STRETCH_H
#define STRETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"
#include "prefix.h"

/* Would the kernel drop what this owner has? */
bool stretch_is_denied(uint32_t owner);

/*
 * The first address of a prefix that the image denies, and whose it is; false:
 * there is none.  Costs a step for each /24 in the index or stretch of IPv6
 * inside, and one for each bucket there is.
 */
bool stretch_find_denied(struct prefix *address, uint32_t *owner,
			 const struct image *im, const struct prefix *within);

#endif /* STRETCH_H */
