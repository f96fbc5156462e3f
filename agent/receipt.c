// SPDX-License-Identifier: GPL-2.0-only
#include "receipt.h"

#include <stdlib.h>

#include "ask.h"
#include "desk.h"
#include "text.h"
#include "timestamp.h"

#define ROW_SIZE 256 /* an answer to one report, less its id */
#define FIELDS_SIZE 10240

static void send(struct desk *d, struct http_exchange *x, int status,
		 const char *json, size_t size)
{
	reply_init(&d->reply, status);
	reply_json(&d->reply, json, size);
	reply_header(&d->reply, "Cache-Control", "no-store");
	if (status == 503)
		reply_header(&d->reply, "Retry-After", "1");
	http_reply(x, &d->reply);
}

void receipt_refuse(struct desk *d, struct http_exchange *x, int status,
		    const char *code, const char *what)
{
	reply_error(&d->reply, status, code, what);
	reply_header(&d->reply, "Cache-Control", "no-store");
	if (status == 503)
		reply_header(&d->reply, "Retry-After", "1");
	http_reply(x, &d->reply);
}

static bool kept(const struct slot *s)
{
	return s->item.state == JOURNAL_KEPT;
}

/* The status of one item by itself. */
static int status_of(const struct slot *s)
{
	if (s->unkept)
		return 200;
	switch (s->item.state) {
	case JOURNAL_KEPT:
	case JOURNAL_DUPLICATE:
		return 200;
	case JOURNAL_CONFLICT:
		return 409;
	case JOURNAL_UNKNOWN:
		return 404;
	default:
		return 503;
	}
}

static void refuse_by(struct desk *d, const struct spending *p, int status)
{
	struct http_exchange *x = p->exchange;

	if (status == 404)
		receipt_refuse(
			d, x, 404,
			p->kind == CHARGE_SETTLE ? "UNKNOWN_HOLD"
						 : "UNKNOWN_KEY",
			p->kind == CHARGE_SETTLE
				? "no such hold, and no key_hash that is known"
				: "no such key");
	else if (status == 409)
		receipt_refuse(d, x, 409, "REQUEST_ID_CONFLICT",
			       "this request_id was used for something else");
	else
		receipt_refuse(d, x, 503, "LEDGER_UNAVAILABLE",
			       "could not be kept; nothing was counted");
}

uint8_t receipt_stale(const struct spending *p)
{
	bool unkept = p->slots[0].unkept;

	return p->stale | (unkept ? RULING_STALE_LEDGER : 0);
}

static void print_one(struct text *t, const struct spending *p)
{
	const struct slot *s = &p->slots[0];
	char when[TIMESTAMP_STRLEN];

	switch (p->kind) {
	case CHARGE_RESERVE:
		text_add(t,
			 "{\"allow\":true,\"held_nusd\":%lld,"
			 "\"expires_at\":\"%s\",\"stale\":\"%s\"}",
			 (long long)s->item.cost_nusd,
			 timestamp_print(s->item.at_ns, when),
			 ruling_stale_name(receipt_stale(p)));
		break;
	case CHARGE_RELEASE:
		text_add(t, "{\"released\":%s}", kept(s) ? "true" : "false");
		break;
	default:
		text_add(t, "{\"counted\":%s}", kept(s) ? "true" : "false");
		break;
	}
}

/* What could not be counted is said of each; the others were. */
static void print_many(struct text *t, const struct spending *p)
{
	text_add(t, "{\"reports\":[");
	for (size_t i = 0; i < p->n; i++) {
		const struct slot *s = &p->slots[i];
		int status = status_of(s);

		text_add(t, "%s{\"request_id\":", i ? "," : "");
		text_add_json(t, s->item.id);
		text_add(t, ",\"counted\":%s", kept(s) ? "true" : "false");
		if (status != 200)
			text_add(t, ",\"status\":%d", status);
		text_add(t, "}");
	}
	text_add(t, "]}");
}

static int status_of_all(const struct spending *p)
{
	if (!p->many)
		return status_of(&p->slots[0]);
	for (size_t i = 0; i < p->n; i++) {
		if (status_of(&p->slots[i]) == 503)
			return 503;
	}
	return 200;
}

void receipt_send(struct desk *d, const struct spending *p)
{
	/* Ids grow sixfold when they are all quotes. */
	size_t size = p->n * (ROW_SIZE + 6 * LEDGER_ID_MAX) + ROW_SIZE;
	int status = status_of_all(p);
	char *json = status == 200 ? malloc(size) : NULL;
	struct text t = { .buf = json, .size = size };

	if (status == 200 && p->kind == CHARGE_RESERVE)
		d->decided_stale[receipt_stale(p) & 3]++;
	if (status != 200) {
		refuse_by(d, p, status);
		return;
	}
	if (!json) {
		receipt_refuse(d, p->exchange, 500, "OUT_OF_MEMORY",
			       "counted, but there is no memory to say what");
		return;
	}
	if (p->many)
		print_many(&t, p);
	else
		print_one(&t, p);
	send(d, p->exchange, 200, json, t.used);
	free(json);
}

void receipt_send_ruling(struct desk *d, struct http_exchange *x)
{
	char json[FIELDS_SIZE], id[TRACE_ID_SIZE];
	struct text t = { .buf = json, .size = sizeof(json) };
	const struct ruling *r = &d->ruling;

	desk_record(d, DIALECT_RESERVE, id);
	text_add(&t, "{");
	ask_print(&t, r, id);
	text_add(&t, "}");
	reply_init(&d->reply, t.full ? 500 : r->answer.status);
	reply_json(&d->reply, json, t.used);
	reply_header(&d->reply, "Cache-Control", "no-store");
	reply_header(&d->reply, "X-Portcullis-Decision-Id", id);
	if (r->retry_s >= 0)
		reply_header_number(&d->reply, "Retry-After", r->retry_s);
	http_reply(x, &d->reply);
}
