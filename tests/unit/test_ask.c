// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ask.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define HASH                               \
	"0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789ABCDEF"
#define HEAD "{\"method\":\"POST\",\"path\":\"/v1/messages\","

static const struct {
	const char *what, *text, *error; /* NULL: it is a question */
} rows[] = {
	{ "header fields", HEAD "\"headers\":[[\"a\",\"b\"],[\"c\",\"\"]]}",
	  NULL },
	{ "none", HEAD "\"headers\":[]}", NULL },
	{ "a hash", HEAD "\"key_hash\":\"" HASH "\"}", NULL },
	{ "members it does not know", HEAD "\"x\":{},\"headers\":[]}", NULL },
	{ "nothing", "", "body: not a JSON object" },
	{ "an array", "[]", "body: not a JSON object" },
	{ "half", "{\"method\":", "body: not a JSON object" },
	{ "a NUL in a text", HEAD "\"headers\":[[\"a\",\"\\u0000\"]]}",
	  "body: not a JSON object" },
	{ "a member twice", HEAD "\"path\":\"/\",\"headers\":[]}",
	  "body: not a JSON object" },
	{ "no method", "{\"path\":\"/\",\"headers\":[]}", "method: missing" },
	{ "no path", "{\"method\":\"GET\",\"headers\":[]}", "path: missing" },
	{ "a path that is a number",
	  "{\"method\":\"GET\",\"path\":1,\"headers\":[]}",
	  "path: not a string" },
	{ "neither fields nor hash", HEAD "\"client\":\"1.2.3.4\"}",
	  "headers: missing" },
	{ "both", HEAD "\"headers\":[],\"key_hash\":\"" HASH "\"}",
	  "key_hash: and headers, too" },
	{ "a short hash", HEAD "\"key_hash\":\"0123\"}",
	  "key_hash: not 64 hex digits" },
	{ "a field of one text", HEAD "\"headers\":[[\"a\"]]}",
	  "headers: not a list of [name, value]" },
	{ "a field of three", HEAD "\"headers\":[[\"a\",\"b\",\"c\"]]}",
	  "headers: not a list of [name, value]" },
	{ "a number for a value", HEAD "\"headers\":[[\"a\",1]]}",
	  "headers: not a list of [name, value]" },
};

static void bodies_are_questions_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char error[ASK_ERROR_SIZE] = "";
		struct ask a;
		int err = ask_parse(&a, rows[i].text, strlen(rows[i].text),
				    error);

		if (!err)
			ask_fini(&a);
		if (err != (rows[i].error ? -EBADMSG : 0))
			fail_msg("%s: %d %s", rows[i].what, err, error);
		if (rows[i].error && strcmp(error, rows[i].error))
			fail_msg("%s: %s", rows[i].what, error);
	}
}

static void two_hundred_fields_are_enough(void **state)
{
	char body[8192] = HEAD "\"headers\":[", error[ASK_ERROR_SIZE];
	struct ask a;

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(body, i ? ",[\"a\",\"b\"]" : "[\"a\",\"b\"]");
	strcat(body, "]}");
	assert_int_equal(ask_parse(&a, body, strlen(body), error), 0);
	assert_int_equal(a.req.n_headers, 200);
	ask_fini(&a);
	strcpy(body + strlen(body) - 2, ",[\"a\",\"b\"]]}");
	assert_int_equal(ask_parse(&a, body, strlen(body), error), -EBADMSG);
}

static void a_ruling_is_json(void **state)
{
	struct ruling *r = calloc(1, sizeof(*r));
	char json[4096];
	struct text t = { .buf = json, .size = sizeof(json) };
	const char *body, *client;
	json_t *j;

	(void)state;
	r->answer = (struct answer){ .status = 403, .code = "ACCESS_DENIED" };
	r->retry_s = -1;
	strcpy(r->message, "Your IP is \"\xff<");
	strcpy(r->body, "{\"code\":\"ACCESS_DENIED\"}");
	r->body_size = strlen(r->body);
	strcpy(r->d.client, "\"\n");
	text_add(&t, "{");
	ask_print(&t, r, "id");
	text_add(&t, "}");
	j = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_true(json_is_false(json_object_get(j, "allow")));
	assert_true(json_is_null(json_object_get(j, "key_id")));
	assert_null(json_object_get(j, "retry_after_s"));
	body = json_string_value(json_object_get(j, "body"));
	client = json_string_value(json_object_get(j, "client"));
	assert_string_equal(body, r->body);
	assert_string_equal(client, "\"\n");
	json_decref(j);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_questions_or_refused),
		cmocka_unit_test(two_hundred_fields_are_enough),
		cmocka_unit_test(a_ruling_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
