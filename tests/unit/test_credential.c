// SPDX-License-Identifier: GPL-2.0-only
/* bpf/ has a credential.h too, and is searched first. */
#include "../../agent/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Sizes at and over the limits; headers are built from them. */
static const struct {
	const char *what;
	size_t authorization; /* bytes of the whole value, 0: absent */
	size_t x_api_key;
	size_t x_goog_api_key;
	bool bearer;
	const char *query;
	enum pc_reason main; /* 0.1.179 */
	enum pc_reason google;
} sizes[] = {
	{ "token of 128", 135, 0, 0, true, "", PC_NEXT, PC_NEXT },
	{ "token of 129", 136, 0, 0, true, "", PC_R_KEY_INVALID,
	  PC_R_KEY_INVALID },
	{ "Authorization of 256, no scheme", 256, 0, 0, false, "",
	  PC_R_CREDENTIAL_MISSING, PC_R_CREDENTIAL_MISSING },
	{ "Authorization of 257, no scheme", 257, 0, 0, false, "",
	  PC_R_KEY_INVALID, PC_R_KEY_INVALID },
	{ "x-api-key of 128", 0, 128, 0, false, "", PC_NEXT, PC_NEXT },
	{ "x-api-key of 129", 0, 129, 0, false, "", PC_R_KEY_INVALID,
	  PC_R_KEY_INVALID },
	{ "x-goog-api-key of 128", 0, 0, 128, false, "", PC_NEXT, PC_NEXT },
	{ "unused x-goog-api-key of 129", 20, 0, 129, true, "",
	  PC_R_KEY_INVALID, PC_R_KEY_INVALID },
	{ "oversized header before the query", 0, 129, 0, false, "api_key=x",
	  PC_R_KEY_INVALID, PC_R_KEY_INVALID },
	{ "query before an oversized token", 136, 0, 0, true, "api_key=x",
	  PC_R_QUERY_KEY, PC_R_QUERY_KEY },
	{ "query before none", 0, 0, 0, false, "api_key=x", PC_R_QUERY_KEY,
	  PC_R_QUERY_KEY },
};

static const char *filled(char *buf, size_t size, bool bearer)
{
	memset(buf, 'x', size);
	buf[size] = '\0';
	if (bearer)
		memcpy(buf, "Bearer ", 7);
	return buf;
}

static enum pc_reason reason_of(size_t i, uint8_t profile, uint8_t variant)
{
	const struct decide_config cfg = { .profile = profile };
	char text[3][300];
	struct header headers[3];
	struct decide_request req = {
		.method = "POST",
		.path = variant == PC_VARIANT_GOOGLE ? "/v1beta/x" : "/v1/x",
		.query = sizes[i].query,
		.headers = headers,
		.variant = variant,
	};
	struct credential c;
	enum pc_reason reason;

	if (sizes[i].authorization)
		headers[req.n_headers++] =
			(struct header){ "Authorization",
					 filled(text[0], sizes[i].authorization,
						sizes[i].bearer) };
	if (sizes[i].x_api_key)
		headers[req.n_headers++] = (struct header){
			"X-Api-Key", filled(text[1], sizes[i].x_api_key, false)
		};
	if (sizes[i].x_goog_api_key)
		headers[req.n_headers++] = (struct header){
			"X-Goog-Api-Key",
			filled(text[2], sizes[i].x_goog_api_key, false)
		};
	assert_int_equal(credential_find(&c, &cfg, &req), 0);
	reason = c.reason;
	assert_true((reason == PC_NEXT) == (c.key != NULL));
	credential_fini(&c);
	assert_null(c.key);
	return reason;
}

static void sizes_are_limited_since_the_seed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (reason_of(i, PC_PROFILE_V0_1_179, PC_VARIANT_MAIN) !=
		    sizes[i].main)
			fail_msg("%s", sizes[i].what);
		if (reason_of(i, PC_PROFILE_V0_1_179, PC_VARIANT_GOOGLE) !=
		    sizes[i].google)
			fail_msg("google: %s", sizes[i].what);
		/* The seed never calls a key too long. */
		assert_int_not_equal(
			reason_of(i, PC_PROFILE_SEED, PC_VARIANT_MAIN),
			PC_R_KEY_INVALID);
	}
}

static const struct {
	const char *what;
	uint8_t profile;
	uint8_t variant;
	const char *path;
	const char *query;
	const char *value; /* of Authorization */
	const char *key;   /* NULL: none */
} keys[] = {
	{ "seed keeps blanks before the token", PC_PROFILE_SEED,
	  PC_VARIANT_MAIN, "/v1/x", "", "Bearer  k", " k" },
	{ "the token may hold blanks", PC_PROFILE_SEED, PC_VARIANT_MAIN,
	  "/v1/x", "", "Bearer a b", "a b" },
	{ "later the token is trimmed", PC_PROFILE_V0_1_179, PC_VARIANT_MAIN,
	  "/v1/x", "", "Bearer \v k \xc2\x85", "k" },
	{ "a blank inside a broken sequence stays", PC_PROFILE_V0_1_179,
	  PC_VARIANT_MAIN, "/v1/x", "", "Bearer k\xa0", "k\xa0" },
	{ "blanks around the value go", PC_PROFILE_SEED, PC_VARIANT_MAIN,
	  "/v1/x", "", " \tBearer k\t ", "k" },
	{ "scheme run into the token", PC_PROFILE_V0_1_179, PC_VARIANT_MAIN,
	  "/v1/x", "", "Bearerk", NULL },
	{ "?key= is no main credential", PC_PROFILE_V0_1_179, PC_VARIANT_MAIN,
	  "/v1beta/x", "", "", NULL },
	{ "?key= decoded and trimmed", PC_PROFILE_SEED, PC_VARIANT_GOOGLE,
	  "/v1beta/x", "key=+%6B%20", "", "k" },
	{ "?key= below an encoded prefix", PC_PROFILE_V0_1_179,
	  PC_VARIANT_GOOGLE, "/v1%62eta/x", "key=k", "", "k" },
	{ "?key= elsewhere", PC_PROFILE_SEED, PC_VARIANT_GOOGLE, "/gemini/x",
	  "key=k", "", NULL },
	{ "a header hides ?key=", PC_PROFILE_SEED, PC_VARIANT_GOOGLE,
	  "/v1beta/x", "key=k", "Bearer h", "h" },
	{ "?key= with a NUL is not cut there", PC_PROFILE_SEED,
	  PC_VARIANT_GOOGLE, "/v1beta/x", "key=k%00", "", "k\x01" },
};

static void keys_are_cut_as_each_version_cuts_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct decide_config cfg = { .profile = keys[i].profile };
		const struct header h = { "authorization", keys[i].value };
		const struct decide_request req = {
			.method = "POST",
			.path = keys[i].path,
			.query = keys[i].query,
			.headers = &h,
			.n_headers = 1,
			.variant = keys[i].variant,
		};
		struct credential c;

		assert_int_equal(credential_find(&c, &cfg, &req), 0);
		if (!c.key != !keys[i].key ||
		    (c.key && strcmp(c.key, keys[i].key)))
			fail_msg("%s: %s", keys[i].what,
				 c.key ? c.key : "none");
		assert_int_equal(c.size, c.key ? strlen(c.key) : 0);
		credential_fini(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_limited_since_the_seed),
		cmocka_unit_test(keys_are_cut_as_each_version_cuts_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
