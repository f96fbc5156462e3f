// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each dialect reads its own fields and no other's: a field of another dialect
 * is the client's, who may write there what it likes.
 */
#include "dialect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "span.h"
#include "text.h"

#define RATE_SIZE 512
#define MICRO_NUSD 1000

/* A dialect's fields; NULL: it has none for that. */
static const struct fields {
	const char *name;
	const char *method;
	const char *uri;
	const char *address;
} dialects[DIALECT_MAX] = {
	[DIALECT_NGINX] = { "nginx", "X-Original-Method", "X-Original-URI",
			    "X-Original-Addr" },
	[DIALECT_FORWARD] = { "forward", "X-Forwarded-Method",
			      "X-Forwarded-Uri", NULL },
	[DIALECT_ENVOY] = { "envoy", NULL, NULL, "X-Original-Addr" },
	[DIALECT_CHECK] = { "check", NULL, NULL, NULL },
	[DIALECT_RESERVE] = { "reserve", NULL, NULL, NULL },
};

const char *dialect_name(enum dialect_kind kind)
{
	return (unsigned int)kind < DIALECT_MAX ? dialects[kind].name : "?";
}

void dialect_peer(char out[static DIALECT_PEER_SIZE], const char *text)
{
	struct span s = span_trim(span_of(text));
	char *to = out;
	struct prefix p;
	bool v6;

	if (s.size >= DIALECT_PEER_SIZE - sizeof("[]:0"))
		s.size = 0;
	memcpy(out, s.text, s.size);
	out[s.size] = '\0';
	if (prefix_parse_address(&p, out))
		return;
	v6 = memchr(s.text, ':', s.size) != NULL;
	if (v6)
		*to++ = '[';
	to = (char *)mempcpy(to, s.text, s.size);
	memcpy(to, v6 ? "]:0" : ":0", v6 ? sizeof("]:0") : sizeof(":0"));
}

/* Takes a field that is the dialect's own.  False: it is the client's. */
static bool take_own(const char **value, const char *want,
		     const struct header *h, bool *twice)
{
	if (!want || strcasecmp(h->name, want))
		return false;
	*twice |= *value != NULL;
	*value = h->value;
	return true;
}

/* The fields that are left are the client's. */
static int sort_fields(struct dialect_request *q, const struct fields *own,
		       const struct http_request *http, const char **uri,
		       const char **address)
{
	const char *method = NULL;
	bool twice = false;
	size_t n = 0;

	for (size_t i = 0; i < http->n_headers && n < DIALECT_FIELDS; i++) {
		const struct header *h = &http->headers[i];

		if (!take_own(&method, own->method, h, &twice) &&
		    !take_own(uri, own->uri, h, &twice) &&
		    !take_own(address, own->address, h, &twice))
			q->headers[n++] = *h;
	}
	q->req.headers = q->headers;
	q->req.n_headers = n;
	if (method)
		q->req.method = method;
	if (own->method && (!method || !*method))
		q->missing = own->method;
	else if (own->uri && (!*uri || !**uri))
		q->missing = own->uri;
	else if (twice)
		q->missing = "one field of a kind";
	return q->missing ? -EINVAL : 0;
}

static struct header *last_forwarded(struct dialect_request *q)
{
	for (size_t i = q->req.n_headers; i; i--) {
		if (!strcasecmp(q->headers[i - 1].name, "X-Forwarded-For"))
			return &q->headers[i - 1];
	}
	return NULL;
}

/*
 * The proxy put an address behind whatever the client sent: the field as the
 * client sent it is the rest.  *address is the proxy's, or NULL.
 */
static int take_forwarded(const char **address, struct dialect_request *q)
{
	struct header *h = last_forwarded(q);
	char *comma;

	*address = NULL;
	if (!h)
		return 0;
	q->forwarded = strdup(h->value);
	if (!q->forwarded)
		return -ENOMEM;
	comma = strrchr(q->forwarded, ',');
	*address = comma ? comma + 1 : q->forwarded;
	if (comma) {
		*comma = '\0';
		h->value = q->forwarded;
		return 0;
	}
	q->req.n_headers--;
	memmove(h, h + 1,
		(size_t)(q->headers + q->req.n_headers - h) * sizeof(*h));
	return 0;
}

/* Whose address the request is judged by. */
static int take_address(struct dialect_request *q, enum dialect_kind kind,
			const struct http_request *http, const char *address)
{
	const char *own = dialects[kind].address, *forwarded;
	int err;

	q->req.peer = q->peer;
	if (!http->peer->believed) {
		dialect_peer(q->peer, http->peer->address);
		return 0;
	}
	/* nginx hands on the client's field as it is. */
	if (kind != DIALECT_NGINX) {
		err = take_forwarded(&forwarded, q);
		if (err)
			return err;
		if (!own)
			address = forwarded;
	}
	if (!address || !*address) {
		q->missing = own ? own : "X-Forwarded-For";
		return -EINVAL;
	}
	dialect_peer(q->peer, address);
	return 0;
}

/* The target as it was on the client's wire, cut into path and query. */
static int take_target(struct dialect_request *q, const char *target)
{
	char *mark;

	/* "http://host/path": gateways look at what follows the host. */
	if (!strncasecmp(target, "http://", 7) ||
	    !strncasecmp(target, "https://", 8))
		target = strchrnul(strstr(target, "//") + 2, '/');
	q->target = strdup(target);
	if (!q->target)
		return -ENOMEM;
	mark = strchr(q->target, '?');
	if (mark)
		*mark++ = '\0';
	q->req.path = q->target;
	q->req.query = mark ? mark : "";
	return 0;
}

