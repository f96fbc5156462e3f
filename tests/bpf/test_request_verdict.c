// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts through the whole program: both profiles, both middlewares, exempt
 * paths, credentials of every length, addresses, forwarding headers, expiry by
 * the clock; and random requests against the agent's own decision.
 */
#include "expect.h"

#include "decide.h"
#include "request.h"

#define NEW PC_PROFILE_V0_1_179
#define SEED PC_PROFILE_SEED
#define SECOND_NS INT64_C(1000000000)

/* One head from an address on a new connection; in monitor mode. */
static enum pc_reason judge(const char *from, const char *head)
{
	struct client c = client_open(from);
	const struct outcome *o = client_say(&c, head);

	assert_int_equal(o->other, PC_NEXT);
	return o->reason;
}

static void assert_judged(const char *from, const char *head,
			  enum pc_reason want)
{
	enum pc_reason got = judge(from, head);

	if (got != want)
		fail_msg("from %s, %s: %s, not %s", from, head,
			 harness_reason_name(got), harness_reason_name(want));
}

static struct policy_options monitoring(uint8_t profile)
{
	struct policy_options opt = harness_options();

	opt.profile = profile;
	opt.monitor = true;
	return opt;
}

static void use(uint8_t profile)
{
	struct policy_options opt = monitoring(profile);

	request_use(&opt);
}

#define GEMINI(key) HEAD("POST /v1beta/models/x:y", BEARER(key))
#define GEMINI_ASKING(query, headers) \
	HEAD("POST /v1beta/models/x:y?" query, headers)
/* DISABLED without its "sk-", and 129 bytes. */
#define DISABLED_REST \
	"disabled00000123456789abcdef0123456789abcdef0123456789abcdef0123"
#define LONG LIVE LIVE
#define USAGE(key) HEAD("GET /v1/usage", BEARER(key))
#define TASKS(method, key) HEAD(method " /v1/images/tasks/7", BEARER(key))

