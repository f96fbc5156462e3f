// SPDX-License-Identifier: GPL-2.0-only
/*
 * One libmicrohttpd daemon a listener, all run by the caller's thread.  The
 * library bounds bytes and idle time; fields, slow heads and floods of
 * connections are bounded here.
 */
#include "http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "framing.h"
#include "guest.h"
#include "response.h"

/* 64 KiB of header fields, what the library makes of 200 of them (64 bytes
 * each), and the head of our answer.
 */
#define MEMORY (80 * 1024)
#define IDLE_S 130
#define CONNECTIONS_MAX 16384
/* Descriptors that are not connections. */
#define FILES_OWN 128
/* Of a body that is too large this much is read for the sake of an answer. */
#define BODY_PATIENCE (1 << 20)

struct http {
	struct http_config cfg;
	struct door {
		struct http *http;
		struct guests guests;
		struct listener listener;
		struct MHD_Daemon *daemon;
		int epoll_fd;
	} doors[HTTP_LISTENERS];
	size_t n_doors;
	unsigned int share; /* connections of one listener */
	uint64_t requests;
	struct responses responses;
	/* Of the request at hand, while its handler runs. */
	struct header fields[HTTP_FIELDS];
	size_t n_fields;
	bool overfull;
	bool malformed;
};

struct http_exchange {
	struct guest *guest;
	struct door *door;
	struct MHD_Connection *connection;
	struct MHD_Response *response; /* made, to be queued */
	char *query;
	char *body;
	size_t body_size;
	size_t body_seen;
	int status;
	bool seen;  /* its header fields were looked at */
	bool asked; /* the answer is somebody's business */
	bool held;
	bool borrowed;	/* the response is one of http's */
	bool body_lost; /* too large */
};

/*
 * An exchange lives in its connection's guest, one after the other; what it
 * owns goes when the library says that the request is over.
 */
_Static_assert(sizeof(struct http_exchange) <= GUEST_ROOM, "guest.h's room");

static struct guest *guest_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static struct http_exchange *exchange_of(struct guest *g)
{
	return (struct http_exchange *)(void *)g->room;
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
	struct door *door = arg;
	struct guest *g = guest_of(c);
	struct http_exchange *x;
	const char *query;

	if (!g)
		return NULL;
	x = exchange_of(g);
	*x = (struct http_exchange){ .guest = g,
				     .door = door,
				     .connection = c };
	guests_reading(&door->guests, g);
	query = strchr(uri, '?');
	/* Later the library will have cut it into pieces. */
	if (query && door->http->cfg.want(uri) == HTTP_WANT_QUERY)
		x->query = strdup(query + 1);
	return x;
}

static void drop_exchange(struct http_exchange *x)
{
	if (x->response && !x->borrowed)
		MHD_destroy_response(x->response);
	free(x->query);
	free(x->body);
	*x = (struct http_exchange){ NULL };
}

static void finish(void *arg, struct MHD_Connection *c, void **context,
		   enum MHD_RequestTerminationCode why)
{
	struct door *door = arg;
	struct http_exchange *x = *context;

	(void)c, (void)why;
	if (!x || !x->guest)
		return;
	guests_idle(&door->guests, x->guest);
	drop_exchange(x);
	*context = NULL;
}

static void come_and_go(void *arg, struct MHD_Connection *c, void **context,
			enum MHD_ConnectionNotificationCode what)
{
	struct door *door = arg;
	const union MHD_ConnectionInfo *info;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		guests_leave(&door->guests, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	*context = info ? guests_enter(&door->guests, info->connect_fd,
				       door->http->cfg.rules)
			: NULL;
}

void http_reply(struct http_exchange *x, const struct reply *r)
{
	struct responses *kept = &x->door->http->responses;

	if (x->response)
		return;
	x->status = r->status;
	/* One that is kept may have changed by the time a held one is sent. */
	if (!x->held)
		x->response = response_take(kept, r);
	x->borrowed = x->response;
	if (!x->response)
		x->response = response_make(r);
	/* Without any the connection ends, which is all that is left. */
	if (x->held) {
		x->held = false;
		MHD_resume_connection(x->connection);
	}
}

void http_hold(struct http_exchange *x)
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
	if (!x->borrowed)
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
	http_reply(x, &r);
	return queue(x);
}

static enum MHD_Result take_field(void *arg, enum MHD_ValueKind kind,
				  const char *name, size_t name_size,
				  const char *value, size_t value_size)
{
	struct http *h = arg;

	(void)kind;
	if (h->n_fields == HTTP_FIELDS) {
		h->overfull = true;
		return MHD_NO;
	}
	/* Go's server takes neither; what follows would be overlooked here. */
	if (memchr(name, '\0', name_size) ||
	    (value && memchr(value, '\0', value_size)))
		h->malformed = true;
	h->fields[h->n_fields++] = (struct header){ name, value ? value : "" };
	return MHD_YES;
}

