// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole decisions that the published conformance cases do not hold.  A row is a
 * request, a change to a living key's record, and both profiles' answers.
 */
#include "decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "answer.h"
#include "money.h"
#include "snapshot.h"
#include "timestamp.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KEY "sk-test-key-000001"
#define BEARER "Authorization: Bearer " KEY
#define NOW "2026-02-03T12:00:00Z"
#define MESSAGES "/v1/messages"
#define GEMINI "/v1beta/models/gemini-pro:generateContent"
#define SUBSCRIPTION "'group':{'subscription_type':'subscription'}"
#define SUBSCRIPTION_LIMIT(what) \
	"'group':{'subscription_type':'subscription','" what "':1}"

static const char living[] =
	"{'not_found':false,'snapshot':{'version':20,'api_key_id':100,"
	"'user_id':7,'group_id':101,'name':'k','status':'active',"
	"'user':{'id':7,'status':'active','role':'user','balance':10,"
	"'concurrency':3},'group':{'id':101,'name':'g1',"
	"'platform':'anthropic','status':'active',"
	"'subscription_type':'standard','rate_multiplier':1,"
	"'is_exclusive':false},'quota':0,'quota_used':0}}";

struct row {
	const char *what;
	const char *path;    /* /v1beta and /antigravity/v1beta: Google's */
	const char *headers; /* one a line; NULL: the key as Bearer */
	const char *change;  /* members of the snapshot, with ' for " */
	/* "status code" by profile, or the same by both. */
	const char *seed;
	const char *later;
	const char *both;
	const char *query;
	const char *method; /* NULL: POST */
	const char *row; /* subscription: "status expires daily weekly monthly
			    start" */
	const char *peer;
	uint8_t run_mode;
	bool trust;
	int lookup; /* what a lookup returns instead */
	enum pc_reason over;
};

