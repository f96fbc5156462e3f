// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prefixes are sorted by where they begin, outer ones first; then one sweep
 * knows at every address which of them it is within.  The sort is by digits
 * from the first: its time does not depend on the order, only on the number,
 * and most lists differ in their first bytes.
 */
#include "cover.h"
#include "pages.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define NOBODY UINT32_MAX
#define HALF ((__uint128_t)1 << 127)
#define SORT_FEW 24  /* are sorted by insertion */
#define N_DIGITS 17u /* bytes of the address, and the length */

static __uint128_t item_first(const struct cover_item *i)
{
	return (__uint128_t)i->hi << 64 | i->lo;
}

/* The bits beyond a length. */
static __uint128_t host_mask(unsigned int len)
{
	return len ? ((__uint128_t)1 << (128 - len)) - 1 : ~(__uint128_t)0;
}

static unsigned int item_digit(const struct cover_item *i, unsigned int digit)
{
	if (digit < 8)
		return i->hi >> (56 - 8 * digit) & 0xff;
	if (digit < 16)
		return i->lo >> (120 - 8 * digit) & 0xff;
	return i->len;
}

static bool item_before(const struct cover_item *a, const struct cover_item *b)
{
	if (a->hi != b->hi)
		return a->hi < b->hi;
	if (a->lo != b->lo)
		return a->lo < b->lo;
	return a->len < b->len;
}

static void sort_few(struct cover_item *items, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct cover_item item = items[i];
		size_t j = i;

		for (; j && item_before(&item, &items[j - 1]); j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
}

/* Where the items of each value of a digit end, when they are in order. */
static void find_ends(size_t end[static 256], const struct cover_item *items,
		      size_t n, unsigned int digit)
{
	size_t sum = 0;

	memset(end, 0, 256 * sizeof(*end));
	for (size_t i = 0; i < n; i++)
		end[item_digit(&items[i], digit)]++;
	for (size_t v = 0; v < 256; v++) {
		sum += end[v];
		end[v] = sum;
	}
}

/* By one digit.  From the last, so that end[] becomes where each one begins. */
static void spread(size_t end[static 256], struct cover_item *items,
		   struct cover_item *spare, size_t n, unsigned int digit)
{
	for (size_t i = n; i--;)
		spare[--end[item_digit(&items[i], digit)]] = items[i];
	memcpy(items, spare, n * sizeof(*items));
}

static void sort(struct cover_item *items, struct cover_item *spare, size_t n,
		 unsigned int digit);

/* From the first digit on in which they differ. */
static void sort_many(struct cover_item *items, struct cover_item *spare,
		      size_t n, unsigned int digit)
{
	size_t at[257];

	for (; digit < N_DIGITS; digit++) {
		unsigned int v = item_digit(&items[0], digit);

		find_ends(at, items, n, digit);
		if (at[v] - (v ? at[v - 1] : 0) < n)
			break;
	}
	if (digit == N_DIGITS)
		return;
	spread(at, items, spare, n, digit);
	at[256] = n;
	for (size_t v = 0; v < 256; v++)
		sort(items + at[v], spare, at[v + 1] - at[v], digit + 1);
}

/* Items that are alike in the digits before. */
static void sort(struct cover_item *items, struct cover_item *spare, size_t n,
		 unsigned int digit)
{
	if (n <= SORT_FEW)
		sort_few(items, n);
	else
		sort_many(items, spare, n, digit);
}

static size_t count_family(const struct image_source *s, int family)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->items[i].family == family;
	return n;
}

static size_t take_family(struct cover_item *items,
			  const struct image_source *sources, size_t source,
			  int family)
{
	const struct image_source *s = &sources[source];
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct prefix *p = &s->items[i];
		uint64_t part[2];

		if (p->family != family)
			continue;
		memcpy(part, p->addr, sizeof(part));
		items[n++] = (struct cover_item){
			.hi = be64toh(part[0]),
			.lo = be64toh(part[1]),
			.source = (uint32_t)source,
			.len = p->len,
		};
	}
	return n;
}

/* Of a single list they are. */
static bool in_order(const struct cover_item *items, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (item_before(&items[i], &items[i - 1]))
			return false;
	}
	return true;
}

int cover_init(struct cover *c, const struct image_source *sources,
	       size_t n_sources, int family)
{
	struct cover_item *items = NULL, *spare = NULL;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < n_sources; i++)
		n += count_family(&sources[i], family);
	if (n) {
		items = pages_new(n, sizeof(*items));
		spare = pages_new(n, sizeof(*spare));
	}
	if (n && (!items || !spare)) {
		pages_free(items, n, sizeof(*items));
		pages_free(spare, n, sizeof(*spare));
		return -ENOMEM;
	}
	for (size_t i = 0; i < n_sources && at < n; i++)
		at += take_family(items + at, sources, i, family);
	if (!in_order(items, n))
		sort(items, spare, n, 0);
	pages_free(spare, n, sizeof(*spare));
	*c = (struct cover){ .sources = sources, .items = items, .n = n };
	cover_rewind(c);
	return 0;
}

void cover_fini(struct cover *c)
{
	pages_free(c->items, c->n, sizeof(*c->items));
	c->items = NULL;
}

/* Into a prefix.  One that ends with the last entered needs no place of its
 * own.
 */
static void enter(struct cover *c, const struct cover_item *item)
{
	struct cover_open o = c->open[c->depth - 1];
	__uint128_t last = item_first(item) | host_mask(item->len);

	if (c->sources[item->source].owner == PC_OWNER_ALLOW)
		o.allowed = true;
	else if (item->source < o.source)
		o.source = item->source;
	if (o.last != last)
		c->depth++;
	o.last = last;
	c->open[c->depth - 1] = o;
}

static void enter_all(struct cover *c)
{
	while (c->next < c->n && item_first(&c->items[c->next]) == c->at)
		enter(c, &c->items[c->next++]);
}

void cover_rewind(struct cover *c)
{
	c->open[0] = (struct cover_open){ .last = ~(__uint128_t)0,
					  .source = NOBODY };
	c->depth = 1;
	c->next = 0;
	c->at = 0;
	c->ended = false;
	c->owned = 0;
	c->over_half = false;
	enter_all(c);
}

/* To the next address where a prefix begins or has ended. */
static void advance(struct cover *c)
{
	__uint128_t last = c->open[c->depth - 1].last;

	if (c->next < c->n && item_first(&c->items[c->next]) <= last) {
		c->at = item_first(&c->items[c->next]);
	} else {
		c->ended = last == ~(__uint128_t)0;
		c->at = last + 1;
	}
	while (c->depth > 1 && c->open[c->depth - 1].last < c->at)
		c->depth--;
	enter_all(c);
}

static uint8_t owner_here(const struct cover *c)
{
	const struct cover_open *o = &c->open[c->depth - 1];

	if (o->source == NOBODY)
		return PC_OWNER_NONE;
	return o->allowed ? PC_OWNER_ALLOW : c->sources[o->source].owner;
}

static void account(struct cover *c, const struct cover_stretch *s)
{
	if (s->owner == PC_OWNER_NONE || s->owner == PC_OWNER_ALLOW ||
	    c->over_half)
		return;
	c->over_half = s->last - s->first >= HALF - c->owned;
	c->owned += s->last - s->first + 1;
}

bool cover_next(struct cover_stretch *out, struct cover *c)
{
	if (c->ended)
		return false;
	out->first = c->at;
	out->owner = owner_here(c);
	do {
		advance(c);
	} while (!c->ended && owner_here(c) == out->owner);
	out->last = c->at - 1;
	account(c, out);
	return true;
}
