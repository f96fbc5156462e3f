// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <cmocka.h>

#include "digest.h"
#include "ruling.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NOW 1000000000000000000LL
#define SECOND 1000000000LL
#define USD 1000000000LL

/* Two keys: "free" has a subscription without limits, "paid" quota, window and
 * balance. */
struct world {
	struct store *store;
	struct ledger *ledger;
	struct ruling_ground ground;
};

static struct entry *make_entries(void)
{
	struct entry *e = calloc(2, sizeof(*e));

	for (int i = 0; i < 2; i++) {
		e[i].key_id = i + 1;
		e[i].user_id = 7;
		e[i].expires_ns = PC_NEVER;
		e[i].balance_nusd = 5 * USD;
		e[i].has_user = e[i].user_active = true;
		e[i].has_group = e[i].has_group_id = true;
		e[i].group_id = 3;
	}
	digest_key(&e[0].digest, "free", 4);
	e[0].group_subscription = true;
	e[0].subscription = calloc(1, sizeof(*e[0].subscription));
	e[0].subscription->known = SUBSCRIPTION_ROW;
	e[0].subscription->expires_ns = PC_NEVER;
	digest_key(&e[1].digest, "paid", 4);
	e[1].quota_nusd = 10 * USD;
	e[1].rate_limit_5h_nusd = 2 * USD;
	if (memcmp(&e[0].digest, &e[1].digest, sizeof(e[0].digest)) > 0) {
		struct entry swap = e[0];

		e[0] = e[1];
		e[1] = swap;
	}
	return e;
}

static void world_init(struct world *w, bool loaded)
{
	const struct ledger_config cfg = { USD, USD, 60 * SECOND };
	struct snapshot s = { .taken_ns = NOW - 100 * SECOND };

	assert_int_equal(store_new(&w->store), 0);
	assert_int_equal(ledger_new(&w->ledger, &cfg), 0);
	if (loaded) {
		s.entries = make_entries();
		s.n_entries = 2;
		assert_int_equal(store_replace(w->store, &s), 0);
		snapshot_fini(&s);
		ledger_taken(w->ledger, store_taken_ns(w->store));
	}
	w->ground = (struct ruling_ground){
		.cfg = { .profile = PC_PROFILE_V0_1_179,
			 .trust_forwarded = true },
		.store = w->store,
		.ledger = w->ledger,
	};
	store_enter();
}

static void world_fini(struct world *w)
{
	store_leave();
	ledger_free(w->ledger);
	store_free(w->store);
}

static struct header field = { "x-api-key", NULL };

static struct ruling_question ask(const char *key, const char *path)
{
	field.value = key;
	return (struct ruling_question){
		.req = { .method = "POST",
			 .path = path,
			 .query = "",
			 .peer = "192.0.2.1:1",
			 .headers = &field,
			 .n_headers = *key ? 1 : 0,
			 .now_ns = NOW },
	};
}

static void rule(struct ruling *r, const struct world *w, const char *key)
{
	struct ruling_question q = ask(key, "/v1/messages");

	ruling_make(r, &w->ground, &q);
}

static void what_is_blind_is_served_as_told(void **state)
{
	static const struct {
		const char *what;
		bool old, down;
		uint8_t snapshot, ledger;
		const char *key;
		bool allow;
		uint8_t stale;
	} rows[] = {
		{ "all is well", false, false, STALE_DENY, STALE_DENY, "paid",
		  true, 0 },
		{ "old, serve", true, false, STALE_SERVE, STALE_DENY, "paid",
		  true, RULING_STALE_SNAPSHOT },
		{ "old, strict", true, false, STALE_STRICT, STALE_SERVE, "free",
		  false, RULING_STALE_SNAPSHOT },
		{ "old, deny", true, false, STALE_DENY, STALE_SERVE, "free",
		  false, RULING_STALE_SNAPSHOT },
		{ "down, serve", false, true, STALE_DENY, STALE_SERVE, "paid",
		  true, RULING_STALE_LEDGER },
		{ "down, strict, something to check", false, true, STALE_SERVE,
		  STALE_STRICT, "paid", false, RULING_STALE_LEDGER },
		{ "down, strict, nothing to check", false, true, STALE_SERVE,
		  STALE_STRICT, "free", true, RULING_STALE_LEDGER },
		{ "down, deny", false, true, STALE_SERVE, STALE_DENY, "free",
		  false, RULING_STALE_LEDGER },
		{ "both", true, true, STALE_SERVE, STALE_SERVE, "paid", true,
		  RULING_STALE_SNAPSHOT | RULING_STALE_LEDGER },
		{ "an unknown key rests on the snapshot", true, false,
		  STALE_DENY, STALE_SERVE, "nobody", false,
		  RULING_STALE_SNAPSHOT },
	};
	struct ruling r;
	struct world w;

	(void)state;
	world_init(&w, true);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w.ground.max_age_ns = rows[i].old ? 99 * SECOND : 100 * SECOND;
		w.ground.ledger_down = rows[i].down;
		w.ground.on_stale = (struct stale_policies){ rows[i].snapshot,
							     rows[i].ledger };
		rule(&r, &w, rows[i].key);
		if (r.allow != rows[i].allow || r.stale != rows[i].stale)
			fail_msg("%s: allow %d, stale %d", rows[i].what,
				 r.allow, r.stale);
		if (!r.allow &&
		    (r.answer.status != 503 || !r.unable || r.retry_s != 1))
			fail_msg("%s: %d", rows[i].what, r.answer.status);
	}
	world_fini(&w);
}

