// SPDX-License-Identifier: GPL-2.0-only
#include "ledger.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "decide.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define S 1000000000LL
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define NOW (1780000000 * S)
#define USD 1000000000LL

static const struct ledger_config config = {
	.hold_default_nusd = USD / 100,
	.hold_max_nusd = USD,
	.hold_ttl_ns = 60 * S,
};

static struct ledger *new_ledger(void)
{
	struct ledger *l = NULL;

	assert_int_equal(ledger_new(&l, &config), 0);
	return l;
}

/* Keys 0 and 1 are a user's, 2 another's; odd ones are paid by balances. */
static struct entry entry_of(int key)
{
	return (struct entry){
		.digest.bytes = { (__u8)(key + 1) },
		.key_id = key + 1,
		.user_id = key / 2 + 1,
		.has_user = true,
		.has_group_id = true,
		.group_id = 7,
		.has_group = true,
		.group_subscription = key % 2 == 0,
		.quota_nusd = 100 * USD,
		.quota_used_nusd = 3 * USD,
		.balance_nusd = 50 * USD,
		.rate_limit_5h_nusd = 5 * USD,
		.rate_limit_1d_nusd = 10 * USD,
		.rate_limit_7d_nusd = 20 * USD,
		.daily_limit_nusd = 10 * USD,
		.weekly_limit_nusd = 20 * USD,
		.monthly_limit_nusd = 30 * USD,
	};
}

static struct ledger_account account_of(int key)
{
	struct entry e = entry_of(key);
	struct ledger_account who;

	ledger_account_of(&who, &e);
	return who;
}

static void charge(struct ledger *l, int key, int64_t cost_nusd, int64_t at_ns)
{
	struct ledger_account who = account_of(key);

	assert_int_equal(ledger_charge(l, &who, cost_nusd, at_ns), 0);
}

static struct ledger_view look(struct ledger *l, int key, int64_t taken_ns,
			       int64_t now_ns)
{
	struct entry e = entry_of(key);
	struct ledger_view v;

	ledger_look(&v, l, &e, taken_ns, now_ns);
	return v;
}

static int64_t used(struct ledger *l, int key, int64_t taken_ns)
{
	/* Whenever it is asked, as long as all was charged before. */
	int64_t now_ns = taken_ns + 1000 * DAY;

	return look(l, key, taken_ns, now_ns).entry.quota_used_nusd - 3 * USD;
}

/*
 * The oracle: every charge there was, added up anew for each question.
 */
struct spent {
	int key;
	int64_t cost_nusd;
	int64_t at_ns;
	int64_t taken_ns; /* in use when it was charged */
};

struct naive {
	struct spent all[20000];
	size_t n;
};

static bool concerns(const struct spent *s, int key, bool payer)
{
	struct ledger_account a = account_of(key), b = account_of(s->key);

	return payer ? a.user_id == b.user_id && a.group_id == b.group_id
		     : key == s->key;
}

/* exact_ns: only what was charged while that moment was in use, and until then;
 * 0: all. */
static int64_t naive_since(const struct naive *o, int key, bool payer,
			   int64_t taken_ns, int64_t exact_ns)
{
	int64_t sum = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct spent *s = &o->all[i];

		if (concerns(s, key, payer) && s->at_ns > taken_ns &&
		    (!exact_ns ||
		     (s->taken_ns == taken_ns && s->at_ns <= exact_ns)))
			sum += s->cost_nusd;
	}
	return sum;
}

static void naive_window(int64_t *used_nusd, int64_t *ends_ns,
			 const struct naive *o, int key, bool payer,
			 int64_t length_ns, int64_t now_ns)
{
	int64_t start_ns = 0, sum = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct spent *s = &o->all[i];

		if (!concerns(s, key, payer))
			continue;
		if (!start_ns || s->at_ns >= start_ns + length_ns ||
		    s->at_ns < start_ns - length_ns) {
			start_ns = s->at_ns;
			sum = 0;
		}
		sum += s->cost_nusd;
	}
	if (!start_ns || now_ns >= start_ns + length_ns ||
	    now_ns < start_ns - length_ns)
		start_ns = sum = 0;
	*used_nusd = sum;
	*ends_ns = start_ns ? start_ns + length_ns : 0;
}

