/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lifelines, as they were when they were collected last: all of this host's
 * routes are not read again for each of ten thousand sources, but when the
 * kernel tells of a change, and even then only so often.
 */
#ifndef LIFEWATCH_H
#define LIFEWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lifelines.h"

struct lifewatch;

/*
 * In this network namespace, before privileges are dropped.  Options and peers
 * are borrowed.  0 or -errno.
 */
int lifewatch_open(struct lifewatch **out, const struct options *o,
		   const struct prefix_list *peers);
void lifewatch_close(struct lifewatch *w);

/*
 * NULL: they cannot be told, or have changed and it is too early for a look: a
 * gateway that has just come is not to be taken for anybody.  The caller does
 * not keep them.
 */
const struct lifelines *lifewatch_look(struct lifewatch *w);

/* How often they were collected. */
uint64_t lifewatch_looks(const struct lifewatch *w);

/* What a look has cost, and what has come to pass since. */
struct lifewatch_age {
	uint64_t ended_ns;
	uint64_t took_ns;
	bool stale;
};

/* Is it time for the next one? */
bool lifewatch_is_due(const struct lifewatch_age *a, uint64_t now_ns);

#endif /* LIFEWATCH_H */
