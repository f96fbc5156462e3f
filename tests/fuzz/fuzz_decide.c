// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile requests through decide().  The input is texts separated by NUL:
 * eight setting bytes, then method, path, query, peer, client text, patterns
 * and headers.  Checked: no crash, a reason the gateway has an answer for, and
 * a body that is JSON.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "answer.h"
#include "client.h"
#include "decide.h"
#include "limiter.h"

#define MAX_HEADERS 8
#define SETTINGS 8

struct input {
	const uint8_t *at;
	size_t left;
};

/* The next text, in a new string; "" once the input has run out. */
static char *take(struct input *in)
{
	const uint8_t *end = memchr(in->at, 0, in->left);
	size_t n = end ? (size_t)(end - in->at) : in->left;
	char *text = strndup((const char *)in->at, n);

	n += end != NULL;
	in->at += n;
	in->left -= n;
	return text;
}

static void check(int holds)
{
	if (!holds)
		abort();
}

/* What the lookup has to tell. */
struct shelf {
	struct entry entry;
	struct subscription sub;
	enum pc_reason over;
};

static int find(struct decide_found *out, const char *key, size_t key_size,
		void *arg)
{
	static const int errors[] = { 0, 0, 0, 0, 0, -ENOENT, -EBUSY, -EIO };
	const struct shelf *shelf = arg;

	check(strlen(key) == key_size);
	*out = (struct decide_found){ &shelf->entry, &shelf->sub, shelf->over };
	return errors[shelf->entry.key_id & 7];
}

static void check_answer(const struct decision *d, uint8_t profile)
{
	char message[DECIDE_TEXT_SIZE + 128], body[8 * DECIDE_TEXT_SIZE];
	struct answer a;
	json_t *json;

	check(memchr(d->client, 0, sizeof(d->client)) != NULL);
	if (d->reason == PC_R_SUBSCRIPTION_UNSURE)
		return;
	check(!answer_find(&a, profile, d->dialect, d->reason));
	answer_message(message, sizeof(message), &a, d->client, d->detail);
	check(answer_body(body, sizeof(body), d->dialect, &a, message) > 0);
	json = json_loads(body, 0, NULL);
	check(json != NULL);
	json_decref(json);
}

static void make_entry(struct entry *e, const uint8_t *settings, char **lists)
{
	*e = (struct entry){
		.key_id = settings[3],
		.status = settings[4] & 3,
		.not_found = settings[4] == 0xff,
		.has_user = !(settings[5] & 1),
		.user_active = !(settings[5] & 2),
		.has_group_id = settings[5] & 4,
		.has_group = settings[5] & 8,
		.group_subscription = settings[5] & 16,
		.group_exclusive = settings[5] & 32,
		.group_allowed = settings[5] & 64,
		.group_status = settings[6] % 3,
		.balance_nusd = settings[6] & 4 ? 1 : 0,
		.quota_nusd = settings[6] & 8,
		.quota_used_nusd = settings[6] & 16,
		.daily_limit_nusd = settings[6] & 32,
		.expires_ns = settings[6] & 64 ? 0 : PC_NEVER,
		.whitelist = settings[7] & 1 ? lists : NULL,
		.blacklist = settings[7] & 2 ? lists : NULL,
	};
}

static void make_subscription(struct subscription *s, const uint8_t *settings)
{
	*s = (struct subscription){
		.known = settings[2] % 3,
		.status = settings[2] >> 2 & 3,
		.expires_ns = settings[2] & 16 ? PC_NEVER : 0,
		.daily_nusd = settings[2] & 32 ? 100 : 0,
		.daily_start_ns = settings[2] & 64 ? INT64_MIN : 1,
	};
}

static void run(const uint8_t *settings, struct input in)
{
	char *texts[6 + 2 * MAX_HEADERS];
	char *lists[2] = { NULL, NULL };
	const char *const custom[] = { "X-Client" };
	struct header headers[MAX_HEADERS];
	struct shelf shelf;
	struct prefix proxy;
	struct decision d;
	struct decide_config cfg = {
		.profile = settings[0] & 1,
		.run_mode = settings[0] >> 1 & 1,
		.trust_forwarded = settings[0] & 4,
		.client_ip_headers = custom,
		.n_client_ip_headers = settings[0] >> 3 & 1,
	};
	struct decide_request req = {
		.headers = headers,
		.n_headers = MAX_HEADERS,
		.now_ns = settings[1] & 1 ? INT64_MAX : INT64_MIN + settings[1],
		.variant = settings[0] >> 4 & 1,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		texts[i] = take(&in);
	req.method = texts[0];
	req.path = texts[1];
	req.query = texts[2];
	req.peer = texts[3];
	lists[0] = texts[4];
	if (!prefix_parse_pattern(&proxy, texts[5])) {
		cfg.proxies = &proxy;
		cfg.n_proxies = 1;
	}
	for (size_t i = 0; i < MAX_HEADERS; i++)
		headers[i] =
			(struct header){ texts[6 + 2 * i], texts[7 + 2 * i] };
	make_entry(&shelf.entry, settings, lists);
	make_subscription(&shelf.sub, settings);
	shelf.over = settings[2] & 1 ? PC_R_WINDOW_5H : PC_NEXT;
	decide(&d, &cfg, &req, find, &shelf);
	check_answer(&d, cfg.profile);
	client_allowed(cfg.profile, texts[5], shelf.entry.whitelist,
		       shelf.entry.blacklist);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
}

/* The limiter keeps its state from input to input, as it does in the agent. */
static void run_limiter(const uint8_t *settings, struct input in)
{
	static struct limiter *l;
	static int64_t now_ns;
	char *client = take(&in);
	uint32_t retry_s = 0;

	if (!l) {
		l = limiter_new(2, 1000, 1000);
		limiter_cap(l, 64);
	}
	now_ns += settings[1];
	limiter_record(l, client, now_ns);
	if (limiter_blocked(l, client, now_ns, &retry_s))
		check(retry_s == 1);
	free(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;

	if (size < SETTINGS)
		return 0;
	in = (struct input){ data + SETTINGS, size - SETTINGS };
	run(data, in);
	run_limiter(data, in);
	return 0;
}
