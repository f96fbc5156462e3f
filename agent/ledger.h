/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who spent what and who holds what, in memory, by key, by user and by (user,
 * group).  Pure but for memory: no I/O, no clock, one thread.  All amounts are
 * int64 nano-USD and saturate.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide.h"
#include "entry.h"
#include "pc_abi.h"
#include "window.h"

#define LEDGER_ID_MAX 128 /* bytes of a request id */
#define LEDGER_WINDOWS 6

struct ledger;

struct ledger_config {
	int64_t hold_default_nusd; /* of a key without recent cost */
	int64_t hold_max_nusd;	   /* no hold is larger */
	int64_t hold_ttl_ns;	   /* where the caller names none */
};

/*
 * Whose money a charge is.  It counts for the key, and either for the
 * subscription of (user, group) or, without one, for the user's balance.
 */
struct ledger_account {
	struct pc_digest digest;
	int64_t user_id;
	int64_t group_id; /* of a subscription group only; 0: the balance */
};

/* Who pays for the requests of a key. */
void ledger_account_of(struct ledger_account *out, const struct entry *e);

/* A window of a key (5h, 1d, 7d) or of its group (daily, weekly, monthly). */
struct ledger_window {
	const char *name; /* "5h", ... */
	int64_t limit_nusd;
	int64_t used_nusd;
	int64_t length_ns;
	int64_t ends_ns; /* 0: not begun */
};

/* An entry as it stands now. */
struct ledger_view {
	struct entry entry; /* a copy with use and balance as of now; its lists
			       are borrowed: no entry_fini() */
	struct subscription sub;
	struct ledger_window windows[LEDGER_WINDOWS]; /* those with a limit */
	size_t n_windows;
	/* PC_NEXT, or PC_R_WINDOW_5H, _1D or _7D: that window is used up */
	enum pc_reason over;
	int64_t held_nusd; /* of the key */
	/* of what pays for the key: its subscription, or the user's balance */
	int64_t held_payer_nusd;
};

/* 0, -ENOMEM, -errno of the random numbers. */
int ledger_new(struct ledger **out, const struct ledger_config *cfg);
void ledger_free(struct ledger *l);

/*
 * When the entries now in use were true.  To be told at each reload, and before
 * journal_restore(): charges before and after it are kept apart, and those of a
 * day before it are forgotten.
 */
void ledger_taken(struct ledger *l, int64_t taken_ns);

/*
 * taken_ns: when the entry was true.  Never fails: no account, no change.
 *
 * Windows are counted for every key and every (user, group) whether they have a
 * limit or not: a limit that appears finds what was used before.  Where the
 * entry has a subscription row, view.sub is the row with what was charged after
 * taken_ns; where the row is unknown, view.sub is unknown too, unless our own
 * windows alone are over a limit: then it is a row that says so.
 */
void ledger_look(struct ledger_view *out, struct ledger *l,
		 const struct entry *e, int64_t taken_ns, int64_t now_ns);

/*
 * Counts a charge once made at a time; 0 or less is none.  Idempotency is the
 * journal's.  0; -ENOMEM: nothing was counted.
 */
int ledger_charge(struct ledger *l, const struct ledger_account *who,
		  int64_t cost_nusd, int64_t at_ns);
/* Takes the very same charge back: it could not be kept. */
void ledger_uncharge(struct ledger *l, const struct ledger_account *who,
		     int64_t cost_nusd, int64_t at_ns);

/* Counts a sum as it was kept; windows are restored by themselves. */
int ledger_restore_sum(struct ledger *l, const struct ledger_account *who,
		       int64_t first_ns, int64_t last_ns, int64_t cost_nusd);
/* Of the key; where the group is not 0, of (user, group). */
int ledger_restore_windows(struct ledger *l, const struct ledger_account *who,
			   const struct window windows[static WINDOWS]);

struct ledger_hold {
	char id[LEDGER_ID_MAX + 1];
	struct ledger_account who;
	int64_t held_nusd;
	int64_t ends_ns;
};

/* What a hold of this key is when the caller does not say. */
int64_t ledger_hold_size(const struct ledger *l, const struct pc_digest *key);
/*
 * Keeping within hold_max_nusd is the caller's.  0; -EEXIST: there is one of
 * this id, which is left as it is; -ENOMEM.
 */
int ledger_hold(struct ledger *l, const struct ledger_hold *hold);
/* NULL: none of this id, or over.  Borrowed until the next change. */
const struct ledger_hold *ledger_find_hold(const struct ledger *l,
					   const char *id);
/* -ENOENT. */
int ledger_release(struct ledger *l, const char *id);
/*
 * Drops the holds that are over, and calls gone() for each, where not NULL; and
 * a part of what is not needed any more.  To be called every second or so.
 */
void ledger_expire(struct ledger *l, int64_t now_ns,
		   void (*gone)(const struct ledger_hold *h, void *arg),
		   void *arg);

/*
 * Calls each() for the accounts in a part of the ledger, the next part with
 * each call, from a cursor of 0 on: a key's with its digest alone, a balance's
 * with its user alone.  False: that was the last part.  What is made or dropped
 * in between may be left out.
 */
bool ledger_each(const struct ledger *l, size_t *cursor, size_t n,
		 void (*each)(const struct ledger_account *who, void *arg),
		 void *arg);

struct ledger_totals {
	size_t n_accounts;
	size_t n_holds;
	int64_t held_nusd;
};

void ledger_totals(struct ledger_totals *out, const struct ledger *l);

#endif /* LEDGER_H */
