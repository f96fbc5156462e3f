// SPDX-License-Identifier: GPL-2.0-only
/*
 * A charge is counted when the journal says that it is new and before it is
 * kept, so that nobody is admitted on money that is on its way to the disk;
 * what could not be kept is taken back.  A hold is counted even before the
 * journal has seen it: of many that race for the last of a quota each must see
 * the others.
 */
#include "spend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "charge.h"
#include "desk.h"
#include "log.h"
#include "receipt.h"

struct spend {
	struct spend_config cfg;
	size_t pending;
	struct spend_counts counts;
};

int spend_new(struct spend **out, const struct spend_config *cfg)
{
	struct spend *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	*out = s;
	return 0;
}

void spend_free(struct spend *s)
{
	free(s);
}

size_t spend_pending(const struct spend *s)
{
	return s->pending;
}

void spend_counts(struct spend_counts *out, const struct spend *s)
{
	*out = s->counts;
}

static struct slot *slot_of(struct journal_item *item)
{
	return (struct slot *)(void *)item;
}

static void end_hold(struct spend *s, struct slot *slot)
{
	const struct ledger_hold *hold =
		ledger_find_hold(s->cfg.ledger, slot->item.id);

	if (!hold)
		return;
	slot->hold = *hold;
	slot->has_hold = true;
	ledger_release(s->cfg.ledger, slot->item.id);
}

static void count(struct spend *s, struct slot *slot, int64_t now_ns)
{
	const struct journal_item *i = &slot->item;
	uint32_t before;

	if (i->op == JOURNAL_HOLD)
		return;
	end_hold(s, slot);
	if (i->op != JOURNAL_CHARGE)
		return;
	before = crossing_facts(s->cfg.crossing, &i->who.digest, now_ns);
	slot->counted =
		!ledger_charge(s->cfg.ledger, &i->who, i->cost_nusd, i->at_ns);
	crossing_compare(s->cfg.crossing, &i->who, before, now_ns);
}

/* Nothing was kept: the ledger is to be as if nothing had been asked. */
static void take_back(struct spend *s, struct slot *slot, int64_t now_ns)
{
	const struct journal_item *i = &slot->item;
	uint32_t before;

	if (i->op == JOURNAL_HOLD) {
		if (slot->has_hold)
			ledger_release(s->cfg.ledger, i->id);
		return;
	}
	if (slot->counted) {
		before =
			crossing_facts(s->cfg.crossing, &i->who.digest, now_ns);
		ledger_uncharge(s->cfg.ledger, &i->who, i->cost_nusd, i->at_ns);
		crossing_compare(s->cfg.crossing, &i->who, before, now_ns);
	}
	if (slot->has_hold)
		ledger_hold(s->cfg.ledger, &slot->hold);
}

static void tally(struct spend *s, const struct slot *slot)
{
	switch (slot->item.state) {
	case JOURNAL_KEPT:
		if (slot->item.op == JOURNAL_CHARGE)
			s->counts.counted++;
		else if (slot->item.op == JOURNAL_HOLD)
			s->counts.holds++;
		break;
	case JOURNAL_DUPLICATE:
		s->counts.duplicates++;
		break;
	case JOURNAL_CONFLICT:
		s->counts.conflicts++;
		break;
	case JOURNAL_FAILED:
		s->counts.failed++;
		break;
	default:
		break;
	}
}

static void finish(struct spend *s, struct desk *d, struct slot *slot)
{
	struct spending *p = slot->of;

	tally(s, slot);
	if (!p) {
		free(slot);
		return;
	}
	if (--p->left)
		return;
	receipt_send(d, p);
	s->pending--;
	free(p);
}

static bool is_hold_of(const struct ledger_hold *hold,
		       const struct journal_item *item)
{
	return !memcmp(&hold->who.digest, &item->who.digest,
		       sizeof(hold->who.digest)) &&
	       (item->any_cost || hold->held_nusd == item->cost_nusd);
}

/*
 * A hold is a decision, which goes on from memory where the operator has it so;
 * what is settled on it later must be kept all the same.  The answer to one who
 * asks again tells of the hold that there is.
 */
static bool stands_unkept(const struct spend *s, struct slot *slot,
			  const struct desk *d)
{
	struct journal_item *item = &slot->item;
	const struct ledger_hold *hold;

	if (item->op != JOURNAL_HOLD || item->state != JOURNAL_FAILED ||
	    d->ground.on_stale.ledger != STALE_SERVE)
		return false;
	hold = ledger_find_hold(s->cfg.ledger, item->id);
	slot->unkept = hold && is_hold_of(hold, item);
	if (slot->unkept) {
		item->cost_nusd = hold->held_nusd;
		item->at_ns = hold->ends_ns;
	}
	return slot->unkept;
}

/* A hold that the journal never heard of stands in memory alone, or is gone. */
static void release_unkept(const struct spend *s, struct journal_item *item)
{
	item->state = ledger_release(s->cfg.ledger, item->id)
			      ? JOURNAL_DUPLICATE
			      : JOURNAL_KEPT;
}

