// SPDX-License-Identifier: GPL-2.0-only
#include "ruling.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "path.h"

#define SECOND_NS 1000000000LL
/* When to come back to one that could not decide. */
#define UNABLE_RETRY_S 1

struct lookup {
	struct ruling *ruling;
	const struct ruling_ground *ground;
	const struct ruling_question *question;
	bool missing; /* the store does not have the key */
};

uint8_t ruling_stale(const struct ruling_ground *g, int64_t now_ns)
{
	int64_t taken_ns = store_taken_ns(g->store);
	uint8_t stale = 0;

	if (!taken_ns || (g->max_age_ns && now_ns - taken_ns > g->max_age_ns))
		stale |= RULING_STALE_SNAPSHOT;
	if (g->ledger_down)
		stale |= RULING_STALE_LEDGER;
	return stale;
}

const char *ruling_stale_name(uint8_t stale)
{
	static const char *const names[] = { "", "snapshot", "ledger",
					     "snapshot,ledger" };

	return names[stale & 3];
}

static int64_t sum(int64_t a, int64_t b)
{
	int64_t s;

	if (__builtin_add_overflow(a, b, &s))
		return a > 0 ? INT64_MAX : INT64_MIN;
	return s;
}

/* The key's own are named by their length: "5h". */
static bool is_of_key(const struct ledger_window *w)
{
	return w->name[0] >= '0' && w->name[0] <= '9';
}

static void count_held_of_key(struct ledger_view *v)
{
	for (size_t i = 0; i < v->n_windows && v->over == PC_NEXT; i++) {
		const struct ledger_window *w = &v->windows[i];

		if (!is_of_key(w) ||
		    sum(w->used_nusd, v->held_nusd) < w->limit_nusd)
			continue;
		v->over = w->name[0] == '5'   ? PC_R_WINDOW_5H
			  : w->name[0] == '1' ? PC_R_WINDOW_1D
					      : PC_R_WINDOW_7D;
	}
}

/* Where no row is known there is none to be over the limits of. */
static void count_held_of_row(struct ledger_view *v)
{
	struct subscription *s = &v->sub;

	s->daily_nusd = sum(s->daily_nusd, v->held_payer_nusd);
	s->weekly_nusd = sum(s->weekly_nusd, v->held_payer_nusd);
	s->monthly_nusd = sum(s->monthly_nusd, v->held_payer_nusd);
}

/* What is held is as good as used to one who wants to hold more. */
static void count_held(struct ledger_view *v)
{
	v->entry.quota_used_nusd = sum(v->entry.quota_used_nusd, v->held_nusd);
	count_held_of_key(v);
	if (v->entry.group_subscription)
		count_held_of_row(v);
	else
		v->entry.balance_nusd =
			sum(v->entry.balance_nusd, -v->held_payer_nusd);
}

static int find(struct decide_found *out, const char *key, size_t size,
		void *arg)
{
	struct lookup *l = arg;
	struct ruling *r = l->ruling;
	const struct ruling_ground *g = l->ground;
	const struct entry *e;

	if (l->question->key)
		r->digest = *l->question->key;
	else if (digest_key(&r->digest, key, size))
		return -EBUSY;
	r->has_digest = true;
	e = store_find(g->store, &r->digest);
	if (!e || e->not_found) {
		l->missing = true;
		return -ENOENT;
	}
	/* After the entry, so that a reload in between counts too little. */
	ledger_look(&r->view, g->ledger, e, store_taken_ns(g->store),
		    l->question->req.now_ns);
	if (l->question->reserve)
		count_held(&r->view);
	if (l->question->any_address) {
		r->view.entry.whitelist = NULL;
		r->view.entry.blacklist = NULL;
	}
	r->has_key = true;
	out->entry = &r->view.entry;
	out->sub = &r->view.sub;
	out->over = r->view.over;
	return 0;
}

/* Who has no key that is known may be nobody the gateway would ask. */
static enum pc_reason doubt(const struct lookup *l, enum pc_reason reason,
			    bool routed)
{
	const struct ruling_ground *g = l->ground;

	if (reason == PC_R_KEY_INVALID && l->missing &&
	    l->question->req.now_ns >= g->complete_until_ns)
		return PC_R_KEY_UNKNOWN;
	if (!routed &&
	    (reason == PC_R_KEY_INVALID || reason == PC_R_QUERY_KEY ||
	     reason == PC_R_CREDENTIAL_MISSING))
		return PC_R_ROUTE_UNSURE;
	return reason;
}

/*
 * The seed believes these of anyone, and so does its successor while its switch
 * is on; with the switch off and no proxies only the peer is left.
 */
static bool tells_address(const struct header *h)
{
	return !strcasecmp(h->name, "X-Forwarded-For") ||
	       !strcasecmp(h->name, "X-Real-IP") ||
	       !strcasecmp(h->name, "CF-Connecting-IP");
}

/* As the gateway would, were the peer its client and honest. */
static void decide_unbelieved(struct ruling *r, const struct ruling_ground *g,
			      struct decide_request *req, struct lookup *l)
{
	struct decide_config cfg = g->cfg;
	struct header left[RULING_FIELDS];
	size_t n = 0;

	for (size_t i = 0; i < req->n_headers && n < RULING_FIELDS; i++) {
		if (!tells_address(&req->headers[i]))
			left[n++] = req->headers[i];
	}
	req->headers = left;
	req->n_headers = n;
	cfg.trust_forwarded = false;
	cfg.n_proxies = 0;
	decide(&r->d, &cfg, req, find, l);
}

