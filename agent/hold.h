/* SPDX-License-Identifier: GPL-2.0-only */
/* Holds by request id and by when they end.  Copies what it is given. */
#ifndef HOLD_H
#define HOLD_H

#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "ledger.h"

struct hold;

struct holds {
	struct index index;
	struct hold **heap; /* the one that ends first is first */
	size_t n;
	size_t room;
};

int holds_init(struct holds *hs);
void holds_fini(struct holds *hs);

/* 0; -EEXIST; -ENOMEM. */
int hold_add(struct holds *hs, const struct ledger_hold *hold);
/* NULL: there is none.  Borrowed until the next change. */
const struct ledger_hold *hold_find(const struct holds *hs, const char *id);
/* The one that ends first; NULL: there is none. */
const struct ledger_hold *hold_first(const struct holds *hs);
/* A hold that was found. */
void hold_remove(struct holds *hs, const struct ledger_hold *hold);

#endif /* HOLD_H */
