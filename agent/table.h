/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries by digest: an open-addressed table of borrowed pointers, 16 bytes a
 * key.  One thread changes it while others look things up in it.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "pc_abi.h"

struct table;

/*
 * Room for n entries and as many more as keep lookups short.  secret is odd and
 * nobody's to guess: keys can be chosen so that their digests fall together.
 * 0, -ENOMEM.
 */
int table_new(struct table **out, size_t n, uint64_t secret);
/* Another with the same entries and room to grow. */
int table_copy(struct table **out, const struct table *t);
void table_free(struct table *t);

const struct entry *table_find(const struct table *t,
			       const struct pc_digest *digest);
size_t table_count(const struct table *t);

/* Has it no room for one more? */
bool table_full(const struct table *t);
/* Not when full.  What it replaces, or NULL. */
const struct entry *table_put(struct table *t, const struct entry *e);
/* What was removed, or NULL. */
const struct entry *table_remove(struct table *t,
				 const struct pc_digest *digest);

#endif /* TABLE_H */