static const struct row rows[] = {
	/* credentials, main */
	{ "Bearer alone", MESSAGES, BEARER, NULL, .both = "200 ALLOW" },
	{ "x-api-key alone", MESSAGES, "x-api-key: " KEY, NULL,
	  .both = "200 ALLOW" },
	{ "lower-case scheme", MESSAGES, "Authorization: bearer " KEY, NULL,
	  .seed = "401 API_KEY_REQUIRED", .later = "200 ALLOW" },
	{ "Bearer without a token", MESSAGES, "Authorization: Bearer ", NULL,
	  .both = "401 API_KEY_REQUIRED" },
	{ "empty Bearer falls back", MESSAGES,
	  "Authorization: Bearer \nx-api-key: " KEY, NULL,
	  .both = "200 ALLOW" },
	{ "Basic falls back", MESSAGES,
	  "Authorization: Basic abc\nx-goog-api-key: " KEY, NULL,
	  .both = "200 ALLOW" },
	{ "a tab is not the space after the scheme", MESSAGES,
	  "Authorization: Bearer\t" KEY, NULL, .both = "401 API_KEY_REQUIRED" },
	{ "no-break space around the token", MESSAGES,
	  "Authorization: Bearer \xc2\xa0" KEY "\xc2\xa0", NULL,
	  .seed = "401 INVALID_API_KEY", .later = "200 ALLOW" },
	{ "x-api-key is not trimmed beyond blanks and tabs", MESSAGES,
	  "x-api-key: \t" KEY "\xc2\xa0 ", NULL,
	  .both = "401 INVALID_API_KEY" },
	{ "keys are case-sensitive", MESSAGES, "x-api-key: SK-TEST-KEY-000001",
	  NULL, .both = "401 INVALID_API_KEY" },
	{ "first of two Authorization lines", MESSAGES,
	  BEARER "\nAuthorization: Bearer nope", NULL, .both = "200 ALLOW" },
	{ "an empty first line hides the second", MESSAGES,
	  "x-api-key:\nx-api-key: " KEY, NULL, .both = "401 API_KEY_REQUIRED" },
	{ "?key= beside a good header", MESSAGES, BEARER, NULL,
	  .both = "400 api_key_in_query_deprecated", .query = "a=b&key=x" },
	{ "bad escape in the query drops the pair", MESSAGES, BEARER, NULL,
	  .both = "200 ALLOW", .query = "key=%zz&api_key=%4" },
	{ "ideographic space is a blank", MESSAGES, BEARER, NULL,
	  .both = "200 ALLOW", .query = "key=%E3%80%80" },
	{ "NUL is not a blank", MESSAGES, BEARER, NULL,
	  .both = "400 api_key_in_query_deprecated", .query = "key=%00" },
	{ "key without = is empty", MESSAGES, BEARER, NULL, .both = "200 ALLOW",
	  .query = "key" },

	/* lookup */
	{ "negative entry", MESSAGES, BEARER, "!",
	  .both = "401 INVALID_API_KEY" },
	{ "lookup fails", MESSAGES, BEARER, NULL, .both = "500 INTERNAL_ERROR",
	  .lookup = -EIO },
	{ "no lookup slot", MESSAGES, BEARER, NULL,
	  .seed = "500 INTERNAL_ERROR", .later = "503 API_KEY_AUTH_OVERLOADED",
	  .lookup = -EBUSY },
	{ "google: lookup fails", GEMINI, BEARER, NULL, .both = "500 INTERNAL",
	  .lookup = -EIO },
	{ "google: no lookup slot", GEMINI, BEARER, NULL,
	  .seed = "500 INTERNAL", .later = "503 INTERNAL", .lookup = -EBUSY },

	/* windows of the key's own */
	{ "5h window spent", MESSAGES, NULL, NULL,
	  .both = "429 API_KEY_RATE_5H_EXCEEDED", .over = PC_R_WINDOW_5H },
	{ "google: 7d window spent", GEMINI, NULL, NULL,
	  .both = "429 RESOURCE_EXHAUSTED", .over = PC_R_WINDOW_7D },
	{ "window spent, and disabled", MESSAGES, NULL, "'status':'inactive'",
	  .both = "401 API_KEY_DISABLED", .over = PC_R_WINDOW_1D },
	{ "window spent, simple mode", MESSAGES, NULL, NULL,
	  .both = "200 ALLOW", .run_mode = PC_RUN_SIMPLE,
	  .over = PC_R_WINDOW_1D },
	{ "window spent, exempt path", "/v1/usage", NULL, NULL,
	  .seed = "429 API_KEY_RATE_1D_EXCEEDED", .later = "200 ALLOW",
	  .over = PC_R_WINDOW_1D },

	/* status, expiry, quota, user, balance */
	{ "inactive", MESSAGES, NULL, "'status':'inactive'",
	  .both = "401 API_KEY_DISABLED" },
	{ "Active is not active", MESSAGES, NULL, "'status':'Active'",
	  .both = "401 API_KEY_DISABLED" },
	{ "empty status", MESSAGES, NULL, "'status':''",
	  .both = "401 API_KEY_DISABLED" },
	{ "quota_exhausted and past expiry", MESSAGES, NULL,
	  "'status':'quota_exhausted','expires_at':'2026-01-01T00:00:00Z'",
	  .both = "429 API_KEY_QUOTA_EXHAUSTED" },
	{ "past expiry and quota reached: expiry first", MESSAGES, NULL,
	  "'expires_at':'2026-01-01T00:00:00Z','quota':1,'quota_used':2",
	  .both = "403 API_KEY_EXPIRED" },
	{ "quota short of its end by a nano-dollar", MESSAGES, NULL,
	  "'quota':10,'quota_used':9.999999999", .both = "200 ALLOW" },
	{ "quota of 1e-8 used", MESSAGES, NULL,
	  "'quota':1e-8,'quota_used':1e-8",
	  .both = "429 API_KEY_QUOTA_EXHAUSTED" },
	{ "balance of 1e-8 passes", MESSAGES, NULL, "'user':{'balance':1e-8}",
	  .both = "200 ALLOW" },
	{ "user status Active", MESSAGES, NULL, "'user':{'status':'Active'}",
	  .both = "401 USER_INACTIVE" },
	{ "quota reached and balance 0", MESSAGES, NULL,
	  "'quota':1,'quota_used':1,'user':{'balance':0}",
	  .both = "429 API_KEY_QUOTA_EXHAUSTED" },

	/* simple mode */
	{ "simple mode, balance 0", MESSAGES, NULL, "'user':{'balance':0}",
	  .both = "200 ALLOW", .run_mode = PC_RUN_SIMPLE },
	{ "simple mode, status expired", MESSAGES, NULL, "'status':'expired'",
	  .seed = "403 API_KEY_EXPIRED", .later = "200 ALLOW",
	  .run_mode = PC_RUN_SIMPLE },
	{ "simple mode, quota reached", MESSAGES, NULL,
	  "'quota':1,'quota_used':1", .seed = "429 API_KEY_QUOTA_EXHAUSTED",
	  .later = "200 ALLOW", .run_mode = PC_RUN_SIMPLE },
	{ "simple mode, address refused", MESSAGES, NULL,
	  "'ip_blacklist':['203.0.113.7']", .both = "403 ACCESS_DENIED",
	  .run_mode = PC_RUN_SIMPLE },
	{ "simple mode, exclusive group", MESSAGES, NULL,
	  "'group':{'is_exclusive':true}", .seed = "200 ALLOW",
	  .later = "403 GROUP_NOT_ALLOWED", .run_mode = PC_RUN_SIMPLE },

	/* groups */
	{ "group inactive", MESSAGES, NULL, "'group':{'status':'inactive'}",
	  .seed = "200 ALLOW", .later = "403 GROUP_DISABLED" },
	{ "DELETED folds", MESSAGES, NULL, "'group':{'status':'DELETED'}",
	  .seed = "200 ALLOW", .later = "403 GROUP_DELETED" },
	{ "ACTIVE does not fold", MESSAGES, NULL, "'group':{'status':'ACTIVE'}",
	  .seed = "200 ALLOW", .later = "403 GROUP_DISABLED" },
	{ "group gone, id left", MESSAGES, NULL, "'group':null",
	  .seed = "200 ALLOW", .later = "403 GROUP_DELETED" },
	{ "group gone and balance 0", MESSAGES, NULL,
	  "'group':null,'user':{'balance':0}",
	  .seed = "403 INSUFFICIENT_BALANCE", .later = "403 GROUP_DELETED" },
	{ "exclusive group not allowed", MESSAGES, NULL,
	  "'group':{'is_exclusive':true},'user':{'allowed_groups':[1,102]}",
	  .seed = "200 ALLOW", .later = "403 GROUP_NOT_ALLOWED" },
	{ "exclusive group allowed", MESSAGES, NULL,
	  "'group':{'is_exclusive':true},'user':{'allowed_groups':[1,101]}",
	  .both = "200 ALLOW" },
	{ "exclusive subscription group needs no allowance", MESSAGES, NULL,
	  "'group':{'is_exclusive':true,'subscription_type':'subscription'}",
	  .both = "200 ALLOW",
	  .row = "active 2026-03-01T00:00:00Z 0 0 0 " NOW },
	{ "disabled and exclusive: disabled first", MESSAGES, NULL,
	  "'group':{'is_exclusive':true,'status':'disabled'}",
	  .seed = "200 ALLOW", .later = "403 GROUP_DISABLED" },
	{ "group refused on an exempt path too", "/v1/usage", NULL,
	  "'group':{'status':'disabled'}", .seed = "200 ALLOW",
	  .later = "403 GROUP_DISABLED", .method = "GET" },

	/* subscriptions */
	{ "no subscription", MESSAGES, NULL, SUBSCRIPTION,
	  .both = "403 SUBSCRIPTION_NOT_FOUND" },
	{ "no subscription and balance 0", MESSAGES, NULL,
	  SUBSCRIPTION ",'user':{'balance':0}",
	  .both = "403 SUBSCRIPTION_NOT_FOUND" },
	{ "subscription pays, balance 0", MESSAGES, NULL,
	  SUBSCRIPTION ",'user':{'balance':0}", .both = "200 ALLOW",
	  .row = "active 2026-03-01T00:00:00Z 5 5 5 " NOW },
	{ "subscription past its end", MESSAGES, NULL, SUBSCRIPTION,
	  .both = "403 SUBSCRIPTION_INVALID",
	  .row = "active 2026-02-03T11:59:59Z 0 0 0 " NOW },
	{ "subscription at its end", MESSAGES, NULL, SUBSCRIPTION,
	  .both = "200 ALLOW", .row = "active " NOW " 0 0 0 " NOW },
	{ "subscription expired", MESSAGES, NULL, SUBSCRIPTION,
	  .both = "403 SUBSCRIPTION_INVALID",
	  .row = "expired 2026-03-01T00:00:00Z 0 0 0 " NOW },
	{ "subscription suspended", MESSAGES, NULL, SUBSCRIPTION,
	  .both = "403 SUBSCRIPTION_INVALID",
	  .row = "suspended 2026-03-01T00:00:00Z 0 0 0 " NOW },
	{ "weekly usage over", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("weekly_limit_usd"),
	  .both = "429 USAGE_LIMIT_EXCEEDED",
	  .row = "active 2026-03-01T00:00:00Z 0 1.01 0 " NOW },
	{ "monthly usage over", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("monthly_limit_usd"),
	  .both = "429 USAGE_LIMIT_EXCEEDED",
	  .row = "active 2026-03-01T00:00:00Z 0 0 9 " NOW },
	{ "another window's usage is not compared", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("monthly_limit_usd"), .both = "200 ALLOW",
	  .row = "active 2026-03-01T00:00:00Z 9 9 1 " NOW },
	{ "daily window a day old starts anew", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("daily_limit_usd"), .both = "200 ALLOW",
	  .row = "active 2026-03-01T00:00:00Z 9 0 0 2026-02-02T12:00:00Z" },
	{ "daily window a second short of a day", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("daily_limit_usd"),
	  .both = "429 USAGE_LIMIT_EXCEEDED",
	  .row = "active 2026-03-01T00:00:00Z 9 0 0 2026-02-02T12:00:01Z" },
	{ "weekly window of 7 days starts anew", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("weekly_limit_usd"), .both = "200 ALLOW",
	  .row = "active 2026-03-01T00:00:00Z 0 9 0 2026-01-27T12:00:00Z" },
	{ "monthly window of 29 days still counts", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("monthly_limit_usd"),
	  .both = "429 USAGE_LIMIT_EXCEEDED",
	  .row = "active 2026-03-01T00:00:00Z 0 0 9 2026-01-05T12:00:00Z" },
	{ "monthly window of 30 days starts anew", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("monthly_limit_usd"), .both = "200 ALLOW",
	  .row = "active 2026-03-01T00:00:00Z 0 0 9 2026-01-04T12:00:00Z" },
	{ "usage in a window that never began", MESSAGES, NULL,
	  SUBSCRIPTION_LIMIT("daily_limit_usd"),
	  .both = "429 USAGE_LIMIT_EXCEEDED",
	  .row = "active 2026-03-01T00:00:00Z 9 0 0 -" },
	{ "key expired, subscription suspended: the key first", MESSAGES, NULL,
	  SUBSCRIPTION ",'expires_at':'2026-01-01T00:00:00Z'",
	  .both = "403 API_KEY_EXPIRED",
	  .row = "suspended 2026-03-01T00:00:00Z 0 0 0 " NOW },
	{ "google: no subscription", GEMINI, NULL, SUBSCRIPTION,
	  .both = "403 PERMISSION_DENIED" },
	{ "google: usage over", GEMINI, NULL,
	  SUBSCRIPTION_LIMIT("daily_limit_usd"),
	  .both = "429 RESOURCE_EXHAUSTED",
	  .row = "active 2026-03-01T00:00:00Z 9 0 0 " NOW },
	{ "google: exhausted without subscription", GEMINI, NULL,
	  SUBSCRIPTION ",'quota':1,'quota_used':1",
	  .seed = "403 PERMISSION_DENIED", .later = "429 RESOURCE_EXHAUSTED" },

	/* exempt paths */
	{ "POST /v1/usage is exempt", "/v1/usage", NULL, "'user':{'balance':0}",
	  .seed = "403 INSUFFICIENT_BALANCE", .later = "200 ALLOW" },
	{ "/v1/usage/ is not", "/v1/usage/", NULL, "'user':{'balance':0}",
	  .both = "403 INSUFFICIENT_BALANCE" },
	{ "/v1/usage and a NUL is not", "/v1/usage%00", NULL,
	  "'user':{'balance':0}", .both = "403 INSUFFICIENT_BALANCE" },
	{ "GET of an image task is exempt", "/v1/images/tasks/x", NULL,
	  "'status':'expired'", .seed = "403 API_KEY_EXPIRED",
	  .later = "200 ALLOW", .method = "GET" },
	{ "POST to an image task is not", "/v1/images/tasks/x", NULL,
	  "'status':'expired'", .both = "403 API_KEY_EXPIRED" },
	{ "HEAD of an image task is not", "/v1/images/tasks/x", NULL,
	  "'status':'expired'", .both = "403 API_KEY_EXPIRED",
	  .method = "HEAD" },
	{ "exempt path, disabled", "/v1/usage", NULL, "'status':'disabled'",
	  .both = "401 API_KEY_DISABLED" },
	{ "exempt path, user disabled", "/v1/usage", NULL,
	  "'user':{'status':'disabled'}", .both = "401 USER_INACTIVE" },
	{ "a bad escape exempts nothing", "/v1/usage%", NULL,
	  "'user':{'balance':0}", .both = "403 INSUFFICIENT_BALANCE" },

	/* dialects */
	{ "openai at /responses/", "/responses/", NULL,
	  "'status':'quota_exhausted'", .seed = "429 API_KEY_QUOTA_EXHAUSTED",
	  .later = "429 insufficient_quota" },
	{ "openai at codex", "/backend-api/codex/responses", NULL,
	  "'quota':1,'quota_used':1", .seed = "429 API_KEY_QUOTA_EXHAUSTED",
	  .later = "429 insufficient_quota" },
	{ "openai at /openai/v1/responses", "/openai/v1/responses/x", NULL,
	  "'quota':1,'quota_used':1", .seed = "429 API_KEY_QUOTA_EXHAUSTED",
	  .later = "429 insufficient_quota" },
	{ "/responsesx is std", "/v1/responsesx", NULL,
	  "'quota':1,'quota_used':1", .both = "429 API_KEY_QUOTA_EXHAUSTED" },

	/* google */
	{ "google: none", GEMINI, "", NULL, .both = "401 UNAUTHENTICATED" },
	{ "google: x-goog-api-key", GEMINI, "x-goog-api-key: " KEY, NULL,
	  .both = "200 ALLOW" },
	{ "google: x-api-key", GEMINI, "x-api-key: " KEY "\xc2\xa0", NULL,
	  .both = "200 ALLOW" },
	{ "google: ?key=", GEMINI, "", NULL, .both = "200 ALLOW",
	  .query = "alt=sse&key=+" KEY "+" },
	{ "google: ?key= below /antigravity/v1beta",
	  "/antigravity/v1beta/models/x", "", NULL, .both = "200 ALLOW",
	  .query = "key=" KEY },
	{ "google: ?api_key= even with a good header", GEMINI, BEARER, NULL,
	  .both = "400 INVALID_ARGUMENT", .query = "api_key=x" },
	{ "google: blank ?api_key= is none", GEMINI, BEARER, NULL,
	  .both = "200 ALLOW", .query = "api_key=%20" },
	{ "google: Bearer against x-goog-api-key", GEMINI,
	  BEARER "\nx-goog-api-key: nope", NULL, .seed = "200 ALLOW",
	  .later = "401 UNAUTHENTICATED" },
	{ "google: x-goog-api-key against Bearer", GEMINI,
	  "x-goog-api-key: " KEY "\nAuthorization: Bearer nope", NULL,
	  .seed = "401 UNAUTHENTICATED", .later = "200 ALLOW" },
	{ "google: x-api-key against x-goog-api-key", GEMINI,
	  "x-goog-api-key: nope\nx-api-key: " KEY, NULL, .seed = "200 ALLOW",
	  .later = "401 UNAUTHENTICATED" },
	{ "google: Bearer against x-api-key", GEMINI,
	  "x-api-key: nope\n" BEARER, NULL, .both = "200 ALLOW" },
	{ "google: scheme of another case", GEMINI,
	  "Authorization: bEARER " KEY, NULL, .seed = "401 UNAUTHENTICATED",
	  .later = "200 ALLOW" },
	{ "google: two blanks after Bearer", GEMINI,
	  "Authorization: Bearer  " KEY, NULL, .both = "200 ALLOW" },
	{ "google: a wide blank before the scheme", GEMINI,
	  "Authorization: \xe3\x80\x80"
	  "Bearer " KEY,
	  NULL, .seed = "401 UNAUTHENTICATED", .later = "200 ALLOW" },
	{ "google: status expired", GEMINI, NULL, "'status':'expired'",
	  .seed = "401 UNAUTHENTICATED", .later = "403 PERMISSION_DENIED" },
	{ "google: status quota_exhausted", GEMINI, NULL,
	  "'status':'quota_exhausted'", .seed = "401 UNAUTHENTICATED",
	  .later = "429 RESOURCE_EXHAUSTED" },
	{ "google: quota reached", GEMINI, NULL, "'quota':1,'quota_used':1",
	  .seed = "200 ALLOW", .later = "429 RESOURCE_EXHAUSTED" },
	{ "google: address refused", GEMINI, NULL,
	  "'ip_whitelist':['198.51.100.1']", .seed = "200 ALLOW",
	  .later = "403 PERMISSION_DENIED" },
	{ "google: user disabled", GEMINI, NULL, "'user':{'status':'disabled'}",
	  .both = "401 UNAUTHENTICATED" },
	{ "google: group disabled", GEMINI, NULL, "'group':{'status':'off'}",
	  .seed = "200 ALLOW", .later = "403 PERMISSION_DENIED" },
	{ "google: simple mode, balance 0", GEMINI, NULL,
	  "'user':{'balance':0}", .both = "200 ALLOW",
	  .run_mode = PC_RUN_SIMPLE },
	{ "google: simple mode, quota_exhausted", GEMINI, NULL,
	  "'status':'quota_exhausted'", .seed = "401 UNAUTHENTICATED",
	  .later = "200 ALLOW", .run_mode = PC_RUN_SIMPLE },

	/* addresses through a whole request */
	{ "black list by CIDR with host bits", MESSAGES, NULL,
	  "'ip_blacklist':['203.0.113.77/24']", .both = "403 ACCESS_DENIED" },
	{ "patterns are trimmed since the seed", MESSAGES, NULL,
	  "'ip_whitelist':[' 203.0.113.7 ']", .seed = "403 ACCESS_DENIED",
	  .later = "200 ALLOW" },
	{ "mapped peer", MESSAGES, NULL, "'ip_whitelist':['203.0.113.7']",
	  .both = "200 ALLOW", .peer = "[::ffff:203.0.113.7]:1" },
	{ "peer that is no address, black list", MESSAGES, NULL,
	  "'ip_blacklist':['203.0.113.7']", .both = "403 ACCESS_DENIED",
	  .peer = "@" },
	{ "CGNAT is public", MESSAGES,
	  BEARER "\nX-Forwarded-For: 10.0.0.1, 100.64.0.9, 1.2.3.4",
	  "'ip_whitelist':['100.64.0.0/10']", .both = "200 ALLOW",
	  .trust = true },
	{ "fc00::/7 is private", MESSAGES,
	  BEARER "\nX-Forwarded-For: fd00::1, 2001:db8::5",
	  "'ip_whitelist':['2001:db8::/32']", .both = "200 ALLOW",
	  .trust = true },
};

