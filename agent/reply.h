/* SPDX-License-Identifier: GPL-2.0-only */
/* An HTTP answer while it is put together, in fixed memory. */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
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
		bool fixed; /* the value is a literal, too */
	} headers[REPLY_HEADERS];
	size_t n_headers;
	size_t used; /* of text */
	char text[REPLY_TEXT_SIZE];
};

/* With no body and no headers. */
void reply_init(struct reply *r, int status);

/* value is borrowed until the reply is sent; "" becomes an empty value. */
void reply_header(struct reply *r, const char *name, const char *value);
/* The same for a literal or other text that never changes nor goes. */
void reply_header_fixed(struct reply *r, const char *name, const char *value);
void reply_header_number(struct reply *r, const char *name, long long n);
/* Room for n bytes that live as long as the reply; NULL: there is none. */
char *reply_room(struct reply *r, size_t n);

/* {"code": …, "message": …} as the gateway words its own errors. */
void reply_error(struct reply *r, int status, const char *code,
		 const char *message);
/* body is JSON, borrowed. */
void reply_json(struct reply *r, const char *body, size_t size);

#endif /* REPLY_H */
