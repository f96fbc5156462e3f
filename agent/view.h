/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An entry with what its accounts add to it: the entry tells what was true when
 * it was taken, the accounts what was charged since.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "ledger.h"

/* Those that a charge for a key concerns; NULL: nothing was charged yet. */
struct view_accounts {
	struct account *key;
	struct account *payer; /* a subscription, or else a balance */
};

/* Does a subscription pay for the key, and not the user's balance? */
bool view_has_subscription(const struct entry *e);

void view_of(struct ledger_view *out, const struct entry *e,
	     const struct view_accounts *as, int64_t taken_ns, int64_t now_ns);

#endif /* VIEW_H */