static void assert_windows(const struct ledger_view *v, const struct naive *o,
			   int key, int64_t now_ns)
{
	static const int64_t lengths[] = { 5 * HOUR, DAY,     7 * DAY,
					   DAY,	     7 * DAY, 30 * DAY };
	static const enum pc_reason reasons[] = { PC_R_WINDOW_5H,
						  PC_R_WINDOW_1D,
						  PC_R_WINDOW_7D };
	enum pc_reason over = PC_NEXT;

	assert_int_equal(v->n_windows, key % 2 ? 3 : 6);
	for (size_t i = 0; i < v->n_windows; i++) {
		int64_t used_nusd, ends_ns;

		naive_window(&used_nusd, &ends_ns, o, key, i >= 3, lengths[i],
			     now_ns);
		assert_int_equal(v->windows[i].used_nusd, used_nusd);
		assert_int_equal(v->windows[i].ends_ns, ends_ns);
		if (i < 3 && used_nusd >= v->windows[i].limit_nusd &&
		    over == PC_NEXT)
			over = reasons[i];
	}
	assert_int_equal(v->over, over);
}

static void assert_between(int64_t low, int64_t x, int64_t high,
			   const char *what)
{
	if (x < low || x > high)
		fail_msg("%s: %lld is not in [%lld, %lld]", what, (long long)x,
			 (long long)low, (long long)high);
}

static void assert_as_naive(struct ledger *l, const struct naive *o, int key,
			    int64_t taken_ns, int64_t now_ns)
{
	struct ledger_view v = look(l, key, taken_ns, now_ns);

	assert_between(naive_since(o, key, false, taken_ns, now_ns),
		       v.entry.quota_used_nusd - 3 * USD,
		       naive_since(o, key, false, taken_ns, 0), "use");
	if (key % 2)
		assert_between(naive_since(o, key, true, taken_ns, now_ns),
			       50 * USD - v.entry.balance_nusd,
			       naive_since(o, key, true, taken_ns, 0),
			       "balance");
	else
		assert_int_equal(v.entry.balance_nusd, 50 * USD);
	assert_windows(&v, o, key, now_ns);
}

static int64_t any(int64_t n)
{
	return (int64_t)((uint64_t)random() << 31 ^ (uint64_t)random()) % n;
}

/* Forwards by nothing, seconds or days; sometimes back. */
static int64_t move(int64_t now_ns, bool back)
{
	static const int64_t steps[] = { 1, S / 10, S, 60 * S, HOUR, 3 * DAY };
	int64_t step = any(steps[any(6)] + 1);

	if (back && any(10) == 0)
		return now_ns - step;
	return any(2) ? now_ns + any(S / 10) : now_ns + step;
}

static void spend(struct ledger *l, struct naive *o, int64_t taken_ns,
		  int64_t now_ns)
{
	struct spent s = { (int)any(3), any(USD / 5) + 1, now_ns, taken_ns };

	/* What a request does before it is charged. */
	look(l, s.key, taken_ns, now_ns);
	charge(l, s.key, s.cost_nusd, s.at_ns);
	o->all[o->n++] = s;
}

static void agrees_with_a_list_of_all_charges(void **state)
{
	static struct naive o;

	(void)state;
	for (unsigned int seed = 0; seed < 30; seed++) {
		struct ledger *l = new_ledger();
		int64_t now_ns = NOW, taken_ns = NOW;
		bool back = seed % 2;

		srandom(seed);
		o.n = 0;
		for (int i = 0; i < 600; i++) {
			now_ns = move(now_ns, back);
			if (any(50) == 0)
				taken_ns = now_ns - any(20 * S);
			/* Clocks that jump would end what goes on later. */
			if (!back)
				ledger_expire(l, now_ns, NULL, NULL);
			spend(l, &o, taken_ns, now_ns);
			assert_as_naive(l, &o, (int)any(3), taken_ns, now_ns);
		}
		ledger_free(l);
	}
}

