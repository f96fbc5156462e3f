// SPDX-License-Identifier: GPL-2.0-only
#include "view.h"

#include "money.h"

/* A clock that is set back by less was not wrong. */
#define AHEAD_NS 10000000000LL

bool view_has_subscription(const struct entry *e)
{
	return e->has_group && e->has_group_id && e->group_subscription;
}

/*
 * What was charged after the entry was true.  What lies ahead was charged by a
 * clock that was wrong: the entry may well contain it, and to count it again
 * would refuse a key that has not spent it.
 */
static int64_t spent_since(struct meter *m, int64_t taken_ns, int64_t now_ns)
{
	return meter_until(m, taken_ns, money_add(now_ns, AHEAD_NS));
}

static void add_window(struct ledger_view *v, const char *name,
		       int64_t limit_nusd, const struct window *w,
		       int64_t length_ns)
{
	if (limit_nusd <= 0)
		return;
	v->windows[v->n_windows++] = (struct ledger_window){
		.name = name,
		.limit_nusd = limit_nusd,
		.used_nusd = w->used_nusd,
		.length_ns = length_ns,
		.ends_ns = window_ends_ns(w, length_ns),
	};
}

/* The window as it is now: one that has run out is one not begun. */
static struct window current(const struct account *a, int i,
			     const int64_t *length_ns, int64_t now_ns)
{
	if (!a || !window_runs(&a->windows[i], length_ns[i], now_ns))
		return (struct window){ 0 };
	return a->windows[i];
}

static void look_key(struct ledger_view *v, struct account *a, int64_t taken_ns,
		     int64_t now_ns)
{
	static const struct {
		const char *name;
		enum pc_reason over;
	} windows[WINDOWS] = {
		{ "5h", PC_R_WINDOW_5H },
		{ "1d", PC_R_WINDOW_1D },
		{ "7d", PC_R_WINDOW_7D },
	};
	struct entry *e = &v->entry;
	const int64_t limits[WINDOWS] = { e->rate_limit_5h_nusd,
					  e->rate_limit_1d_nusd,
					  e->rate_limit_7d_nusd };

	if (a) {
		e->quota_used_nusd =
			money_add(e->quota_used_nusd,
				  spent_since(&a->meter, taken_ns, now_ns));
		v->held_nusd = a->held_nusd;
	}
	for (int i = 0; i < WINDOWS; i++) {
		struct window w = current(a, i, window_of_key_ns, now_ns);

		add_window(v, windows[i].name, limits[i], &w,
			   window_of_key_ns[i]);
		if (limits[i] > 0 && w.used_nusd >= limits[i] &&
		    v->over == PC_NEXT)
			v->over = windows[i].over;
	}
}

/* A window as the row tells it, with what was charged after the row was true.
 */
static struct window row_window(struct account *a, struct window w,
				int64_t length_ns, int64_t taken_ns,
				int64_t now_ns)
{
	int64_t after_ns = money_add(taken_ns, 1), from_ns = after_ns;
	int64_t ends_ns = window_ends_ns(&w, length_ns);

	/* Begun, and not over: whatever was charged was charged in it. */
	if (w.start_ns && now_ns < ends_ns) {
		w.used_nusd = money_add(
			w.used_nusd, spent_since(&a->meter, taken_ns, now_ns));
		return w;
	}
	while (now_ns >= ends_ns) {
		if (ends_ns > from_ns)
			from_ns = ends_ns;
		from_ns = meter_first_ns(&a->meter, from_ns);
		if (from_ns > now_ns)
			return w;
		if (w.start_ns)
			w.used_nusd = 0;
		w.start_ns = from_ns;
		ends_ns = window_ends_ns(&w, length_ns);
	}
	w.used_nusd = money_add(w.used_nusd,
				meter_between(&a->meter, w.start_ns, ends_ns));
	return w;
}

/* Where no row is known: one that says that a limit is passed, if it is. */
static void own_row(struct subscription *s, const struct window w[WINDOWS],
		    const int64_t limits[WINDOWS])
{
	bool over = false;

	for (int i = 0; i < WINDOWS; i++)
		over |= limits[i] > 0 && w[i].used_nusd > limits[i];
	if (!over)
		return;
	s->known = SUBSCRIPTION_ROW;
	s->status = ROW_ACTIVE;
	s->expires_ns = PC_NEVER;
}

static void look_subscription(struct ledger_view *v, struct account *a,
			      int64_t taken_ns, int64_t now_ns)
{
	static const char *const names[WINDOWS] = { "daily", "weekly",
						    "monthly" };
	const struct entry *e = &v->entry;
	const int64_t limits[WINDOWS] = { e->daily_limit_nusd,
					  e->weekly_limit_nusd,
					  e->monthly_limit_nusd };
	struct subscription *s = &v->sub;
	struct window w[WINDOWS] = { { s->daily_start_ns, s->daily_nusd },
				     { s->weekly_start_ns, s->weekly_nusd },
				     { s->monthly_start_ns, s->monthly_nusd } };

	for (int i = 0; i < WINDOWS; i++) {
		struct window shown;

		if (s->known != SUBSCRIPTION_ROW)
			w[i] = current(a, i, window_of_group_ns, now_ns);
		else if (a)
			w[i] = row_window(a, w[i], window_of_group_ns[i],
					  taken_ns, now_ns);
		shown = w[i];
		if (w[i].start_ns &&
		    now_ns >= window_ends_ns(&w[i], window_of_group_ns[i]))
			shown = (struct window){ 0 };
		add_window(v, names[i], limits[i], &shown,
			   window_of_group_ns[i]);
	}
	if (s->known == SUBSCRIPTION_NONE)
		return;
	if (s->known == SUBSCRIPTION_UNKNOWN)
		own_row(s, w, limits);
	s->daily_start_ns = w[0].start_ns;
	s->daily_nusd = w[0].used_nusd;
	s->weekly_start_ns = w[1].start_ns;
	s->weekly_nusd = w[1].used_nusd;
	s->monthly_start_ns = w[2].start_ns;
	s->monthly_nusd = w[2].used_nusd;
}

void view_of(struct ledger_view *out, const struct entry *e,
	     const struct view_accounts *as, int64_t taken_ns, int64_t now_ns)
{
	struct ledger_view v = { .entry = *e, .over = PC_NEXT };

	look_key(&v, as->key, taken_ns, now_ns);
	if (e->subscription)
		v.sub = *e->subscription;
	if (view_has_subscription(e))
		look_subscription(&v, as->payer, taken_ns, now_ns);
	else if (as->payer)
		v.entry.balance_nusd = money_sub(
			e->balance_nusd,
			spent_since(&as->payer->meter, taken_ns, now_ns));
	if (as->payer)
		v.held_payer_nusd = as->payer->held_nusd;
	*out = v;
}
