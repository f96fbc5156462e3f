// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linear probing, half full when made and never more than 11/16.  A slot is
 * written whole, and what it points to was complete before: a reader sees the
 * old entry or the new.  liburcu's cds_lfht would cost 24 bytes a key more.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 64

struct table {
	uint64_t secret;
	size_t n_slots;
	size_t n_used; /* slots that end no search */
	size_t n_entries;
	const struct entry *slots[];
};

/* Stands where an entry was: a search goes on behind it. */
static const struct entry removed;

int table_new(struct table **out, size_t n, uint64_t secret)
{
	size_t n_slots = 2 * n < SLOTS_MIN ? SLOTS_MIN : 2 * n;
	struct table *t;

	if (n > SIZE_MAX / 4 / sizeof(t->slots[0]))
		return -ENOMEM;
	t = calloc(1, sizeof(*t) + n_slots * sizeof(t->slots[0]));
	if (!t)
		return -ENOMEM;
	t->secret = secret;
	t->n_slots = n_slots;
	*out = t;
	return 0;
}

int table_copy(struct table **out, const struct table *t)
{
	struct table *copy;
	int err = table_new(&copy, t->n_entries, t->secret);

	if (err)
		return err;
	for (size_t i = 0; i < t->n_slots; i++) {
		if (t->slots[i] && t->slots[i] != &removed)
			table_put(copy, t->slots[i]);
	}
	*out = copy;
	return 0;
}

void table_free(struct table *t)
{
	free(t);
}

/* The slot a search begins at. */
static size_t home(const struct table *t, const struct pc_digest *digest)
{
	uint64_t bits;

	memcpy(&bits, digest, sizeof(bits));
	return (size_t)((unsigned __int128)(bits * t->secret) * t->n_slots >>
			64);
}

static size_t after(const struct table *t, size_t i)
{
	return i + 1 < t->n_slots ? i + 1 : 0;
}

static const struct entry *slot(const struct table *t, size_t i)
{
	return __atomic_load_n(&t->slots[i], __ATOMIC_ACQUIRE);
}

static void set_slot(struct table *t, size_t i, const struct entry *e)
{
	__atomic_store_n(&t->slots[i], e, __ATOMIC_RELEASE);
}

static void set_count(struct table *t, size_t n)
{
	__atomic_store_n(&t->n_entries, n, __ATOMIC_RELAXED);
}

static bool is_of(const struct entry *e, const struct pc_digest *digest)
{
	return e != &removed && !memcmp(&e->digest, digest, sizeof(*digest));
}

const struct entry *table_find(const struct table *t,
			       const struct pc_digest *digest)
{
	const struct entry *e;
	size_t i = home(t, digest);

	while ((e = slot(t, i)) && !is_of(e, digest))
		i = after(t, i);
	return e;
}

size_t table_count(const struct table *t)
{
	return __atomic_load_n(&t->n_entries, __ATOMIC_RELAXED);
}

bool table_full(const struct table *t)
{
	return t->n_used >= t->n_slots / 16 * 11;
}

const struct entry *table_put(struct table *t, const struct entry *e)
{
	size_t i = home(t, &e->digest), at = SIZE_MAX;
	const struct entry *old;

	while ((old = slot(t, i)) && !is_of(old, &e->digest)) {
		if (old == &removed && at == SIZE_MAX)
			at = i;
		i = after(t, i);
	}
	if (old) {
		set_slot(t, i, e);
		return old;
	}
	t->n_used += at == SIZE_MAX;
	set_slot(t, at == SIZE_MAX ? i : at, e);
	set_count(t, t->n_entries + 1);
	return NULL;
}

const struct entry *table_remove(struct table *t,
				 const struct pc_digest *digest)
{
	const struct entry *old;
	size_t i = home(t, digest);

	while ((old = slot(t, i)) && !is_of(old, digest))
		i = after(t, i);
	if (!old)
		return NULL;
	set_slot(t, i, &removed);
	set_count(t, t->n_entries - 1);
	return old;
}