/* What was kept before comes late; some of it may refuse keys. */
static void restore(struct spend *s, int64_t now_ns)
{
	int err = journal_restore(s->cfg.journal, s->cfg.ledger, now_ns);

	if (err)
		log_line("ledger: what was kept cannot be read: %s",
			 strerror(-err));
	crossing_restart(s->cfg.crossing);
}

void spend_take(struct spend *s, struct desk *d)
{
	int64_t now_ns = desk_now_ns(d);
	struct journal_item *item;

	while ((item = journal_take(s->cfg.journal))) {
		struct slot *slot = slot_of(item);

		if (item->state == JOURNAL_RESTORED) {
			restore(s, now_ns);
			continue;
		}
		if (item->state == JOURNAL_NEW) {
			count(s, slot, now_ns);
			continue;
		}
		if (item->op == JOURNAL_RELEASE && slot->of &&
		    item->state == JOURNAL_UNKNOWN)
			release_unkept(s, item);
		else if (item->state != JOURNAL_KEPT &&
			 !stands_unkept(s, slot, d))
			take_back(s, slot, now_ns);
		finish(s, d, slot);
	}
}

static void fill(struct slot *slot, const struct charge *c,
		 enum charge_kind kind, int64_t now_ns)
{
	struct journal_item *i = &slot->item;

	i->op = kind == CHARGE_RESERVE	 ? JOURNAL_HOLD
		: kind == CHARGE_RELEASE ? JOURNAL_RELEASE
					 : JOURNAL_CHARGE;
	i->state = JOURNAL_QUEUED;
	memcpy(i->id, c->id, sizeof(i->id));
	i->cost_nusd = c->cost_nusd;
	i->at_ns = now_ns;
}

static void conclude(struct slot *slot, enum journal_state state)
{
	slot->item.state = state;
	slot->done = true;
}

/* Whose money it is: the hold's, or the key's as the store has it. */
static void find_account(const struct spend *s, struct slot *slot,
			 const struct charge *c, enum charge_kind kind)
{
	const struct ledger_hold *hold = ledger_find_hold(s->cfg.ledger, c->id);
	const struct entry *e =
		c->has_digest ? store_find(s->cfg.crossing->store, &c->digest)
			      : NULL;
	struct journal_item *i = &slot->item;

	i->has_account = true;
	if (hold && c->has_digest &&
	    memcmp(&hold->who.digest, &c->digest, sizeof(c->digest)))
		conclude(slot, JOURNAL_CONFLICT);
	else if (hold)
		i->who = hold->who;
	else if (e && !e->not_found)
		ledger_account_of(&i->who, e);
	else if (kind == CHARGE_SETTLE)
		/* A hold that is over is known to the journal alone. */
		i->has_account = false;
	else
		conclude(slot, JOURNAL_UNKNOWN);
}

static void submit(struct spend *s, struct spending *p)
{
	size_t n = p->n;

	s->pending++;
	/* The last one's answer frees p, but not before all were submitted. */
	for (size_t i = 0; i < n; i++) {
		if (!p->slots[i].done)
			journal_submit(s->cfg.journal, &p->slots[i].item);
	}
}

static void charge(struct spend *s, struct desk *d, struct spending *p,
		   const struct charge_list *list)
{
	int64_t now_ns = desk_now_ns(d);

	for (size_t i = 0; i < list->n; i++) {
		struct slot *slot = &p->slots[i];

		fill(slot, &list->items[i], p->kind, now_ns);
		find_account(s, slot, &list->items[i], p->kind);
		p->left += !slot->done;
	}
	if (!p->left) {
		receipt_send(d, p);
		free(p);
		return;
	}
	http_hold(p->exchange);
	submit(s, p);
}

static void release(struct spend *s, struct desk *d, struct spending *p,
		    const struct charge *c)
{
	const struct ledger_hold *hold = ledger_find_hold(s->cfg.ledger, c->id);

	fill(&p->slots[0], c, p->kind, desk_now_ns(d));
	if (!hold) {
		p->slots[0].item.state = JOURNAL_DUPLICATE;
		receipt_send(d, p);
		free(p);
		return;
	}
	p->slots[0].item.who = hold->who;
	p->slots[0].item.has_account = true;
	p->left = 1;
	http_hold(p->exchange);
	submit(s, p);
}

/* May this key hold more?  Its address rules were asked with the request. */
static void rule(struct desk *d, const struct charge *c, int64_t now_ns)
{
	const struct header by_hash = { "x-api-key", "by-hash" };
	const struct ruling_question q = {
		.req = { .method = "POST",
			 .path = "/v1/messages",
			 .query = "",
			 .peer = "",
			 .headers = &by_hash,
			 .n_headers = 1,
			 .now_ns = now_ns },
		.key = &c->digest,
		.reserve = true,
		.any_address = true,
	};

	ruling_make(&d->ruling, &d->ground, &q);
}