static const struct {
	const char *head;
	enum pc_reason seed;
	enum pc_reason later;
} rows[] = {
	{ GEMINI(DISABLED), PC_R_KEY_DISABLED, PC_R_KEY_DISABLED },
	{ GEMINI(EXPIRED), PC_R_KEY_DISABLED, PC_R_KEY_EXPIRED },
	{ GEMINI(EXHAUSTED), PC_R_KEY_DISABLED, PC_R_KEY_EXHAUSTED },
	{ GEMINI(PAST), PC_R_KEY_LIVE, PC_R_KEY_EXPIRED },
	{ GEMINI(QUOTA), PC_R_KEY_LIVE, PC_R_KEY_EXHAUSTED },
	{ GEMINI(BALANCE), PC_R_BALANCE_EMPTY, PC_R_BALANCE_EMPTY },
	{ GEMINI(GROUP_DISABLED), PC_R_KEY_LIVE, PC_R_GROUP_DISABLED },
	{ GEMINI(SUBSCRIBED), PC_R_SUBSCRIPTION_UNSURE,
	  PC_R_SUBSCRIPTION_UNSURE },
	{ MESSAGES(GROUP_DELETED_), PC_R_KEY_LIVE, PC_R_GROUP_DELETED },
	{ MESSAGES(GROUP_DISABLED), PC_R_KEY_LIVE, PC_R_GROUP_DISABLED },
	{ MESSAGES(NOT_ALLOWED), PC_R_KEY_LIVE, PC_R_GROUP_NOT_ALLOWED },
	{ MESSAGES(PAST), PC_R_KEY_EXPIRED, PC_R_KEY_EXPIRED },
	{ USAGE(EXPIRED), PC_R_KEY_EXPIRED, PC_R_KEY_LIVE },
	{ USAGE(BALANCE), PC_R_BALANCE_EMPTY, PC_R_KEY_LIVE },
	{ USAGE(DISABLED), PC_R_KEY_DISABLED, PC_R_KEY_DISABLED },
	{ USAGE(SUBSCRIBED), PC_R_SUBSCRIPTION_UNSURE, PC_R_KEY_LIVE },
	{ HEAD("GET /v1/usage/", BEARER(BALANCE)), PC_R_PATH_UNSURE,
	  PC_R_PATH_UNSURE },
	{ HEAD("GET /v1/../health", BEARER(DISABLED)), PC_R_PATH_UNSURE,
	  PC_R_PATH_UNSURE },
	{ HEAD("GET /v1//messages", BEARER(DISABLED)), PC_R_PATH_UNSURE,
	  PC_R_PATH_UNSURE },
	{ HEAD("GET /v1/a.b/c", BEARER(DISABLED)), PC_R_KEY_DISABLED,
	  PC_R_KEY_DISABLED },
	{ HEAD("GET /antigravity/v1/usage", BEARER(BALANCE)),
	  PC_R_BALANCE_EMPTY, PC_R_BALANCE_EMPTY },
	{ TASKS("GET", BALANCE), PC_R_BALANCE_EMPTY, PC_R_KEY_LIVE },
	{ TASKS("POST", BALANCE), PC_R_BALANCE_EMPTY, PC_R_BALANCE_EMPTY },
	{ HEAD("POST /models", BEARER(DISABLED)), PC_R_OTHER_PATH,
	  PC_R_KEY_DISABLED },
	{ HEAD("POST /responses", BEARER(DISABLED)), PC_R_KEY_DISABLED,
	  PC_R_KEY_DISABLED },
	{ HEAD("POST /v1/x", "authorization: bearer " DISABLED "\r\n"),
	  PC_R_ROUTE_UNSURE, PC_R_KEY_DISABLED },
	{ HEAD("POST /v1/messages", "authorization: bearer " DISABLED "\r\n"),
	  PC_R_CREDENTIAL_MISSING, PC_R_KEY_DISABLED },
	{ HEAD("POST /v1/x", BEARER(LIVE) "x-api-key: " DISABLED "\r\n"),
	  PC_R_KEY_LIVE, PC_R_KEY_LIVE },
	{ HEAD("POST /v1/x",
	       BEARER("     " LIVE) "x-api-key: " DISABLED "\r\n"),
	  PC_R_KEY_UNKNOWN, PC_R_KEY_TOO_LONG },
	{ HEAD("POST /v1beta/x",
	       BEARER(LIVE) "x-goog-api-key: " DISABLED "\r\n"),
	  PC_R_KEY_LIVE, PC_R_KEY_DISABLED },
	{ HEAD("POST /v1/x", "x-goog-api-key: " DISABLED "\r\n"),
	  PC_R_KEY_DISABLED, PC_R_KEY_DISABLED },
	/* Keys in the query. */
	{ HEAD("POST /v1/messages?key=" DISABLED, ""), PC_R_QUERY_KEY,
	  PC_R_QUERY_KEY },
	{ HEAD("POST /v1/messages?a=key", BEARER(DISABLED)), PC_R_KEY_DISABLED,
	  PC_R_KEY_DISABLED },
	{ HEAD("POST /v1/messages?key=x", "x-api-key: " LONG "\r\n"),
	  PC_R_QUERY_KEY, PC_R_KEY_INVALID },
	{ HEAD("POST /v1/chat/completions?key=x", ""), PC_R_ROUTE_UNSURE,
	  PC_R_QUERY_KEY },
	{ GEMINI_ASKING("api_key=x", BEARER(LIVE)), PC_R_QUERY_KEY,
	  PC_R_QUERY_KEY },
	{ GEMINI_ASKING("key=" DISABLED, ""), PC_R_KEY_DISABLED,
	  PC_R_KEY_DISABLED },
	{ GEMINI_ASKING("key=%20sk%2d" DISABLED_REST "+", ""),
	  PC_R_KEY_DISABLED, PC_R_KEY_DISABLED },
	{ GEMINI_ASKING("key=" DISABLED, "x-api-key: " LIVE "\r\n"),
	  PC_R_KEY_LIVE, PC_R_KEY_LIVE },
	{ GEMINI_ASKING("key=" DISABLED "%a0", ""), PC_R_QUERY_UNSURE,
	  PC_R_QUERY_UNSURE },
	{ GEMINI_ASKING("key=" LONG, ""), PC_R_KEY_UNKNOWN, PC_R_KEY_INVALID },
	{ GEMINI_ASKING("a=1", ""), PC_R_CREDENTIAL_MISSING,
	  PC_R_CREDENTIAL_MISSING },
	{ GEMINI_ASKING("key=+", ""), PC_R_CREDENTIAL_MISSING,
	  PC_R_CREDENTIAL_MISSING },
	/* Bytes that may be blanks: the gateway may see another header. */
	{ HEAD("POST /v1beta/models/x:y",
	       "Authorization: \xc2\xa0"
	       "Bearer " LIVE "\r\nx-api-key: " DISABLED "\r\n"),
	  PC_R_KEY_DISABLED, PC_R_KEY_TOO_LONG },
	/* Other methods are not known to have routes. */
	{ HEAD("HEAD /v1/models", BEARER(DISABLED)), PC_R_OTHER_METHOD,
	  PC_R_OTHER_METHOD },
	{ HEAD("DELETE /v1/messages", ""), PC_R_OTHER_METHOD,
	  PC_R_OTHER_METHOD },
	{ HEAD("OPTIONS /v1/messages", ""), PC_R_OTHER_METHOD,
	  PC_R_OTHER_METHOD },
};

