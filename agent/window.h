/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fixed window of spending: it begins with the first charge made while none
 * runs, and ends a length later.  Pure.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_HOUR_NS (3600LL * 1000000000)
#define WINDOW_DAY_NS (24 * WINDOW_HOUR_NS)
#define WINDOWS 3 /* of a key, and of a (user, group) */

struct window {
	int64_t start_ns; /* 0: not begun */
	int64_t used_nusd;
};

extern const int64_t window_of_key_ns[WINDOWS];	  /* 5h, 1d, 7d */
extern const int64_t window_of_group_ns[WINDOWS]; /* 1, 7, 30 days */

/*
 * Does the window run at a moment?  One that would begin more than its length
 * later was begun by a clock that was wrong.
 */
bool window_runs(const struct window *w, int64_t length_ns, int64_t at_ns);
/* When it ends; 0: not begun. */
int64_t window_ends_ns(const struct window *w, int64_t length_ns);

void window_add(struct window *w, int64_t length_ns, int64_t at_ns,
		int64_t cost_nusd);
/* Takes back what was added at a moment. */
void window_take(struct window *w, int64_t length_ns, int64_t at_ns,
		 int64_t cost_nusd);

#endif /* WINDOW_H */