static void what_is_taken_back_was_never_there(void **state)
{
	static struct naive o;

	(void)state;
	for (unsigned int seed = 0; seed < 20; seed++) {
		struct ledger *l = new_ledger();
		int64_t now_ns = NOW, taken_ns = NOW;

		srandom(seed);
		o.n = 0;
		for (int i = 0; i < 500; i++) {
			now_ns = move(now_ns, false);
			if (any(50) == 0)
				taken_ns = now_ns - any(20 * S);
			spend(l, &o, taken_ns, now_ns);
			if (any(3) == 0) {
				struct spent s = o.all[--o.n];
				struct ledger_account w = account_of(s.key);

				ledger_uncharge(l, &w, s.cost_nusd, s.at_ns);
			}
			assert_as_naive(l, &o, (int)any(3), taken_ns, now_ns);
		}
		ledger_free(l);
	}
}

static void a_newer_snapshot_is_believed_to_the_second(void **state)
{
	struct ledger *l = new_ledger();

	(void)state;
	look(l, 1, NOW, NOW);
	for (int i = 1; i <= 300; i++)
		charge(l, 1, 10, NOW + i * S / 10);
	assert_int_equal(used(l, 1, NOW), 3000);
	/* 20 seconds are after it; the second it falls into may be missing. */
	assert_between(1900, used(l, 1, NOW + 10 * S), 2000, "middle");
	/* From then on it is exact again. */
	charge(l, 1, 7, NOW + 31 * S);
	assert_between(1907, used(l, 1, NOW + 10 * S), 2007, "one more");
	assert_int_equal(used(l, 1, NOW + 31 * S), 0);
	/* An older one put back. */
	assert_between(1907, used(l, 1, NOW + 10 * S), 2007, "put back");
	ledger_free(l);
}

/*
 * The clock was two days ahead for a while.  What was charged then is in every
 * snapshot since, though its time says that it came after.
 */
static void a_clock_set_back_counts_nothing_twice(void **state)
{
	struct ledger *l = new_ledger();
	int64_t later_ns = NOW + 2 * DAY;

	(void)state;
	look(l, 1, NOW, NOW);
	charge(l, 1, 10, NOW + S);
	charge(l, 1, 500, later_ns);
	charge(l, 1, 20, NOW + 3 * S);
	for (int i = 0; i < 2; i++) {
		struct ledger_view v = look(l, 1, NOW + 2 * S, NOW + 4 * S);

		assert_int_equal(v.entry.quota_used_nusd, 3 * USD + 20);
		assert_int_equal(v.entry.balance_nusd, 50 * USD - 20);
		/* Where no snapshot came it counts once its time has come. */
		v = look(l, 1, NOW, later_ns);
		assert_int_equal(v.entry.quota_used_nusd, 3 * USD + 530);
	}
	ledger_free(l);
}

static void what_is_old_is_blurred_by_a_part_of_its_age(void **state)
{
	static const int64_t ages[] = { 10 * S, 60 * S, HOUR, 6 * HOUR, DAY };
	struct ledger *l = new_ledger();

	(void)state;
	for (int i = 1; i <= 2 * 86400; i++)
		charge(l, 1, 10, NOW + i * S);
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		int64_t n = 10 * (ages[i] / S);
		int64_t x = used(l, 1, NOW + 2 * DAY - ages[i]);

		assert_between(n - n / 3, x, n, "blurred");
	}
	ledger_free(l);
}

