// SPDX-License-Identifier: GPL-2.0-only
#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HEADS_MIN 64

int index_init(struct index *x)
{
	struct index made = { .n_heads = HEADS_MIN };

	if (getrandom(&made.seed, sizeof(made.seed), 0) != sizeof(made.seed))
		return errno ? -errno : -EIO;
	made.heads = calloc(made.n_heads, sizeof(*made.heads));
	if (!made.heads)
		return -ENOMEM;
	*x = made;
	return 0;
}

void index_fini(struct index *x)
{
	free(x->heads);
	x->heads = NULL;
}

uint64_t index_hash(const struct index *x, const void *bytes, size_t size)
{
	uint8_t look[PC_SIPHASH_LOOK];

	/* The bytes after the last are read, though nothing rests on them. */
	memset(look + (size & ~(size_t)7), 0, 8);
	memcpy(look, bytes, size);
	return pc_siphash(&x->seed, look, (__u32)size).words[0];
}

static struct index_link **head(const struct index *x, uint64_t hash)
{
	return &x->heads[hash & (x->n_heads - 1)];
}

static struct index_link *same(struct index_link *link, uint64_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct index_link *index_first(const struct index *x, uint64_t hash)
{
	return same(*head(x, hash), hash);
}

struct index_link *index_next(const struct index_link *link)
{
	return same(link->next, link->hash);
}

static void push(struct index *x, struct index_link *link)
{
	struct index_link **at = head(x, link->hash);

	link->next = *at;
	*at = link;
}

static void grow(struct index *x)
{
	struct index_link **old = x->heads;
	size_t n_old = x->n_heads;

	x->heads = calloc(2 * n_old, sizeof(*x->heads));
	if (!x->heads) {
		x->heads = old;
		return;
	}
	x->n_heads = 2 * n_old;
	for (size_t i = 0; i < n_old; i++) {
		for (struct index_link *l = old[i], *next; l; l = next) {
			next = l->next;
			push(x, l);
		}
	}
	free(old);
}

void index_add(struct index *x, struct index_link *link, uint64_t hash)
{
	if (x->n >= x->n_heads)
		grow(x);
	link->hash = hash;
	push(x, link);
	x->n++;
}

void index_remove(struct index *x, struct index_link *link)
{
	struct index_link **at = head(x, link->hash);

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	x->n--;
}