static void profiles_differ_as_the_gateways_do(void **state)
{
	(void)state;
	use(SEED);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_judged(CLIENT, rows[i].head, rows[i].seed);
	use(NEW);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_judged(CLIENT, rows[i].head, rows[i].later);
}

static void simple_mode_looks_at_no_billing(void **state)
{
	struct policy_options opt = monitoring(NEW);

	(void)state;
	opt.run_mode = PC_RUN_SIMPLE;
	request_use(&opt);
	assert_judged(CLIENT, MESSAGES(BALANCE), PC_R_KEY_LIVE);
	assert_judged(CLIENT, MESSAGES(PAST), PC_R_KEY_LIVE);
	assert_judged(CLIENT, MESSAGES(SUBSCRIBED), PC_R_KEY_LIVE);
	assert_judged(CLIENT, MESSAGES(DISABLED), PC_R_KEY_DISABLED);
	assert_judged(CLIENT, MESSAGES(GROUP_DISABLED), PC_R_GROUP_DISABLED);
	opt = monitoring(SEED);
	opt.run_mode = PC_RUN_SIMPLE;
	request_use(&opt);
	assert_judged(CLIENT, MESSAGES(BALANCE), PC_R_KEY_LIVE);
	assert_judged(CLIENT, MESSAGES(PAST), PC_R_KEY_EXPIRED);
}

/* Every length over which SHA-256 has one block, two or three. */
static void keys_of_every_length_are_digested(void **state)
{
	struct entry entries[PC_DIGEST_SIZE * 4 + 1] = { 0 };
	struct snapshot s = { .entries = entries };
	struct policy_options opt = monitoring(NEW);
	char key[160], head[512];

	(void)state;
	for (size_t n = 0; n < sizeof(key); n++)
		key[n] = "abcdefghijklmnopqrstuvwxyz_-0123456789"[n % 38];
	for (size_t n = 1; n <= 128; n++) {
		struct entry *e = &entries[s.n_entries++];

		*e = (struct entry){ GOOD_USER, .status = PC_STATUS_OTHER };
		assert_int_equal(digest_key(&e->digest, key, n), 0);
	}
	harness_apply(&opt, &s);
	for (int n = 1; n <= 130; n++) {
		snprintf(head, sizeof(head),
			 HEAD("GET /v1/usage", "X-Api-Key: %.*s\r\n"), n, key);
		assert_judged(CLIENT, head,
			      n > 128 ? PC_R_KEY_INVALID : PC_R_KEY_DISABLED);
		snprintf(head, sizeof(head),
			 HEAD("GET /v1/usage", BEARER("%.*s")), n, key);
		assert_judged(CLIENT6, head,
			      n > 128 ? PC_R_KEY_INVALID : PC_R_KEY_DISABLED);
	}
}

