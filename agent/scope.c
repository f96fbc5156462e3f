// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address sets for --ip-scope.  Each family is a line of numbers, a set is
 * ranges on it that neither overlap nor touch, so every set has one form.  Ends
 * are included: one past the last IPv6 address is no 128-bit number.
 */
#include "scope.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct range {
	unsigned __int128 first, last;
};

struct line {
	struct range *items;
	size_t n;
};

enum {
	LINE_V4,
	LINE_V6,
	LINES
};

struct scope {
	struct line lines[LINES];
};

static const uint8_t widths[LINES] = { 32, 128 };
static const uint8_t families[LINES] = { AF_INET, AF_INET6 };

/* The lowest n bits. */
static unsigned __int128 low_bits(unsigned int n)
{
	return n >= 128 ? ~(unsigned __int128)0
			: ((unsigned __int128)1 << n) - 1;
}

static struct range range_of(const struct prefix *p, unsigned int width)
{
	unsigned __int128 first = 0;

	for (unsigned int i = 0; i < width / 8; i++)
		first = first << 8 | p->addr[i];
	first &= ~low_bits(width - p->len);
	return (struct range){ first, first | low_bits(width - p->len) };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Ranges in any order to the one form. */
static void normalise(struct line *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->items, l->n, sizeof(*l->items), compare_ranges);
	for (size_t i = 1; i < l->n; i++) {
		struct range *end = &l->items[n], *next = &l->items[i];

		/* first - 1 cannot wrap: a first of 0 is never past end. */
		if (next->first > end->last && next->first - 1 != end->last)
			l->items[++n] = *next;
		else if (next->last > end->last)
			end->last = next->last;
	}
	l->n = n + 1;
}

