// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conformance cases from JSON.  Every documented field must be there and be of
 * its type; others are ignored.  Errors never quote a key.
 */
#include "cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "limiter.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const kinds[] = {
	[CASE_AUTH] = "auth",
	[CASE_IP_RULE] = "ip_rule",
	[CASE_CLIENT_IP] = "client_ip",
	[CASE_ABUSE] = "invalid_auth_abuse",
	[CASE_KEY_FORMAT] = "key_format",
	[CASE_CACHE_ENTRY] = "cache_entry",
};

/* What an event of a timeline ends in, unless the limiter stops it first. */
static const struct {
	const char *name;
	enum pc_reason reason;
} results[] = {
	{ "valid", PC_R_KEY_LIVE },
	{ "not_found", PC_R_KEY_INVALID },
	{ "invalid", PC_R_KEY_INVALID },
	{ "oversized", PC_R_KEY_INVALID },
	{ "missing", PC_R_CREDENTIAL_MISSING },
	{ "required", PC_R_CREDENTIAL_MISSING },
	{ "no_key", PC_R_CREDENTIAL_MISSING },
	{ "no_credential", PC_R_CREDENTIAL_MISSING },
	{ "malformed", PC_R_CREDENTIAL_MISSING },
	{ "query_key", PC_R_QUERY_KEY },
	{ "db_error", PC_R_LOOKUP_FAILED },
	{ "overloaded", PC_R_LOOKUP_BUSY },
	{ "disabled", PC_R_KEY_DISABLED },
	{ "expired", PC_R_KEY_EXPIRED },
	{ "quota", PC_R_KEY_EXHAUSTED },
	{ "quota_exhausted", PC_R_KEY_EXHAUSTED },
	{ "ip_denied", PC_R_ADDRESS_DENIED },
	{ "user_inactive", PC_R_USER_INACTIVE },
	{ "group_deleted", PC_R_GROUP_DELETED },
	{ "group_disabled", PC_R_GROUP_DISABLED },
	{ "group_not_allowed", PC_R_GROUP_NOT_ALLOWED },
	{ "no_subscription", PC_R_SUBSCRIPTION_MISSING },
	{ "balance", PC_R_BALANCE_EMPTY },
};

static int parse_headers(struct a_case *c, const struct object *o)
{
	json_t *list = NULL, *pair;
	size_t i;
	int err = field_array(&list, o, "headers");

	if (err)
		return err;
	c->headers = calloc(json_array_size(list) + 1, sizeof(*c->headers));
	if (!c->headers)
		return -ENOMEM;
	json_array_foreach(list, i, pair)
	{
		struct header *h = &c->headers[i];

		h->name = json_string_value(json_array_get(pair, 0));
		h->value = json_string_value(json_array_get(pair, 1));
		if (json_array_size(pair) != 2 || !h->name || !h->value)
			return object_refuse(o, "headers",
					     "not a list of [name, value]");
	}
	c->req.headers = c->headers;
	c->req.n_headers = json_array_size(list);
	return 0;
}

static int parse_proxies(struct a_case *c, const struct object *o)
{
	char **texts = NULL;
	size_t n = 0;
	int err = field_strings(&texts, o, "trusted_proxies");

	if (err || !texts)
		return err;
	while (texts[n])
		n++;
	c->proxies = calloc(n, sizeof(*c->proxies));
	if (!c->proxies)
		err = -ENOMEM;
	for (size_t i = 0; !err && i < n; i++) {
		if (prefix_parse_pattern(&c->proxies[i], texts[i]))
			err = object_refuse(o, "trusted_proxies",
					    "not a list of addresses");
	}
	free(texts);
	c->cfg.proxies = c->proxies;
	c->cfg.n_proxies = n;
	return err;
}

