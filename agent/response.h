/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The library's response objects, made of replies.  What it takes to make one
 * is mostly the allocation of a dozen header fields of which few differ from
 * one answer to the next, so those without a body are kept and changed.
 */
#ifndef RESPONSE_H
#define RESPONSE_H

#include <microhttpd.h>
#include <stddef.h>

#include "reply.h"

#define RESPONSE_SHAPES 32

/* Answers that have their fixed fields in common. */
struct response_shape {
	struct MHD_Response *response;
	size_t n;
	struct reply_header fixed[REPLY_HEADERS];
};

struct responses {
	struct response_shape shapes[RESPONSE_SHAPES];
	size_t n;
};

void responses_fini(struct responses *all);

/* A new one, the caller's to destroy; NULL: no memory. */
struct MHD_Response *response_make(const struct reply *r);

/*
 * One for a reply without a body that is queued at once: the library copies the
 * fields before it asks for the next answer.  Ours; NULL: make one.
 */
struct MHD_Response *response_take(struct responses *all,
				   const struct reply *r);

#endif /* RESPONSE_H */