static void denies_hold_when_blind(void **state)
{
	struct ledger_account who;
	struct ruling r;
	struct world w;

	(void)state;
	world_init(&w, true);
	w.ground.ledger_down = true;
	digest_key(&who.digest, "paid", 4);
	who.user_id = 7;
	who.group_id = 0;
	assert_int_equal(ledger_charge(w.ledger, &who, 6 * USD, NOW), 0);
	rule(&r, &w, "paid");
	assert_false(r.allow);
	assert_int_equal(r.reason, PC_R_BALANCE_EMPTY);
	assert_int_equal(r.stale, RULING_STALE_LEDGER);
	world_fini(&w);
}

static void nothing_loaded_decides_nothing(void **state)
{
	struct ruling r;
	struct world w;

	(void)state;
	world_init(&w, false);
	rule(&r, &w, "paid");
	assert_true(r.unable);
	assert_int_equal(r.answer.status, 503);
	assert_string_equal(r.answer.code, "API_KEY_AUTH_OVERLOADED");
	w.ground.cfg.profile = PC_PROFILE_SEED;
	rule(&r, &w, "paid");
	assert_int_equal(r.answer.status, 503);
	world_fini(&w);
}

static void unknown_keys_pass_unless_the_word_on_them_holds(void **state)
{
	struct ruling r;
	struct world w;

	(void)state;
	world_init(&w, true);
	rule(&r, &w, "nobody");
	assert_true(r.allow);
	assert_int_equal(r.reason, PC_R_KEY_UNKNOWN);
	w.ground.complete_until_ns = NOW + 1;
	rule(&r, &w, "nobody");
	assert_false(r.allow);
	assert_int_equal(r.reason, PC_R_KEY_INVALID);
	w.ground.complete_until_ns = NOW;
	rule(&r, &w, "nobody");
	assert_true(r.allow);
	world_fini(&w);
}

struct reloads {
	struct world *world;
	atomic_bool over;
};

/* All keys that there are, and then some of which one is missing. */
static void *reload_again_and_again(void *arg)
{
	struct reloads *reloads = arg;
	struct world *w = reloads->world;

	for (int i = 0; i < 1000; i++) {
		struct snapshot s = { .taken_ns = NOW };

		if (i % 2) {
			s.entries = make_entries();
			s.n_entries = 2;
		}
		w->ground.complete_until_ns = 0;
		assert_int_equal(store_replace(w->store, &s), 0);
		snapshot_fini(&s);
		w->ground.complete_until_ns = i % 2 ? PC_NEVER : 0;
		usleep(100);
	}
	reloads->over = true;
	return NULL;
}

static void no_key_is_unknown_by_another_snapshot(void **state)
{
	struct reloads reloads = { .over = false };
	struct ruling r;
	struct world w;
	pthread_t t;

	(void)state;
	world_init(&w, true);
	reloads.world = &w;
	assert_int_equal(
		pthread_create(&t, NULL, reload_again_and_again, &reloads), 0);
	while (!reloads.over) {
		for (int i = 0; i < 100; i++) {
			rule(&r, &w, "paid");
			assert_true(r.allow);
		}
		store_pause();
	}
	store_sleep();
	pthread_join(t, NULL);
	store_wake();
	world_fini(&w);
}

static void what_no_middleware_asks_passes(void **state)
{
	static const struct {
		const char *what, *method, *path, *key;
		enum pc_reason reason;
	} rows[] = {
		{ "the panel", "POST", "/api/v1/x", "nobody", PC_R_OTHER_PATH },
		{ "CORS", "OPTIONS", "/v1/messages", "nobody",
		  PC_R_OTHER_METHOD },
		{ "no path", "CONNECT", "host:443", "nobody",
		  PC_R_TARGET_FORM },
		{ "perhaps no route, unknown key", "POST", "/v1/nosuch",
		  "nobody", PC_R_ROUTE_UNSURE },
		{ "perhaps no route, no key", "POST", "/v1/nosuch", "",
		  PC_R_ROUTE_UNSURE },
		{ "a bad escape", "POST", "/v1/%zz", "nobody",
		  PC_R_OTHER_PATH },
	};
	struct ruling r;
	struct world w;

	(void)state;
	world_init(&w, true);
	w.ground.complete_until_ns = PC_NEVER;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ruling_question q = ask(rows[i].key, rows[i].path);

		q.req.method = rows[i].method;
		ruling_make(&r, &w.ground, &q);
		if (!r.allow || r.reason != rows[i].reason)
			fail_msg("%s: %s", rows[i].what, reason_name(r.reason));
	}
	world_fini(&w);
}

