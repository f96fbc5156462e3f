// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include "dialect.h"
#include "header.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define N 8

/* A question; "" where something is wrong with it. */
static const struct {
	const char *what;
	enum dialect_kind kind;
	bool stranger;
	const char *fields; /* "name: value\n…" */
	const char *method, *path, *query, *peer;
	const char *forwarded; /* X-Forwarded-For as the client sent it */
	const char *missing;   /* NULL: nothing */
} rows[] = {
	{ "nginx", DIALECT_NGINX, false,
	  "X-Original-Method: PUT\nX-Original-URI: /v1/a?b=c?d\n"
	  "X-Original-Addr: 192.0.2.1\nX-Forwarded-For: 10.0.0.1, 10.0.0.2\n",
	  "PUT", "/v1/a", "b=c?d", "192.0.2.1:0", "10.0.0.1, 10.0.0.2", NULL },
	{ "nginx, IPv6", DIALECT_NGINX, false,
	  "X-Original-Method: PUT\nX-Original-URI: /v1/a\n"
	  "X-Original-Addr: 2001:db8::1\n",
	  "PUT", "/v1/a", "", "[2001:db8::1]:0", "", NULL },
	{ "nginx, with a port", DIALECT_NGINX, false,
	  "X-Original-Method: PUT\nX-Original-URI: /v1/a\n"
	  "X-Original-Addr: [2001:db8::1]:77\n",
	  "PUT", "/v1/a", "", "[2001:db8::1]:77", "", NULL },
	{ "nginx, a target with its host", DIALECT_NGINX, false,
	  "X-Original-Method: GET\nX-Original-URI: http://h/v1/a?b\n"
	  "X-Original-Addr: 192.0.2.1\n",
	  "GET", "/v1/a", "b", "192.0.2.1:0", "", NULL },
	{ "nginx, nothing but another dialect's fields", DIALECT_NGINX, false,
	  "X-Forwarded-Method: GET\nX-Forwarded-Uri: /v1/a\n"
	  "X-Forwarded-For: 192.0.2.1\n",
	  .missing = "X-Original-Method" },
	{ "nginx, no target", DIALECT_NGINX, false,
	  "X-Original-Method: GET\nX-Original-Addr: 192.0.2.1\n",
	  .missing = "X-Original-URI" },
	{ "nginx, no address", DIALECT_NGINX, false,
	  "X-Original-Method: GET\nX-Original-URI: /\n",
	  .missing = "X-Original-Addr" },
	{ "nginx, two targets", DIALECT_NGINX, false,
	  "X-Original-Method: GET\nX-Original-URI: /a\nx-original-uri: /b\n"
	  "X-Original-Addr: 192.0.2.1\n",
	  .missing = "one field of a kind" },
	{ "nginx, an address that is not believed", DIALECT_NGINX, true,
	  "X-Original-Method: GET\nX-Original-URI: /a\n"
	  "X-Original-Addr: 192.0.2.1\n",
	  "GET", "/a", "", "198.51.100.9:5", "", NULL },
	{ "forward", DIALECT_FORWARD, false,
	  "X-Forwarded-Method: PUT\nX-Forwarded-Uri: /v1/a?b=c\n"
	  "X-Forwarded-For: 192.0.2.1\n",
	  "PUT", "/v1/a", "b=c", "192.0.2.1:0", "", NULL },
	{ "forward, behind the client's own claim", DIALECT_FORWARD, false,
	  "X-Forwarded-Method: PUT\nX-Forwarded-Uri: /v1/a\n"
	  "X-Forwarded-For: 10.0.0.1, 192.0.2.1\n",
	  "PUT", "/v1/a", "", "192.0.2.1:0", "10.0.0.1", NULL },
	{ "forward, on a line of its own", DIALECT_FORWARD, false,
	  "X-Forwarded-Method: PUT\nX-Forwarded-Uri: /v1/a\n"
	  "X-Forwarded-For: 10.0.0.1\nX-Forwarded-For: 192.0.2.1\n",
	  "PUT", "/v1/a", "", "192.0.2.1:0", "10.0.0.1", NULL },
	{ "forward, no address", DIALECT_FORWARD, false,
	  "X-Forwarded-Method: PUT\nX-Forwarded-Uri: /v1/a\n",
	  .missing = "X-Forwarded-For" },
	{ "forward, no method", DIALECT_FORWARD, false,
	  "X-Forwarded-Uri: /v1/a\nX-Forwarded-For: 192.0.2.1\n",
	  .missing = "X-Forwarded-Method" },
	{ "envoy", DIALECT_ENVOY, false,
	  "X-Original-Addr: 192.0.2.1\nX-Forwarded-For: 10.0.0.1, 10.9.9.9\n",
	  "DELETE", "/v1/x", "y=z", "192.0.2.1:0", "10.0.0.1", NULL },
	{ "envoy, no address", DIALECT_ENVOY, false,
	  "X-Forwarded-For: 192.0.2.1\n", .missing = "X-Original-Addr" },
};

static size_t make_fields(struct header *out, char *text)
{
	size_t n = 0;

	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n")) {
		char *colon = strchr(l, ':');

		*colon = '\0';
		assert_in_range(n, 0, N - 1);
		out[n++] = (struct header){ l, colon + 2 };
	}
	return n;
}

static void expect(const char *what, const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("%s: \"%s\", not \"%s\"", what, got, want);
}