static void sums_restored_count_where_they_lie(void **state)
{
	struct ledger *l = new_ledger();
	struct ledger_account who = account_of(1);

	(void)state;
	ledger_taken(l, NOW);
	ledger_restore_sum(l, &who, NOW - HOUR, NOW - 1, 1);
	ledger_restore_sum(l, &who, NOW - 5 * S, NOW + S, 10);
	ledger_restore_sum(l, &who, NOW + 1, NOW + 2 * S, 100);
	for (int i = 0; i < 500; i++)
		ledger_restore_sum(l, &who, NOW + i * HOUR + S,
				   NOW + (i + 1) * HOUR, 1000);
	assert_int_equal(used(l, 1, NOW), 500100);
	assert_int_equal(look(l, 1, NOW, NOW + 501 * HOUR).entry.balance_nusd,
			 50 * USD - 500100);
	/* Windows are kept by themselves. */
	assert_int_equal(look(l, 1, NOW, NOW).windows[0].used_nusd, 0);
	ledger_free(l);
}

static void windows_restored_go_on(void **state)
{
	const struct window key[WINDOWS] = { { NOW - HOUR, 1 },
					     { NOW - 2 * HOUR, 2 },
					     { NOW - 3 * HOUR, 3 } };
	const struct window group[WINDOWS] = { { NOW - DAY, 4 },
					       { NOW - DAY, 5 },
					       { NOW - DAY, 6 } };
	const int64_t expected[] = { 11, 12, 13, 10, 15, 16 };
	struct ledger *l = new_ledger();
	struct ledger_account who = account_of(0);
	struct ledger_view v;

	(void)state;
	ledger_restore_windows(l, &who, group);
	who.group_id = 0;
	ledger_restore_windows(l, &who, key);
	charge(l, 0, 10, NOW);
	v = look(l, 0, NOW, NOW);
	assert_int_equal(v.n_windows, 6);
	for (int i = 0; i < 6; i++)
		assert_int_equal(v.windows[i].used_nusd, expected[i]);
	assert_int_equal(v.windows[0].ends_ns, NOW + 4 * HOUR);
	assert_int_equal(v.windows[3].ends_ns, NOW + DAY);
	ledger_free(l);
}

static void a_window_is_used_up_at_its_limit(void **state)
{
	struct ledger *l = new_ledger();

	(void)state;
	charge(l, 1, 5 * USD - 1, NOW);
	assert_int_equal(look(l, 1, NOW, NOW).over, PC_NEXT);
	charge(l, 1, 1, NOW);
	assert_int_equal(look(l, 1, NOW, NOW).over, PC_R_WINDOW_5H);
	assert_int_equal(look(l, 1, NOW, NOW + 5 * HOUR).over, PC_NEXT);
	charge(l, 1, 15 * USD, NOW + S);
	assert_int_equal(look(l, 1, NOW, NOW + 5 * HOUR).over, PC_R_WINDOW_1D);
	assert_int_equal(look(l, 1, NOW, NOW + DAY).over, PC_R_WINDOW_7D);
	ledger_free(l);
}

static void sums_saturate(void **state)
{
	struct ledger *l = new_ledger();
	struct ledger_view v;

	(void)state;
	charge(l, 1, INT64_MAX, NOW);
	charge(l, 1, INT64_MAX, NOW + DAY);
	v = look(l, 1, NOW - 1, NOW + DAY);
	assert_int_equal(v.entry.quota_used_nusd, INT64_MAX);
	assert_int_equal(v.entry.balance_nusd, 50 * USD - INT64_MAX);
	charge(l, 1, 0, NOW);
	charge(l, 2, -5, NOW);
	assert_int_equal(used(l, 2, NOW - 1), 0);
	ledger_free(l);
}

/* What decide() makes of the view's row. */
static enum pc_subscription state_of(const struct ledger_view *v,
				     int64_t now_ns)
{
	return decide_subscription(&v->sub, &v->entry, now_ns, NULL);
}

