// SPDX-License-Identifier: GPL-2.0-only
#include "reply.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
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

void reply_header(struct reply *r, const char *name, const char *value)
{
	if (r->n_headers < REPLY_HEADERS)
		r->headers[r->n_headers++] =
			(struct reply_header){ name, value };
}

char *reply_room(struct reply *r, size_t n)
{
	char *room = r->text + r->used;

	if (n > sizeof(r->text) - r->used)
		return NULL;
	r->used += n;
	return room;
}

/* Into the end of buf. */
static const char *print_number(char buf[static NUMBER_SIZE],
				unsigned long long n)
{
	char *at = buf + NUMBER_SIZE - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + n % 10);
	} while (n /= 10);
	return at;
}

void reply_header_number(struct reply *r, const char *name, long long n)
{
	char digits[NUMBER_SIZE], *room;
	const char *at = print_number(digits, n < 0 ? -(unsigned long long)n
						    : (unsigned long long)n);
	size_t size = strlen(at) + 1;

	room = reply_room(r, size + (n < 0));
	if (!room)
		return;
	if (n < 0)
		*room = '-';
	memcpy(room + (n < 0), at, size);
	reply_header(r, name, room);
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

/* A buffer that is filled until something does not fit. */
struct page {
	char *at;
	const char *end;
	bool full;
};

static void put(struct page *p, const char *bytes, size_t n)
{
	if (p->full || n > (size_t)(p->end - p->at)) {
		p->full = true;
		return;
	}
	p->at = (char *)mempcpy(p->at, bytes, n);
}

static void put_text(struct page *p, const char *text)
{
	put(p, text, strlen(text));
}

static void put_header(struct page *p, const char *name, const char *value)
{
	put_text(p, name);
	put(p, ": ", 2);
	put_text(p, value);
	put(p, "\r\n", 2);
}

int reply_print(char *buf, size_t size, const struct reply *r)
{
	struct page p = { .at = buf, .end = buf + size };
	unsigned int status = (unsigned int)r->status;
	char number[NUMBER_SIZE];

	put(&p, "HTTP/1.1 ", 9);
	put_text(&p, print_number(number, status));
	put(&p, " ", 1);
	put_text(&p, MHD_get_reason_phrase_for(status));
	put(&p, "\r\n", 2);
	for (size_t i = 0; i < r->n_headers; i++)
		put_header(&p, r->headers[i].name, r->headers[i].value);
	if (r->type)
		put_header(&p, "Content-Type", r->type);
	put_header(&p, "Content-Length", print_number(number, r->body_size));
	put(&p, "\r\n", 2);
	put(&p, r->body, r->body_size);
	return p.full ? -ENOSPC : (int)(p.at - buf);
}
