// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of entries, laid out bucket by bucket.  A counting sort makes it in
 * two passes over the block, without memory beyond the result.
 */
#include "roster.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES_A_BUCKET 4

struct roster {
	const struct entry *block;
	uint64_t secret;
	size_t n_buckets;
	uint32_t *begins; /* of each bucket, in items; one more for the end */
	uint32_t *items;
};

size_t roster_bucket(int64_t user_id, size_t n, uint64_t secret)
{
	return (size_t)((unsigned __int128)((uint64_t)user_id * secret) * n >>
			64);
}

static size_t bucket_of(const struct roster *r, int64_t user_id)
{
	return roster_bucket(user_id, r->n_buckets, r->secret);
}

static void fill(struct roster *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		r->begins[bucket_of(r, r->block[i].user_id)]++;
	for (size_t b = 1; b <= r->n_buckets; b++)
		r->begins[b] += r->begins[b - 1];
	/* Each now is its bucket's end, and its begin once it is full. */
	for (size_t i = n; i-- > 0;) {
		size_t b = bucket_of(r, r->block[i].user_id);

		r->items[--r->begins[b]] = (uint32_t)i;
	}
}

int roster_new(struct roster **out, const struct entry *block, size_t n,
	       uint64_t secret)
{
	struct roster *r;

	if (n > UINT32_MAX)
		return -ENOMEM;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->block = block;
	r->secret = secret;
	r->n_buckets = n / ENTRIES_A_BUCKET + 1;
	r->begins = calloc(r->n_buckets + 1, sizeof(*r->begins));
	r->items = calloc(n + 1, sizeof(*r->items));
	if (!r->begins || !r->items) {
		roster_free(r);
		return -ENOMEM;
	}
	fill(r, n);
	*out = r;
	return 0;
}

void roster_free(struct roster *r)
{
	if (!r)
		return;
	free(r->begins);
	free(r->items);
	free(r);
}

const struct entry *roster_next(const struct roster *r, int64_t user_id,
				size_t *at)
{
	size_t b = bucket_of(r, user_id), begin = r->begins[b];

	while (begin + *at < r->begins[b + 1]) {
		const struct entry *e = &r->block[r->items[begin + (*at)++]];

		if (e->user_id == user_id)
			return e;
	}
	return NULL;
}