/* Base and change merged; the row's quotes are ' for legibility. */
static json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_loads(copy, 0, NULL);
	assert_non_null(json);
	free(copy);
	return json;
}

static void make_entry(struct entry *e, const char *change)
{
	char error[SNAPSHOT_ERROR_SIZE], text[512];
	json_t *record, *patch;

	if (change && !strcmp(change, "!")) {
		*e = (struct entry){ .not_found = true };
		return;
	}
	record = json_of(living);
	snprintf(text, sizeof(text), "{%s}", change ? change : "");
	patch = json_of(text);
	json_object_update_recursive(json_object_get(record, "snapshot"),
				     patch);
	assert_int_equal(snapshot_parse_record(e, record, error), 0);
	json_decref(patch);
	json_decref(record);
}

static void make_subscription(struct subscription *s, const char *text)
{
	char status[16], expires[40], start[40], usd[3][16];
	int64_t start_ns = 0;

	*s = (struct subscription){ .known = SUBSCRIPTION_NONE };
	if (!text)
		return;
	assert_int_equal(sscanf(text, "%15s %39s %15s %15s %15s %39s", status,
				expires, usd[0], usd[1], usd[2], start),
			 6);
	s->known = SUBSCRIPTION_ROW;
	s->status = !strcmp(status, "active")	 ? ROW_ACTIVE
		    : !strcmp(status, "expired") ? ROW_EXPIRED
						 : ROW_SUSPENDED;
	timestamp_parse(&s->expires_ns, expires, strlen(expires));
	timestamp_parse(&start_ns, start, strlen(start));
	money_parse(&s->daily_nusd, usd[0], strlen(usd[0]));
	money_parse(&s->weekly_nusd, usd[1], strlen(usd[1]));
	money_parse(&s->monthly_nusd, usd[2], strlen(usd[2]));
	s->daily_start_ns = start_ns;
	s->weekly_start_ns = start_ns;
	s->monthly_start_ns = start_ns;
}

