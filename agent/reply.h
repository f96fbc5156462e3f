/* SPDX-License-Identifier: GPL-2.0-only */
/* An HTTP answer while it is put together, in fixed memory. */
#ifndef REPLY_H
#define REPLY_H

#include <stddef.h>

#define REPLY_HEADERS 24
#define REPLY_TEXT_SIZE 4096

struct reply {
	int status;
	const char *type; /* of the body */
	const char *body; /* borrowed until the reply is sent */
	size_t body_size;
	struct reply_header {
		const char *name; /* a literal */
		const char *value;
	} headers[REPLY_HEADERS];
	size_t n_headers;
	size_t used; /* of text */
	char text[REPLY_TEXT_SIZE];
};

/* With no body and no headers. */
void reply_init(struct reply *r, int status);

/* value is borrowed until the reply is sent. */
void reply_header(struct reply *r, const char *name, const char *value);
void reply_header_number(struct reply *r, const char *name, long long n);
/* Room for n bytes that live as long as the reply; NULL: there is none. */
char *reply_room(struct reply *r, size_t n);

/* {"code": …, "message": …} as the gateway words its own errors. */
void reply_error(struct reply *r, int status, const char *code,
		 const char *message);
/* body is JSON, borrowed. */
void reply_json(struct reply *r, const char *body, size_t size);

/* As it is sent on a connection that lives on.  Bytes, or -ENOSPC. */
int reply_print(char *buf, size_t size, const struct reply *r);

#endif /* REPLY_H */