/* The hold that is asked for, or the one that was asked for before. */
static int make_hold(struct spend *s, struct slot *slot, const struct charge *c,
		     int64_t now_ns)
{
	struct journal_item *i = &slot->item;
	int64_t size_nusd =
		c->has_cost ? c->cost_nusd
			    : ledger_hold_size(s->cfg.ledger, &c->digest);
	int64_t ttl_ns = c->has_ttl ? c->ttl_ns : s->cfg.hold_ttl_ns;
	int err;

	i->any_cost = !c->has_cost;
	i->cost_nusd = size_nusd < s->cfg.hold_max_nusd ? size_nusd
							: s->cfg.hold_max_nusd;
	if (__builtin_add_overflow(now_ns, ttl_ns, &i->at_ns))
		i->at_ns = INT64_MAX;
	slot->hold = (struct ledger_hold){ .who = i->who,
					   .held_nusd = i->cost_nusd,
					   .ends_ns = i->at_ns };
	memcpy(slot->hold.id, i->id, sizeof(slot->hold.id));
	err = ledger_hold(s->cfg.ledger, &slot->hold);
	slot->has_hold = !err;
	return err == -EEXIST ? 0 : err;
}

static void reserve(struct spend *s, struct desk *d, struct spending *p,
		    const struct charge *c)
{
	int64_t now_ns = desk_now_ns(d);
	struct http_exchange *x = p->exchange;
	struct slot *slot = &p->slots[0];
	/* Asking again for what one holds is no second hold. */
	bool again = ledger_find_hold(s->cfg.ledger, c->id) != NULL;
	int err = 0;

	fill(slot, c, p->kind, now_ns);
	rule(d, c, now_ns);
	if (d->ruling.has_key && (again || d->ruling.allow)) {
		ledger_account_of(&slot->item.who, &d->ruling.view.entry);
		slot->item.has_account = true;
		err = make_hold(s, slot, c, now_ns);
		if (!err) {
			p->left = 1;
			p->stale = d->ruling.stale;
			http_hold(x);
			submit(s, p);
			return;
		}
	}
	free(p);
	if (err)
		receipt_refuse(d, x, 503, "OUT_OF_MEMORY", "out of memory");
	else if (!d->ruling.has_key && !d->ruling.unable)
		receipt_refuse(d, x, 404, "UNKNOWN_KEY", "no such key");
	else
		receipt_send_ruling(d, x);
}

static enum charge_kind kind_of(const char *path)
{
	if (!strcmp(path, "/v1/usage"))
		return CHARGE_USAGE;
	if (!strcmp(path, "/v1/reserve"))
		return CHARGE_RESERVE;
	return strcmp(path, "/v1/settle") ? CHARGE_RELEASE : CHARGE_SETTLE;
}

void spend_serve(struct spend *s, struct desk *d, struct http_exchange *x,
		 const struct http_request *req)
{
	enum charge_kind kind = kind_of(req->path);
	char error[CHARGE_ERROR_SIZE] = "";
	struct charge_list list = { NULL };
	struct spending *p = NULL;
	int err = charge_parse(&list, kind, req->body, req->body_size, error);

	if (!err) {
		p = calloc(1, sizeof(*p) + list.n * sizeof(p->slots[0]));
		err = p ? 0 : -ENOMEM;
	}
	if (err) {
		receipt_refuse(d, x, err == -ENOMEM ? 503 : 400,
			       err == -ENOMEM ? "OUT_OF_MEMORY" : "BAD_REQUEST",
			       err == -ENOMEM ? "out of memory" : error);
		charge_list_fini(&list);
		return;
	}
	p->exchange = x;
	p->kind = kind;
	p->many = list.many;
	p->n = list.n;
	for (size_t i = 0; i < p->n; i++)
		p->slots[i].of = p;
	if (kind == CHARGE_RESERVE)
		reserve(s, d, p, &list.items[0]);
	else if (kind == CHARGE_RELEASE)
		release(s, d, p, &list.items[0]);
	else
		charge(s, d, p, &list);
	charge_list_fini(&list);
}

/* The journal forgets it, too; where it cannot, its end stands there as well.
 */
static void forget(const struct ledger_hold *hold, void *arg)
{
	struct slot *slot = calloc(1, sizeof(*slot));
	struct spend *s = arg;

	s->counts.expired++;
	if (!slot)
		return;
	slot->item.op = JOURNAL_RELEASE;
	slot->item.has_account = true;
	slot->item.who = hold->who;
	slot->item.at_ns = hold->ends_ns;
	memcpy(slot->item.id, hold->id, sizeof(slot->item.id));
	journal_submit(s->cfg.journal, &slot->item);
}

void spend_tick(struct spend *s, int64_t now_ns)
{
	ledger_expire(s->cfg.ledger, now_ns, forget, s);
}