static enum pc_reason decide_request(struct ruling *r,
				     const struct ruling_ground *g,
				     const struct ruling_question *q)
{
	struct decide_request req = q->req;
	struct lookup l = { r, g, q, false };
	bool routed;
	uint32_t path =
		decide_path(&routed, g->cfg.profile, req.method, req.path);

	req.variant = path & PC_P_GOOGLE ? PC_VARIANT_GOOGLE : PC_VARIANT_MAIN;
	r->d.dialect = path & PC_P_GOOGLE ? PC_DIALECT_GOOGLE : PC_DIALECT_STD;
	/* CORS answers these before any key is asked for. */
	if (!strcmp(req.method, "OPTIONS"))
		return PC_R_OTHER_METHOD;
	if (req.path[0] != '/')
		return PC_R_TARGET_FORM;
	if (!(path & PC_P_GUARDED))
		return PC_R_OTHER_PATH;
	if (!store_taken_ns(g->store))
		return PC_R_LOOKUP_BUSY;
	if (q->own_address)
		decide_unbelieved(r, g, &req, &l);
	else
		decide(&r->d, &g->cfg, &req, find, &l);
	return doubt(&l, r->d.reason, routed);
}

/* Does the allow rest on what the key has spent? */
static bool rests_on_ledger(const struct ruling *r, uint8_t run_mode)
{
	const struct entry *e = &r->view.entry;

	if (!r->has_key || run_mode == PC_RUN_SIMPLE)
		return false;
	return e->quota_nusd > 0 || r->view.n_windows > 0 ||
	       !e->group_subscription || e->daily_limit_nusd > 0 ||
	       e->weekly_limit_nusd > 0 || e->monthly_limit_nusd > 0;
}

static bool stands(const struct ruling *r, const struct ruling_ground *g)
{
	if (r->stale & RULING_STALE_SNAPSHOT &&
	    g->on_stale.snapshot != STALE_SERVE)
		return false;
	if (!(r->stale & RULING_STALE_LEDGER))
		return true;
	return g->on_stale.ledger == STALE_SERVE ||
	       (g->on_stale.ledger == STALE_STRICT &&
		!rests_on_ledger(r, g->cfg.run_mode));
}

/* Is this one of the windows that the refusal is about? */
static bool is_spent(const struct ledger_window *w, enum pc_reason reason)
{
	if (reason == PC_R_USAGE_LIMIT)
		return !is_of_key(w) && w->used_nusd > w->limit_nusd;
	return is_of_key(w) && w->used_nusd >= w->limit_nusd;
}

/* The end of the last of them. */
static int64_t retry_s(const struct ruling *r, int64_t now_ns)
{
	int64_t ends_ns = 0;

	if (r->reason != PC_R_USAGE_LIMIT && r->reason != PC_R_WINDOW_5H &&
	    r->reason != PC_R_WINDOW_1D && r->reason != PC_R_WINDOW_7D)
		return -1;
	for (size_t i = 0; i < r->view.n_windows; i++) {
		const struct ledger_window *w = &r->view.windows[i];

		if (is_spent(w, r->reason) && w->ends_ns > ends_ns)
			ends_ns = w->ends_ns;
	}
	if (ends_ns <= now_ns)
		return -1;
	return (ends_ns - now_ns + SECOND_NS - 1) / SECOND_NS;
}

/* Only the newer gateway has words for one that cannot decide. */
static void word(struct ruling *r, uint8_t profile)
{
	int n;

	if (r->unable)
		profile = PC_PROFILE_V0_1_179;
	if (answer_find(&r->answer, profile, r->d.dialect,
			r->allow ? PC_R_KEY_LIVE : r->reason))
		answer_find(&r->answer, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
			    PC_R_LOOKUP_BUSY);
	r->message[0] = '\0';
	r->body_size = 0;
	if (r->allow)
		return;
	answer_message(r->message, sizeof(r->message), &r->answer, r->d.client,
		       r->d.detail);
	n = answer_body(r->body, sizeof(r->body), r->d.dialect, &r->answer,
			r->message);
	r->body_size = n > 0 ? (size_t)n : 0;
}

void ruling_make(struct ruling *out, const struct ruling_ground *g,
		 const struct ruling_question *q)
{
	out->d.client[0] = '\0';
	out->d.detail[0] = '\0';
	out->has_digest = false;
	out->has_key = false;
	out->view.n_windows = 0;
	out->unable = false;
	out->now_ns = q->req.now_ns;
	out->stale = ruling_stale(g, q->req.now_ns);
	out->reason = decide_request(out, g, q);
	out->allow = reason_class(out->reason) == PC_CLASS_PASS;
	/* Where no key was looked up nothing is rested upon. */
	if (!out->has_digest && out->reason != PC_R_LOOKUP_BUSY)
		out->stale = 0;
	if (out->allow && out->stale && !stands(out, g)) {
		out->reason = PC_R_LOOKUP_BUSY;
		out->allow = false;
	}
	if (out->reason == PC_R_LOOKUP_BUSY ||
	    out->reason == PC_R_LOOKUP_FAILED) {
		out->reason = PC_R_LOOKUP_BUSY;
		out->unable = true;
	}
	word(out, g->cfg.profile);
	out->retry_s =
		out->unable ? UNABLE_RETRY_S : retry_s(out, q->req.now_ns);
}
