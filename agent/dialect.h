/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How proxies ask and are answered: which header fields of a request are the
 * proxy's and which are its client's, and what an answer looks like to it.
 */
#ifndef DIALECT_H
#define DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "decide.h"
#include "http.h"
#include "ruling.h"

enum dialect_kind {
	DIALECT_NGINX,
	DIALECT_FORWARD,
	DIALECT_ENVOY,
	DIALECT_CHECK,
	DIALECT_RESERVE,
	DIALECT_MAX
};

#define DIALECT_FIELDS HTTP_FIELDS
#define DIALECT_PEER_SIZE 72
#define DIALECT_ENVOY_PATH "/v1/auth/envoy"

/* The client's request, put together from the proxy's. */
struct dialect_request {
	struct decide_request req; /* less now_ns and variant */
	struct header headers[DIALECT_FIELDS];
	char peer[DIALECT_PEER_SIZE];
	/* Copies of what the proxy's fields have to be cut from. */
	char *target;
	char *forwarded;
	const char *missing; /* which field a 400 is about */
};

/*
 * 0; -EINVAL: a field is missing or given twice, see missing; -ENOMEM.  *out
 * needs dialect_fini() in any case.
 */
int dialect_read(struct dialect_request *out, enum dialect_kind kind,
		 const struct http_request *http);
void dialect_fini(struct dialect_request *q);

/* "addr" or "addr:port" to the form in which Go tells of a peer. */
void dialect_peer(char out[static DIALECT_PEER_SIZE], const char *text);

/* The answer, with every field that is always there. */
void dialect_answer(struct reply *out, enum dialect_kind kind,
		    const struct ruling *r, const char *decision_id);
/* An answer to what is no question. */
void dialect_refuse(struct reply *out, enum dialect_kind kind, int status,
		    const char *code, const char *message);

const char *dialect_name(enum dialect_kind kind);

#endif /* DIALECT_H */
