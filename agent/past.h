/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a database had kept, on its way to a ledger: read by one thread, put
 * there by another.
 */
#ifndef PAST_H
#define PAST_H

#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "window.h"

struct past_sum {
	struct ledger_account who;
	int64_t first_ns;
	int64_t last_ns;
	int64_t cost_nusd;
};

/* Of a key; where the group is not 0, of (user, group). */
struct past_windows {
	struct ledger_account who;
	struct window windows[WINDOWS];
};

struct past {
	struct past_sum *sums;
	struct past_windows *windows;
	struct ledger_hold *holds;
	size_t n_sums;
	size_t n_windows;
	size_t n_holds;
};

void past_fini(struct past *p);

/* 0, -ENOMEM. */
int past_add_sum(struct past *p, const struct past_sum *sum);
int past_add_windows(struct past *p, const struct past_windows *windows);
int past_add_hold(struct past *p, const struct ledger_hold *hold);

/* Holds that are over are left out.  0; -ENOMEM: not all of it fitted. */
int past_apply(const struct past *p, struct ledger *l, int64_t now_ns);

#endif /* PAST_H */
