// SPDX-License-Identifier: GPL-2.0-only
#include "answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "path.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *what;
	uint8_t profile;
	enum pc_dialect dialect;
	enum pc_reason reason;
	const char *client;
	const char *detail;
	int status;
	const char *body;
} bodies[] = {
	{ "std", PC_PROFILE_SEED, PC_DIALECT_STD, PC_R_KEY_EXPIRED, NULL, NULL,
	  403,
	  "{\"code\":\"API_KEY_EXPIRED\",\"message\":\"API key 已过期\"}" },
	{ "google", PC_PROFILE_V0_1_179, PC_DIALECT_GOOGLE,
	  PC_R_GROUP_NOT_ALLOWED, NULL, NULL, 403,
	  "{\"error\":{\"code\":403,\"message\":\"API Key 所属专属分组不再允许当前用户使用\",\"status\":\"PERMISSION_DENIED\"}}" },
	{ "openai", PC_PROFILE_V0_1_179, PC_DIALECT_OPENAI, PC_R_KEY_EXHAUSTED,
	  NULL, NULL, 429,
	  "{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"API key 额度已用完\",\"param\":null,\"type\":\"insufficient_quota\"}}" },
	{ "address", PC_PROFILE_V0_1_179, PC_DIALECT_STD, PC_R_ADDRESS_DENIED,
	  "2001:db8::7", NULL, 403,
	  "{\"code\":\"ACCESS_DENIED\",\"message\":\"Access denied. Your IP is 2001:db8::7\"}" },
	{ "no address", PC_PROFILE_V0_1_179, PC_DIALECT_GOOGLE,
	  PC_R_ADDRESS_DENIED, "", NULL, 403,
	  "{\"error\":{\"code\":403,\"message\":\"Access denied. Your IP is unknown\",\"status\":\"PERMISSION_DENIED\"}}" },
	{ "the seed does not tell the address", PC_PROFILE_SEED, PC_DIALECT_STD,
	  PC_R_ADDRESS_DENIED, "192.0.2.1", NULL, 403,
	  "{\"code\":\"ACCESS_DENIED\",\"message\":\"Access denied\"}" },
	{ "Go's error text, quotes escaped", PC_PROFILE_SEED, PC_DIALECT_STD,
	  PC_R_USAGE_LIMIT, NULL,
	  "error: code=429 reason=\"X\" message=\"y\" metadata=map[]", 429,
	  "{\"code\":\"USAGE_LIMIT_EXCEEDED\",\"message\":\"error: code=429 reason=\\\"X\\\" message=\\\"y\\\" metadata=map[]\"}" },
	{ "google's own words for a missing key", PC_PROFILE_SEED,
	  PC_DIALECT_GOOGLE, PC_R_CREDENTIAL_MISSING, NULL, NULL, 401,
	  "{\"error\":{\"code\":401,\"message\":\"API key is required\",\"status\":\"UNAUTHENTICATED\"}}" },
	{ "503 is INTERNAL to google", PC_PROFILE_V0_1_179, PC_DIALECT_GOOGLE,
	  PC_R_LOOKUP_BUSY, NULL, NULL, 503,
	  "{\"error\":{\"code\":503,\"message\":\"API key authentication is temporarily unavailable\",\"status\":\"INTERNAL\"}}" },
	{ "rate limited", PC_PROFILE_V0_1_179, PC_DIALECT_STD,
	  PC_R_RATE_LIMITED, NULL, NULL, 429,
	  "{\"code\":\"INVALID_AUTH_RATE_LIMITED\",\"message\":\"Too many invalid authentication attempts; retry later\"}" },
};

static void bodies_are_the_gateways(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		char message[512], body[1024];
		struct answer a;
		int n;

		assert_int_equal(answer_find(&a, bodies[i].profile,
					     bodies[i].dialect,
					     bodies[i].reason),
				 0);
		answer_message(message, sizeof(message), &a, bodies[i].client,
			       bodies[i].detail);
		n = answer_body(body, sizeof(body), bodies[i].dialect, &a,
				message);
		assert_int_equal(a.status, bodies[i].status);
		if (strcmp(body, bodies[i].body))
			fail_msg("%s: %s", bodies[i].what, body);
		assert_int_equal(n, strlen(body));
		/* One byte less does not hold it and its NUL. */
		assert_int_equal(answer_body(body, (size_t)n, bodies[i].dialect,
					     &a, message),
				 -ENOSPC);
	}
}

