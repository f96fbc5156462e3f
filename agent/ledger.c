// SPDX-License-Identifier: GPL-2.0-only
/* Puts charges and holds to the accounts they concern, and looks there. */
#include "ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "hold.h"
#include "money.h"
#include "view.h"

/* An older snapshot may be put back, but not one of the day before. */
#define KEPT_NS WINDOW_DAY_NS
/* A peak that is not reached again halves in 11 charges. */
#define PEAK_PART 16

struct ledger {
	struct ledger_config cfg;
	struct accounts accounts;
	struct holds holds;
	int64_t held_nusd;
	int64_t taken_ns; /* of the entries last looked at; 0: none yet */
};

int ledger_new(struct ledger **out, const struct ledger_config *cfg)
{
	struct ledger *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->cfg = *cfg;
	err = accounts_init(&l->accounts);
	if (err)
		goto out_free;
	err = holds_init(&l->holds);
	if (err)
		goto out_accounts;
	*out = l;
	return 0;

out_accounts:
	accounts_fini(&l->accounts);
out_free:
	free(l);
	return err;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	holds_fini(&l->holds);
	accounts_fini(&l->accounts);
	free(l);
}

void ledger_taken(struct ledger *l, int64_t taken_ns)
{
	l->taken_ns = taken_ns;
}

void ledger_account_of(struct ledger_account *out, const struct entry *e)
{
	*out = (struct ledger_account){
		.digest = e->digest,
		.user_id = e->user_id,
		.group_id = view_has_subscription(e) ? e->group_id : 0,
	};
}

static struct account_id key_id(const struct pc_digest *digest)
{
	return (struct account_id){ .key = *digest };
}

/* The balance of a user, or the subscription of (user, group). */
static struct account_id payer_id(const struct ledger_account *who)
{
	return (struct account_id){ .user_id = who->user_id,
				    .group_id = who->group_id };
}

static void find(struct view_accounts *out, const struct ledger *l,
		 const struct ledger_account *who)
{
	struct account_id key = key_id(&who->digest), payer = payer_id(who);

	out->key = account_find(&l->accounts, &key);
	out->payer = account_find(&l->accounts, &payer);
}

/* With room for a charge in each. */
static int make(struct view_accounts *out, struct ledger *l,
		const struct ledger_account *who)
{
	struct account_id key = key_id(&who->digest), payer = payer_id(who);
	struct view_accounts made;
	int err = account_make(&made.key, &l->accounts, &key, l->taken_ns);

	if (!err)
		err = account_make(&made.payer, &l->accounts, &payer,
				   l->taken_ns);
	if (!err)
		err = meter_reserve(&made.key->meter);
	if (!err)
		err = meter_reserve(&made.payer->meter);
	if (!err)
		*out = made;
	return err;
}

static void learn(struct account *key, int64_t cost_nusd)
{
	key->peak_nusd -= key->peak_nusd / PEAK_PART;
	if (cost_nusd > key->peak_nusd)
		key->peak_nusd = cost_nusd;
}

int ledger_charge(struct ledger *l, const struct ledger_account *who,
		  int64_t cost_nusd, int64_t at_ns)
{
	struct view_accounts c;
	int err;

	if (cost_nusd <= 0)
		return 0;
	err = make(&c, l, who);
	if (err)
		return err;
	learn(c.key, cost_nusd);
	meter_add(&c.key->meter, at_ns, at_ns, cost_nusd);
	meter_add(&c.payer->meter, at_ns, at_ns, cost_nusd);
	for (int i = 0; i < WINDOWS; i++) {
		window_add(&c.key->windows[i], window_of_key_ns[i], at_ns,
			   cost_nusd);
		if (who->group_id)
			window_add(&c.payer->windows[i], window_of_group_ns[i],
				   at_ns, cost_nusd);
	}
	return 0;
}

void ledger_uncharge(struct ledger *l, const struct ledger_account *who,
		     int64_t cost_nusd, int64_t at_ns)
{
	struct view_accounts c;

	find(&c, l, who);
	if (cost_nusd <= 0 || !c.key || !c.payer)
		return;
	meter_take(&c.key->meter, at_ns, cost_nusd);
	meter_take(&c.payer->meter, at_ns, cost_nusd);
	for (int i = 0; i < WINDOWS; i++) {
		window_take(&c.key->windows[i], window_of_key_ns[i], at_ns,
			    cost_nusd);
		if (who->group_id)
			window_take(&c.payer->windows[i], window_of_group_ns[i],
				    at_ns, cost_nusd);
	}
}

int ledger_restore_sum(struct ledger *l, const struct ledger_account *who,
		       int64_t first_ns, int64_t last_ns, int64_t cost_nusd)
{
	struct view_accounts c;
	int err;

	if (cost_nusd <= 0)
		return 0;
	err = make(&c, l, who);
	if (err)
		return err;
	meter_add(&c.key->meter, first_ns, last_ns, cost_nusd);
	meter_add(&c.payer->meter, first_ns, last_ns, cost_nusd);
	return 0;
}

