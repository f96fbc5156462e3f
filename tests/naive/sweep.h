/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose are all addresses?  For lists too long for owner.h: between two places
 * where a prefix begins or has ended all addresses are alike, and who has them
 * is known from counts of the prefixes that are open there.
 */
#ifndef TESTS_NAIVE_SWEEP_H
#define TESTS_NAIVE_SWEEP_H

#include <assert.h>
#include <stdlib.h>

#include "naive/owner.h"

#define SWEEP_SOURCES 8

/* Addresses as numbers; those of IPv4 have 32 bits. */
static inline unsigned int bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

static inline __uint128_t mask_of(int family, unsigned int len)
{
	__uint128_t all = family == AF_INET ? UINT32_MAX : ~(__uint128_t)0;

	return len ? all & ~(all >> (len - 1) >> 1) : 0;
}

static inline struct prefix prefix_of(int family, __uint128_t addr,
				      unsigned int len)
{
	struct prefix p = { .family = (uint8_t)family, .len = (uint8_t)len };
	unsigned int size = bits_of(family) / 8;

	addr &= mask_of(family, len);
	for (unsigned int i = 0; i < size; i++)
		p.addr[i] = (uint8_t)(addr >> (8 * (size - 1 - i)));
	return p;
}

static inline __uint128_t number_of(const struct prefix *p)
{
	__uint128_t addr = 0;

	for (unsigned int i = 0; i < bits_of(p->family) / 8; i++)
		addr = addr << 8 | p->addr[i];
	return addr;
}

/* Where a prefix begins (delta 1) or has ended. */
struct sweep_edge {
	__uint128_t at;
	uint32_t source;
	int delta;
};

/* Between two edges; neighbours may be alike. */
struct sweep_stretch {
	__uint128_t first;
	__uint128_t last;
	uint32_t owner;
};

static inline int sweep_compare(const void *a, const void *b)
{
	const struct sweep_edge *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* In order, at most two for each prefix. */
static inline size_t sweep_edges(struct sweep_edge *edges,
				 const struct image_source *sources,
				 size_t n_sources, int family)
{
	size_t n = 0;

	for (uint32_t i = 0; i < n_sources; i++) {
		for (size_t j = 0; j < sources[i].n; j++) {
			const struct prefix *p = &sources[i].items[j];
			struct prefix last = naive_last(*p);
			__uint128_t end = number_of(&last) + 1;

			if (p->family != family)
				continue;
			edges[n++] = (struct sweep_edge){ number_of(p), i, 1 };
			if (end & mask_of(family, bits_of(family)))
				edges[n++] = (struct sweep_edge){ end, i, -1 };
		}
	}
	qsort(edges, n, sizeof(*edges), sweep_compare);
	return n;
}

static inline uint32_t sweep_judge(const struct image_source *sources,
				   size_t n_sources, const int *n_open)
{
	uint32_t owner = PC_OWNER_NONE;
	bool allowed = false;

	for (size_t i = n_sources; i--;) {
		if (n_open[i] && sources[i].owner == PC_OWNER_ALLOW)
			allowed = true;
		else if (n_open[i])
			owner = sources[i].owner;
	}
	return owner != PC_OWNER_NONE && allowed ? PC_OWNER_ALLOW : owner;
}

/* All of a family's addresses in order, to be freed; how many stretches. */
static inline size_t sweep(struct sweep_stretch **out,
			   const struct image_source *sources, size_t n_sources,
			   int family)
{
	int n_open[SWEEP_SOURCES] = { 0 };
	size_t max = 1, n_edges, n = 0;
	struct sweep_edge *edges;
	struct sweep_stretch *s;
	__uint128_t at = 0;

	for (size_t i = 0; i < n_sources; i++)
		max += 2 * sources[i].n;
	edges = calloc(max, sizeof(*edges));
	s = calloc(max, sizeof(*s));
	assert(edges && s && n_sources <= SWEEP_SOURCES);
	n_edges = sweep_edges(edges, sources, n_sources, family);
	for (size_t i = 0; i < n_edges; i++) {
		if (edges[i].at != at) {
			s[n++] = (struct sweep_stretch){
				at, edges[i].at - 1,
				sweep_judge(sources, n_sources, n_open)
			};
			at = edges[i].at;
		}
		n_open[edges[i].source] += edges[i].delta;
	}
	s[n++] = (struct sweep_stretch){ at, mask_of(family, bits_of(family)),
					 sweep_judge(sources, n_sources,
						     n_open) };
	free(edges);
	*out = s;
	return n;
}

static inline uint32_t sweep_owner(const struct sweep_stretch *s, size_t n,
				   __uint128_t addr)
{
	size_t at = 0;

	while (n - at > 1) {
		size_t middle = at + (n - at) / 2;

		if (s[middle].first <= addr)
			at = middle;
		else
			n = middle;
	}
	return s[at].owner;
}

#endif /* TESTS_NAIVE_SWEEP_H */
