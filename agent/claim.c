// SPDX-License-Identifier: GPL-2.0-only
#include "claim.h"

#include <string.h>

#include "money.h"

#define KEEP_NS (24 * 3600 * 1000000000LL)

int claim_find(struct claim *out, const struct statements *s, const char *id)
{
	sqlite3_stmt *stmt = statement_bind(s, STATEMENT_FIND_CLAIM, "t", id);
	struct claim c = { 0 };
	int rc;

	if (statement_step(stmt) == SQLITE_ROW) {
		c.exists = true;
		c.who.digest = statement_digest(stmt, 0);
		c.who.user_id = sqlite3_column_int64(stmt, 1);
		c.who.group_id = sqlite3_column_int64(stmt, 2);
		c.has_hold = sqlite3_column_type(stmt, 3) != SQLITE_NULL;
		c.held_nusd = sqlite3_column_int64(stmt, 3);
		c.ends_ns = sqlite3_column_int64(stmt, 4);
		c.open = sqlite3_column_int(stmt, 5);
		c.has_charge = sqlite3_column_type(stmt, 6) != SQLITE_NULL;
		c.charged_nusd = sqlite3_column_int64(stmt, 6);
		c.keep_ns = sqlite3_column_int64(stmt, 7);
	}
	rc = statement_end(stmt);
	if (rc == SQLITE_OK)
		*out = c;
	return rc;
}

int claim_put(const struct claim *c, const struct statements *s, const char *id)
{
	return statement_run(statement_bind(
		s, STATEMENT_PUT_CLAIM, "tkiiooioi", id, &c->who.digest,
		c->who.user_id, c->who.group_id,
		c->has_hold ? &c->held_nusd : NULL,
		c->has_hold ? &c->ends_ns : NULL, (int64_t)c->open,
		c->has_charge ? &c->charged_nusd : NULL, c->keep_ns));
}

static bool same_key(const struct claim *c, const struct journal_item *item)
{
	return !memcmp(&c->who.digest, &item->who.digest,
		       sizeof(c->who.digest));
}

static void keep(struct claim *c, int64_t after_ns)
{
	int64_t until_ns = money_add(after_ns, KEEP_NS);

	if (until_ns > c->keep_ns)
		c->keep_ns = until_ns;
}

static enum journal_state
judge_hold(struct claim *c, const struct journal_item *item, int64_t now_ns)
{
	if (c->exists) {
		if (c->has_hold && same_key(c, item) &&
		    (item->any_cost || c->held_nusd == item->cost_nusd))
			return JOURNAL_DUPLICATE;
		return JOURNAL_CONFLICT;
	}
	c->has_hold = c->open = true;
	c->who = item->who;
	c->held_nusd = item->cost_nusd;
	c->ends_ns = item->at_ns;
	keep(c, now_ns);
	keep(c, item->at_ns);
	return JOURNAL_NEW;
}

static enum journal_state
judge_charge(struct claim *c, struct journal_item *item, int64_t now_ns)
{
	if (!c->exists && !item->has_account)
		return JOURNAL_UNKNOWN;
	if (c->exists && item->has_account && !same_key(c, item))
		return JOURNAL_CONFLICT;
	if (!item->has_account)
		item->who = c->who;
	item->has_account = true;
	if (c->has_charge)
		return c->charged_nusd == item->cost_nusd ? JOURNAL_DUPLICATE
							  : JOURNAL_CONFLICT;
	c->who = item->who;
	c->has_charge = true;
	c->charged_nusd = item->cost_nusd;
	c->open = false;
	keep(c, now_ns);
	return JOURNAL_NEW;
}

static enum journal_state
judge_release(struct claim *c, const struct journal_item *item, int64_t now_ns)
{
	if (!c->has_hold)
		return JOURNAL_UNKNOWN;
	if (item->has_account && !same_key(c, item))
		return JOURNAL_CONFLICT;
	if (!c->open)
		return JOURNAL_DUPLICATE;
	c->open = false;
	keep(c, now_ns);
	return JOURNAL_NEW;
}

enum journal_state claim_judge(struct claim *c, struct journal_item *item,
			       int64_t now_ns)
{
	switch (item->op) {
	case JOURNAL_HOLD:
		return judge_hold(c, item, now_ns);
	case JOURNAL_RELEASE:
		return judge_release(c, item, now_ns);
	default:
		return judge_charge(c, item, now_ns);
	}
}