static void addresses_are_judged_for_their_key(void **state)
{
	(void)state;
	use(NEW);
	assert_judged(IN_BLACK, MESSAGES(BLACKLISTED), PC_R_ADDRESS_DENIED);
	assert_judged(IN_BLACK6, MESSAGES(BLACKLISTED), PC_R_ADDRESS_DENIED);
	assert_judged(CLIENT, MESSAGES(BLACKLISTED), PC_R_KEY_LIVE);
	assert_judged(CLIENT6, MESSAGES(BLACKLISTED), PC_R_KEY_LIVE);
	assert_judged("198.51.99.255", MESSAGES(BLACKLISTED), PC_R_KEY_LIVE);
	assert_judged("198.51.101.0", MESSAGES(BLACKLISTED), PC_R_KEY_LIVE);
	/* Other keys are none of its business. */
	assert_judged(IN_BLACK, MESSAGES(LIVE), PC_R_KEY_LIVE);
	assert_judged(IN_BLACK6, MESSAGES(LIVE), PC_R_KEY_LIVE);
	assert_judged(CLIENT, MESSAGES(WHITELISTED), PC_R_KEY_LIVE);
	assert_judged(CLIENT6, MESSAGES(WHITELISTED), PC_R_KEY_LIVE);
	assert_judged("203.0.113.16", MESSAGES(WHITELISTED),
		      PC_R_ADDRESS_DENIED);
	assert_judged("2001:db8:1:1::", MESSAGES(WHITELISTED),
		      PC_R_ADDRESS_DENIED);
	/* Seed's Google middleware does not look at addresses. */
	use(SEED);
	assert_judged(IN_BLACK, MESSAGES(BLACKLISTED), PC_R_ADDRESS_DENIED);
	assert_judged(IN_BLACK, GEMINI(BLACKLISTED), PC_R_KEY_LIVE);
}

#define FORWARDED(key) \
	HEAD("GET /v1/x", BEARER(key) "X-Forwarded-For: 192.0.2.99\r\n")

static void an_address_must_be_the_clients(void **state)
{
	struct policy_options opt = monitoring(NEW);
	struct prefix proxies[2];

	(void)state;
	/* Forwarding headers count only if the gateway believes them ... */
	request_use(&opt);
	assert_judged(IN_BLACK, FORWARDED(BLACKLISTED), PC_R_ADDRESS_DENIED);
	opt = monitoring(NEW);
	opt.trust_forwarded = true;
	request_use(&opt);
	assert_judged(IN_BLACK, FORWARDED(BLACKLISTED), PC_R_ADDRESS_UNSURE);
	assert_judged(IN_BLACK, MESSAGES(BLACKLISTED), PC_R_ADDRESS_DENIED);
	assert_judged(IN_BLACK, FORWARDED(LIVE), PC_R_KEY_LIVE);
	assert_judged(IN_BLACK, FORWARDED(DISABLED), PC_R_KEY_DISABLED);
	/* ... or some that only it knows ... */
	opt = monitoring(NEW);
	opt.trust_forwarded = true;
	opt.custom_forwarded = true;
	request_use(&opt);
	assert_judged(IN_BLACK, MESSAGES(BLACKLISTED), PC_R_ADDRESS_UNSURE);
	/* ... or if a trusted proxy sends the packet. */
	opt = monitoring(NEW);
	opt.proxies = harness_prefixes(proxies, "198.51.100.76/30 " IN_BLACK6);
	request_use(&opt);
	assert_judged(IN_BLACK, MESSAGES(BLACKLISTED), PC_R_ADDRESS_UNSURE);
	assert_judged(IN_BLACK6, MESSAGES(BLACKLISTED), PC_R_ADDRESS_UNSURE);
	assert_judged("198.51.100.80", MESSAGES(BLACKLISTED),
		      PC_R_ADDRESS_DENIED);
	assert_judged(IN_BLACK, MESSAGES(DISABLED), PC_R_KEY_DISABLED);
}