static void a_row_unknown_is_told_only_when_over(void **state)
{
	struct ledger *l = new_ledger();
	char detail[DECIDE_TEXT_SIZE];
	struct ledger_view v;

	(void)state;
	v = look(l, 0, NOW, NOW);
	assert_int_equal(state_of(&v, NOW), PC_SUBSCRIPTION_UNSURE);
	charge(l, 0, 10 * USD, NOW + S);
	v = look(l, 0, NOW, NOW + S);
	assert_int_equal(state_of(&v, NOW + S), PC_SUBSCRIPTION_UNSURE);
	charge(l, 0, 1, NOW + 2 * S);
	v = look(l, 0, NOW, NOW + 2 * S);
	assert_int_equal(
		decide_subscription(&v.sub, &v.entry, NOW + 2 * S, detail),
		PC_SUBSCRIPTION_OVER_LIMIT);
	assert_non_null(strstr(detail, "DAILY_LIMIT_EXCEEDED"));
	/* A newer snapshot says nothing of the subscription: it stays. */
	v = look(l, 0, NOW + 3 * S, NOW + 3 * S);
	assert_int_equal(state_of(&v, NOW + 3 * S), PC_SUBSCRIPTION_OVER_LIMIT);
	v = look(l, 0, NOW + 3 * S, NOW + S + DAY);
	assert_int_equal(state_of(&v, NOW + S + DAY), PC_SUBSCRIPTION_UNSURE);
	charge(l, 0, 10 * USD, NOW + S + DAY);
	v = look(l, 0, NOW + 3 * S, NOW + S + DAY);
	assert_int_equal(
		decide_subscription(&v.sub, &v.entry, NOW + S + DAY, detail),
		PC_SUBSCRIPTION_OVER_LIMIT);
	assert_non_null(strstr(detail, "WEEKLY_LIMIT_EXCEEDED"));
	ledger_free(l);
}

/* A row taken at NOW; charges {at, cost}; what stands at a moment. */
static const struct {
	const char *what;
	int64_t start_ns, row_nusd;
	struct {
		int64_t at_ns, cost_nusd;
	} charges[4];
	int64_t now_ns;
	int64_t used_nusd, shown_nusd, ends_ns;
	enum pc_subscription state;
} rows[] = {
	{ "the row's use, and what came after it",
	  NOW - HOUR,
	  8 * USD,
	  { { NOW, 5 * USD }, { NOW + S, 2 * USD } },
	  NOW + 2 * S,
	  10 * USD,
	  10 * USD,
	  NOW + 23 * HOUR,
	  PC_SUBSCRIPTION_GOOD },
	{ "over",
	  NOW - HOUR,
	  8 * USD,
	  { { NOW + S, 2 * USD + 1 } },
	  NOW + 2 * S,
	  10 * USD + 1,
	  10 * USD + 1,
	  NOW + 23 * HOUR,
	  PC_SUBSCRIPTION_OVER_LIMIT },
	{ "over until it runs out",
	  NOW - HOUR,
	  8 * USD,
	  { { NOW + S, 2 * USD + 1 } },
	  NOW + 23 * HOUR,
	  8 * USD,
	  0,
	  0,
	  PC_SUBSCRIPTION_GOOD },
	{ "the first charge after it begins another",
	  NOW - HOUR,
	  8 * USD,
	  { { NOW + S, 9 * USD },
	    { NOW + 30 * HOUR, 3 * USD },
	    { NOW + 31 * HOUR, 4 * USD } },
	  NOW + 32 * HOUR,
	  7 * USD,
	  7 * USD,
	  NOW + 54 * HOUR,
	  PC_SUBSCRIPTION_GOOD },
	{ "and again",
	  NOW - HOUR,
	  8 * USD,
	  { { NOW + 30 * HOUR, 30 * USD },
	    { NOW + 53 * HOUR, 40 * USD },
	    { NOW + 54 * HOUR, 50 * USD } },
	  NOW + 55 * HOUR,
	  50 * USD,
	  50 * USD,
	  NOW + 78 * HOUR,
	  PC_SUBSCRIPTION_OVER_LIMIT },
	{ "a row whose window had run out before",
	  NOW - 50 * HOUR,
	  99 * USD,
	  { { NOW - HOUR, 30 * USD }, { NOW + S, 5 * USD } },
	  NOW + 2 * S,
	  5 * USD,
	  5 * USD,
	  NOW + S + DAY,
	  PC_SUBSCRIPTION_GOOD },
	{ "a row whose window has not begun",
	  0,
	  USD,
	  { { NOW + S, 5 * USD } },
	  NOW + 2 * S,
	  6 * USD,
	  6 * USD,
	  NOW + S + DAY,
	  PC_SUBSCRIPTION_GOOD },
	{ "nothing was charged",
	  0,
	  USD,
	  { { 0, 0 } },
	  NOW + 2 * S,
	  USD,
	  USD,
	  0,
	  PC_SUBSCRIPTION_GOOD },
};

