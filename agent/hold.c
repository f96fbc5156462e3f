// SPDX-License-Identifier: GPL-2.0-only
#include "hold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN 64

struct hold {
	struct ledger_hold told;
	struct index_link link;
	size_t at; /* in the heap */
};

int holds_init(struct holds *hs)
{
	*hs = (struct holds){ 0 };
	return index_init(&hs->index);
}

void holds_fini(struct holds *hs)
{
	for (size_t i = 0; i < hs->n; i++)
		free(hs->heap[i]);
	free(hs->heap);
	index_fini(&hs->index);
	hs->heap = NULL;
	hs->n = 0;
}

static uint64_t hash(const struct holds *hs, const char *id)
{
	return index_hash(&hs->index, id, strnlen(id, LEDGER_ID_MAX));
}

static struct hold *find(const struct holds *hs, const char *id)
{
	struct index_link *link = index_first(&hs->index, hash(hs, id));

	for (; link; link = index_next(link)) {
		struct hold *h = INDEX_OF(link, struct hold, link);

		if (!strcmp(h->told.id, id))
			return h;
	}
	return NULL;
}

static void put(struct holds *hs, size_t at, struct hold *h)
{
	hs->heap[at] = h;
	h->at = at;
}

static void rise(struct holds *hs, struct hold *h)
{
	size_t at = h->at;

	while (at) {
		struct hold *above = hs->heap[(at - 1) / 2];

		if (above->told.ends_ns <= h->told.ends_ns)
			break;
		put(hs, at, above);
		at = (at - 1) / 2;
	}
	put(hs, at, h);
}

static void sink(struct holds *hs, struct hold *h)
{
	size_t at = h->at;

	for (;;) {
		size_t below = 2 * at + 1;

		if (below + 1 < hs->n && hs->heap[below + 1]->told.ends_ns <
						 hs->heap[below]->told.ends_ns)
			below++;
		if (below >= hs->n ||
		    h->told.ends_ns <= hs->heap[below]->told.ends_ns)
			break;
		put(hs, at, hs->heap[below]);
		at = below;
	}
	put(hs, at, h);
}

static int reserve(struct holds *hs)
{
	size_t room = hs->room ? 2 * hs->room : ROOM_MIN;
	struct hold **grown;

	if (hs->n < hs->room)
		return 0;
	grown = realloc(hs->heap, room * sizeof(struct hold *));
	if (!grown)
		return -ENOMEM;
	hs->heap = grown;
	hs->room = room;
	return 0;
}

int hold_add(struct holds *hs, const struct ledger_hold *hold)
{
	struct hold *h;

	if (find(hs, hold->id))
		return -EEXIST;
	h = malloc(sizeof(*h));
	if (!h || reserve(hs)) {
		free(h);
		return -ENOMEM;
	}
	h->told = *hold;
	index_add(&hs->index, &h->link, hash(hs, hold->id));
	put(hs, hs->n++, h);
	rise(hs, h);
	return 0;
}

const struct ledger_hold *hold_find(const struct holds *hs, const char *id)
{
	const struct hold *h = find(hs, id);

	return h ? &h->told : NULL;
}

const struct ledger_hold *hold_first(const struct holds *hs)
{
	return hs->n ? &hs->heap[0]->told : NULL;
}

void hold_remove(struct holds *hs, const struct ledger_hold *hold)
{
	struct hold *h = find(hs, hold->id), *last = hs->heap[--hs->n];
	size_t at = h->at;

	index_remove(&hs->index, &h->link);
	if (last != h) {
		put(hs, at, last);
		rise(hs, last);
		sink(hs, last);
	}
	free(h);
}