/* Nobody has to do anything for a key to expire. */
static void keys_expire_by_the_clock(void **state)
{
	const int64_t at = HARNESS_NOW_NS - SECOND_NS; /* PAST's moment */

	(void)state;
	use(NEW);
	harness_set_now(at - 3600 * SECOND_NS, 0);
	assert_judged(CLIENT, MESSAGES(PAST), PC_R_KEY_LIVE);
	harness_set_now(at + SECOND_NS / 1000, 0);
	assert_judged(CLIENT, MESSAGES(PAST), PC_R_KEY_EXPIRED);
	harness_set_now(at - SECOND_NS / 2, 0);
	assert_judged(CLIENT, MESSAGES(PAST), PC_R_KEY_LIVE);
	usleep(600000);
	assert_judged(CLIENT, MESSAGES(PAST), PC_R_KEY_EXPIRED);
	harness_set_now(INT64_MAX - 3600 * SECOND_NS, 0);
	assert_judged(CLIENT, MESSAGES(LIVE), PC_R_KEY_LIVE);
}

static void unknown_keys_are_refused_while_that_is_certain(void **state)
{
	static const char *const odd =
		"POST /v1/messages HTTP/1.1\r\nHost: a\r\n"
		"x-api-key: sk-\xc3\xa9\r\n\r\n";
	struct policy_options opt = monitoring(NEW);
	const char *unknown = HEAD("POST /v1/messages", BEARER(UNKNOWN));

	(void)state;
	request_use(&opt);
	assert_judged(CLIENT, unknown, PC_R_KEY_UNKNOWN);
	opt = monitoring(NEW);
	opt.deny_unknown = true;
	opt.lease_ns = 600 * SECOND_NS;
	request_use(&opt);
	assert_judged(CLIENT, unknown, PC_R_KEY_INVALID);
	assert_judged(CLIENT, MESSAGES(LIVE), PC_R_KEY_LIVE);
	assert_judged(CLIENT, HEAD("POST /v1/nowhere", BEARER(UNKNOWN)),
		      PC_R_ROUTE_UNSURE);
	/* The gateway's database may not take it for text at all. */
	assert_judged(CLIENT, odd, PC_R_KEY_UNKNOWN);
	/* A key may have been made since, and the word of others ages. */
	harness_set_now(HARNESS_NOW_NS + 599 * SECOND_NS, 0);
	assert_judged(CLIENT, unknown, PC_R_KEY_INVALID);
	harness_set_now(HARNESS_NOW_NS + 601 * SECOND_NS, 0);
	assert_judged(CLIENT, unknown, PC_R_KEY_UNKNOWN);
	/* No seed has room for so long a key. */
	opt = monitoring(SEED);
	opt.deny_unknown = true;
	request_use(&opt);
	assert_judged(CLIENT, HEAD("POST /v1/messages", BEARER(LONG)),
		      PC_R_KEY_INVALID);
}

#define PICK(list) list[(size_t)rand() % ARRAY_SIZE(list)]

static const char *const paths[] = {
	"/v1/messages",
	"/v1/usage",
	"/v1/responses",
	"/v1beta/models/x",
	"/models",
	"/responses",
	"/health",
	"/antigravity/v1beta/x",
	"/v1/images/tasks/7",
	"/v1/responses/x",
	"/api/v1/keys",
};
static const char *const queries[] = { "",	     "",
				       "",	     "",
				       "",	     "",
				       "",	     "?a=1",
				       "?key=" LIVE, "?api_key=x",
				       "?k%65y=1",   "?key=+&key=x",
				       "?key=x;y",   "?key=%20" DISABLED "+",
				       "?key=%a0" };
static const char *const froms[] = { CLIENT, CLIENT6, IN_BLACK, IN_BLACK6,
				     "203.0.113.200" };
static const char *const names[] = { "Authorization", "x-api-key",
				     "X-Goog-Api-Key", "X-Forwarded-For",
				     "X-Real-IP" };
static const char *const schemes[] = {
	"Bearer ", "Bearer ", "bearer ", "Bearer  ", "Basic ", "Bearer        "
};

struct random_request {
	char head[2048];
	char values[4][256];
	char peer[64];
	char path[64];
	struct header headers[4];
	struct decide_request req;
	const char *from;
};

static void random_value(char out[256], const char *name)
{
	const struct request_key *k = &PICK(request_keys);

	if (name[0] == 'X' && name[2] != 'G')
		snprintf(out, 256, "%s", rand() % 2 ? IN_BLACK : CLIENT);
	else
		snprintf(out, 256, "%s%s",
			 *name == 'A'  ? PICK(schemes)
			 : rand() % 10 ? ""
				       : "Bearer ",
			 rand() % 8   ? k->key
			 : rand() % 2 ? UNKNOWN
			 : rand() % 2 ? UNKNOWN LIVE
				      : "");
}