static void serve(struct http_exchange *x, const char *method, const char *path)
{
	struct http *h = x->door->http;
	const struct http_request req = {
		.method = method,
		.path = path,
		.query = x->query ? x->query : "",
		.headers = h->fields,
		.n_headers = h->n_fields,
		.body = x->body ? x->body : "",
		.body_size = x->body_size,
		.peer = &x->guest->peer,
	};

	x->asked = true;
	h->requests++;
	guests_busy(&x->door->guests, x->guest);
	h->cfg.serve(x, &req, h->cfg.arg);
}

static void take_fields(struct http *h, struct MHD_Connection *c)
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
	struct http *h = x->door->http;
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
	struct http *h;

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
	h = x->door->http;
	take_fields(h, c);
	serve(x, method, path);
	return x->held ? MHD_YES : queue(x);
}

/* How many connections each of n listeners may have. */
static unsigned int fair_share(size_t n)
{
	struct rlimit files = { 0 };
	rlim_t share;

	getrlimit(RLIMIT_NOFILE, &files);
	share = files.rlim_cur > FILES_OWN ? files.rlim_cur - FILES_OWN : 0;
	share /= n;
	return share > CONNECTIONS_MAX ? CONNECTIONS_MAX : (unsigned int)share;
}

int http_new(struct http **out, const struct http_config *cfg,
	     size_t n_listeners)
{
	struct http *h = calloc(1, sizeof(*h));
	struct rlimit files;

	if (!h)
		return -ENOMEM;
	/* Not being allowed to costs connections, not the service. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		rlim_t want = n_listeners * CONNECTIONS_MAX + FILES_OWN;

		if (files.rlim_max < want)
			want = files.rlim_max;
		if (files.rlim_cur < want)
			files.rlim_cur = want;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	h->cfg = *cfg;
	h->share = fair_share(n_listeners);
	*out = h;
	return 0;
}

int http_add(struct http *h, struct listener *l)
{
	struct door *door = &h->doors[h->n_doors];
	const union MHD_DaemonInfo *info;

	if (h->n_doors == HTTP_LISTENERS)
		return -E2BIG;
	door->http = h;
	guests_init(&door->guests, h->share - h->share / 16);
	door->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_SUPPRESS_DATE_NO_CLOCK,
		0, NULL, NULL, handle, door, MHD_OPTION_LISTEN_SOCKET, l->fd,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
		MHD_OPTION_CONNECTION_LIMIT, h->share,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)IDLE_S,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, begin, door,
		MHD_OPTION_NOTIFY_COMPLETED, finish, door,
		MHD_OPTION_NOTIFY_CONNECTION, come_and_go, door,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (!door->daemon)
		return errno ? -errno : -ENOMEM;
	info = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	door->epoll_fd = info ? info->epoll_fd : -1;
	door->listener = *l;
	/* From here on the library closes it. */
	*l = (struct listener){ .fd = -1 };
	h->n_doors++;
	return 0;
}

int http_fd(const struct http *h, size_t i)
{
	return i < h->n_doors ? h->doors[i].epoll_fd : -1;
}

void http_run(struct http *h, int64_t now_ns)
{
	for (size_t i = 0; i < h->n_doors; i++) {
		h->doors[i].guests.now_ns = now_ns;
		MHD_run(h->doors[i].daemon);
	}
}

int http_timeout_ms(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms, least = INT32_MAX;

	for (size_t i = 0; i < h->n_doors; i++) {
		if (MHD_get_timeout(h->doors[i].daemon, &ms) && ms < least)
			least = ms;
	}
	return least == INT32_MAX ? -1 : (int)least;
}

void http_tick(struct http *h)
{
	for (size_t i = 0; i < h->n_doors; i++)
		guests_tick(&h->doors[i].guests);
}

void http_counts(struct http_counts *out, const struct http *h)
{
	*out = (struct http_counts){ .requests = h->requests };
	for (size_t i = 0; i < h->n_doors; i++) {
		const struct guests *g = &h->doors[i].guests;

		out->connections += g->n;
		out->accepted += g->entered;
		out->refused_peers += g->refused;
		out->evicted += g->evicted;
		out->too_slow += g->too_slow;
	}
}

void http_quiesce(struct http *h)
{
	for (size_t i = 0; i < h->n_doors; i++) {
		struct door *door = &h->doors[i];
		int fd = MHD_quiesce_daemon(door->daemon);

		door->listener.fd = fd == MHD_INVALID_SOCKET ? -1 : fd;
		listener_close(&door->listener);
	}
}

void http_free(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_doors; i++) {
		/* Whoever was resumed must be seen to be so first. */
		MHD_run(h->doors[i].daemon);
		MHD_stop_daemon(h->doors[i].daemon);
	}
	responses_fini(&h->responses);
	free(h);
}
