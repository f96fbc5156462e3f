// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a body of /v1/check.  A failure words an error that quotes
 * nothing; whatever is a question is decided upon, and the answer is JSON.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ruling_ground *ground(void)
{
	static const struct ledger_config cfg = { 1, 1, 1 };
	static struct ruling_ground g;
	static struct store *store;
	struct snapshot snap = { .complete = true, .taken_ns = 1 };

	if (store)
		return &g;
	if (store_new(&store) || ledger_new(&g.ledger, &cfg) ||
	    store_replace(store, &snap))
		abort();
	snapshot_fini(&snap);
	store_enter();
	g.store = store;
	g.complete_until_ns = PC_NEVER;
	g.cfg.trust_forwarded = true;
	return &g;
}

static void check_error(const char *error)
{
	size_t n = strnlen(error, ASK_ERROR_SIZE);

	assert(n > 0 && n < ASK_ERROR_SIZE);
	for (size_t i = 0; i < n; i++)
		assert(error[i] >= ' ' && error[i] <= '~');
}

static void check_answer(const struct ask *a)
{
	static struct ruling r;
	char text[10240];
	struct text t = { .buf = text, .size = sizeof(text) };
	struct ruling_question q = {
		.req = a->req,
		.key = a->has_digest ? &a->digest : NULL,
	};
	json_t *json;

	q.req.peer = a->client ? a->client : "192.0.2.1:1";
	q.req.now_ns = 2;
	for (int own = 0; own < 2; own++) {
		q.own_address = own;
		ruling_make(&r, ground(), &q);
		assert(!r.has_key);
	}
	text_add(&t, "{");
	ask_print(&t, &r, "id");
	text_add(&t, "}");
	assert(!t.full);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert(json);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[ASK_ERROR_SIZE] = "";
	struct ask a;

	if (ask_parse(&a, (const char *)data, size, error)) {
		check_error(error);
		return 0;
	}
	check_answer(&a);
	ask_fini(&a);
	return 0;
}
