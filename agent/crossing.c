// SPDX-License-Identifier: GPL-2.0-only
#include "crossing.h"

#include "decide.h"

/* Accounts looked at in one go: well below a millisecond. */
#define PART 256

static bool look(struct pc_key *out, const struct crossing *c,
		 const struct entry *e, int64_t now_ns)
{
	struct ledger_view v;

	if (!e || e->not_found)
		return false;
	ledger_look(&v, c->ledger, e, store_taken_ns(c->store), now_ns);
	decide_key(out, &v.entry);
	return true;
}

uint32_t crossing_facts(const struct crossing *c, const struct pc_digest *key,
			int64_t now_ns)
{
	struct pc_key value;

	if (!c->tell || !look(&value, c, store_find(c->store, key), now_ns))
		return 0;
	return value.facts;
}

static void tell(struct crossing *c, const struct entry *e, int64_t now_ns)
{
	struct pc_key value;

	if (!look(&value, c, e, now_ns))
		return;
	c->told++;
	c->tell(&e->digest, &value, c->arg);
}

struct everyone {
	struct crossing *crossing;
	int64_t now_ns;
};

static void tell_each(const struct entry *e, void *arg)
{
	const struct everyone *all = arg;

	tell(all->crossing, e, all->now_ns);
}

/* Does what the key's facts say of a balance tell of the one that paid? */
static bool tells_of_payer(const struct crossing *c,
			   const struct ledger_account *who)
{
	const struct entry *e = store_find(c->store, &who->digest);
	struct ledger_account now;

	if (who->group_id)
		return true;
	if (!e || e->not_found)
		return false;
	ledger_account_of(&now, e);
	return now.user_id == who->user_id && !now.group_id;
}

void crossing_compare(struct crossing *c, const struct ledger_account *who,
		      uint32_t before, int64_t now_ns)
{
	struct everyone all = { c, now_ns };
	uint32_t after;

	if (!c->tell)
		return;
	after = crossing_facts(c, &who->digest, now_ns);
	/*
	 * One balance pays for all keys of a user, also for what was admitted
	 * on a key that a reload has since taken away or given to others.
	 */
	if ((before ^ after) & PC_F_BALANCE_EMPTY || !tells_of_payer(c, who))
		store_each_of_user(c->store, who->user_id, tell_each, &all);
	if ((before ^ after) & ~PC_F_BALANCE_EMPTY)
		tell(c, store_find(c->store, &who->digest), now_ns);
}

void crossing_restart(struct crossing *c)
{
	c->cursor = 0;
	c->behind = c->tell != NULL;
}

static void tell_account(const struct ledger_account *who, void *arg)
{
	const struct everyone *all = arg;
	struct crossing *c = all->crossing;

	if (who->user_id)
		store_each_of_user(c->store, who->user_id, tell_each, arg);
	else
		tell(c, store_find(c->store, &who->digest), all->now_ns);
}

bool crossing_go_on(struct crossing *c, int64_t now_ns)
{
	struct everyone all = { c, now_ns };

	if (c->behind)
		c->behind = ledger_each(c->ledger, &c->cursor, PART,
					tell_account, &all);
	return c->behind;
}
