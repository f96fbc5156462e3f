// SPDX-License-Identifier: GPL-2.0-only
#include "desk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "client.h"
#include "clock.h"
#include "health.h"
#include "log.h"
#include "spend.h"
#include "suspects.h"

#define JSON_SIZE 10240

int64_t desk_now_ns(const struct desk *d)
{
	return d->clock_ns ? d->clock_ns : clock_now_ns();
}

static void record_denial(struct desk *d, enum dialect_kind kind,
			  uint64_t number)
{
	const struct ruling *r = &d->ruling;
	struct trace_record record = {
		.number = number,
		.time_ns = r->now_ns,
		.key_id = r->has_key ? r->view.entry.key_id : 0,
		.status = (uint16_t)r->answer.status,
		.reason = (uint8_t)r->reason,
		.dialect = (uint8_t)kind,
		.stale = r->stale,
	};

	if (r->has_digest)
		memcpy(record.digest4, r->digest.bytes, sizeof(record.digest4));
	snprintf(record.client, sizeof(record.client), "%.*s",
		 (int)sizeof(record.client) - 1, r->d.client);
	trace_write(d->trace, &record);
}

void desk_record(struct desk *d, enum dialect_kind kind,
		 char id[static TRACE_ID_SIZE])
{
	uint64_t number = trace_number(d->trace);

	d->decided[kind][d->ruling.reason]++;
	d->decided_stale[d->ruling.stale & 3]++;
	if (!d->ruling.allow)
		record_denial(d, kind, number);
	trace_print_id(d->trace, number, id);
}

/*
 * Against whom a refusal counts: whoever a trusted proxy says it was.  That
 * nothing could be decided is nobody's fault.
 */
static void note_suspect(struct desk *d, const struct ruling_question *q)
{
	const struct ruling *r = &d->ruling;
	struct prefix who;

	if (d->suspects && !q->own_address && !r->allow && !r->unable &&
	    client_vouched(&who, &d->ground.cfg, &q->req))
		suspects_count(d->suspects, &who, r->reason);
}

static void refuse(struct desk *d, struct http_exchange *x,
		   enum dialect_kind kind, int status, const char *what)
{
	dialect_refuse(&d->reply, kind, status,
		       status == 503 ? "UNAVAILABLE" : "BAD_REQUEST", what);
	http_reply(x, &d->reply);
}

static void serve_auth(struct desk *d, struct http_exchange *x,
		       const struct http_request *http, enum dialect_kind kind)
{
	struct dialect_request *q = &d->question;
	struct ruling_question question = { .any_address = false };
	char id[TRACE_ID_SIZE], what[96];
	int err = dialect_read(q, kind, http);

	if (err == -EINVAL) {
		snprintf(what, sizeof(what), "%s is wanted", q->missing);
		refuse(d, x, kind, 400, what);
	} else if (err) {
		refuse(d, x, kind, 503, "out of memory");
	} else {
		question.req = q->req;
		question.req.now_ns = desk_now_ns(d);
		question.own_address = !http->peer->believed;
		ruling_make(&d->ruling, &d->ground, &question);
		desk_record(d, kind, id);
		note_suspect(d, &question);
		dialect_answer(&d->reply, kind, &d->ruling, id);
		http_reply(x, &d->reply);
	}
	dialect_fini(q);
}

static void serve_nginx(struct desk *d, struct http_exchange *x,
			const struct http_request *req)
{
	serve_auth(d, x, req, DIALECT_NGINX);
}

static void serve_forward(struct desk *d, struct http_exchange *x,
			  const struct http_request *req)
{
	serve_auth(d, x, req, DIALECT_FORWARD);
}

static void serve_envoy(struct desk *d, struct http_exchange *x,
			const struct http_request *req)
{
	serve_auth(d, x, req, DIALECT_ENVOY);
}

static void answer_check(struct desk *d, struct http_exchange *x,
			 const struct ask *a, const struct peer *from)
{
	const char *client = from->believed ? a->client : from->address;
	char peer[DIALECT_PEER_SIZE], id[TRACE_ID_SIZE], json[JSON_SIZE];
	struct text t = { .buf = json, .size = sizeof(json) };
	struct ruling_question q = {
		.req = a->req,
		.key = a->has_digest ? &a->digest : NULL,
	};

	dialect_peer(peer, client);
	q.req.peer = peer;
	q.req.now_ns = desk_now_ns(d);
	q.own_address = !from->believed;
	ruling_make(&d->ruling, &d->ground, &q);
	desk_record(d, DIALECT_CHECK, id);
	note_suspect(d, &q);
	text_add(&t, "{");
	ask_print(&t, &d->ruling, id);
	text_add(&t, "}");
	reply_init(&d->reply, t.full ? 500 : 200);
	reply_json(&d->reply, json, t.used);
	reply_header(&d->reply, "Cache-Control", "no-store");
	reply_header(&d->reply, "X-Portcullis-Decision-Id", id);
	http_reply(x, &d->reply);
}