static void a_row_goes_on_by_what_was_charged_after_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ledger *l = new_ledger();
		struct subscription row = {
			.known = SUBSCRIPTION_ROW,
			.expires_ns = PC_NEVER,
			.daily_nusd = rows[i].row_nusd,
			.daily_start_ns = rows[i].start_ns,
		};
		struct entry e = entry_of(0);
		struct ledger_view v;

		e.subscription = &row;
		e.weekly_limit_nusd = e.monthly_limit_nusd = 0;
		ledger_taken(l, NOW);
		for (size_t j = 0; rows[i].charges[j].at_ns; j++)
			charge(l, 0, rows[i].charges[j].cost_nusd,
			       rows[i].charges[j].at_ns);
		ledger_look(&v, l, &e, NOW, rows[i].now_ns);
		if (v.sub.daily_nusd != rows[i].used_nusd || v.n_windows != 4 ||
		    v.windows[3].used_nusd != rows[i].shown_nusd ||
		    v.windows[3].ends_ns != rows[i].ends_ns ||
		    state_of(&v, rows[i].now_ns) != rows[i].state)
			fail_msg("%s: used %lld, shown %lld, ends %lld, %d",
				 rows[i].what, (long long)v.sub.daily_nusd,
				 (long long)v.windows[3].used_nusd,
				 (long long)v.windows[3].ends_ns,
				 (int)state_of(&v, rows[i].now_ns));
		ledger_free(l);
	}
}

static void a_row_that_is_none_stays_none(void **state)
{
	struct ledger *l = new_ledger();
	struct subscription none = { .known = SUBSCRIPTION_NONE };
	struct entry e = entry_of(0);
	struct ledger_view v;

	(void)state;
	e.subscription = &none;
	charge(l, 0, 99 * USD, NOW);
	ledger_look(&v, l, &e, NOW - 1, NOW);
	assert_int_equal(state_of(&v, NOW), PC_SUBSCRIPTION_MISSING);
	ledger_free(l);
}

static void a_subscription_pays_instead_of_the_balance(void **state)
{
	struct ledger *l = new_ledger();

	(void)state;
	/* Keys 0 and 1 have one user. */
	charge(l, 0, 8 * USD, NOW + 1);
	assert_int_equal(look(l, 1, NOW, NOW + 1).entry.balance_nusd, 50 * USD);
	charge(l, 1, 1 * USD, NOW + 1);
	assert_int_equal(look(l, 1, NOW, NOW + 1).entry.balance_nusd, 49 * USD);
	assert_int_equal(look(l, 0, NOW, NOW + 1).windows[3].used_nusd,
			 8 * USD);
	ledger_free(l);
}

static struct ledger_hold hold_of(int key, int n, int64_t held_nusd,
				  int64_t ends_ns)
{
	struct ledger_hold h = { .who = account_of(key),
				 .held_nusd = held_nusd,
				 .ends_ns = ends_ns };

	snprintf(h.id, sizeof(h.id), "hold-%d", n);
	return h;
}