int ledger_restore_windows(struct ledger *l, const struct ledger_account *who,
			   const struct window windows[static WINDOWS])
{
	struct account_id id =
		who->group_id ? payer_id(who) : key_id(&who->digest);
	struct account *a;
	int err = account_make(&a, &l->accounts, &id, l->taken_ns);

	if (!err)
		memcpy(a->windows, windows, sizeof(a->windows));
	return err;
}

int64_t ledger_hold_size(const struct ledger *l, const struct pc_digest *key)
{
	struct account_id id = key_id(key);
	const struct account *a = account_find(&l->accounts, &id);
	int64_t size_nusd =
		a && a->peak_nusd > 0 ? a->peak_nusd : l->cfg.hold_default_nusd;

	return size_nusd < l->cfg.hold_max_nusd ? size_nusd
						: l->cfg.hold_max_nusd;
}

static void count_hold(struct ledger *l, struct view_accounts *c,
		       const struct ledger_hold *hold)
{
	c->key->n_holds++;
	c->payer->n_holds++;
	c->key->held_nusd = money_add(c->key->held_nusd, hold->held_nusd);
	c->payer->held_nusd = money_add(c->payer->held_nusd, hold->held_nusd);
	l->held_nusd = money_add(l->held_nusd, hold->held_nusd);
}

/* A sum that was held at its end comes back to 0 with the last hold. */
static void uncount(struct account *a, int64_t held_nusd)
{
	a->held_nusd = --a->n_holds ? money_sub(a->held_nusd, held_nusd) : 0;
}

int ledger_hold(struct ledger *l, const struct ledger_hold *hold)
{
	struct view_accounts c;
	int err = make(&c, l, &hold->who);

	if (!err)
		err = hold_add(&l->holds, hold);
	if (!err)
		count_hold(l, &c, hold);
	return err;
}

const struct ledger_hold *ledger_find_hold(const struct ledger *l,
					   const char *id)
{
	return hold_find(&l->holds, id);
}

static void release(struct ledger *l, const struct ledger_hold *hold)
{
	struct view_accounts c;

	/* Accounts with holds are never dropped. */
	find(&c, l, &hold->who);
	uncount(c.key, hold->held_nusd);
	uncount(c.payer, hold->held_nusd);
	l->held_nusd =
		l->holds.n > 1 ? money_sub(l->held_nusd, hold->held_nusd) : 0;
	hold_remove(&l->holds, hold);
}

int ledger_release(struct ledger *l, const char *id)
{
	const struct ledger_hold *hold = hold_find(&l->holds, id);

	if (!hold)
		return -ENOENT;
	release(l, hold);
	return 0;
}

void ledger_expire(struct ledger *l, int64_t now_ns,
		   void (*gone)(const struct ledger_hold *h, void *arg),
		   void *arg)
{
	const struct ledger_hold *hold;
	int64_t before_ns = now_ns < l->taken_ns ? now_ns : l->taken_ns;

	while ((hold = hold_first(&l->holds)) && hold->ends_ns <= now_ns) {
		if (gone)
			gone(hold, arg);
		release(l, hold);
	}
	/* Before the first entries it is not known what they contain. */
	if (l->taken_ns)
		accounts_sweep(&l->accounts, money_sub(before_ns, KEPT_NS),
			       now_ns);
}

bool ledger_each(const struct ledger *l, size_t *cursor, size_t n,
		 void (*each)(const struct ledger_account *who, void *arg),
		 void *arg)
{
	const struct index *x = &l->accounts.index;

	for (; n && *cursor < x->n_heads; n--, ++*cursor) {
		struct index_link *link = x->heads[*cursor];

		for (; link; link = link->next) {
			const struct account *a =
				INDEX_OF(link, struct account, link);
			const struct ledger_account who = {
				.digest = a->id.key,
				.user_id = a->id.user_id,
			};

			if (!a->id.group_id)
				each(&who, arg);
		}
	}
	return *cursor < x->n_heads;
}

void ledger_totals(struct ledger_totals *out, const struct ledger *l)
{
	*out = (struct ledger_totals){
		.n_accounts = l->accounts.index.n,
		.n_holds = l->holds.n,
		.held_nusd = l->held_nusd,
	};
}

void ledger_look(struct ledger_view *out, struct ledger *l,
		 const struct entry *e, int64_t taken_ns, int64_t now_ns)
{
	struct ledger_account who;
	struct view_accounts c;

	ledger_account_of(&who, e);
	find(&c, l, &who);
	l->taken_ns = taken_ns;
	view_of(out, e, &c, taken_ns, now_ns);
}
