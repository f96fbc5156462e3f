/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slot that is not in force: emptied and readied once nobody reads it any
 * more, filled with the next generation.
 */
#ifndef SLOT_H
#define SLOT_H

#include <stdint.h>

#include "maps.h"
#include "policy.h"

extern const struct maps_inner slot_none;

/* Open inner maps of a slot, in the place of those before, which are closed. */
void slot_keep(struct maps *m, uint32_t slot, struct maps_inner inner);
void slot_drop_spare(struct maps *m);

/* Everything but the header, read back.  0; -EILSEQ; -errno. */
int slot_fill(struct maps *m, uint32_t slot, const struct policy *p);

/* Of the policy in it, or of the last one that was; 0: none was. */
uint64_t slot_last_generation(const struct maps *m, uint32_t slot);

/*
 * Empties a slot that nobody reads any more, so that only one generation takes
 * room, and readies it to be filled again without waiting for anybody.
 */
void slot_retire(struct maps *m, uint32_t slot);

#endif /* SLOT_H */
