// SPDX-License-Identifier: GPL-2.0-only
#include "ask.h"

#include <errno.h>
#include <string.h>

#include "digest.h"
#include "field.h"

_Static_assert(ASK_ERROR_SIZE == SNAPSHOT_WHAT_SIZE,
	       "objects write their errors to error");

static int parse_header(struct header *out, const struct object *o,
			const json_t *pair)
{
	out->name = json_string_value(json_array_get(pair, 0));
	out->value = json_string_value(json_array_get(pair, 1));
	if (json_array_size(pair) != 2 || !out->name || !out->value)
		return object_refuse(o, "headers",
				     "not a list of [name, value]");
	return 0;
}

static int parse_headers(struct ask *a, const struct object *o)
{
	json_t *list = NULL, *pair;
	size_t i;
	int err = field_array(&list, o, "headers");

	if (err)
		return err;
	if (json_array_size(list) > ASK_FIELDS)
		return object_refuse(o, "headers", "more than 200");
	json_array_foreach(list, i, pair)
	{
		err = parse_header(&a->headers[i], o, pair);
		if (err)
			return err;
	}
	a->req.n_headers = json_array_size(list);
	return 0;
}

/*
 * A key that is known by its hash alone travels in a header field that both
 * middlewares read; what stands there is never looked at.
 */
static int parse_digest(struct ask *a, const struct object *o)
{
	const char *hex = NULL;
	int err = field_string(&hex, o, "key_hash");

	if (err)
		return err;
	if (digest_parse(&a->digest, hex, strlen(hex)))
		return object_refuse(o, "key_hash", "not 64 hex digits");
	if (object_has(o, "headers"))
		return object_refuse(o, "key_hash", "and headers, too");
	a->has_digest = true;
	a->headers[0] = (struct header){ "x-api-key", "by-hash" };
	a->req.n_headers = 1;
	return 0;
}

static int parse(struct ask *a, const struct object *o)
{
	int err = field_string(&a->req.method, o, "method");

	if (!err)
		err = field_string(&a->req.path, o, "path");
	if (!err && object_has(o, "query"))
		err = object_string(&a->req.query, o, "query");
	if (!err && object_has(o, "client"))
		err = object_string(&a->client, o, "client");
	if (err)
		return err;
	if (!a->req.query)
		a->req.query = "";
	a->req.headers = a->headers;
	return object_has(o, "key_hash") ? parse_digest(a, o)
					 : parse_headers(a, o);
}

int ask_parse(struct ask *out, const char *text, size_t size,
	      char error[static ASK_ERROR_SIZE])
{
	struct object o = { .path = "", .what = error };
	int err;

	*out = (struct ask){ .json = json_loadb(text, size,
						JSON_REJECT_DUPLICATES, NULL) };
	o.json = out->json;
	if (!json_is_object(out->json))
		err = object_refuse(&o, "body", "not a JSON object");
	else
		err = parse(out, &o);
	if (err)
		ask_fini(out);
	return err;
}

void ask_fini(struct ask *a)
{
	json_decref(a->json);
	a->json = NULL;
}

static void print_id(struct text *out, const char *name, bool has, int64_t id)
{
	if (has)
		text_add(out, ",\"%s\":%lld", name, (long long)id);
	else
		text_add(out, ",\"%s\":null", name);
}

static void print_text(struct text *out, const char *name, const char *text)
{
	text_add(out, ",\"%s\":", name);
	text_add_json(out, text);
}

void ask_print(struct text *out, const struct ruling *r,
	       const char *decision_id)
{
	const struct entry *e = &r->view.entry;

	text_add(out, "\"allow\":%s,\"status\":%d", r->allow ? "true" : "false",
		 r->answer.status);
	print_text(out, "code", r->answer.code);
	print_text(out, "message", r->message);
	print_text(out, "body", r->body_size ? r->body : "");
	print_text(out, "reason", reason_name(r->reason));
	print_id(out, "key_id", r->has_key, e->key_id);
	print_id(out, "user_id", r->has_key, e->user_id);
	print_id(out, "group_id", r->has_key && e->has_group_id, e->group_id);
	print_text(out, "client", r->d.client);
	print_text(out, "stale", ruling_stale_name(r->stale));
	if (r->retry_s >= 0)
		text_add(out, ",\"retry_after_s\":%lld", (long long)r->retry_s);
	print_text(out, "decision_id", decision_id);
}