/* Cuts "Name: value" lines in place. */
static size_t make_headers(struct header *out, char *text)
{
	size_t n = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *colon = strchr(line, ':');

		*colon = '\0';
		out[n++] = (struct header){ line, colon + 1 };
	}
	return n;
}

struct shelf {
	const struct entry *entry;
	int err;
	const struct subscription *sub;
	enum pc_reason over;
};

static int find(struct decide_found *out, const char *key, size_t key_size,
		void *arg)
{
	const struct shelf *shelf = arg;

	if (shelf->err)
		return shelf->err;
	if (key_size != strlen(KEY) || memcmp(key, KEY, key_size))
		return -ENOENT;
	out->entry = shelf->entry;
	out->sub = shelf->sub;
	out->over = shelf->over;
	return 0;
}

static bool is_google(const char *path)
{
	return !strncmp(path, "/v1beta", 7) ||
	       !strncmp(path, "/antigravity/v1beta", 19);
}

static void run(struct decision *out, const struct row *r, uint8_t profile)
{
	const struct decide_config cfg = {
		.profile = profile,
		.run_mode = r->run_mode,
		.trust_forwarded = r->trust,
	};
	char *text = strdup(r->headers ? r->headers : BEARER);
	struct header headers[8];
	struct decide_request req = {
		.method = r->method ? r->method : "POST",
		.path = r->path,
		.query = r->query ? r->query : "",
		.peer = r->peer ? r->peer : "203.0.113.7:40000",
		.headers = headers,
		.n_headers = make_headers(headers, text),
		.variant = is_google(r->path),
	};
	struct subscription sub;
	struct entry e;
	struct shelf shelf = { &e, r->lookup, &sub,
			       r->over ? r->over : PC_NEXT };

	timestamp_parse(&req.now_ns, NOW, strlen(NOW));
	make_subscription(&sub, r->row);
	make_entry(&e, r->change);
	decide(out, &cfg, &req, find, &shelf);
	entry_fini(&e);
	free(text);
}

