// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections are accepted here.  A request that is plain is looked at while it
 * still lies in the socket, answered, and only then taken out; the first that
 * is not goes, with its connection, to a real HTTP library, which finds every
 * byte of it in its place.  The library spends more on a request than a
 * decision costs, and 80 KiB of memory on every connection; hardly any proxy
 * needs it.
 */
#include "http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange.h"
#include "guest.h"
#include "library.h"
#include "plain.h"

#define CONNECTIONS_MAX 16384
/* Descriptors that are not connections. */
#define FILES_OWN 128
#define INBOX_SIZE 16384
#define OUTBOX_SIZE 16384
/* Connections accepted, or requests of one answered, before others' turn. */
#define TURN 64

struct outbox {
	size_t used; /* 0: nothing was said, or it does not fit */
	char bytes[OUTBOX_SIZE];
};

struct http {
	struct http_config cfg;
	struct library *library;
	struct door {
		struct watch watch;
		struct http *http;
		struct guests guests;
		struct listener listener;
		bool shut; /* until the next tick */
	} doors[HTTP_LISTENERS];
	size_t n_doors;
	unsigned int share; /* connections of one listener */
	uint64_t requests;
	uint64_t plain;
	/* Of the plain request at hand. */
	struct plain request;
	struct outbox outbox;
	char inbox[INBOX_SIZE + 1];
};

static void count_and_serve(struct http_exchange *x,
			    const struct http_request *req, void *arg)
{
	struct http *h = arg;

	h->requests++;
	h->cfg.serve(x, req, h->cfg.arg);
}

void http_reply(struct http_exchange *x, const struct reply *r)
{
	int n;

	if (x->library) {
		library_reply(x, r);
		return;
	}
	n = reply_print(x->outbox->bytes, sizeof(x->outbox->bytes), r);
	x->outbox->used = n > 0 ? (size_t)n : 0;
}

void http_hold(struct http_exchange *x)
{
	/* Whatever is held has a body, and so is never plain. */
	if (x->library)
		library_hold(x);
}

static void close_guest(struct guest *g)
{
	close(g->fd);
	guests_leave(g);
}

/* Nothing of its request was taken out of the socket. */
static void hand_over(struct http *h, struct guest *g)
{
	epoll_ctl(h->cfg.epoll, EPOLL_CTL_DEL, g->fd, NULL);
	library_take(h->library, g);
}

/* Answers into the outbox.  False: this is not for us. */
static bool answer(struct http *h, struct guest *g)
{
	const struct plain *p = &h->request;
	struct http_exchange *x = exchange_of(g);
	const struct http_request req = {
		.method = p->method,
		.path = p->path,
		.query = p->query,
		.headers = p->fields,
		.n_headers = p->n_fields,
		.body = "",
		.peer = &g->peer,
	};

	if (h->cfg.want(p->path) == HTTP_WANT_BODY)
		return false;
	*x = (struct http_exchange){ .guest = g, .outbox = &h->outbox };
	h->outbox.used = 0;
	h->plain++;
	count_and_serve(x, &req, h);
	return h->outbox.used != 0;
}

enum step {
	STEP_AGAIN,
	STEP_DONE, /* nothing is left to read */
	STEP_OVER, /* the connection is closed or somebody else's */
};

/* The plain request that n bytes of the inbox begin with. */
static enum step serve_plain(struct http *h, struct guest *g, size_t n)
{
	size_t size = plain_parse(&h->request, h->inbox, n);
	ssize_t sent;

	if (!size || !answer(h, g)) {
		hand_over(h, g);
		return STEP_OVER;
	}
	sent = send(g->fd, h->outbox.bytes, h->outbox.used,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno == EAGAIN) {
		/* It does not read what it asks for: somebody else may wait. */
		hand_over(h, g);
		return STEP_OVER;
	}
	if (sent != (ssize_t)h->outbox.used ||
	    recv(g->fd, h->inbox, size, MSG_DONTWAIT) != (ssize_t)size) {
		close_guest(g);
		return STEP_OVER;
	}
	guests_idle(g);
	return n > size ? STEP_AGAIN : STEP_DONE;
}

/* Looks at what has come.  Keys do not stay in our memory. */
static enum step look(struct http *h, struct guest *g)
{
	ssize_t n = recv(g->fd, h->inbox, INBOX_SIZE, MSG_PEEK | MSG_DONTWAIT);
	enum step step;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return STEP_DONE;
	if (n <= 0) {
		close_guest(g);
		return STEP_OVER;
	}
	step = serve_plain(h, g, (size_t)n);
	explicit_bzero(h->inbox, (size_t)n);
	return step;
}

