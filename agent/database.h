/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal's tables in SQLite, one thread at a time.  Request ids with what
 * they were used for; sums of charges by second, folded to hours and months;
 * windows.  A file of another kind or of a newer version is left alone.
 */
#ifndef DATABASE_H
#define DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "journal.h"
#include "past.h"

#define DATABASE_ERROR_SIZE 160

struct database;

/*
 * Errors of all of them: -EBUSY, -ENOSPC: may pass; anything else: close it and
 * open it anew.  The text is in error or in database_error().
 */
int database_open(struct database **out, const char *path,
		  char error[static DATABASE_ERROR_SIZE]);
void database_close(struct database *db);
const char *database_error(const struct database *db);

/* Reads what a ledger needs to know; out is to be freed on success. */
int database_load(struct past *out, struct database *db);

/* Charges before and after taken_ns are not blended. */
int database_begin(struct database *db, int64_t now_ns, int64_t taken_ns);
/*
 * Does what an item asks for.  *out: NEW, DUPLICATE, CONFLICT or UNKNOWN, which
 * hold once the commit has been made.
 */
int database_apply(enum journal_state *out, struct database *db,
		   struct journal_item *item);
int database_commit(struct database *db);
void database_rollback(struct database *db);

/* A transaction that changes nothing of interest: can it be written to? */
int database_probe(struct database *db);
/*
 * A transaction that folds, prunes or drops a few rows of one kind, another
 * kind each time.  *more: there is more to do now.
 */
int database_tidy(bool *more, struct database *db, int64_t now_ns,
		  int64_t taken_ns);
/* Moves what was committed to its place when it has become much. */
int database_checkpoint(struct database *db);

#endif /* DATABASE_H */