static int parse_config(struct a_case *c, const struct object *json)
{
	struct decide_config *cfg = &c->cfg;
	struct object o;
	int err = field_object(&o, json, "cfg", "cfg.");

	if (!err)
		err = field_flag(&cfg->trust_forwarded, &o,
				 "trust_forwarded_ip");
	if (!err)
		err = parse_proxies(c, &o);
	if (!err)
		err = object_strings(&c->client_ip_headers, &o,
				     "forwarded_client_ip_headers");
	if (err)
		return err;
	cfg->client_ip_headers = (const char *const *)c->client_ip_headers;
	while (c->client_ip_headers &&
	       c->client_ip_headers[cfg->n_client_ip_headers])
		cfg->n_client_ip_headers++;
	return 0;
}

static int parse_run_mode(struct a_case *c, const struct object *json)
{
	static const char *const modes[] = {
		[PC_RUN_STANDARD] = "standard",
		[PC_RUN_SIMPLE] = "simple",
	};
	unsigned int mode = 0;
	struct object o;
	int err = field_object(&o, json, "cfg", "cfg.");

	if (!err)
		err = field_name(&mode, &o, "run_mode", modes,
				 ARRAY_SIZE(modes));
	c->cfg.run_mode = (uint8_t)mode;
	return err;
}

static int parse_request(struct a_case *c, const struct object *json)
{
	static const char *const variants[] = {
		[PC_VARIANT_MAIN] = "main",
		[PC_VARIANT_GOOGLE] = "google",
	};
	struct decide_request *req = &c->req;
	unsigned int variant = 0;
	struct object o;
	int err = field_object(&o, json, "request", "request.");

	if (!err)
		err = field_string(&req->method, &o, "method");
	if (!err)
		err = field_string(&req->path, &o, "path");
	if (!err)
		err = field_string(&req->query, &o, "query");
	if (!err)
		err = field_string(&req->peer, &o, "peer");
	if (!err)
		err = parse_headers(c, &o);
	if (!err)
		err = field_time(&req->now_ns, json, "now");
	if (!err)
		err = field_name(&variant, json, "variant", variants,
				 ARRAY_SIZE(variants));
	req->variant = (uint8_t)variant;
	return err;
}

static int parse_store(struct a_case *c, const struct object *json)
{
	char error[SNAPSHOT_ERROR_SIZE], what[SNAPSHOT_WHAT_SIZE];
	struct object o;
	const char *key;
	json_t *record;
	int err = field_object(&o, json, "store", "store.");

	if (err)
		return err;
	c->store = calloc(json_object_size(o.json) + 1, sizeof(*c->store));
	if (!c->store)
		return -ENOMEM;
	json_object_foreach((json_t *)(uintptr_t)o.json, key, record)
	{
		struct case_row *row = &c->store[c->n_store];

		err = snapshot_parse_record(&row->entry, record, error);
		if (err == -EBADMSG) {
			snprintf(what, sizeof(what), "record %zu: %.100s",
				 c->n_store + 1, error);
			return object_refuse(json, "store", what);
		}
		if (err)
			return err;
		row->key = key;
		c->n_store++;
	}
	return 0;
}

/* No row, absent or null, means that the gateway would find none. */
static int parse_subscription(struct a_case *c, const struct object *json)
{
	struct object o;
	int err = object_object(&o, json, "subscription", "subscription.");

	c->sub.known = SUBSCRIPTION_NONE;
	if (err || !o.json)
		return err;
	return subscription_parse(&c->sub, &o);
}

static int parse_auth(struct a_case *c, const struct object *o)
{
	int err = parse_request(c, o);

	if (!err)
		err = parse_config(c, o);
	if (!err)
		err = parse_run_mode(c, o);
	if (!err)
		err = parse_store(c, o);
	return err ? err : parse_subscription(c, o);
}

static int parse_ip_rule(struct a_case *c, const struct object *o)
{
	int err = field_string(&c->client, o, "client_ip");

	if (!err)
		err = field_strings(&c->whitelist, o, "whitelist");
	if (!err)
		err = field_strings(&c->blacklist, o, "blacklist");
	return err;
}

