/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bans on disk, in the ledger's database beside what the service writes there:
 * a connection of its own, opened for a moment.  Works whether or not a service
 * runs, and before the first one did.
 */
#ifndef BANSTORE_H
#define BANSTORE_H

#include <stddef.h>
#include <stdint.h>

#include "ban.h"

#define BANSTORE_ERROR_SIZE 160

enum banstore_mode {
	BANSTORE_READ,	 /* -ENOENT: there is none, and none is made */
	BANSTORE_CHANGE, /* the same; what is committed is on disk */
	BANSTORE_WRITE,	 /* so it is, and in a new one, too */
	BANSTORE_QUICK	 /* ... unless the power fails in the next seconds */
};

struct banstore;

/*
 * From here to the close no other thread can open or close another.  0; -errno
 * with the text in error.  The text of later errors is banstore_error().
 */
int banstore_open(struct banstore **out, const char *path,
		  enum banstore_mode mode,
		  char error[static BANSTORE_ERROR_SIZE]);
/* Rolls back what is not committed. */
void banstore_close(struct banstore *s);
const char *banstore_error(const struct banstore *s);

/* Nobody else writes between the two. */
int banstore_begin(struct banstore *s);
int banstore_commit(struct banstore *s);

/* The last ban of exactly this prefix, over or not.  -ENOENT: none is known. */
int banstore_find(struct ban *out, struct banstore *s, const struct prefix *p);
/* Writes one, and forgets a few that are to be remembered no longer. */
int banstore_put(struct banstore *s, const struct ban *b, int64_t now_ns);
/* -ENOENT: there is none. */
int banstore_remove(struct banstore *s, const struct prefix *p);

/* Every ban in force, until take() returns nonzero, which is returned. */
int banstore_each(struct banstore *s, int64_t now_ns,
		  int (*take)(const struct ban *b, void *arg), void *arg);

/* correct() is asked of each that was made after a time, and what it changes
 * is written.  How many, or -errno.
 */
int banstore_correct(struct banstore *s, int64_t after_ns,
		     bool (*correct)(struct ban *b, int64_t now_ns),
		     int64_t now_ns);

#endif /* BANSTORE_H */
