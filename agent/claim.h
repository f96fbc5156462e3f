/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a request id was used for, which decides what an item with that id may
 * still do.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "journal.h"
#include "statement.h"

struct claim {
	bool exists;
	bool has_hold;
	bool open; /* the hold is */
	bool has_charge;
	struct ledger_account who;
	int64_t held_nusd; /* of the hold */
	int64_t ends_ns;
	int64_t charged_nusd;
	int64_t keep_ns;
};

/* SQLITE_OK or an error; an id never used is a claim that does not exist. */
int claim_find(struct claim *out, const struct statements *s, const char *id);
int claim_put(const struct claim *c, const struct statements *s,
	      const char *id);

/*
 * What becomes of an item: NEW (the claim is changed, and is to be put),
 * DUPLICATE, CONFLICT or UNKNOWN.  Fills in the account of a charge without.
 */
enum journal_state claim_judge(struct claim *c, struct journal_item *item,
			       int64_t now_ns);

#endif /* CLAIM_H */