static void check_question(size_t i, const struct dialect_request *q)
{
	struct span forwarded = header_get(&q->req, "X-Forwarded-For");
	char text[64];

	expect(rows[i].what, q->req.method, rows[i].method);
	expect(rows[i].what, q->req.path, rows[i].path);
	expect(rows[i].what, q->req.query, rows[i].query);
	expect(rows[i].what, q->req.peer, rows[i].peer);
	snprintf(text, sizeof(text), "%.*s", (int)forwarded.size,
		 forwarded.text);
	expect(rows[i].what, text, rows[i].forwarded);
	for (size_t j = 0; j < q->req.n_headers; j++) {
		if (!strncasecmp(q->req.headers[j].name, "X-Original-", 11))
			fail_msg("%s: the proxy's field is left", rows[i].what);
	}
}

static void each_dialect_reads_its_own_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer peer = { .believed = !rows[i].stranger,
				     .address = "198.51.100.9:5" };
		char *text = strdup(rows[i].fields);
		struct header fields[N];
		struct http_request http = {
			.method = "DELETE",
			.path = "/v1/auth/envoy/v1/x",
			.query = "y=z",
			.headers = fields,
			.n_headers = make_fields(fields, text),
			.peer = &peer,
		};
		struct dialect_request q;
		int err = dialect_read(&q, rows[i].kind, &http);

		if (rows[i].missing) {
			assert_int_equal(err, -EINVAL);
			expect(rows[i].what, q.missing, rows[i].missing);
		} else {
			if (err)
				fail_msg("%s: %d %s", rows[i].what, err,
					 q.missing ? q.missing : "");
			check_question(i, &q);
		}
		dialect_fini(&q);
		free(text);
	}
}

static const char *field(const struct reply *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		if (!strcmp(r->headers[i].name, name))
			return r->headers[i].value;
	}
	return NULL;
}

static void make_ruling(struct ruling *r, int status)
{
	memset(r, 0, sizeof(*r));
	r->allow = status == 200;
	r->retry_s = -1;
	r->answer = (struct answer){ .status = status, .code = "CODE" };
	if (!r->allow)
		r->body_size = (size_t)snprintf(r->body, sizeof(r->body),
						"{\"code\":\"CODE\"}");
}

static void nginx_gets_what_it_understands(void **state)
{
	static const int statuses[][2] = { { 200, 200 }, { 401, 401 },
					   { 403, 403 }, { 429, 403 },
					   { 400, 403 }, { 503, 403 },
					   { 500, 403 } };
	struct ruling r;
	struct reply reply;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		char text[8];

		make_ruling(&r, statuses[i][0]);
		dialect_answer(&reply, DIALECT_NGINX, &r, "id");
		assert_int_equal(reply.status, statuses[i][1]);
		assert_int_equal(reply.body_size, 0);
		snprintf(text, sizeof(text), "%d", statuses[i][0]);
		assert_string_equal(field(&reply, "X-Portcullis-Status"), text);
		assert_string_equal(field(&reply, "X-Portcullis-Body"),
				    r.allow ? "" : r.body);
	}
}

static void others_get_the_gateways_answer(void **state)
{
	struct ruling r;
	struct reply reply;

	(void)state;
	make_ruling(&r, 429);
	r.retry_s = 7;
	dialect_answer(&reply, DIALECT_FORWARD, &r, "id");
	assert_int_equal(reply.status, 429);
	assert_string_equal(reply.body, r.body);
	assert_string_equal(field(&reply, "Retry-After"), "7");
	make_ruling(&r, 401);
	dialect_answer(&reply, DIALECT_ENVOY, &r, "id");
	assert_string_equal(field(&reply, "WWW-Authenticate"), "Bearer");
	assert_null(field(&reply, "Retry-After"));
}

/* A proxy would hand on the client's own where one of ours is not there. */
static void every_field_is_always_there(void **state)
{
	static const char *const names[] = {
		"Cache-Control",
		"X-Portcullis-Decision-Id",
		"X-Portcullis-Key-Id",
		"X-Portcullis-User-Id",
		"X-Portcullis-Group-Id",
		"X-Portcullis-Client",
		"X-Portcullis-Reason",
		"X-Portcullis-Status",
		"X-Portcullis-Code",
		"X-Portcullis-Body",
		"X-Portcullis-Retry-After",
		"X-Portcullis-Stale",
	};
	struct reply answers[3];
	struct ruling r;

	(void)state;
	make_ruling(&r, 200);
	dialect_answer(&answers[0], DIALECT_NGINX, &r, "id");
	make_ruling(&r, 429);
	dialect_answer(&answers[1], DIALECT_FORWARD, &r, "id");
	dialect_refuse(&answers[2], DIALECT_NGINX, 400, "BAD_REQUEST", "no");
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			if (!field(&answers[i], names[j]))
				fail_msg("%zu: no %s", i, names[j]);
		}
	}
}

static void no_client_writes_a_field_of_its_own(void **state)
{
	struct ruling r;
	struct reply reply;

	(void)state;
	make_ruling(&r, 200);
	strcpy(r.d.client, "1.2.3.4\r\nX-Evil: 1");
	dialect_answer(&reply, DIALECT_NGINX, &r, "id");
	assert_string_equal(field(&reply, "X-Portcullis-Client"),
			    "1.2.3.4??X-Evil: 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_dialect_reads_its_own_fields),
		cmocka_unit_test(nginx_gets_what_it_understands),
		cmocka_unit_test(others_get_the_gateways_answer),
		cmocka_unit_test(every_field_is_always_there),
		cmocka_unit_test(no_client_writes_a_field_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
