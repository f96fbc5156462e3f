/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ledger must not forget, in SQLite (WAL, full synchronisation), by a
 * thread of its own that commits many items at once.  It is also the judge of
 * request ids: what was counted before is not counted again for 24 hours.  One
 * id may name a hold and the charge that settles it, and nothing else.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger.h"

struct journal;

enum journal_op {
	JOURNAL_CHARGE, /* usage, or a settled hold; ends a hold of this id */
	JOURNAL_HOLD,	/* a new hold */
	/* A hold given back or run out.  Its account is known by its id for
	 * another 24 hours, so that it may still be charged.
	 */
	JOURNAL_RELEASE,
};

enum journal_state {
	JOURNAL_QUEUED,
	/* Handed out once before the commit ... */
	JOURNAL_NEW, /* to be counted now; KEPT or FAILED follows */
	/* ... and once after it. */
	JOURNAL_KEPT,
	JOURNAL_FAILED,	   /* nothing was kept; what NEW counted, take back */
	JOURNAL_DUPLICATE, /* the same was counted before */
	JOURNAL_CONFLICT,  /* the id was used for something else */
	/* A charge without account or a release, and no hold of this id. */
	JOURNAL_UNKNOWN,
	/*
	 * Not one of the caller's items: the database was opened after
	 * journal_restore() had failed, which is to be called again now.
	 */
	JOURNAL_RESTORED,
};

/*
 * The caller's, from journal_submit() until it comes back in its last state.
 * A charge whose account is not known (has_account false) is settled on the
 * hold's; who is then filled in.
 */
struct journal_item {
	enum journal_op op;
	enum journal_state state;
	char id[LEDGER_ID_MAX + 1];
	bool has_account; /* always, of a hold */
	/* Hold: its size was not the caller's wish.  The same hold again is a
	 * duplicate, whatever its size.
	 */
	bool any_cost;
	struct ledger_account who;
	int64_t cost_nusd; /* charge: cost; hold: size */
	int64_t at_ns;	   /* charge: when; hold: when it ends */
	void *arg;	   /* the caller's */

	/* The journal's own, of no meaning to the caller. */
	struct journal_item *next;
	enum journal_state last; /* QUEUED: not known yet */
	bool is_new;		 /* NEW is to be handed out first */
	bool listed;		 /* waits to be taken */
};

/*
 * event_fd (an eventfd of the caller's) is written whenever journal_take() has
 * something.  path NULL: in memory only, for hosts without a disk to spare.
 * Opens in the background and tries again every few seconds when it cannot
 * (missing directory, locked, corrupt, full): until then items fail.
 * 0, -ENOMEM, -errno of the thread.
 */
int journal_new(struct journal **out, const char *path, int event_fd);
/*
 * Commits what is queued, then ends.  Items not taken are the caller's; their
 * state is the last one.
 */
void journal_free(struct journal *j);

/*
 * Puts what was kept into a ledger, to be called before the first submit, and
 * after ledger_taken().  Waits for the first attempt to open.  0; -ENOMEM: a
 * part of it; -EAGAIN: not available now.  Then journal_take() gives an item
 * JOURNAL_RESTORED once it is, before any that is NEW.
 */
int journal_restore(struct journal *j, struct ledger *l, int64_t now_ns);

/*
 * As ledger_taken(): charges before and after it are kept apart when they are
 * folded to hours.
 */
void journal_taken(struct journal *j, int64_t taken_ns);

void journal_submit(struct journal *j, struct journal_item *item);
/* Items whose state changed, oldest first; NULL: none. */
struct journal_item *journal_take(struct journal *j);

struct journal_health {
	bool available;
	char error[160]; /* why not */
	uint64_t commits, kept, failed;
	size_t queued;
};

void journal_health(struct journal_health *out, struct journal *j);

#endif /* JOURNAL_H */
