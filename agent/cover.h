/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lists of prefixes come to: the whole address space of a family as
 * disjoint stretches in order, each with its owner by the rules of image.h.
 * Both families are prefixes of 128 bits here: an IPv4 address is the first 32
 * of them and stands for all that begin so.
 */
#ifndef COVER_H
#define COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"

struct cover_stretch {
	__uint128_t first;
	__uint128_t last;
	uint8_t owner; /* PC_OWNER_* */
};

/* A prefix of the list number source. */
struct cover_item {
	uint64_t hi;
	uint64_t lo;
	uint32_t source;
	uint8_t len;
};

/* A prefix that the sweep is within, and what holds in it. */
struct cover_open {
	__uint128_t last;
	uint32_t source; /* the first that has it */
	bool allowed;
};

#define COVER_DEPTH 130 /* one of each length, and nothing at all */

struct cover {
	const struct image_source *sources;
	struct cover_item *items; /* sorted */
	size_t n;
	size_t next;
	struct cover_open open[COVER_DEPTH];
	size_t depth;
	__uint128_t at;
	bool ended;
	/* Of the stretches so far, those owned by a list, not an allow entry.
	 */
	__uint128_t owned; /* addresses, until they are more than half */
	bool over_half;	   /* of all addresses; exactly half is not */
};

/* The sources are borrowed.  At the first stretch.  0, -ENOMEM. */
int cover_init(struct cover *c, const struct image_source *sources,
	       size_t n_sources, int family);
void cover_fini(struct cover *c);
void cover_rewind(struct cover *c);

/*
 * The next stretch, or false.  There is at least one, the first begins at 0,
 * the last ends at all ones, and neighbours differ in owner.
 */
bool cover_next(struct cover_stretch *out, struct cover *c);

#endif /* COVER_H */
