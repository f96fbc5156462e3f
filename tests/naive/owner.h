/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose is an address?  By the text of agent/image.h and nothing else: every
 * prefix of every source is looked at, bit by bit.
 */
#ifndef TESTS_NAIVE_OWNER_H
#define TESTS_NAIVE_OWNER_H

#include <stdbool.h>

#include <sys/socket.h>

#include "image.h"

static inline bool naive_has(const struct prefix *p, const struct prefix *a)
{
	if (p->family != a->family)
		return false;
	for (unsigned int i = 0; i < p->len; i++) {
		if ((p->addr[i / 8] ^ a->addr[i / 8]) >> (7 - i % 8) & 1)
			return false;
	}
	return true;
}

static inline bool naive_is_in(const struct image_source *s,
			       const struct prefix *address)
{
	for (size_t i = 0; i < s->n; i++) {
		if (naive_has(&s->items[i], address))
			return true;
	}
	return false;
}

static inline uint32_t naive_owner(const struct image_source *sources,
				   size_t n_sources,
				   const struct prefix *address)
{
	uint32_t owner = PC_OWNER_NONE;
	bool allowed = false;

	for (size_t i = 0; i < n_sources; i++) {
		if (!naive_is_in(&sources[i], address))
			continue;
		if (sources[i].owner == PC_OWNER_ALLOW)
			allowed = true;
		else if (owner == PC_OWNER_NONE)
			owner = sources[i].owner;
	}
	return owner != PC_OWNER_NONE && allowed ? PC_OWNER_ALLOW : owner;
}

/* The address before (step -1) or after (step 1), or itself at the end. */
static inline struct prefix naive_neighbour(struct prefix a, int step)
{
	int end = step > 0 ? 255 : 0, i = a.family == AF_INET ? 3 : 15;
	struct prefix b = a;

	while (i >= 0 && a.addr[i] == end)
		b.addr[i--] = (uint8_t)(255 - end);
	if (i < 0)
		return a;
	b.addr[i] = (uint8_t)(b.addr[i] + step);
	return b;
}

static inline struct prefix naive_first(struct prefix p)
{
	p.len = p.family == AF_INET ? 32 : 128;
	return p;
}

static inline struct prefix naive_last(struct prefix p)
{
	unsigned int bits = p.family == AF_INET ? 32 : 128;

	for (unsigned int i = p.len; i < bits; i++)
		p.addr[i / 8] |= (uint8_t)(0x80 >> i % 8);
	p.len = (uint8_t)bits;
	return p;
}

#endif /* TESTS_NAIVE_OWNER_H */
