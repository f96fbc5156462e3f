// SPDX-License-Identifier: GPL-2.0-only
#include "reply.h"

#include <string.h>

#include "text.h"

#define NUMBER_SIZE 24

void reply_init(struct reply *r, int status)
{
	r->status = status;
	r->type = NULL;
	r->body = "";
	r->body_size = 0;
	r->n_headers = 0;
	r->used = 0;
}

static void add(struct reply *r, const char *name, const char *value,
		bool fixed)
{
	if (r->n_headers == REPLY_HEADERS)
		return;
	/* libmicrohttpd refuses an empty value; a blank is one on the wire. */
	if (!*value) {
		value = " ";
		fixed = true;
	}
	r->headers[r->n_headers++] =
		(struct reply_header){ name, value, fixed };
}

void reply_header(struct reply *r, const char *name, const char *value)
{
	add(r, name, value, false);
}

void reply_header_fixed(struct reply *r, const char *name, const char *value)
{
	add(r, name, value, true);
}

char *reply_room(struct reply *r, size_t n)
{
	char *room = r->text + r->used;

	if (n > sizeof(r->text) - r->used)
		return NULL;
	r->used += n;
	return room;
}

void reply_header_number(struct reply *r, const char *name, long long n)
{
	char digits[NUMBER_SIZE], *at = digits + sizeof(digits), *room;
	unsigned long long rest =
		n < 0 ? -(unsigned long long)n : (unsigned long long)n;
	size_t size;

	*--at = '\0';
	do {
		*--at = (char)('0' + rest % 10);
	} while (rest /= 10);
	if (n < 0)
		*--at = '-';
	size = (size_t)(digits + sizeof(digits) - at);
	room = reply_room(r, size);
	if (room)
		reply_header(r, name, memcpy(room, at, size));
}

void reply_json(struct reply *r, const char *body, size_t size)
{
	r->type = "application/json; charset=utf-8";
	r->body = body;
	r->body_size = size;
}

void reply_error(struct reply *r, int status, const char *code,
		 const char *message)
{
	struct text t;

	reply_init(r, status);
	t = (struct text){ .buf = r->text, .size = sizeof(r->text) };
	text_add(&t, "{\"code\":\"%s\",\"message\":", code);
	text_add_json(&t, message);
	text_add(&t, "}");
	r->used = t.used + 1;
	reply_json(r, r->text, t.used);
}
