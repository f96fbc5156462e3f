/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections and messages of the decision service, in one thread that others
 * run.  Bounds what a peer may cost: connections, header fields, bytes, and
 * time.  Knows nothing of what is asked.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide.h"
#include "listener.h"
#include "peer.h"
#include "reply.h"

#define HTTP_LISTENERS 16
#define HTTP_FIELDS 200
#define HTTP_BODY_MAX 65536

struct http;
struct http_exchange; /* a request and what becomes of it */

struct http_request {
	const char *method;
	const char *path;	      /* as on the wire, without the query */
	const char *query;	      /* where asked for; else "" */
	const struct header *headers; /* in order */
	size_t n_headers;
	const char *body;
	size_t body_size;
	const struct peer *peer;
};

enum http_want {
	HTTP_WANT_HEAD,	 /* answered at the end of the header fields */
	HTTP_WANT_QUERY, /* the same, and the query is looked at */
	HTTP_WANT_BODY,
};

struct http_config {
	int epoll; /* where connections are watched, see watch.h */
	const struct peer_rules *rules;
	enum http_want (*want)(const char *path);
	/* Must call http_reply(), or http_hold() and that later. */
	void (*serve)(struct http_exchange *x, const struct http_request *req,
		      void *arg);
	void *arg;
};

struct http_counts {
	size_t connections;
	uint64_t requests;
	uint64_t plain; /* of them, without the library */
	uint64_t accepted;
	uint64_t refused_peers; /* connections of users that may not ask */
	uint64_t evicted;	/* idle connections closed for others */
	uint64_t too_slow;
};

/* For so many listeners.  0, -ENOMEM. */
int http_new(struct http **out, const struct http_config *cfg,
	     size_t n_listeners);
/*
 * Takes the listener over.  0 or -errno; on failure the caller still has it.
 */
int http_add(struct http *h, struct listener *l);
/* From now on there is somebody to answer.  0, -errno. */
int http_listen(struct http *h);
/* CLOCK_MONOTONIC, before anything else is done in a round. */
void http_clock(struct http *h, int64_t now_ns);
/* After the watches; anyway: a second or the timeout has passed. */
void http_run(struct http *h, bool anyway);
/* Milliseconds until http_run() is to be called anyway; -1: not at all. */
int http_timeout_ms(struct http *h);
/* Ends connections that are too slow; about once a second. */
void http_tick(struct http *h);

void http_reply(struct http_exchange *x, const struct reply *r);
/* The answer comes later; the connection is not looked at until then. */
void http_hold(struct http_exchange *x);

void http_counts(struct http_counts *out, const struct http *h);

/* No new connections, and no Unix sockets, from here on. */
void http_quiesce(struct http *h);
/* Once whatever was held has been replied to.  NULL is none. */
void http_free(struct http *h);

#endif /* HTTP_H */
