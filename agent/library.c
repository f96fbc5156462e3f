// SPDX-License-Identifier: GPL-2.0-only
/*
 * libmicrohttpd, in the caller's thread and without a listening socket: it is
 * given connections whose next request is not plain, and keeps them.
 */
#include "library.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "exchange.h"
#include "framing.h"

/* 64 KiB of header fields, what the library makes of 200 of them (64 bytes
 * each), and the head of our answer.  All of it is zeroed between requests.
 */
#define MEMORY (80 * 1024)
#define IDLE_S 130
/* While it has more connections they end with their answers. */
#define KEPT 1024
/* Of a body that is too large this much is read for the sake of an answer. */
#define BODY_PATIENCE (1 << 20)

struct library {
	struct watch watch; /* of the library's own epoll set */
	struct library_config cfg;
	struct MHD_Daemon *daemon;
	struct guest *arriving; /* is being handed over */
	size_t n;		/* connections */
	bool ready;		/* there may be something to do */
	/* Of the request at hand, while its handler runs. */
	struct header fields[HTTP_FIELDS];
	size_t n_fields;
	bool overfull;
	bool malformed;
};

static struct guest *guest_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The library asks for unescaped texts and gets them as they came. */
static size_t keep_escapes(void *arg, struct MHD_Connection *c, char *text)
{
	(void)arg, (void)c;
	return strlen(text);
}

/* The request line is there. */
static void *begin(void *arg, const char *uri, struct MHD_Connection *c)
{
	struct library *l = arg;
	struct guest *g = guest_of(c);
	struct http_exchange *x;
	const char *query;

	if (!g)
		return NULL;
	x = exchange_of(g);
	*x = (struct http_exchange){ .guest = g,
				     .library = l,
				     .connection = c };
	guests_reading(g);
	query = strchr(uri, '?');
	/* Later the library will have cut it into pieces. */
	if (query && l->cfg.want(uri) == HTTP_WANT_QUERY)
		x->query = strdup(query + 1);
	return x;
}

static void drop_exchange(struct http_exchange *x)
{
	if (x->response)
		MHD_destroy_response(x->response);
	free(x->query);
	free(x->body);
	*x = (struct http_exchange){ NULL };
}

static void finish(void *arg, struct MHD_Connection *c, void **context,
		   enum MHD_RequestTerminationCode why)
{
	struct http_exchange *x = *context;

	(void)arg, (void)c, (void)why;
	if (!x || !x->guest)
		return;
	guests_idle(x->guest);
	drop_exchange(x);
	*context = NULL;
}

static void come_and_go(void *arg, struct MHD_Connection *c, void **context,
			enum MHD_ConnectionNotificationCode what)
{
	struct library *l = arg;

	(void)c;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		l->n -= *context != NULL;
		guests_leave(*context);
		*context = NULL;
		return;
	}
	*context = l->arriving;
	l->n += l->arriving != NULL;
	l->arriving = NULL;
}

static struct MHD_Response *make_response(const struct reply *r)
{
	struct MHD_Response *m = MHD_create_response_from_buffer(
		r->body_size, (void *)(uintptr_t)r->body,
		r->body_size ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
	bool good = m;

	for (size_t i = 0; good && i < r->n_headers; i++) {
		const char *value = r->headers[i].value;

		/* It refuses an empty value; a blank is one on the wire. */
		good = MHD_add_response_header(m, r->headers[i].name,
					       *value ? value : " ");
	}
	if (good && r->type)
		good = MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE,
					       r->type);
	if (good || !m)
		return m;
	MHD_destroy_response(m);
	return NULL;
}

void library_reply(struct http_exchange *x, const struct reply *r)
{
	if (x->response)
		return;
	x->status = r->status;
	/* Without any the connection ends, which is all that is left. */
	x->response = make_response(r);
	if (x->response && x->library->n > KEPT)
		MHD_add_response_header(x->response, MHD_HTTP_HEADER_CONNECTION,
					"close");
	if (x->held) {
		x->held = false;
		x->library->ready = true;
		MHD_resume_connection(x->connection);
	}
}

void library_hold(struct http_exchange *x)
{
	x->held = true;
	MHD_suspend_connection(x->connection);
}

static enum MHD_Result queue(struct http_exchange *x)
{
	enum MHD_Result done;

	if (!x->response)
		return MHD_NO;
	done = MHD_queue_response(x->connection, (unsigned int)x->status,
				  x->response);
	MHD_destroy_response(x->response);
	x->response = NULL;
	return done;
}

static enum MHD_Result refuse(struct http_exchange *x, int status,
			      const char *message)
{
	struct reply r;

	reply_error(&r, status, "BAD_REQUEST", message);
	reply_header(&r, "Cache-Control", "no-store");
	reply_header(&r, "Connection", "close");
	library_reply(x, &r);
	return queue(x);
}

static enum MHD_Result take_field(void *arg, enum MHD_ValueKind kind,
				  const char *name, size_t name_size,
				  const char *value, size_t value_size)
{
	struct library *h = arg;

	(void)kind;
	if (h->n_fields == HTTP_FIELDS) {
		h->overfull = true;
		return MHD_NO;
	}
	/* The library takes them, and who sent them may mean others. */
	if (!framing_name_good(name, name_size) ||
	    (value && !framing_value_good(value, value_size)))
		h->malformed = true;
	h->fields[h->n_fields++] = (struct header){ name, value ? value : "" };
	return MHD_YES;
}

