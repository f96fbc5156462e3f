/* SPDX-License-Identifier: GPL-2.0-only */
/* The gateway's record of one key, as an entry. */
#ifndef RECORD_H
#define RECORD_H

#include "entry.h"
#include "object.h"

/*
 * record is the cache's {"not_found":…,"snapshot":{…}} or, when it has neither
 * member, a snapshot itself.  *out is untouched on failure, its digest zero.
 */
int record_parse(struct entry *out, const struct object *record);

#endif /* RECORD_H */
