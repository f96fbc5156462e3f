/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections that are served by libmicrohttpd. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdbool.h>

#include "guest.h"
#include "http.h"

struct library;

struct library_config {
	int epoll; /* where its own set is watched */
	unsigned int limit;
	enum http_want (*want)(const char *path);
	void (*serve)(struct http_exchange *x, const struct http_request *req,
		      void *arg);
	void *arg;
};

/* 0, -ENOMEM, -errno. */
int library_new(struct library **out, const struct library_config *cfg);
/* Takes the connection over for good; nothing of it has been read. */
void library_take(struct library *l, struct guest *g);
/* anyway: a time has come, whatever the epoll set says. */
void library_run(struct library *l, bool anyway);
/* -1: no end. */
int library_timeout_ms(struct library *l);
/* Once whatever was held has been replied to.  NULL is none. */
void library_free(struct library *l);

void library_reply(struct http_exchange *x, const struct reply *r);
void library_hold(struct http_exchange *x);

#endif /* LIBRARY_H */