static void count_gone(const struct ledger_hold *h, void *arg)
{
	int64_t *sum = arg;

	*sum += h->held_nusd;
}

static void holds_are_found_given_back_and_run_out(void **state)
{
	static struct {
		bool open;
		struct ledger_hold h;
	} naive[300];
	struct ledger *l = new_ledger();
	struct ledger_totals t;

	(void)state;
	srandom(1);
	for (int round = 0; round < 5000; round++) {
		int n = (int)any(ARRAY_SIZE(naive)), key;
		int64_t now_ns = NOW + round * S / 10;
		int64_t gone = 0, over = 0, held[3] = { 0 };
		size_t open = 0;
		struct ledger_hold h =
			hold_of((int)any(3), n, any(100), now_ns + any(60 * S));

		if (any(3))
			assert_int_equal(ledger_hold(l, &h),
					 naive[n].open ? -EEXIST : 0);
		else
			assert_int_equal(ledger_release(l, h.id),
					 naive[n].open ? 0 : -ENOENT);
		if (!naive[n].open)
			naive[n].h = h;
		naive[n].open = !!ledger_find_hold(l, h.id);
		if (naive[n].open)
			assert_memory_equal(ledger_find_hold(l, h.id),
					    &naive[n].h, sizeof(h));
		ledger_expire(l, now_ns, count_gone, &gone);
		for (size_t i = 0; i < ARRAY_SIZE(naive); i++) {
			if (!naive[i].open)
				continue;
			key = naive[i].h.who.digest.bytes[0] - 1;
			if (naive[i].h.ends_ns <= now_ns) {
				naive[i].open = false;
				over += naive[i].h.held_nusd;
				continue;
			}
			held[key] += naive[i].h.held_nusd;
			open++;
		}
		assert_int_equal(gone, over);
		ledger_totals(&t, l);
		assert_int_equal(t.n_holds, open);
		assert_int_equal(t.held_nusd, held[0] + held[1] + held[2]);
		for (key = 0; key < 3; key++)
			assert_int_equal(look(l, key, 0, now_ns).held_nusd,
					 held[key]);
	}
	ledger_free(l);
}

static void holds_weigh_on_what_pays(void **state)
{
	struct ledger *l = new_ledger();
	struct ledger_hold h = hold_of(0, 0, 5, NOW + S);

	(void)state;
	assert_int_equal(ledger_hold(l, &h), 0);
	h = hold_of(1, 1, 7, NOW + S);
	assert_int_equal(ledger_hold(l, &h), 0);
	assert_int_equal(look(l, 0, NOW, NOW).held_payer_nusd, 5);
	assert_int_equal(look(l, 1, NOW, NOW).held_payer_nusd, 7);
	ledger_free(l);
}

static void a_hold_is_as_large_as_a_key_costs(void **state)
{
	struct ledger *l = new_ledger();
	struct ledger_account who = account_of(0);

	(void)state;
	assert_int_equal(ledger_hold_size(l, &who.digest), USD / 100);
	charge(l, 0, USD / 10, NOW);
	assert_int_equal(ledger_hold_size(l, &who.digest), USD / 10);
	charge(l, 0, 5 * USD, NOW);
	assert_int_equal(ledger_hold_size(l, &who.digest), USD);
	for (int i = 0; i < 100; i++)
		charge(l, 0, USD / 50, NOW + i);
	assert_between(USD / 50, ledger_hold_size(l, &who.digest), USD / 40,
		       "decayed");
	ledger_free(l);
}

/*
 * 64 clients, each at any step of its own: asks and holds, then is charged.  A
 * request is admitted while use and holds are below the quota.
 */
