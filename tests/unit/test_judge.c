// SPDX-License-Identifier: GPL-2.0-only
/*
 * judge over the published conformance cases.  What a case expects is read
 * here, by a reader that shares nothing with the one under test.
 */
#include "judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "answer.h"
#include "cases.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const profiles[] = { "seed", "v0.1.179" };

/* The newest cases there are; a clone has only its copy. */
static const char *cases_path(void)
{
	static const char newest[] = "../shared/conformance/cases.json";
	const char *given = getenv("PC_CASES");

	if (given)
		return given;
	return access(newest, R_OK) ? "tests/conformance/cases.json" : newest;
}

static json_t *load_cases(void)
{
	json_t *cases = json_load_file(cases_path(), 0, NULL);

	if (!json_is_array(cases))
		fail_msg("%s: no cases", cases_path());
	return cases;
}

/* Runs the verb with standard output to a file; *out is for the caller. */
static int run(char **out, char *const *argv)
{
	int argc = 0, status, saved;
	FILE *f = tmpfile();
	long size;

	while (argv[argc])
		argc++;
	assert_non_null(f);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fileno(f), STDOUT_FILENO);
	status = judge_main(argc, (char **)(uintptr_t)argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);

	size = lseek(fileno(f), 0, SEEK_END);
	*out = calloc(1, (size_t)size + 1);
	assert_int_equal(pread(fileno(f), *out, (size_t)size, 0), size);
	fclose(f);
	return status;
}