static void random_request(struct random_request *r)
{
	const char *query = PICK(queries);
	const char *method = rand() % 3 ? "POST" : "GET";
	size_t n = (size_t)rand() % 4, at;

	r->from = PICK(froms);
	snprintf(r->path, sizeof(r->path), "%s", PICK(paths));
	snprintf(r->peer, sizeof(r->peer),
		 strchr(r->from, ':') ? "[%s]:1" : "%s:1", r->from);
	at = (size_t)snprintf(r->head, sizeof(r->head),
			      "%s %s%s HTTP/1.1\r\nHost: a\r\n", method,
			      r->path, query);
	for (size_t i = 0; i < n; i++) {
		struct header *h = &r->headers[i];

		h->name = PICK(names);
		random_value(r->values[i], h->name);
		h->value = r->values[i];
		at += (size_t)sprintf(r->head + at, "%s: %s\r\n", h->name,
				      h->value);
	}
	strcpy(r->head + at, "\r\n");
	r->req = (struct decide_request){
		.method = method,
		.path = r->path,
		.query = *query ? query + 1 : "",
		.peer = r->peer,
		.headers = r->headers,
		.n_headers = n,
		.now_ns = HARNESS_NOW_NS,
		.variant = strstr(r->path, "/v1beta/") ? PC_VARIANT_GOOGLE
						       : PC_VARIANT_MAIN,
	};
}

static int lookup(struct decide_found *out, const char *key, size_t key_size,
		  void *arg)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(request_keys); i++) {
		struct request_key *k = &request_keys[i];

		if (strlen(k->key) != key_size || memcmp(k->key, key, key_size))
			continue;
		k->e.blacklist = k->black[0] ? k->black : NULL;
		k->e.whitelist = k->white[0] ? k->white : NULL;
		out->entry = &k->e;
		return 0;
	}
	return -ENOENT;
}

/*
 * The kernel may pass what the agent refuses.  What the kernel refuses, or says
 * lives, the agent must judge alike.
 */
static void check_sound(const struct random_request *r, enum pc_reason got,
			const struct decision *want)
{
	bool sure = reason_class(got) == PC_CLASS_DENY || got == PC_R_KEY_LIVE;

	if (!sure || got == want->reason)
		return;
	fail_msg("from %s, %s: the kernel says %s, the agent %s", r->from,
		 r->head, reason_name(got), reason_name(want->reason));
}

static void the_agent_decides_the_same(void **state)
{
	struct prefix proxy[1];
	struct random_request r;
	size_t n_denied = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 4000; i++) {
		struct policy_options opt = monitoring(i / 100 % 2);
		struct decide_config cfg = { .profile = opt.profile };
		struct decision want;
		enum pc_reason got;

		opt.run_mode = cfg.run_mode = i / 200 % 4 == 3;
		opt.trust_forwarded = cfg.trust_forwarded = i / 400 % 2;
		opt.deny_unknown = i / 1600 % 2;
		if (i / 800 % 2)
			opt.proxies = harness_prefixes(proxy, IN_BLACK);
		cfg.proxies = opt.proxies.items;
		cfg.n_proxies = opt.proxies.n;
		if (i % 100 == 0)
			request_use(&opt);
		random_request(&r);
		got = judge(r.from, r.head);
		decide(&want, &cfg, &r.req, lookup, NULL);
		check_sound(&r, got, &want);
		n_denied += reason_class(got) == PC_CLASS_DENY;
	}
	assert_in_range(n_denied, 600, 3500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles_differ_as_the_gateways_do),
		cmocka_unit_test(simple_mode_looks_at_no_billing),
		cmocka_unit_test(keys_of_every_length_are_digested),
		cmocka_unit_test(addresses_are_judged_for_their_key),
		cmocka_unit_test(an_address_must_be_the_clients),
		cmocka_unit_test(keys_expire_by_the_clock),
		cmocka_unit_test(
			unknown_keys_are_refused_while_that_is_certain),
		cmocka_unit_test(the_agent_decides_the_same),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