static void a_race_never_admits_more_than_the_bound(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < 20; seed++) {
		struct ledger *l = new_ledger();
		bool holding[64] = { false };
		int64_t spent = 0, now_ns = NOW;

		srandom(seed);
		look(l, 1, NOW, NOW);
		for (int i = 0; i < 20000; i++) {
			int c = (int)any(64);
			struct ledger_hold h = hold_of(1, c, USD, NOW + HOUR);
			struct ledger_view v = look(l, 1, NOW, ++now_ns);
			int64_t cost = any(USD) + 1;

			if (holding[c]) {
				charge(l, 1, cost, now_ns);
				spent += cost;
				assert_int_equal(ledger_release(l, h.id), 0);
				holding[c] = false;
			} else if (v.entry.quota_used_nusd + v.held_nusd <
				   v.entry.quota_nusd) {
				assert_int_equal(ledger_hold(l, &h), 0);
				holding[c] = true;
			}
		}
		/* 97 of 100 USD were left, and one hold may cross. */
		assert_between(97 * USD - 64 * USD, spent,
			       97 * USD + config.hold_max_nusd, "spent");
		assert_true(look(l, 1, NOW, now_ns).entry.quota_used_nusd >=
			    100 * USD);
		ledger_free(l);
	}
}

static void what_nothing_rests_on_is_dropped(void **state)
{
	struct ledger *l = new_ledger();
	struct ledger_totals t;

	(void)state;
	ledger_taken(l, NOW);
	for (int i = 0; i < 5000; i++) {
		struct ledger_account who = {
			.digest.bytes = { 1, (__u8)i, (__u8)(i >> 8) },
			.user_id = i
		};

		ledger_charge(l, &who, 1, NOW);
	}
	ledger_totals(&t, l);
	assert_int_equal(t.n_accounts, 10000);
	/* Windows run for 7 days, whatever the snapshot says. */
	ledger_taken(l, NOW + 2 * DAY);
	for (int i = 0; i < 600; i++)
		ledger_expire(l, NOW + 6 * DAY, NULL, NULL);
	ledger_totals(&t, l);
	assert_int_equal(t.n_accounts, 5000);
	/* And a sum that no snapshot contains stays. */
	charge(l, 0, 1, NOW + 3 * DAY);
	for (int i = 0; i < 600; i++)
		ledger_expire(l, NOW + 90 * DAY, NULL, NULL);
	ledger_totals(&t, l);
	assert_int_equal(t.n_accounts, 2);
	ledger_taken(l, NOW + 5 * DAY);
	for (int i = 0; i < 600; i++)
		ledger_expire(l, NOW + 90 * DAY, NULL, NULL);
	ledger_totals(&t, l);
	assert_int_equal(t.n_accounts, 0);
	ledger_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_list_of_all_charges),
		cmocka_unit_test(what_is_taken_back_was_never_there),
		cmocka_unit_test(a_newer_snapshot_is_believed_to_the_second),
		cmocka_unit_test(a_clock_set_back_counts_nothing_twice),
		cmocka_unit_test(what_is_old_is_blurred_by_a_part_of_its_age),
		cmocka_unit_test(sums_restored_count_where_they_lie),
		cmocka_unit_test(windows_restored_go_on),
		cmocka_unit_test(a_window_is_used_up_at_its_limit),
		cmocka_unit_test(sums_saturate),
		cmocka_unit_test(a_row_unknown_is_told_only_when_over),
		cmocka_unit_test(a_row_goes_on_by_what_was_charged_after_it),
		cmocka_unit_test(a_row_that_is_none_stays_none),
		cmocka_unit_test(a_subscription_pays_instead_of_the_balance),
		cmocka_unit_test(holds_are_found_given_back_and_run_out),
		cmocka_unit_test(holds_weigh_on_what_pays),
		cmocka_unit_test(a_hold_is_as_large_as_a_key_costs),
		cmocka_unit_test(a_race_never_admits_more_than_the_bound),
		cmocka_unit_test(what_nothing_rests_on_is_dropped),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