/* The text after the second tab, cut off at the line's end; NULL at the end. */
static char *next_line(char **text, const char *id, const char *profile)
{
	char head[128], *line = *text, *end = strchr(line, '\n');

	assert_non_null(end);
	*end = '\0';
	*text = end + 1;
	snprintf(head, sizeof(head), "%s\t%s\t", id, profile);
	assert_memory_equal(line, head, strlen(head));
	return line + strlen(head);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void want_statuses(char *want, size_t size, const json_t *events)
{
	size_t used = 0;

	for (size_t i = 0; i < json_array_size(events); i++) {
		json_t *status =
			json_object_get(json_array_get(events, i), "status");

		used += (size_t)snprintf(want + used, size - used, "%s%d",
					 i ? "," : "",
					 (int)json_integer_value(status));
	}
	snprintf(want + used, size - used, "\t-");
}

/* "" where the case expects nothing of that profile. */
static void want_line(char *want, size_t size, const json_t *c,
		      const char *profile)
{
	const json_t *expect = json_object_get(c, "expect");
	const json_t *mine = json_object_get(expect, profile);
	const char *kind = text_of(c, "kind");

	*want = '\0';
	if (!strcmp(kind, "invalid_auth_abuse"))
		want_statuses(want, size, json_object_get(c, "events"));
	else if (!strcmp(kind, "key_format"))
		snprintf(want, size, "%s\t-", text_of(c, "sha256_hex"));
	else if (!strcmp(kind, "cache_entry"))
		snprintf(want, size, "%s\t-", text_of(expect, "decoded"));
	else if (!strcmp(kind, "ip_rule"))
		snprintf(want, size, "%s\t-",
			 json_is_true(mine) ? "true" : "false");
	else if (!strcmp(kind, "client_ip"))
		snprintf(want, size, "%s\t-", json_string_value(mine));
	else if (json_is_object(mine))
		snprintf(want, size, "%d\t%s",
			 (int)json_integer_value(
				 json_object_get(mine, "status")),
			 text_of(mine, "code"));
}

static void every_published_case_agrees(void **state)
{
	char *argv[] = { "judge", strdup(cases_path()), NULL };
	json_t *cases = load_cases(), *c;
	unsigned int n = 0;
	char *out, *at;
	size_t i;

	(void)state;
	assert_int_equal(run(&out, argv), 0);
	at = out;
	json_array_foreach(cases, i, c)
	{
		for (size_t p = 0; p < ARRAY_SIZE(profiles); p++) {
			char want[512];
			char *got =
				next_line(&at, text_of(c, "id"), profiles[p]);

			want_line(want, sizeof(want), c, profiles[p]);
			n += *want != '\0';
			if (*want && strcmp(got, want))
				fail_msg("%s (%s), %s: %s, not %s",
					 text_of(c, "id"), text_of(c, "desc"),
					 profiles[p], got, want);
		}
	}
	assert_string_equal(at, "");
	assert_true(n >= 290);
	free(out);
	free(argv[1]);
	json_decref(cases);
}

static void check_message(struct a_case *c, uint8_t profile,
			  const json_t *expect)
{
	static const char *const formats[PC_DIALECT_MAX] = { "std", "google",
							     "openai" };
	const char *message = text_of(expect, "message");
	const char *format = text_of(expect, "format");
	char got[512];
	struct decision d;
	struct answer a;

	c->cfg.profile = profile;
	decide(&d, &c->cfg, &c->req, case_lookup, c);
	assert_int_equal(answer_find(&a, profile, d.dialect, d.reason), 0);
	answer_message(got, sizeof(got), &a, d.client, d.detail);
	if (message && strcmp(got, message))
		fail_msg("%s: %s, not %s", c->id, got, message);
	if (format && strcmp(formats[d.dialect], format))
		fail_msg("%s: %s, not %s", c->id, formats[d.dialect], format);
}

static void every_published_message_agrees(void **state)
{
	json_t *cases = load_cases(), *json;
	char error[CASES_ERROR_SIZE];
	size_t i;

	(void)state;
	json_array_foreach(cases, i, json)
	{
		const json_t *expect = json_object_get(json, "expect");
		struct a_case c;

		if (strcmp(text_of(json, "kind"), "auth"))
			continue;
		assert_int_equal(case_parse(&c, json, error), 0);
		for (uint8_t p = 0; p < PC_PROFILE_MAX; p++)
			check_message(&c, p,
				      json_object_get(expect, profiles[p]));
		case_fini(&c);
	}
	json_decref(cases);
}

static char *write_temp(const char *text)
{
	char *path = strdup("/tmp/test_judge.XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

/* Judged as text, with nothing left of what the answers should be. */
static void expectations_are_not_looked_at(void **state)
{
	static const char *const answers[] = {
		"expect",	    "sha256_hex",     "redis_key",
		"custom_key_valid", "edge_decidable", "desc"
	};
	char *before, *after, *text;
	char *argv[] = { "judge", strdup(cases_path()), NULL };
	json_t *cases = load_cases(), *c, *event;
	size_t i, j;

	(void)state;
	assert_int_equal(run(&before, argv), 0);
	json_array_foreach(cases, i, c)
	{
		for (j = 0; j < ARRAY_SIZE(answers); j++)
			json_object_del(c, answers[j]);
		json_array_foreach(json_object_get(c, "events"), j, event)
		{
			json_object_del(event, "status");
			json_object_del(event, "code");
			json_object_del(event, "retry_after");
		}
	}
	text = json_dumps(cases, 0);
	free(argv[1]);
	argv[1] = write_temp(text);
	assert_int_equal(run(&after, argv), 0);
	assert_string_equal(after, before);
	unlink(argv[1]);
	free(argv[1]);
	free(text);
	free(before);
	free(after);
	json_decref(cases);
}

#define RULE(id)                                                               \
	"{\"id\":\"" id "\",\"kind\":\"ip_rule\",\"client_ip\":\"192.0.2.1\"," \
	"\"whitelist\":[],\"blacklist\":[]}"
#define ABUSE(cfg, events)                                            \
	"[{\"id\":\"B\",\"kind\":\"invalid_auth_abuse\",\"cfg\":" cfg \
	",\"events\":" events "}]"
#define CFG "{\"threshold\":1,\"window_s\":60,\"block_s\":1.5}"
#define AUTH(request, store, now)                                            \
	"[{\"id\":\"A\",\"kind\":\"auth\",\"variant\":\"main\",\"now\":" now \
	",\"cfg\":{\"run_mode\":\"standard\",\"trust_forwarded_ip\":false,"  \
	"\"trusted_proxies\":[]},\"request\":" request ",\"store\":" store   \
	"}]"
#define REQUEST                                                  \
	"{\"method\":\"GET\",\"path\":\"/v1/x\",\"query\":\"\"," \
	"\"peer\":\"192.0.2.1:1\",\"headers\":[[\"x-api-key\",\"k\"]]}"
#define NOW "\"2026-02-03T12:00:00Z\""

static const struct {
	const char *what;
	const char *text;
	int status;
	const char *out; /* with --profile seed */
} files[] = {
	{ "nothing to judge", "[]", 0, "" },
	{ "one case", "[" RULE("R1") "]", 0, "R1\tseed\ttrue\t-\n" },
	{ "an id cannot forge a line", "[" RULE("R\\n1\\t") "]", 0,
	  "R?1?\tseed\ttrue\t-\n" },
	{ "fractions of seconds",
	  ABUSE(CFG, "[{\"t\":0,\"ip\":\"a\",\"result\":\"not_found\"},"
		     "{\"t\":1.49,\"ip\":\"a\",\"result\":\"valid\"},"
		     "{\"t\":1.5,\"ip\":\"a\",\"result\":\"valid\"}]"),
	  0, "B\tseed\t401,429,200\t-\n" },
	{ "capacity",
	  ABUSE("{\"threshold\":2,\"window_s\":60,\"block_s\":10,"
		"\"capacity\":2}",
		"[{\"t\":0,\"ip\":\"1.1.1.1\",\"result\":\"not_found\"},"
		"{\"t\":0,\"ip\":\"1.1.1.2\",\"result\":\"missing\"},"
		"{\"t\":0,\"ip\":\"1.1.1.3\",\"result\":\"query_key\"},"
		"{\"t\":0,\"ip\":\"1.1.1.4\",\"result\":\"not_found\"},"
		"{\"t\":0,\"ip\":\"1.1.1.5\",\"result\":\"valid\"},"
		"{\"t\":0,\"ip\":\"1.1.1.1\",\"result\":\"valid\"}]"),
	  0, "B\tseed\t401,401,400,401,429,200\t-\n" },
	{ "no store record", AUTH(REQUEST, "{}", NOW), 0,
	  "A\tseed\t401\tINVALID_API_KEY\n" },
	{ "a negative record",
	  AUTH(REQUEST, "{\"k\":{\"not_found\":true}}", NOW), 0,
	  "A\tseed\t401\tINVALID_API_KEY\n" },
	{ "cut file", "[" RULE("R1"), 2, "" },
	{ "not an array", RULE("R1"), 2, "" },
	{ "not an object", "[1]", 2, "" },
	{ "no id", "[{\"kind\":\"ip_rule\"}]", 2, "" },
	{ "unknown kind", "[{\"id\":\"X\",\"kind\":\"odd\"}]", 2, "" },
	{ "a good case before a bad one", "[" RULE("R1") ",{\"id\":\"R2\"}]", 2,
	  "" },
	{ "a name twice",
	  "[{\"id\":\"X\",\"id\":\"Y\",\"kind\":\"key_format\","
	  "\"key\":\"k\"}]",
	  2, "" },
	{ "no time", AUTH(REQUEST, "{}", "\"soon\""), 2, "" },
	{ "time of another type", AUTH(REQUEST, "{}", "1770120000"), 2, "" },
	{ "request of another type", AUTH("[]", "{}", NOW), 2, "" },
	{ "empty request", AUTH("{}", "{}", NOW), 2, "" },
	{ "store of another type", AUTH(REQUEST, "[]", NOW), 2, "" },
	{ "record that cannot be read", AUTH(REQUEST, "{\"k\":3}", NOW), 2,
	  "" },
	{ "headers not in pairs",
	  AUTH("{\"method\":\"GET\",\"path\":\"/\",\"query\":\"\","
	       "\"peer\":\"\",\"headers\":[[\"a\"]]}",
	       "{}", NOW),
	  2, "" },
	{ "event of unknown result",
	  ABUSE(CFG, "[{\"t\":0,\"ip\":\"a\",\"result\":\"odd\"}]"), 2, "" },
	{ "event without time",
	  ABUSE(CFG, "[{\"ip\":\"a\",\"result\":\"valid\"}]"), 2, "" },
	{ "event in another age",
	  ABUSE(CFG, "[{\"t\":1e300,\"ip\":\"a\",\"result\":\"valid\"}]"), 2,
	  "" },
	{ "negative threshold",
	  ABUSE("{\"threshold\":-1,\"window_s\":1,\"block_s\":1}", "[]"), 2,
	  "" },
	{ "rule without a list",
	  "[{\"id\":\"R\",\"kind\":\"ip_rule\",\"client_ip\":\"\","
	  "\"whitelist\":[]}]",
	  2, "" },
	{ "trusted proxy that is no address",
	  "[{\"id\":\"C\",\"kind\":\"client_ip\",\"peer\":\"\",\"headers\":[],"
	  "\"cfg\":{\"trust_forwarded_ip\":false,"
	  "\"trusted_proxies\":[\"lo\"]}}]",
	  2, "" },
	{ "redis value that is no record",
	  "[{\"id\":\"E\",\"kind\":\"cache_entry\",\"redis_value\":\"{\"}]", 0,
	  "E\tseed\terror\t-\n" },
};

static void files_are_judged_whole_or_not_at_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *path = write_temp(files[i].text), *out;
		char *argv[] = { "judge", "--profile", "seed", path, NULL };
		int status = run(&out, argv);

		if (status != files[i].status || strcmp(out, files[i].out))
			fail_msg("%s: exit %d: %s", files[i].what, status, out);
		free(out);
		unlink(path);
		free(path);
	}
}

static void usage_is_exit_2(void **state)
{
	char *none[] = { "judge", NULL };
	char *odd[] = { "judge", "--profile", "v9", "x", NULL };
	char *flag[] = { "judge", "--nonsense", "x", NULL };
	char *absent[] = { "judge", "/nonexistent/cases.json", NULL };
	char *help[] = { "judge", "--help", NULL };
	char *const *bad[] = { none, odd, flag, absent };
	char *out;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(run(&out, bad[i]), 2);
		assert_string_equal(out, "");
		free(out);
	}
	assert_int_equal(run(&out, help), 0);
	assert_non_null(strstr(out, "usage: portcullis judge"));
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_published_case_agrees),
		cmocka_unit_test(every_published_message_agrees),
		cmocka_unit_test(expectations_are_not_looked_at),
		cmocka_unit_test(files_are_judged_whole_or_not_at_all),
		cmocka_unit_test(usage_is_exit_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
