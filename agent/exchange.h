/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A request on its way through http.c and library.c.  It lives in its
 * connection's guest, one after the other.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "guest.h"

struct library;
struct MHD_Connection;
struct MHD_Response;
struct outbox;

struct http_exchange {
	struct guest *guest;
	struct library *library; /* NULL: a plain one's */
	struct outbox *outbox;	 /* of a plain one */
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
	bool body_lost; /* too large */
};

_Static_assert(sizeof(struct http_exchange) <= GUEST_ROOM, "guest.h's room");

static inline struct http_exchange *exchange_of(struct guest *g)
{
	return (struct http_exchange *)(void *)g->room;
}

#endif /* EXCHANGE_H */