static void serve(struct http_exchange *x, const char *method, const char *path)
{
	struct library *l = x->library;
	const struct http_request req = {
		.method = method,
		.path = path,
		.query = x->query ? x->query : "",
		.headers = l->fields,
		.n_headers = l->n_fields,
		.body = x->body ? x->body : "",
		.body_size = x->body_size,
		.peer = &x->guest->peer,
	};

	x->asked = true;
	guests_busy(x->guest);
	l->cfg.serve(x, &req, l->cfg.arg);
}

static void take_fields(struct library *h, struct MHD_Connection *c)
{
	h->n_fields = 0;
	h->overfull = false;
	h->malformed = false;
	MHD_get_connection_values_n(c, MHD_HEADER_KIND, take_field, h);
}

/*
 * The first call, before any body.  An answer now ends the connection, since
 * the body that may follow will not be read; one from the second call keeps it.
 */
static enum MHD_Result look_at_head(struct http_exchange *x, const char *method,
				    const char *path)
{
	struct library *h = x->library;
	struct framing f;

	x->seen = true;
	take_fields(h, x->connection);
	if (h->overfull)
		return refuse(x, 431, "too many header fields");
	f = framing_find(h->fields, h->n_fields);
	if (f.bad || h->malformed)
		return refuse(x, 400, "malformed header fields");
	if (h->cfg.want(path) == HTTP_WANT_BODY) {
		if (f.length > HTTP_BODY_MAX)
			return refuse(x, 413, "the body is too large");
		return MHD_YES;
	}
	if (!f.chunked && !f.length)
		return MHD_YES;
	serve(x, method, path);
	return queue(x);
}

/* The library has no answer for a body that is under way: the rest is read. */
static void take_body(struct http_exchange *x, const char *data, size_t size)
{
	char *body = NULL;

	x->body_seen += size;
	if (x->body_seen <= HTTP_BODY_MAX)
		body = realloc(x->body, x->body_seen + 1);
	if (!body) {
		x->body_lost = true;
		return;
	}
	memcpy(body + x->body_size, data, size);
	x->body = body;
	x->body_size += size;
	body[x->body_size] = '\0';
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *c,
			      const char *path, const char *method,
			      const char *version, const char *data,
			      size_t *size, void **context)
{
	struct http_exchange *x = *context;

	(void)arg, (void)c, (void)version;
	if (!x || !x->guest)
		return MHD_NO;
	if (!x->seen)
		return look_at_head(x, method, path);
	if (*size) {
		take_body(x, data, *size);
		*size = 0;
		return x->body_seen > BODY_PATIENCE ? MHD_NO : MHD_YES;
	}
	if (x->asked)
		return queue(x);
	if (x->body_lost)
		return refuse(x, 413, "the body is too large");
	take_fields(x->library, c);
	serve(x, method, path);
	return x->held ? MHD_YES : queue(x);
}

static void note_ready(struct watch *w)
{
	WATCH_OF(w, struct library, watch)->ready = true;
}

int library_new(struct library **out, const struct library_config *cfg)
{
	struct library *l = calloc(1, sizeof(*l));
	const union MHD_DaemonInfo *info;
	int rc;

	if (!l)
		return -ENOMEM;
	l->cfg = *cfg;
	l->watch.ready = note_ready;
	l->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_NO_LISTEN_SOCKET |
			MHD_USE_SUPPRESS_DATE_NO_CLOCK,
		0, NULL, NULL, handle, l, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY, MHD_OPTION_CONNECTION_LIMIT, cfg->limit,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, begin, l,
		MHD_OPTION_NOTIFY_COMPLETED, finish, l,
		MHD_OPTION_NOTIFY_CONNECTION, come_and_go, l,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (!l->daemon) {
		rc = errno ? -errno : -ENOMEM;
		free(l);
		return rc;
	}
	info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	rc = info ? watch_add(cfg->epoll, &l->watch, info->epoll_fd, EPOLLIN)
		  : -ENOSYS;
	if (rc)
		library_free(l);
	else
		*out = l;
	return rc;
}

void library_take(struct library *l, struct guest *g)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t size = sizeof(sa);

	l->arriving = g;
	l->ready = true;
	if (getpeername(g->fd, (struct sockaddr *)&sa, &size))
		size = sizeof(sa.ss_family);
	/* Where it fails it has closed the socket. */
	MHD_add_connection(l->daemon, g->fd, (struct sockaddr *)&sa, size);
	if (l->arriving)
		guests_leave(g);
	l->arriving = NULL;
}

void library_run(struct library *l, bool anyway)
{
	if (!l->n || !(l->ready || anyway))
		return;
	l->ready = false;
	MHD_run(l->daemon);
}

int library_timeout_ms(struct library *l)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (!l->n)
		return -1;
	if (l->ready)
		return 0;
	if (!MHD_get_timeout(l->daemon, &ms) || ms > INT32_MAX)
		return -1;
	/* It has more to do than its epoll set tells. */
	l->ready = ms == 0;
	return (int)ms;
}

void library_free(struct library *l)
{
	if (!l)
		return;
	/* Whoever was resumed must be seen to be so first. */
	MHD_run(l->daemon);
	MHD_stop_daemon(l->daemon);
	free(l);
}
