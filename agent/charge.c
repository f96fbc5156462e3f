// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which members a body has is a table.  Members it does not name are ignored;
 * a body that could be read in two ways is refused, for money hangs on it.
 */
#include "charge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "field.h"
#include "snapshot.h"

#define TTL_MAX_S 86400
#define SECOND_NS 1000000000LL

_Static_assert(CHARGE_ERROR_SIZE == SNAPSHOT_WHAT_SIZE,
	       "objects write their errors to error");

enum member {
	NEVER, /* ignored */
	MAY,
	MUST
};

static const struct {
	enum member key_hash, cost_nusd, ttl_s;
} members[] = {
	[CHARGE_USAGE] = { MUST, MUST, NEVER },
	[CHARGE_RESERVE] = { MUST, MAY, MAY },
	[CHARGE_SETTLE] = { MAY, MUST, NEVER },
	[CHARGE_RELEASE] = { NEVER, NEVER, NEVER },
};

static int parse_id(struct charge *c, const struct object *o)
{
	const char *id = NULL;
	int err = field_string(&id, o, "request_id");
	size_t size;

	if (err)
		return err;
	size = strlen(id);
	if (!size || size > LEDGER_ID_MAX)
		return object_refuse(o, "request_id", "not 1 to 128 bytes");
	for (size_t i = 0; i < size; i++) {
		if (id[i] < ' ' || id[i] > '~')
			return object_refuse(o, "request_id",
					     "not printable ASCII");
	}
	memcpy(c->id, id, size + 1);
	return 0;
}

static int parse_digest(struct charge *c, const struct object *o,
			enum member want)
{
	const char *hex = NULL;
	int err = 0;

	if (want == MUST)
		err = field_string(&hex, o, "key_hash");
	else if (want == MAY)
		err = object_string(&hex, o, "key_hash");
	if (err || !hex)
		return err;
	if (digest_parse(&c->digest, hex, strlen(hex)))
		return object_refuse(o, "key_hash", "not 64 hex digits");
	c->has_digest = true;
	return 0;
}

static int parse_cost(struct charge *c, const struct object *o,
		      enum member want)
{
	int err = 0;

	if (want != NEVER)
		err = object_integer(&c->cost_nusd, &c->has_cost, o,
				     "cost_nusd");
	if (!err && want == MUST && !c->has_cost)
		err = object_refuse(o, "cost_nusd", "missing");
	if (!err && c->cost_nusd < 0)
		err = object_refuse(o, "cost_nusd", "negative");
	return err;
}

static int parse_ttl(struct charge *c, const struct object *o, enum member want)
{
	int64_t ttl_s = 0;
	int err;

	if (want == NEVER)
		return 0;
	err = object_integer(&ttl_s, &c->has_ttl, o, "ttl_s");
	if (err || !c->has_ttl)
		return err;
	if (ttl_s < 1 || ttl_s > TTL_MAX_S)
		return object_refuse(o, "ttl_s", "not 1 to 86400");
	c->ttl_ns = ttl_s * SECOND_NS;
	return 0;
}

static int parse_one(struct charge *c, enum charge_kind kind,
		     const struct object *o)
{
	int err = parse_id(c, o);

	if (!err)
		err = parse_digest(c, o, members[kind].key_hash);
	if (!err)
		err = parse_cost(c, o, members[kind].cost_nusd);
	return err ? err : parse_ttl(c, o, members[kind].ttl_s);
}

static int parse_report(struct charge *c, const struct object *body,
			const json_t *item, size_t i)
{
	char path[sizeof("reports[18446744073709551615].")];
	struct object o = { .json = item, .path = path, .what = body->what };

	snprintf(path, sizeof(path), "reports[%zu].", i);
	if (!json_is_object(item))
		return object_refuse(body, "reports", "not a list of objects");
	return parse_one(c, CHARGE_USAGE, &o);
}

static int parse_reports(struct charge_list *list, const struct object *body)
{
	json_t *reports = NULL, *item;
	size_t i;
	int err = field_array(&reports, body, "reports");

	if (err)
		return err;
	if (object_has(body, "request_id"))
		return object_refuse(body, "reports", "beside a request_id");
	list->many = true;
	list->n = json_array_size(reports);
	if (!list->n || list->n > CHARGE_MAX)
		return object_refuse(body, "reports", "not 1 to 256");
	list->items = calloc(list->n, sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	json_array_foreach(reports, i, item)
	{
		err = parse_report(&list->items[i], body, item, i);
		if (err)
			return err;
	}
	return 0;
}

static int parse_single(struct charge_list *list, enum charge_kind kind,
			const struct object *body)
{
	list->n = 1;
	list->items = calloc(1, sizeof(*list->items));
	return list->items ? parse_one(list->items, kind, body) : -ENOMEM;
}

int charge_parse(struct charge_list *out, enum charge_kind kind,
		 const char *text, size_t size,
		 char error[static CHARGE_ERROR_SIZE])
{
	struct object body = { .path = "", .what = error };
	struct charge_list list = { 0 };
	int err = object_parse(&body, (struct jsontext){ text, size });

	if (err)
		return err;
	if (kind == CHARGE_USAGE && object_has(&body, "reports"))
		err = parse_reports(&list, &body);
	else
		err = parse_single(&list, kind, &body);
	object_fini(&body);
	if (err)
		charge_list_fini(&list);
	else
		*out = list;
	return err;
}

void charge_list_fini(struct charge_list *list)
{
	free(list->items);
	*list = (struct charge_list){ 0 };
}