/* What comes after the last look makes the watch ready again. */
static void serve_guest(struct watch *w)
{
	struct guest *g = WATCH_OF(w, struct guest, watch);
	struct http *h = WATCH_OF(g->all, struct door, guests)->http;
	bool last = w->events & EPOLLRDHUP;
	enum step step = STEP_AGAIN;

	for (int i = 0; i < TURN && step == STEP_AGAIN; i++)
		step = look(h, g);
	/* Its end came with its request, and is not told twice. */
	if (last && step == STEP_DONE)
		step = look(h, g);
	/* Whoever asks so much at once may queue. */
	if (step == STEP_AGAIN)
		hand_over(h, g);
}

static void accept_guest(struct http *h, struct door *door, int fd)
{
	struct guest *g = NULL;

	/* Those who were asked to leave for others have not all left yet. */
	if (door->guests.n < h->share)
		g = guests_enter(&door->guests, fd, h->cfg.rules);
	if (!g) {
		close(fd);
		return;
	}
	g->watch.ready = serve_guest;
	if (watch_add(h->cfg.epoll, &g->watch, fd,
		      EPOLLIN | EPOLLRDHUP | EPOLLET))
		close_guest(g);
}

static void watch_door(struct door *door, uint32_t events)
{
	struct epoll_event event = { .events = events,
				     .data.ptr = &door->watch };

	epoll_ctl(door->http->cfg.epoll, EPOLL_CTL_MOD, door->listener.fd,
		  &event);
	door->shut = !events;
}

/* Who cannot be let in for want of files or memory stays at the door. */
static bool is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM ||
	       err == ENOBUFS;
}

static void open_door(struct watch *w)
{
	struct door *door = WATCH_OF(w, struct door, watch);

	for (int i = 0; i < TURN; i++) {
		int fd = accept4(door->listener.fd, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			/* It would be ready again at once, and in vain. */
			if (is_shortage(errno))
				watch_door(door, 0);
			return;
		}
		accept_guest(door->http, door, fd);
	}
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

/* Not being allowed to costs connections, not the service. */
static void raise_files(size_t n)
{
	rlim_t want = n * CONNECTIONS_MAX + FILES_OWN;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	if (files.rlim_max < want)
		want = files.rlim_max;
	if (files.rlim_cur < want)
		files.rlim_cur = want;
	setrlimit(RLIMIT_NOFILE, &files);
}

int http_new(struct http **out, const struct http_config *cfg,
	     size_t n_listeners)
{
	struct http *h = calloc(1, sizeof(*h));
	struct library_config library = {
		.epoll = cfg->epoll,
		.want = cfg->want,
		.serve = count_and_serve,
		.arg = h,
	};
	int rc;

	if (!h)
		return -ENOMEM;
	raise_files(n_listeners);
	h->cfg = *cfg;
	h->share = fair_share(n_listeners);
	library.limit = h->share * (unsigned int)n_listeners;
	rc = library_new(&h->library, &library);
	if (rc)
		free(h);
	else
		*out = h;
	return rc;
}

int http_add(struct http *h, struct listener *l)
{
	struct door *door = &h->doors[h->n_doors];
	int rc;

	if (h->n_doors == HTTP_LISTENERS)
		return -E2BIG;
	door->http = h;
	door->watch.ready = open_door;
	guests_init(&door->guests, h->share - h->share / 16);
	rc = watch_add(h->cfg.epoll, &door->watch, l->fd, EPOLLIN);
	if (rc)
		return rc;
	door->listener = *l;
	*l = (struct listener){ .fd = -1 };
	h->n_doors++;
	return 0;
}

int http_listen(struct http *h)
{
	int rc = 0;

	for (size_t i = 0; i < h->n_doors && !rc; i++)
		rc = listener_listen(&h->doors[i].listener);
	return rc;
}

void http_clock(struct http *h, int64_t now_ns)
{
	for (size_t i = 0; i < h->n_doors; i++)
		h->doors[i].guests.now_ns = now_ns;
}

void http_run(struct http *h, bool anyway)
{
	library_run(h->library, anyway);
}

int http_timeout_ms(struct http *h)
{
	return library_timeout_ms(h->library);
}

void http_tick(struct http *h)
{
	for (size_t i = 0; i < h->n_doors; i++) {
		guests_tick(&h->doors[i].guests);
		if (h->doors[i].shut)
			watch_door(&h->doors[i], EPOLLIN);
	}
}

void http_counts(struct http_counts *out, const struct http *h)
{
	*out = (struct http_counts){ .requests = h->requests,
				     .plain = h->plain };
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
	for (size_t i = 0; i < h->n_doors; i++)
		listener_close(&h->doors[i].listener);
}

void http_free(struct http *h)
{
	struct guest *g;

	if (!h)
		return;
	library_free(h->library);
	/* Whoever is left is plain. */
	for (size_t i = 0; i < h->n_doors; i++) {
		while ((g = guests_any(&h->doors[i].guests)))
			close_guest(g);
	}
	free(h);
}