static int parse_client_ip(struct a_case *c, const struct object *o)
{
	int err = field_string(&c->req.peer, o, "peer");

	if (!err)
		err = parse_headers(c, o);
	return err ? err : parse_config(c, o);
}

static int parse_event(struct case_event *e, const struct object *o)
{
	const char *result = NULL;
	int err = field_seconds(&e->time_ns, o, "t");

	if (!err)
		err = field_string(&e->client, o, "ip");
	if (!err)
		err = field_string(&result, o, "result");
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		if (!strcmp(result, results[i].name)) {
			e->reason = results[i].reason;
			return 0;
		}
	}
	return object_refuse(o, "result", "none of the known values");
}

static int parse_events(struct a_case *c, const struct object *o)
{
	struct object event = { .path = "events.", .what = o->what };
	json_t *list = NULL, *item;
	size_t i;
	int err = field_array(&list, o, "events");

	if (err)
		return err;
	c->events = calloc(json_array_size(list) + 1, sizeof(*c->events));
	if (!c->events)
		return -ENOMEM;
	json_array_foreach(list, i, item)
	{
		event.json = item;
		if (!json_is_object(item))
			return object_refuse(o, "events",
					     "not a list of objects");
		err = parse_event(&c->events[c->n_events++], &event);
		if (err)
			return err;
	}
	return 0;
}

static int parse_abuse(struct a_case *c, const struct object *json)
{
	struct object o;
	int err = field_object(&o, json, "cfg", "cfg.");

	if (!err)
		err = field_count(&c->threshold, &o, "threshold");
	if (!err)
		err = field_seconds(&c->window_ns, &o, "window_s");
	if (!err)
		err = field_seconds(&c->block_ns, &o, "block_s");
	c->capacity = LIMITER_IDENTITIES;
	if (!err && object_has(&o, "capacity"))
		err = field_count(&c->capacity, &o, "capacity");
	return err ? err : parse_events(c, json);
}

static int parse_kind(struct a_case *c, const struct object *o)
{
	switch (c->kind) {
	case CASE_AUTH:
		return parse_auth(c, o);
	case CASE_IP_RULE:
		return parse_ip_rule(c, o);
	case CASE_CLIENT_IP:
		return parse_client_ip(c, o);
	case CASE_ABUSE:
		return parse_abuse(c, o);
	case CASE_KEY_FORMAT:
		return field_string(&c->text, o, "key");
	case CASE_CACHE_ENTRY:
		return field_string(&c->text, o, "redis_value");
	}
	return -EBADMSG;
}

int case_parse(struct a_case *out, const json_t *json,
	       char error[static CASES_ERROR_SIZE])
{
	struct object o = { .json = json, .path = "", .what = error };
	struct a_case c = { .id = NULL };
	unsigned int kind = 0;
	int err;

	if (!json_is_object(json))
		return object_refuse(&o, "case", "not an object");
	err = field_string(&c.id, &o, "id");
	if (!err)
		err = field_name(&kind, &o, "kind", kinds, ARRAY_SIZE(kinds));
	c.kind = kind;
	if (!err)
		err = parse_kind(&c, &o);
	if (err)
		case_fini(&c);
	else
		*out = c;
	return err;
}

void case_fini(struct a_case *c)
{
	for (size_t i = 0; i < c->n_store; i++)
		entry_fini(&c->store[i].entry);
	free(c->store);
	free(c->headers);
	free(c->proxies);
	free(c->client_ip_headers);
	free(c->whitelist);
	free(c->blacklist);
	free(c->events);
	*c = (struct a_case){ .id = NULL };
}

int case_lookup(struct decide_found *out, const char *key, size_t key_size,
		void *arg)
{
	const struct a_case *c = arg;

	for (size_t i = 0; i < c->n_store; i++) {
		const struct case_row *row = &c->store[i];

		if (strlen(row->key) == key_size &&
		    !memcmp(row->key, key, key_size)) {
			out->entry = &row->entry;
			out->sub = &c->sub;
			return 0;
		}
	}
	return -ENOENT;
}
