/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Things by what identifies them: a hash table of links that lie inside them.
 * Seeded, because request ids and keys may be chosen by strangers.  Owns
 * nothing but its heads.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "siphash.h"

#define INDEX_OF(link, type, member) \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

struct index_link {
	struct index_link *next;
	uint64_t hash;
};

struct index {
	struct index_link **heads;
	size_t n_heads; /* a power of two */
	size_t n;
	struct pc_sip seed;
};

/* 0, -ENOMEM, -errno of the random numbers. */
int index_init(struct index *x);
void index_fini(struct index *x);

/* At most PC_SIPHASH_MAX bytes. */
uint64_t index_hash(const struct index *x, const void *bytes, size_t size);
/* The links with a hash; NULL: no more.  They may still be something else. */
struct index_link *index_first(const struct index *x, uint64_t hash);
struct index_link *index_next(const struct index_link *link);

/* Never fails: without memory to grow, chains become longer. */
void index_add(struct index *x, struct index_link *link, uint64_t hash);
void index_remove(struct index *x, struct index_link *link);

#endif /* INDEX_H */