static int line_of(struct line *out, const struct prefix *items, size_t n,
		   int which)
{
	struct line l = { NULL, 0 };

	for (size_t i = 0; i < n; i++)
		l.n += items[i].family == families[which];
	l.items = calloc(l.n + 1, sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	l.n = 0;
	for (size_t i = 0; i < n; i++) {
		if (items[i].family == families[which])
			l.items[l.n++] = range_of(&items[i], widths[which]);
	}
	normalise(&l);
	*out = l;
	return 0;
}

struct scope *scope_new(const struct prefix *items, size_t n)
{
	struct scope *s = calloc(1, sizeof(*s));

	for (int i = 0; s && i < LINES; i++) {
		if (line_of(&s->lines[i], items, n, i)) {
			scope_free(s);
			return NULL;
		}
	}
	return s;
}

struct scope *scope_everything(void)
{
	static const struct prefix all[] = { { .family = AF_INET },
					     { .family = AF_INET6 } };

	return scope_new(all, 2);
}

void scope_free(struct scope *s)
{
	if (!s)
		return;
	for (int i = 0; i < LINES; i++)
		free(s->lines[i].items);
	free(s);
}

static int line_unite(struct line *out, const struct line *a,
		      const struct line *b, unsigned int width)
{
	struct line l = { calloc(a->n + b->n + 1, sizeof(*l.items)), 0 };

	(void)width;
	if (!l.items)
		return -ENOMEM;
	for (size_t i = 0; i < a->n; i++)
		l.items[l.n++] = a->items[i];
	for (size_t i = 0; i < b->n; i++)
		l.items[l.n++] = b->items[i];
	normalise(&l);
	*out = l;
	return 0;
}

static int line_intersect(struct line *out, const struct line *a,
			  const struct line *b, unsigned int width)
{
	/* Each step of the loop passes the end of at least one range. */
	struct line l = { calloc(a->n + b->n + 1, sizeof(*l.items)), 0 };
	size_t i = 0, j = 0;

	(void)width;
	if (!l.items)
		return -ENOMEM;
	while (i < a->n && j < b->n) {
		struct range x = a->items[i], y = b->items[j];

		if (x.first <= y.last && y.first <= x.last)
			l.items[l.n++] = (struct range){
				x.first > y.first ? x.first : y.first,
				x.last < y.last ? x.last : y.last,
			};
		if (x.last < y.last)
			i++;
		else
			j++;
	}
	*out = l;
	return 0;
}

/* The gaps of a line. */
static int line_invert(struct line *out, const struct line *a,
		       unsigned int width)
{
	struct line l = { calloc(a->n + 1, sizeof(*l.items)), 0 };
	unsigned __int128 next = 0;

	if (!l.items)
		return -ENOMEM;
	for (size_t i = 0; i < a->n; i++) {
		if (a->items[i].first > next)
			l.items[l.n++] =
				(struct range){ next, a->items[i].first - 1 };
		next = a->items[i].last + 1;
	}
	/* next has wrapped to 0 after the last IPv6 address. */
	if (!a->n || a->items[a->n - 1].last != low_bits(width))
		l.items[l.n++] = (struct range){ next, low_bits(width) };
	*out = l;
	return 0;
}

static int line_subtract(struct line *out, const struct line *a,
			 const struct line *b, unsigned int width)
{
	struct line gaps;
	int err = line_invert(&gaps, b, width);

	if (err)
		return err;
	err = line_intersect(out, a, &gaps, width);
	free(gaps.items);
	return err;
}

static int combine(struct scope *s, const struct scope *other,
		   int (*op)(struct line *, const struct line *,
			     const struct line *, unsigned int))
{
	struct line results[LINES] = { 0 };
	int err = 0;

	for (int i = 0; !err && i < LINES; i++)
		err = op(&results[i], &s->lines[i], &other->lines[i],
			 widths[i]);
	for (int i = 0; i < LINES; i++) {
		free(err ? results[i].items : s->lines[i].items);
		if (!err)
			s->lines[i] = results[i];
	}
	return err;
}

int scope_unite(struct scope *s, const struct scope *other)
{
	return combine(s, other, line_unite);
}

int scope_intersect(struct scope *s, const struct scope *other)
{
	return combine(s, other, line_intersect);
}

int scope_subtract(struct scope *s, const struct scope *other)
{
	return combine(s, other, line_subtract);
}

bool scope_is_empty(const struct scope *s)
{
	return !s->lines[LINE_V4].n && !s->lines[LINE_V6].n;
}

bool scope_has_all(const struct scope *s, uint8_t family)
{
	int i = family == AF_INET ? LINE_V4 : LINE_V6;
	const struct line *l = &s->lines[i];

	return l->n == 1 && !l->items[0].first &&
	       l->items[0].last == low_bits(widths[i]);
}

void scope_clear(struct scope *s, uint8_t family)
{
	s->lines[family == AF_INET ? LINE_V4 : LINE_V6].n = 0;
}

/* How many low bits the largest prefix that begins a range leaves free. */
static unsigned int free_bits(struct range r, unsigned int width)
{
	unsigned int bits = 0;

	while (bits < width && !(r.first >> bits & 1) &&
	       (r.first | low_bits(bits + 1)) <= r.last)
		bits++;
	return bits;
}

static struct prefix prefix_of(unsigned __int128 first, int which,
			       unsigned int bits)
{
	struct prefix p = { .family = families[which],
			    .len = (uint8_t)(widths[which] - bits) };

	for (int i = widths[which] / 8 - 1; i >= 0; i--) {
		p.addr[i] = (uint8_t)first;
		first >>= 8;
	}
	return p;
}

/* Walks the prefixes of a line; stores them where items is not NULL. */
static size_t line_prefixes(struct prefix *items, const struct line *l,
			    int which)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct range r = l->items[i];

		for (;;) {
			unsigned int bits = free_bits(r, widths[which]);
			unsigned __int128 last = r.first | low_bits(bits);

			if (items)
				items[n] = prefix_of(r.first, which, bits);
			n++;
			if (last == r.last)
				break;
			r.first = last + 1;
		}
	}
	return n;
}

int scope_prefixes(struct prefix **out, size_t *n, const struct scope *s)
{
	struct prefix *items;
	size_t total = 0;

	for (int i = 0; i < LINES; i++)
		total += line_prefixes(NULL, &s->lines[i], i);
	items = calloc(total + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	*n = 0;
	for (int i = 0; i < LINES; i++)
		*n += line_prefixes(items + *n, &s->lines[i], i);
	*out = items;
	return 0;
}