static const char *wanted(const struct row *r, uint8_t profile)
{
	if (r->both)
		return r->both;
	return profile == PC_PROFILE_SEED ? r->seed : r->later;
}

static void rows_are_answered_as_the_gateway_would(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (uint8_t p = 0; p < PC_PROFILE_MAX; p++) {
			const char *want = wanted(&rows[i], p);
			struct answer a = { 0 };
			struct decision d;
			char got[64];

			run(&d, &rows[i], p);
			assert_int_equal(
				answer_find(&a, p, d.dialect, d.reason), 0);
			snprintf(got, sizeof(got), "%d %s", a.status, a.code);
			if (strcmp(got, want))
				fail_msg("%s, %s: %s, not %s", rows[i].what,
					 profile_name(p), got, want);
		}
	}
}

static void go_error_text_is_the_message(void **state)
{
	struct row r = { "", MESSAGES, NULL,
			 SUBSCRIPTION_LIMIT("weekly_limit_usd"),
			 .row = "active 2026-03-01T00:00:00Z 0 2 0 " NOW };
	struct decision d;

	(void)state;
	run(&d, &r, PC_PROFILE_V0_1_179);
	assert_string_equal(
		d.detail,
		"error: code=429 reason=\"WEEKLY_LIMIT_EXCEEDED\" message=\"weekly usage limit exceeded\" metadata=map[]");
	r.row = "suspended 2026-03-01T00:00:00Z 0 2 0 " NOW;
	run(&d, &r, PC_PROFILE_SEED);
	assert_string_equal(
		d.detail,
		"error: code=403 reason=\"SUBSCRIPTION_SUSPENDED\" message=\"subscription is suspended\" metadata=map[]");
	/* Refused for something else: no text left over. */
	r.change = SUBSCRIPTION ",'status':'disabled'";
	run(&d, &r, PC_PROFILE_SEED);
	assert_string_equal(d.detail, "");
}

static void an_unknown_subscription_is_not_guessed(void **state)
{
	struct subscription unknown = { .known = SUBSCRIPTION_UNKNOWN };
	struct entry e = { .group_subscription = true };

	(void)state;
	assert_int_equal(decide_subscription(NULL, &e, 0, NULL),
			 PC_SUBSCRIPTION_UNSURE);
	assert_int_equal(decide_subscription(&unknown, &e, 0, NULL),
			 PC_SUBSCRIPTION_UNSURE);
}

static void the_client_is_told_even_when_no_rule_needs_it(void **state)
{
	const struct row r = { "", MESSAGES, NULL, NULL, .both = "" };
	struct decision d;

	(void)state;
	run(&d, &r, PC_PROFILE_SEED);
	assert_string_equal(d.client, "203.0.113.7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_answered_as_the_gateway_would),
		cmocka_unit_test(go_error_text_is_the_message),
		cmocka_unit_test(an_unknown_subscription_is_not_guessed),
		cmocka_unit_test(the_client_is_told_even_when_no_rule_needs_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
