/* SPDX-License-Identifier: GPL-2.0-only */
/* The gateway's record of one key, as an entry. */
#ifndef RECORD_H
#define RECORD_H

#include "entry.h"
#include "object.h"

/*
 * record is the cache's {"not_found":…,"snapshot":{…}} or, when it has neither
 * member, a snapshot itself.  *out is untouched on failure, its digest zero.
 *
 * Beside these two a source may put "subscription": the (user, group) row, or
 * false where it knows that there is none; null and absent mean unknown.  A
 * member of that name in a snapshot is the gateway's own and not looked at.
 */
int record_parse(struct entry *out, const struct object *record);

#endif /* RECORD_H */