static void serve_check(struct desk *d, struct http_exchange *x,
			const struct http_request *req)
{
	char error[ASK_ERROR_SIZE] = "";
	struct ask a;
	int err = ask_parse(&a, req->body, req->body_size, error);

	if (err) {
		refuse(d, x, DIALECT_CHECK, err == -ENOMEM ? 503 : 400,
		       err == -ENOMEM ? "out of memory" : error);
		return;
	}
	if (a.client || !req->peer->believed)
		answer_check(d, x, &a, req->peer);
	else
		refuse(d, x, DIALECT_CHECK, 400, "client: missing");
	ask_fini(&a);
}

static void serve_money(struct desk *d, struct http_exchange *x,
			const struct http_request *req)
{
	spend_serve(d->spend, d, x, req);
}

static void serve_health(struct desk *d, struct http_exchange *x,
			 const struct http_request *req)
{
	health_serve(d->health, d, x, req);
}

enum rights {
	ANYONE,
	ADMITTED,
	BELIEVED
};

static const struct route {
	const char *path;
	bool below;	    /* what lies below it, too */
	const char *method; /* NULL: any */
	enum rights rights;
	enum http_want want;
	enum dialect_kind kind; /* of a refusal */
	void (*serve)(struct desk *d, struct http_exchange *x,
		      const struct http_request *req);
} routes[] = {
	{ "/v1/auth/nginx", false, NULL, ADMITTED, HTTP_WANT_HEAD,
	  DIALECT_NGINX, serve_nginx },
	{ "/v1/auth/forward", false, NULL, ADMITTED, HTTP_WANT_HEAD,
	  DIALECT_FORWARD, serve_forward },
	{ DIALECT_ENVOY_PATH, true, NULL, ADMITTED, HTTP_WANT_QUERY,
	  DIALECT_ENVOY, serve_envoy },
	{ "/v1/check", false, "POST", ADMITTED, HTTP_WANT_BODY, DIALECT_CHECK,
	  serve_check },
	{ "/v1/usage", false, "POST", BELIEVED, HTTP_WANT_BODY, DIALECT_CHECK,
	  serve_money },
	{ "/v1/reserve", false, "POST", BELIEVED, HTTP_WANT_BODY, DIALECT_CHECK,
	  serve_money },
	{ "/v1/settle", false, "POST", BELIEVED, HTTP_WANT_BODY, DIALECT_CHECK,
	  serve_money },
	{ "/v1/release", false, "POST", BELIEVED, HTTP_WANT_BODY, DIALECT_CHECK,
	  serve_money },
	{ "/healthz", false, "GET", ANYONE, HTTP_WANT_HEAD, DIALECT_CHECK,
	  serve_health },
	{ "/readyz", false, "GET", ANYONE, HTTP_WANT_HEAD, DIALECT_CHECK,
	  serve_health },
	{ "/metrics", false, "GET", ANYONE, HTTP_WANT_HEAD, DIALECT_CHECK,
	  serve_health },
};

#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

static const struct route *find_route(const char *path)
{
	size_t size = strcspn(path, "?");

	for (size_t i = 0; i < N_ROUTES; i++) {
		const struct route *r = &routes[i];
		size_t n = strlen(r->path);

		if (size < n || memcmp(path, r->path, n))
			continue;
		if (size == n || (r->below && path[n] == '/'))
			return r;
	}
	return NULL;
}

enum http_want desk_want(const char *path)
{
	const struct route *r = find_route(path);

	return r ? r->want : HTTP_WANT_HEAD;
}

/* A proxy's subrequest may come with any method, a GET of ours as HEAD. */
static bool method_fits(const struct route *r, const char *method)
{
	return !r->method || !strcmp(r->method, method) ||
	       (!strcmp(r->method, "GET") && !strcmp(method, "HEAD"));
}

/* Each user once in a row: they may go on asking. */
static void log_stranger(struct desk *d, const struct peer *peer)
{
	if (d->has_stranger && d->stranger == peer->uid)
		return;
	d->has_stranger = true;
	d->stranger = peer->uid;
	log_line("user %lld asks by the Unix socket and may not; "
		 "--socket-peer admits it",
		 (long long)peer->uid);
}

void desk_serve(struct http_exchange *x, const struct http_request *req,
		void *arg)
{
	const struct route *r = find_route(req->path);
	struct desk *d = arg;

	if (!r) {
		refuse(d, x, DIALECT_CHECK, 404, "there is no such path");
	} else if (r->rights != ANYONE && !req->peer->admitted) {
		log_stranger(d, req->peer);
		refuse(d, x, r->kind, 503, "this user may not ask here");
	} else if (r->rights == BELIEVED && !req->peer->believed) {
		refuse(d, x, r->kind, 403, "this peer may not ask here");
	} else if (!method_fits(r, req->method)) {
		dialect_refuse(&d->reply, r->kind, 405, "BAD_REQUEST",
			       "wrong method");
		reply_header(&d->reply, "Allow", r->method);
		http_reply(x, &d->reply);
	} else {
		r->serve(d, x, req);
	}
}