static const struct {
	const char *what;
	const char *text;
	const char *json;
} strings[] = {
	{ "control characters", "\x01\x1f\x7f", "\\u0001\\u001f\x7f" },
	{ "short escapes", "\b\f\n\r\t\"\\/", "\\b\\f\\n\\r\\t\\\"\\\\/" },
	{ "HTML", "<a&b>", "\\u003ca\\u0026b\\u003e" },
	{ "line separators", "\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029" },
	{ "their neighbours", "\xe2\x80\xa7\xe2\x80\xaa",
	  "\xe2\x80\xa7\xe2\x80\xaa" },
	{ "four bytes", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "stray continuation", "a\x80", "a\\ufffd" },
	{ "cut sequence", "\xe5\x88", "\\ufffd\\ufffd" },
	{ "overlong", "\xc0\xaf", "\\ufffd\\ufffd" },
	{ "overlong of three", "\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd" },
	{ "surrogate", "\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd" },
	{ "past U+10FFFF", "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
	{ "last code point", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
};

static void strings_are_escaped_as_go_escapes_them(void **state)
{
	const struct answer a = { .status = 401, .code = "C" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		char body[256], want[256];

		answer_body(body, sizeof(body), PC_DIALECT_STD, &a,
			    strings[i].text);
		snprintf(want, sizeof(want),
			 "{\"code\":\"C\",\"message\":\"%s\"}",
			 strings[i].json);
		if (strcmp(body, want))
			fail_msg("%s: %s", strings[i].what, body);
	}
}

/* What a client would make of the bytes the kernel sends. */
static void check_response(const struct pc_answer *c, bool closing)
{
	char text[PC_ANSWER_SIZE + 1];
	char *body, *length;
	json_t *json;
	int status;

	memcpy(text, c->data, c->size);
	text[c->size] = '\0';
	assert_int_equal(sscanf(text, "HTTP/1.1 %3d ", &status), 1);
	body = strstr(text, "\r\n\r\n");
	assert_non_null(body);
	body += 4;
	assert_int_equal(strlen(body), c->body_size);
	json = json_loads(body, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	assert_true(!!strstr(text, "\r\nConnection: close\r\n") == closing);
	assert_non_null(strstr(
		text, "\r\nContent-Type: application/json; charset=utf-8\r\n"));

	/* Content-Length comes last; where an address is to be put in, it has
	 * three bytes at length_at.
	 */
	length = strstr(text, "\r\nContent-Length: ");
	assert_non_null(length);
	assert_int_equal(atoi(length + 18), c->body_size);
	if (!c->address_at)
		return;
	assert_ptr_equal(length + 18, text + c->length_at);
	assert_memory_equal(text + c->length_at + 3, "\r\n\r\n", 4);
}

static void compiled_answers_are_whole_responses(void **state)
{
	unsigned int n = 0;

	(void)state;
	for (uint8_t p = 0; p < PC_PROFILE_MAX; p++) {
		for (int d = 0; d < PC_DIALECT_MAX; d++) {
			for (int i = 0; i < 2 * PC_R_MAX; i++) {
				struct pc_answer c;
				int err =
					answer_compile(&c, p, d, i / 2, i % 2);

				assert_true(!err || err == -ENOENT);
				if (err)
					continue;
				check_response(&c, i % 2);
				n++;
			}
		}
	}
	/* The seed's 11 and 8, 0.1.179's 14, 14 and 1; closing and not. */
	assert_int_equal(n, 2 * (11 + 8 + 14 + 14 + 1));
}

static void the_address_is_left_out_of_a_compiled_answer(void **state)
{
	static const char before[] = "Your IP is ";
	struct pc_answer c;

	(void)state;
	for (int d = PC_DIALECT_STD; d <= PC_DIALECT_GOOGLE; d++) {
		assert_int_equal(answer_compile(&c, PC_PROFILE_V0_1_179, d,
						PC_R_ADDRESS_DENIED, 1),
				 0);
		assert_memory_equal(c.data + c.address_at - strlen(before),
				    before, strlen(before));
		assert_int_equal(c.data[c.address_at], '"');
		assert_true(c.size + PC_ADDRESS_TEXT <= PC_ANSWER_SIZE);
	}
	assert_int_equal(answer_compile(&c, PC_PROFILE_SEED, PC_DIALECT_STD,
					PC_R_ADDRESS_DENIED, 1),
			 0);
	assert_int_equal(c.address_at, 0);
}

static void a_compiled_answer_is_these_bytes(void **state)
{
	static const char want[] =
		"HTTP/1.1 401 Unauthorized\r\n"
		"Content-Type: application/json; charset=utf-8\r\n"
		"Connection: close\r\n"
		"Content-Length: 59\r\n\r\n"
		"{\"code\":\"API_KEY_DISABLED\",\"message\":\"API key is disabled\"}";
	struct pc_answer c;

	(void)state;
	assert_int_equal(answer_compile(&c, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
					PC_R_KEY_DISABLED, 1),
			 0);
	assert_int_equal(c.size, sizeof(want) - 1);
	assert_memory_equal(c.data, want, sizeof(want) - 1);
}

static void what_a_gateway_never_says_is_not_found(void **state)
{
	struct pc_answer c = { .size = 7 };
	struct answer a;

	(void)state;
	assert_int_equal(answer_find(&a, PC_PROFILE_SEED, PC_DIALECT_STD,
				     PC_R_GROUP_DELETED),
			 -ENOENT);
	assert_int_equal(answer_find(&a, PC_PROFILE_SEED, PC_DIALECT_GOOGLE,
				     PC_R_ADDRESS_DENIED),
			 -ENOENT);
	assert_int_equal(answer_find(&a, PC_PROFILE_SEED, PC_DIALECT_OPENAI,
				     PC_R_KEY_EXHAUSTED),
			 -ENOENT);
	assert_int_equal(answer_find(&a, PC_PROFILE_V0_1_179, PC_DIALECT_OPENAI,
				     PC_R_KEY_EXPIRED),
			 -ENOENT);
	assert_int_equal(answer_find(&a, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
				     PC_R_BLOCK_LIST),
			 -ENOENT);
	assert_int_equal(answer_compile(&c, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
					PC_R_RATE_LIMITED, 0),
			 -ENOENT);
	assert_int_equal(answer_compile(&c, PC_PROFILE_V0_1_179, PC_DIALECT_STD,
					PC_R_KEY_LIVE, 0),
			 -ENOENT);
	assert_int_equal(c.size, 7);
}

static void dialects_follow_path_and_reason(void **state)
{
	(void)state;
	assert_int_equal(answer_dialect(PC_PROFILE_V0_1_179, PC_VARIANT_MAIN,
					PC_P_OPENAI, PC_R_KEY_EXHAUSTED),
			 PC_DIALECT_OPENAI);
	assert_int_equal(answer_dialect(PC_PROFILE_V0_1_179, PC_VARIANT_MAIN,
					PC_P_OPENAI, PC_R_KEY_EXPIRED),
			 PC_DIALECT_STD);
	assert_int_equal(answer_dialect(PC_PROFILE_SEED, PC_VARIANT_MAIN,
					PC_P_OPENAI, PC_R_KEY_EXHAUSTED),
			 PC_DIALECT_STD);
	assert_int_equal(answer_dialect(PC_PROFILE_SEED, PC_VARIANT_GOOGLE, 0,
					PC_R_KEY_DISABLED),
			 PC_DIALECT_GOOGLE);
}

static void names_and_classes_cover_every_reason(void **state)
{
	uint8_t profile = 7;

	(void)state;
	for (int i = 0; i < PC_R_MAX; i++)
		assert_string_not_equal(reason_name(i), "?");
	assert_string_equal(reason_name(PC_R_MAX), "?");
	assert_string_equal(reason_name(PC_R_KEY_EXPIRED), "key-expired");
	assert_int_equal(reason_class(PC_R_KEY_EXPIRED), PC_CLASS_DENY);
	assert_int_equal(reason_class(PC_R_BLOCK_LIST), PC_CLASS_DROP);
	assert_int_equal(reason_class(PC_R_CLOSED), PC_CLASS_OWN);
	assert_int_equal(profile_parse(&profile, "v0.1.179"), 0);
	assert_int_equal(profile, PC_PROFILE_V0_1_179);
	assert_int_equal(profile_parse(&profile, "seed"), 0);
	assert_int_equal(profile_parse(&profile, "Seed"), -EINVAL);
	assert_int_equal(profile, PC_PROFILE_SEED);
	assert_string_equal(profile_name(PC_PROFILE_MAX), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_the_gateways),
		cmocka_unit_test(strings_are_escaped_as_go_escapes_them),
		cmocka_unit_test(compiled_answers_are_whole_responses),
		cmocka_unit_test(the_address_is_left_out_of_a_compiled_answer),
		cmocka_unit_test(a_compiled_answer_is_these_bytes),
		cmocka_unit_test(what_a_gateway_never_says_is_not_found),
		cmocka_unit_test(dialects_follow_path_and_reason),
		cmocka_unit_test(names_and_classes_cover_every_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
