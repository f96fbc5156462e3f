/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was spent by one key, one user's balance or one (user, group)
 * subscription, and where to find it.  An account is made by its first charge
 * or hold and dropped when nothing of it matters any more.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "meter.h"
#include "pc_abi.h"
#include "window.h"

/* What is not part of an account's name is 0. */
struct account_id {
	struct pc_digest key;
	int64_t user_id;
	int64_t group_id;
};

struct account {
	struct index_link link;
	struct account_id id;
	struct meter meter;
	struct window windows[WINDOWS]; /* not used of a user's balance */
	int64_t held_nusd;
	int64_t peak_nusd; /* a decaying maximum of what a charge costs */
	uint32_t n_holds;
};

struct accounts {
	struct index index;
	size_t cursor; /* where the next sweep goes on */
};

int accounts_init(struct accounts *as);
void accounts_fini(struct accounts *as);

/* NULL: there is none. */
struct account *account_find(const struct accounts *as,
			     const struct account_id *id);
/* Finds or makes; a new one's meter never blurs since_ns.  0, -ENOMEM. */
int account_make(struct account **out, struct accounts *as,
		 const struct account_id *id, int64_t since_ns);

/*
 * Looks at a part of the accounts, a new part each time: forgets what was
 * charged before a moment, and drops those without charges, holds and windows
 * that still run.
 */
void accounts_sweep(struct accounts *as, int64_t before_ns, int64_t now_ns);

#endif /* ACCOUNT_H */
