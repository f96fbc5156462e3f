/* SPDX-License-Identifier: GPL-2.0-only */
/* From one address to another of the same family, as the fewest prefixes. */
#ifndef RANGE_H
#define RANGE_H

#include <stdbool.h>

#include "prefix.h"

/* first to last, both included.  Taking prefixes off moves first. */
struct range {
	unsigned __int128 first;
	unsigned __int128 last;
	uint8_t family;
	bool empty;
};

/* -EINVAL: two families, or last comes before first. */
int range_init(struct range *out, const struct prefix *first,
	       const struct prefix *last);

/* Does it hold more addresses than a prefix of this length? */
bool range_exceeds(const struct range *r, unsigned int len);

/* The next prefix, in order; false: there are no more. */
bool range_take(struct prefix *out, struct range *r);

#endif /* RANGE_H */
