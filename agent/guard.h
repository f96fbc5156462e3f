/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Refuses what would lock somebody out or cannot be meant.  Pure: objects, with
 * reasons; whether anybody heeds them is not its business.
 */
#ifndef GUARD_H
#define GUARD_H

#include <stddef.h>

#include "image.h"
#include "lifelines.h"
#include "pc_abi.h"
#include "prefix.h"
#include "ruleset.h"

#define GUARD_TEXT_SIZE 320
#define GUARD_MAX 16
/* Shorter prefixes are no ban of anybody in particular. */
#define GUARD_BAN_LEN4_MIN 8
#define GUARD_BAN_LEN6_MIN 16

struct guard_objections {
	char text[GUARD_MAX][GUARD_TEXT_SIZE];
	size_t n;
	size_t n_more; /* for which there was no room */
};

/*
 * Against a policy: each lifeline of which the image would drop an address, and
 * coverage of more than half of an address space.  lists: the PC_OWNERS names
 * that belong to the image, or NULL.
 */
void guard_policy(struct guard_objections *out, const struct image *im,
		  const struct pc_list *lists, const struct lifelines *lines);

/*
 * Against a ban: each lifeline that it has an address of, unless an allow entry
 * has them all; and a prefix that is too short.
 */
void guard_ban(struct guard_objections *out, const struct prefix *ban,
	       const struct lifelines *lines, const struct prefix_list *allow);

#endif /* GUARD_H */