static void what_is_held_counts_for_who_wants_more(void **state)
{
	struct ledger_hold hold = { .id = "a",
				    .held_nusd = 5 * USD,
				    .ends_ns = NOW + SECOND };
	struct ruling_question q;
	struct ruling r;
	struct world w;

	(void)state;
	world_init(&w, true);
	digest_key(&hold.who.digest, "paid", 4);
	hold.who.user_id = 7;
	assert_int_equal(ledger_hold(w.ledger, &hold), 0);
	rule(&r, &w, "paid");
	assert_true(r.allow);
	q = ask("paid", "/v1/messages");
	q.reserve = true;
	ruling_make(&r, &w.ground, &q);
	assert_int_equal(r.reason, PC_R_BALANCE_EMPTY);
	world_fini(&w);
}

static void what_is_held_counts_in_windows(void **state)
{
	static const struct {
		const char *what, *key;
		int64_t held_nusd;
		enum pc_reason reason;
	} rows[] = {
		{ "key, room", "paid", USD - 1, PC_R_KEY_LIVE },
		{ "key, none", "paid", USD, PC_R_WINDOW_5H },
		{ "group, room", "free", 2 * USD, PC_R_KEY_LIVE },
		{ "group, none", "free", 2 * USD + 1, PC_R_USAGE_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ruling_question q = ask(rows[i].key, "/v1/messages");
		struct ledger_hold hold = { .id = "a",
					    .held_nusd = rows[i].held_nusd,
					    .ends_ns = NOW + SECOND };
		const struct entry *e;
		struct ruling r;
		struct world w;

		world_init(&w, true);
		digest_key(&hold.who.digest, rows[i].key, 4);
		e = store_find(w.store, &hold.who.digest);
		/* The tests' own. */
		((struct entry *)(uintptr_t)e)->daily_limit_nusd = 3 * USD;
		ledger_account_of(&hold.who, e);
		ledger_charge(w.ledger, &hold.who, USD, NOW);
		assert_int_equal(ledger_hold(w.ledger, &hold), 0);
		rule(&r, &w, rows[i].key);
		assert_true(r.allow);
		q.reserve = true;
		ruling_make(&r, &w.ground, &q);
		if (r.reason != rows[i].reason)
			fail_msg("%s: %s", rows[i].what, reason_name(r.reason));
		world_fini(&w);
	}
}

static void a_spent_window_says_when_it_ends(void **state)
{
	struct ledger_account who = { .user_id = 7 };
	struct ruling r;
	struct world w;

	(void)state;
	world_init(&w, true);
	digest_key(&who.digest, "paid", 4);
	ledger_charge(w.ledger, &who, 2 * USD, NOW - 3600 * SECOND);
	rule(&r, &w, "paid");
	assert_int_equal(r.reason, PC_R_WINDOW_5H);
	assert_int_equal(r.answer.status, 429);
	assert_int_equal(r.retry_s, 4 * 3600);
	assert_string_equal(
		r.body,
		"{\"error\":{\"message\":\"API key 5h rate limit exceeded\","
		"\"type\":\"rate_limit_exceeded\"},\"type\":\"error\"}");
	world_fini(&w);
}

static void who_is_not_believed_is_its_own_client(void **state)
{
	struct header fields[] = { { "x-api-key", "paid" },
				   { "X-Forwarded-For", "203.0.113.1" },
				   { "x-real-ip", "203.0.113.2" },
				   { "CF-Connecting-IP", "203.0.113.3" } };
	struct ruling_question q = ask("paid", "/v1/messages");
	struct ruling r;
	struct world w;

	(void)state;
	world_init(&w, true);
	q.req.headers = fields;
	q.req.n_headers = ARRAY_SIZE(fields);
	for (uint8_t p = 0; p < PC_PROFILE_MAX; p++) {
		w.ground.cfg.profile = p;
		q.own_address = false;
		ruling_make(&r, &w.ground, &q);
		assert_string_equal(r.d.client, "203.0.113.3");
		q.own_address = true;
		ruling_make(&r, &w.ground, &q);
		assert_string_equal(r.d.client, "192.0.2.1");
		assert_true(r.has_key);
	}
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_blind_is_served_as_told),
		cmocka_unit_test(denies_hold_when_blind),
		cmocka_unit_test(nothing_loaded_decides_nothing),
		cmocka_unit_test(
			unknown_keys_pass_unless_the_word_on_them_holds),
		cmocka_unit_test(no_key_is_unknown_by_another_snapshot),
		cmocka_unit_test(what_no_middleware_asks_passes),
		cmocka_unit_test(what_is_held_counts_for_who_wants_more),
		cmocka_unit_test(what_is_held_counts_in_windows),
		cmocka_unit_test(a_spent_window_says_when_it_ends),
		cmocka_unit_test(who_is_not_believed_is_its_own_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
