// SPDX-License-Identifier: GPL-2.0-only
#include "meter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "money.h"

#define SECOND_NS 1000000000LL

void meter_fini(struct meter *m)
{
	free(m->buckets);
	*m = (struct meter){ 0 };
}

/* Never negative, whatever the times are. */
static int64_t apart_ns(int64_t from_ns, int64_t to_ns)
{
	int64_t d;

	if (to_ns <= from_ns)
		return 0;
	return __builtin_sub_overflow(to_ns, from_ns, &d) ? INT64_MAX : d;
}

/* How many buckets begin at or before a moment. */
static unsigned int begun(const struct meter *m, int64_t at_ns)
{
	unsigned int n = m->n;

	while (n && m->buckets[n - 1].first_ns > at_ns)
		n--;
	return n;
}

static bool across(const struct meter *m, int64_t first_ns, int64_t then_ns)
{
	return m->asked && first_ns <= m->since_ns && then_ns > m->since_ns;
}

/*
 * How much it would blur the past to make one of buckets i and i + 1: the
 * length of the sum against its age.
 */
static double blur(const struct meter *m, unsigned int i)
{
	const struct meter_bucket *a = &m->buckets[i], *b = a + 1;
	int64_t last_ns = a->last_ns > b->last_ns ? a->last_ns : b->last_ns;
	int64_t newest_ns = m->buckets[m->n - 1].first_ns;

	return (double)apart_ns(a->first_ns, last_ns) /
	       ((double)apart_ns(last_ns, newest_ns) + SECOND_NS);
}

static void merge(struct meter *m, unsigned int i)
{
	struct meter_bucket *a = &m->buckets[i], *b = a + 1;

	if (b->last_ns > a->last_ns)
		a->last_ns = b->last_ns;
	a->cost_nusd = money_add(a->cost_nusd, b->cost_nusd);
	m->n--;
	memmove(b, b + 1, (m->n - i - 1) * sizeof(*b));
}

/* -ENOENT: there are no two buckets on one side of since_ns. */
static int merge_one(struct meter *m)
{
	unsigned int best = m->n;
	double least = 0;

	for (unsigned int i = 0; i + 1 < m->n; i++) {
		double cost;

		if (across(m, m->buckets[i].first_ns,
			   m->buckets[i + 1].first_ns))
			continue;
		cost = blur(m, i);
		if (best == m->n || cost < least) {
			best = i;
			least = cost;
		}
	}
	if (best == m->n)
		return -ENOENT;
	merge(m, best);
	return 0;
}

int meter_reserve(struct meter *m)
{
	struct meter_bucket *grown;
	unsigned int room = m->room ? 2u * m->room : 1;

	if (m->n < m->room)
		return 0;
	if (m->room < METER_BUCKETS) {
		grown = realloc(m->buckets, room * sizeof(*grown));
		if (grown) {
			m->buckets = grown;
			m->room = (uint8_t)room;
			return 0;
		}
	}
	return merge_one(m) ? -ENOMEM : 0;
}

/* Does a span fit a bucket without making it long or lie across since_ns? */
static bool fits(const struct meter *m, const struct meter_bucket *b,
		 int64_t first_ns, int64_t last_ns)
{
	if (across(m, b->first_ns, first_ns))
		return false;
	return last_ns <= b->last_ns ||
	       apart_ns(b->first_ns, last_ns) < SECOND_NS;
}

void meter_add(struct meter *m, int64_t first_ns, int64_t last_ns,
	       int64_t cost_nusd)
{
	unsigned int i = begun(m, first_ns);
	struct meter_bucket *b = m->buckets + i;

	if (m->asked && first_ns > m->since_ns)
		m->since_nusd = money_add(m->since_nusd, cost_nusd);
	if (i && fits(m, b - 1, first_ns, last_ns)) {
		b--;
		b->cost_nusd = money_add(b->cost_nusd, cost_nusd);
		if (last_ns > b->last_ns)
			b->last_ns = last_ns;
		return;
	}
	memmove(b + 1, b, (m->n - i) * sizeof(*b));
	*b = (struct meter_bucket){ first_ns, last_ns, cost_nusd };
	m->n++;
}

void meter_take(struct meter *m, int64_t at_ns, int64_t cost_nusd)
{
	m->summed = false;
	for (unsigned int i = begun(m, at_ns); i-- && cost_nusd > 0;) {
		struct meter_bucket *b = &m->buckets[i];
		int64_t part = cost_nusd;

		/* On the other side of since_ns it was not counted. */
		if (b->last_ns < at_ns || across(m, b->first_ns, at_ns))
			continue;
		if (part > b->cost_nusd)
			part = b->cost_nusd;
		b->cost_nusd -= part;
		cost_nusd -= part;
	}
}

int64_t meter_since(struct meter *m, int64_t since_ns)
{
	if (m->asked && m->summed && m->since_ns == since_ns)
		return m->since_nusd;
	m->asked = m->summed = true;
	m->since_ns = since_ns;
	m->since_nusd = 0;
	for (unsigned int i = begun(m, since_ns); i < m->n; i++)
		m->since_nusd =
			money_add(m->since_nusd, m->buckets[i].cost_nusd);
	return m->since_nusd;
}

int64_t meter_until(struct meter *m, int64_t since_ns, int64_t until_ns)
{
	int64_t sum = meter_since(m, since_ns);
	unsigned int n = begun(m, until_ns);

	if (n == m->n)
		return sum;
	sum = 0;
	for (unsigned int i = begun(m, since_ns); i < n; i++)
		sum = money_add(sum, m->buckets[i].cost_nusd);
	return sum;
}

int64_t meter_first_ns(const struct meter *m, int64_t from_ns)
{
	for (unsigned int i = 0; i < m->n; i++) {
		const struct meter_bucket *b = &m->buckets[i];

		if (b->first_ns >= from_ns && b->cost_nusd > 0)
			return b->first_ns;
	}
	return INT64_MAX;
}

int64_t meter_between(const struct meter *m, int64_t from_ns, int64_t to_ns)
{
	int64_t sum = 0;

	for (unsigned int i = 0; i < m->n; i++) {
		const struct meter_bucket *b = &m->buckets[i];

		if (b->first_ns >= from_ns && b->last_ns < to_ns)
			sum = money_add(sum, b->cost_nusd);
	}
	return sum;
}

void meter_forget(struct meter *m, int64_t before_ns)
{
	struct meter_bucket *shrunk;
	uint8_t kept = 0;

	for (unsigned int i = 0; i < m->n; i++) {
		if (m->buckets[i].last_ns >= before_ns)
			m->buckets[kept++] = m->buckets[i];
	}
	if (kept == m->n)
		return;
	m->n = kept;
	m->summed = false;
	if (!kept) {
		free(m->buckets);
		m->buckets = NULL;
		m->room = 0;
		return;
	}
	while (m->room / 2 >= kept)
		m->room /= 2;
	shrunk = realloc(m->buckets, m->room * sizeof(*shrunk));
	if (shrunk)
		m->buckets = shrunk;
}
