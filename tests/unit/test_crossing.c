// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "crossing.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NOW 1000000000000000000LL
#define SECOND 1000000000LL
#define USD 1000000000LL
#define USER 7
#define GROUP 3

/* Keys 1 and 2 are a user's; the facts that were told of each last. */
struct told {
	int n;
	uint32_t facts[3];
};

static void tell(const struct pc_digest *key, const struct pc_key *value,
		 void *arg)
{
	struct told *told = arg;

	told->n++;
	told->facts[key->bytes[0]] = value->facts;
}

static struct entry entry_of(int key)
{
	return (struct entry){
		.digest.bytes = { (__u8)key },
		.key_id = key,
		.user_id = USER,
		.expires_ns = PC_NEVER,
		.balance_nusd = 5 * USD,
		.quota_nusd = 10 * USD,
		.has_user = true,
		.user_active = true,
		.has_group = true,
		.has_group_id = true,
		.group_id = GROUP,
	};
}

/* What a reload made of key 1 after something was admitted on it. */
static const struct {
	const char *what;
	bool gone;
	bool subscribed;
	int64_t user_id;
	int64_t cost_nusd;
	uint32_t facts[3];
} rows[] = {
	{ "as it was, too little", false, false, USER, 4 * USD, { 0 } },
	{ "as it was",
	  false,
	  false,
	  USER,
	  6 * USD,
	  { 0, PC_F_BALANCE_EMPTY, PC_F_BALANCE_EMPTY } },
	{ "gone", true, false, USER, 6 * USD, { 0, 0, PC_F_BALANCE_EMPTY } },
	{ "paid by a subscription now",
	  false,
	  true,
	  USER,
	  6 * USD,
	  { 0, PC_F_SUBSCRIPTION, PC_F_BALANCE_EMPTY } },
	{ "another user's now",
	  false,
	  false,
	  USER + 1,
	  6 * USD,
	  { 0, 0, PC_F_BALANCE_EMPTY } },
	{ "another user's now, used up",
	  false,
	  false,
	  USER + 1,
	  11 * USD,
	  { 0, PC_F_QUOTA_REACHED, PC_F_BALANCE_EMPTY } },
};

static void an_empty_balance_is_told_of_every_key(void **state)
{
	const struct ledger_config cfg = { USD, USD, 60 * SECOND };

	(void)state;
	store_enter();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct snapshot s = { .taken_ns = NOW - 100 * SECOND };
		struct entry first = entry_of(1);
		struct told told = { 0 };
		struct crossing c = { .tell = tell, .arg = &told };
		struct ledger_account who;
		struct store *store;
		uint32_t before;

		assert_int_equal(store_new(&store), 0);
		assert_int_equal(ledger_new(&c.ledger, &cfg), 0);
		c.store = store;
		ledger_account_of(&who, &first);
		first.group_subscription = rows[i].subscribed;
		first.user_id = rows[i].user_id;
		s.entries = calloc(2, sizeof(*s.entries));
		if (!rows[i].gone)
			s.entries[s.n_entries++] = first;
		s.entries[s.n_entries++] = entry_of(2);
		assert_int_equal(store_replace(store, &s), 0);
		ledger_taken(c.ledger, store_taken_ns(store));

		before = crossing_facts(&c, &who.digest, NOW);
		assert_int_equal(
			ledger_charge(c.ledger, &who, rows[i].cost_nusd, NOW),
			0);
		crossing_compare(&c, &who, before, NOW);
		for (int k = 1; k < 3; k++) {
			if (told.facts[k] != rows[i].facts[k])
				fail_msg("%s: key %d: %#x", rows[i].what, k,
					 told.facts[k]);
		}
		ledger_free(c.ledger);
		store_free(store);
	}
	store_leave();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_balance_is_told_of_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
