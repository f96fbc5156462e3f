// SPDX-License-Identifier: GPL-2.0-only
#include "path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define G PC_P_GUARDED
#define GOOGLE (PC_P_GUARDED | PC_P_GOOGLE)
#define OPENAI (PC_P_GUARDED | PC_P_OPENAI)

static const struct {
	const char *path;
	uint32_t seed;
	uint32_t later;
} rows[] = {
	{ "/v1/messages", G, G },
	{ "/v1/", G, G },
	{ "/v1", 0, 0 },
	{ "/V1/messages", 0, 0 },
	{ "/v1x/messages", 0, 0 },
	{ "/v1beta/models/x:generateContent", GOOGLE, GOOGLE },
	{ "/v1beta", 0, 0 },
	{ "/v1betamax/x", 0, 0 },
	{ "/antigravity/v1/messages", G, G },
	{ "/antigravity/v1beta/models/x", GOOGLE, GOOGLE },
	{ "/antigravity/v1/usage", G, G },
	{ "/antigravity", 0, 0 },
	{ "/responses", G, OPENAI },
	{ "/responses/", G, OPENAI },
	{ "/responses/compact", G, OPENAI },
	{ "/responsesx", 0, 0 },
	{ "/v1/responses", G, OPENAI },
	{ "/v1/responses/x/y", G, OPENAI },
	{ "/v1/responsesx", G, G },
	{ "/backend-api/codex/responses", 0, OPENAI },
	{ "/backend-api/codex/models", 0, G },
	{ "/backend-api/codex", 0, 0 },
	{ "/v1/usage", G, G | PC_P_EXEMPT },
	{ "/v1/usage/", G, G },
	{ "/v1/usages", G, G },
	{ "/v1/sub2api/billing", G, G | PC_P_EXEMPT },
	{ "/v1/images/tasks/x", G, G | PC_P_EXEMPT_GET },
	{ "/v1/images/tasks/", G, G | PC_P_EXEMPT_GET },
	{ "/v1/images/tasks", G, G },
	{ "/images/tasks/x", 0, G | PC_P_EXEMPT_GET },
	{ "/images/generations", 0, G },
	{ "/videos/x", 0, G },
	{ "/chat/completions", 0, G },
	{ "/chat/completions/x", 0, 0 },
	{ "/embeddings", 0, G },
	{ "/models", 0, G },
	{ "/messages/count_tokens", 0, G },
	{ "/alpha/search", 0, G },
	{ "/tts", 0, G },
	{ "/stt", 0, G },
	{ "/custom-voices", 0, G },
	{ "/realtime", 0, G },
	{ "/web_search", 0, G },
	{ "/x_search", 0, G },
	{ "/", 0, 0 },
	{ "", 0, 0 },
	{ "/health", 0, 0 },
	{ "/setup/status", 0, 0 },
	{ "/api/v1/admin/users", 0, 0 },
	{ "/api/v1/keys", 0, 0 },
	{ "/api/event_logging/batch", 0, 0 },
};

static void paths_mean_what_they_mean_to_the_gateway(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		__u8 look[PC_PATH_LOOK] = { 0 };
		__u32 n = (__u32)strlen(rows[i].path), seed, later;

		assert_true(n <= sizeof(look));
		memcpy(look, rows[i].path, n);
		seed = pc_path_classify(look, n, PC_PROFILE_SEED);
		later = pc_path_classify(look, n, PC_PROFILE_V0_1_179);
		if (seed != rows[i].seed || later != rows[i].later)
			fail_msg("%s: %#x and %#x", rows[i].path, seed, later);
	}
}

#define GET_SEED 1
#define GET_LATER 2
#define POST_SEED 4
#define POST_LATER 8
#define GET (GET_SEED | GET_LATER)
#define POST (POST_SEED | POST_LATER)

static const struct {
	const char *path;
	unsigned int routed;
} routes[] = {
	{ "/v1/messages", POST },
	{ "/v1/messages/count_tokens", POST },
	{ "/v1/messages/x", 0 },
	{ "/v1/message", 0 },
	{ "/v1/models", GET },
	{ "/v1/usage", GET },
	{ "/v1/nowhere", 0 },
	{ "/v1/", 0 },
	{ "/v1/responses", POST },
	{ "/v1/responses/compact", POST_LATER },
	{ "/v1/chat/completions", POST_LATER },
	{ "/v1/sub2api/billing", GET_LATER },
	{ "/v1beta/models", GET },
	{ "/v1beta/models/x:y", GET | POST },
	{ "/v1beta/modelsx", 0 },
	{ "/antigravity/v1/messages", POST },
	{ "/antigravity/v1beta/models/x", GET | POST },
	{ "/antigravity/x", 0 },
	{ "/responses", POST },
	{ "/responses/compact", POST_LATER },
	{ "/backend-api/codex/responses/x", POST_LATER },
	{ "/backend-api/codex/x", 0 },
	{ "/models", GET_LATER },
	{ "/images/tasks/7", GET_LATER },
	{ "/images/logo", 0 },
	{ "/videos/x", 0 },
	{ "/health", 0 },
};

/* Where a key is asked for in any case; each of them is guarded, too. */
static void routes_are_certain(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const char *path = routes[i].path;
		__u8 look[PC_PATH_LOOK] = { 0 };
		__u32 n = (__u32)strlen(path);

		memcpy(look, path, n);
		for (__u32 k = 0; k < 4; k++) {
			int routed = pc_path_routed(look, n, k & 1, k < 2);

			if (routed != (int)(routes[i].routed >> k & 1))
				fail_msg("%s, %u: %d", path, k, routed);
			if (routed &&
			    !(pc_path_classify(look, n, k & 1) & PC_P_GUARDED))
				fail_msg("%s, %u: not guarded", path, k);
		}
	}
}

/* A path cut off at any byte is judged by what is left, never by what follows.
 */
static void bytes_past_the_end_do_not_count(void **state)
{
	static const __u8 path[PC_PATH_LOOK] = "/v1/usage";

	(void)state;
	assert_int_equal(pc_path_classify(path, 8, PC_PROFILE_V0_1_179), G);
	assert_int_equal(pc_path_classify(path, 9, PC_PROFILE_V0_1_179),
			 G | PC_P_EXEMPT);
	assert_int_equal(pc_path_classify(path, 10, PC_PROFILE_V0_1_179), G);
	assert_int_equal(pc_path_classify(path, 3, PC_PROFILE_V0_1_179), 0);
	assert_int_equal(pc_path_classify(path, 0, PC_PROFILE_V0_1_179), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_mean_what_they_mean_to_the_gateway),
		cmocka_unit_test(routes_are_certain),
		cmocka_unit_test(bytes_past_the_end_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
