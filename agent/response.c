// SPDX-License-Identifier: GPL-2.0-only
#include "response.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool add(struct MHD_Response *m, const struct reply_header *h)
{
	return MHD_add_response_header(m, h->name, h->value) == MHD_YES;
}

struct MHD_Response *response_make(const struct reply *r)
{
	struct MHD_Response *m = MHD_create_response_from_buffer(
		r->body_size, (void *)(uintptr_t)r->body,
		r->body_size ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
	bool good = m;

	for (size_t i = 0; good && i < r->n_headers; i++)
		good = add(m, &r->headers[i]);
	if (good && r->type)
		good = MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE,
					       r->type);
	if (good || !m)
		return m;
	MHD_destroy_response(m);
	return NULL;
}

void responses_fini(struct responses *all)
{
	while (all->n)
		MHD_destroy_response(all->shapes[--all->n].response);
}

/* Literals are compared by where they are. */
static bool same(const struct reply_header *a, const struct reply_header *b)
{
	return a->name == b->name && a->value == b->value;
}

static bool fits(const struct response_shape *s, const struct reply *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_headers; i++) {
		if (!r->headers[i].fixed)
			continue;
		if (n == s->n || !same(&s->fixed[n], &r->headers[i]))
			return false;
		n++;
	}
	return n == s->n;
}

static struct response_shape *new_shape(struct responses *all,
					const struct reply *r)
{
	struct response_shape *s = &all->shapes[all->n];

	if (all->n == RESPONSE_SHAPES)
		return NULL;
	s->n = 0;
	s->response = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
						      MHD_RESPMEM_PERSISTENT);
	if (!s->response)
		return NULL;
	for (size_t i = 0; i < r->n_headers; i++) {
		if (!r->headers[i].fixed)
			continue;
		if (!add(s->response, &r->headers[i])) {
			MHD_destroy_response(s->response);
			return NULL;
		}
		s->fixed[s->n++] = r->headers[i];
	}
	all->n++;
	return s;
}

static struct response_shape *find_shape(struct responses *all,
					 const struct reply *r)
{
	for (size_t i = 0; i < all->n; i++) {
		if (fits(&all->shapes[i], r))
			return &all->shapes[i];
	}
	return new_shape(all, r);
}

static bool set(struct MHD_Response *m, const struct reply_header *h)
{
	const char *now = MHD_get_response_header(m, h->name);

	if (now && !strcmp(now, h->value))
		return true;
	if (now && !MHD_del_response_header(m, h->name, now))
		return false;
	return add(m, h);
}

struct MHD_Response *response_take(struct responses *all, const struct reply *r)
{
	struct response_shape *s;

	if (r->body_size || r->type)
		return NULL;
	s = find_shape(all, r);
	if (!s)
		return NULL;
	for (size_t i = 0; i < r->n_headers; i++) {
		if (!r->headers[i].fixed && !set(s->response, &r->headers[i]))
			return NULL;
	}
	return s->response;
}