int dialect_read(struct dialect_request *out, enum dialect_kind kind,
		 const struct http_request *http)
{
	const struct fields *own = &dialects[kind];
	const char *uri = NULL, *address = NULL;
	int err;

	out->req = (struct decide_request){ .method = http->method };
	out->target = NULL;
	out->forwarded = NULL;
	out->missing = NULL;
	err = sort_fields(out, own, http, &uri, &address);
	if (err)
		return err;
	if (kind == DIALECT_ENVOY) {
		out->req.path = http->path + strlen(DIALECT_ENVOY_PATH);
		out->req.query = http->query;
	} else {
		err = take_target(out, uri);
	}
	return err ? err : take_address(out, kind, http, address);
}

void dialect_fini(struct dialect_request *q)
{
	/* Keys may be in there. */
	if (q->target)
		explicit_bzero(q->target, strlen(q->target));
	free(q->target);
	free(q->forwarded);
}

/* What is left of each window, in millionths of a dollar. */
static void add_limits(struct reply *out, const struct ruling *r)
{
	int64_t now_ns = r->now_ns;
	char *policy, *left;
	struct text p, l;

	if (!r->has_key || !r->view.n_windows)
		return;
	policy = reply_room(out, RATE_SIZE);
	left = reply_room(out, RATE_SIZE);
	if (!policy || !left)
		return;
	p = (struct text){ .buf = policy, .size = RATE_SIZE };
	l = (struct text){ .buf = left, .size = RATE_SIZE };
	for (size_t i = 0; i < r->view.n_windows; i++) {
		const struct ledger_window *w = &r->view.windows[i];
		int64_t rest = w->limit_nusd - w->used_nusd;

		text_add(&p, "%s\"%s\";q=%lld;qu=\"micro-usd\";w=%lld",
			 i ? ", " : "", w->name,
			 (long long)(w->limit_nusd / MICRO_NUSD),
			 (long long)(w->length_ns / 1000000000));
		text_add(&l, "%s\"%s\";r=%lld", i ? ", " : "", w->name,
			 rest > 0 ? (long long)(rest / MICRO_NUSD) : 0LL);
		if (w->ends_ns > now_ns)
			text_add(&l, ";t=%lld",
				 (long long)((w->ends_ns - now_ns + 999999999) /
					     1000000000));
	}
	if (p.full || l.full)
		return;
	reply_header(out, "RateLimit-Policy", policy);
	reply_header(out, "RateLimit", left);
}

static void add_id(struct reply *out, const char *name, bool has, int64_t id)
{
	if (has)
		reply_header_number(out, name, id);
	else
		reply_header(out, name, "");
}

/* A value that is a header field's whatever the client wrote. */
static const char *plain(struct reply *out, const char *text)
{
	size_t n = strlen(text) + 1;
	char *copy = reply_room(out, n);

	if (!copy)
		return "";
	memcpy(copy, text, n);
	for (char *c = copy; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return copy;
}

/* Every one of them always: a proxy that copies fields must find ours, or it
 * would hand on those that the client made up.
 */
static void add_fields(struct reply *out, const struct ruling *r,
		       const char *decision_id)
{
	const struct entry *e = &r->view.entry;
	bool group = r->has_key && e->has_group_id;

	reply_header(out, "Cache-Control", "no-store");
	reply_header(out, "X-Portcullis-Decision-Id", decision_id);
	add_id(out, "X-Portcullis-Key-Id", r->has_key, e->key_id);
	add_id(out, "X-Portcullis-User-Id", r->has_key, e->user_id);
	add_id(out, "X-Portcullis-Group-Id", group, e->group_id);
	reply_header(out, "X-Portcullis-Client", plain(out, r->d.client));
	reply_header(out, "X-Portcullis-Reason", reason_name(r->reason));
	reply_header_number(out, "X-Portcullis-Status", r->answer.status);
	reply_header(out, "X-Portcullis-Code", r->answer.code);
	reply_header(out, "X-Portcullis-Body", r->body_size ? r->body : "");
	add_id(out, "X-Portcullis-Retry-After", r->retry_s >= 0, r->retry_s);
	reply_header(out, "X-Portcullis-Stale", ruling_stale_name(r->stale));
}

void dialect_answer(struct reply *out, enum dialect_kind kind,
		    const struct ruling *r, const char *decision_id)
{
	int status = r->answer.status;

	if (kind == DIALECT_NGINX && status != 200 && status != 401)
		status = 403;
	reply_init(out, status);
	if (kind != DIALECT_NGINX && !r->allow)
		reply_json(out, r->body, r->body_size);
	add_fields(out, r, decision_id);
	if (status == 401)
		reply_header(out, "WWW-Authenticate", "Bearer");
	if (r->retry_s >= 0)
		reply_header_number(out, "Retry-After", r->retry_s);
	add_limits(out, r);
}

void dialect_refuse(struct reply *out, enum dialect_kind kind, int status,
		    const char *code, const char *message)
{
	static const char *const empty[] = {
		"X-Portcullis-Decision-Id", "X-Portcullis-Key-Id",
		"X-Portcullis-User-Id",	    "X-Portcullis-Group-Id",
		"X-Portcullis-Client",	    "X-Portcullis-Reason",
		"X-Portcullis-Retry-After", "X-Portcullis-Stale",
	};
	size_t size;

	reply_error(out, status, code, message);
	size = out->body_size;
	if (kind == DIALECT_NGINX) {
		out->status = 403;
		reply_json(out, "", 0);
		out->type = NULL;
	}
	reply_header(out, "Cache-Control", "no-store");
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		reply_header(out, empty[i], "");
	reply_header_number(out, "X-Portcullis-Status", status);
	reply_header(out, "X-Portcullis-Code", code);
	reply_header(out, "X-Portcullis-Body", size ? out->text : "");
}
