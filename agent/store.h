/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All entries in memory, for the decision service: replaced whole by a reload,
 * one by one by sources.  One thread writes; readers never wait for it, and an
 * entry they found stays valid until their next store_pause().
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "pc_abi.h"
#include "snapshot.h"

struct store;

/* 0, -ENOMEM. */
int store_new(struct store **out);
/* Once no reader is left. */
void store_free(struct store *s);

/*
 * Writer.  store_replace() takes the entries out of the snapshot, which is then
 * empty (generated_ns and complete stay), and returns when nobody reads the old
 * ones any more.  0, -ENOMEM: the store is as it was.
 */
int store_replace(struct store *s, struct snapshot *snap);
/* The same, but what a snapshot brought before stays until one of the next two,
 * or another snapshot, is called for.
 */
int store_try(struct store *s, struct snapshot *snap);
void store_keep(struct store *s);
/* -ENOENT: there is nothing to go back to. */
int store_go_back(struct store *s);
/*
 * Takes over what *e owns; *e itself stays the caller's.  0, -ENOMEM: the store
 * and *e are as they were.
 */
int store_put(struct store *s, struct entry *e);
/* -ENOENT: there was none. */
int store_remove(struct store *s, const struct pc_digest *digest);

/*
 * Readers.  A thread that reads calls store_enter() once, store_leave() at its
 * end, and store_pause() whenever it holds no entry: before it waits, at the
 * latest after every batch of requests.
 */
void store_enter(void);
void store_leave(void);
void store_pause(void);
/* Around a wait that may be long. */
void store_sleep(void);
void store_wake(void);

/* Borrowed; NULL: not there. */
const struct entry *store_find(const struct store *s,
			       const struct pc_digest *digest);
/*
 * Calls each() for every key of a user, twice for one that is being changed.
 * each() does not change the store.
 */
void store_each_of_user(const struct store *s, int64_t user_id,
			void (*each)(const struct entry *e, void *arg),
			void *arg);
size_t store_count(const struct store *s);
/* When what is in the store was true (Unix time); 0: nothing was loaded yet. */
int64_t store_taken_ns(const struct store *s);
/* Does the snapshot's header say that no other key exists? */
bool store_complete(const struct store *s);

#endif /* STORE_H */
