// SPDX-License-Identifier: GPL-2.0-only
#include "window.h"

#include "money.h"

const int64_t window_of_key_ns[WINDOWS] = {
	5 * WINDOW_HOUR_NS,
	WINDOW_DAY_NS,
	7 * WINDOW_DAY_NS,
};

const int64_t window_of_group_ns[WINDOWS] = {
	WINDOW_DAY_NS,
	7 * WINDOW_DAY_NS,
	30 * WINDOW_DAY_NS,
};

bool window_runs(const struct window *w, int64_t length_ns, int64_t at_ns)
{
	int64_t age_ns;

	return w->start_ns &&
	       !__builtin_sub_overflow(at_ns, w->start_ns, &age_ns) &&
	       age_ns < length_ns && age_ns >= -length_ns;
}

int64_t window_ends_ns(const struct window *w, int64_t length_ns)
{
	int64_t ends_ns;

	if (!w->start_ns)
		return 0;
	return __builtin_add_overflow(w->start_ns, length_ns, &ends_ns)
		       ? INT64_MAX
		       : ends_ns;
}

void window_add(struct window *w, int64_t length_ns, int64_t at_ns,
		int64_t cost_nusd)
{
	if (!window_runs(w, length_ns, at_ns))
		*w = (struct window){ .start_ns = at_ns };
	w->used_nusd = money_add(w->used_nusd, cost_nusd);
}

void window_take(struct window *w, int64_t length_ns, int64_t at_ns,
		 int64_t cost_nusd)
{
	if (!window_runs(w, length_ns, at_ns))
		return;
	w->used_nusd = cost_nusd < w->used_nusd ? w->used_nusd - cost_nusd : 0;
	if (!w->used_nusd)
		w->start_ns = 0;
}
