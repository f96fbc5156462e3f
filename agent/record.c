// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads what a verdict needs and ignores the rest.  Where the gateway would
 * decode an absent member to a zero value, so do we.
 */
#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "subscription.h"

static uint8_t status_of(const char *text)
{
	static const char *const names[] = {
		[PC_STATUS_ACTIVE] = "active",
		[PC_STATUS_EXPIRED] = "expired",
		[PC_STATUS_EXHAUSTED] = "quota_exhausted",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i] && !strcmp(text, names[i]))
			return (uint8_t)i;
	}
	return PC_STATUS_OTHER;
}

/* The gateway folds the case of "deleted" and of nothing else. */
static uint8_t group_status_of(const char *text)
{
	if (!strcmp(text, "active"))
		return GROUP_ACTIVE;
	return strcasecmp(text, "deleted") ? GROUP_INACTIVE : GROUP_DELETED;
}

static int read_windows(struct entry *e, const struct object *key)
{
	int err = object_amount(&e->rate_limit_5h_nusd, key, "rate_limit_5h");

	if (!err)
		err = object_amount(&e->rate_limit_1d_nusd, key,
				    "rate_limit_1d");
	if (!err)
		err = object_amount(&e->rate_limit_7d_nusd, key,
				    "rate_limit_7d");
	return err;
}

static int read_key(struct entry *e, const struct object *key)
{
	const char *status = "";
	int err;

	err = object_integer(&e->key_id, NULL, key, "api_key_id");
	if (!err)
		err = object_integer(&e->user_id, NULL, key, "user_id");
	if (!err)
		err = object_integer(&e->group_id, &e->has_group_id, key,
				     "group_id");
	if (!err)
		err = object_string(&status, key, "status");
	if (!err)
		err = object_time(&e->expires_ns, key, "expires_at");
	if (!err)
		err = object_amount(&e->quota_nusd, key, "quota");
	if (!err)
		err = object_used(&e->quota_used_nusd, key, "quota_used");
	if (!err)
		err = object_strings(&e->whitelist, key, "ip_whitelist");
	if (!err)
		err = object_strings(&e->blacklist, key, "ip_blacklist");
	if (!err)
		err = read_windows(e, key);
	e->status = status_of(status);
	return err;
}

static int read_user(struct entry *e, const struct object *key)
{
	const char *status = NULL;
	struct object user;
	bool listed = false;
	int err;

	err = object_object(&user, key, "user", "user.");
	if (err || !user.json)
		return err;
	e->has_user = true;
	err = object_string(&status, &user, "status");
	/* No gateway leaves it out; to guess would be to deny a living key. */
	if (!err && !status)
		err = object_refuse(&user, "status", "missing");
	if (!err)
		err = object_amount(&e->balance_nusd, &user, "balance");
	if (!err)
		err = object_holds(&listed, &user, "allowed_groups",
				   e->group_id);
	e->group_allowed = listed && e->has_group_id;
	e->user_active = !err && !strcmp(status, "active");
	return err;
}

static int read_group(struct entry *e, const struct object *key)
{
	const char *status = "", *type = "";
	struct object group;
	int err;

	err = object_object(&group, key, "group", "group.");
	if (err || !group.json)
		return err;
	e->has_group = true;
	err = object_string(&status, &group, "status");
	if (!err)
		err = object_string(&type, &group, "subscription_type");
	if (!err)
		err = object_flag(&e->group_exclusive, &group, "is_exclusive");
	if (!err)
		err = object_amount(&e->daily_limit_nusd, &group,
				    "daily_limit_usd");
	if (!err)
		err = object_amount(&e->weekly_limit_nusd, &group,
				    "weekly_limit_usd");
	if (!err)
		err = object_amount(&e->monthly_limit_nusd, &group,
				    "monthly_limit_usd");
	e->group_status = group_status_of(status);
	e->group_subscription = !strcmp(type, "subscription");
	return err;
}

static int read_snapshot(struct entry *e, const struct object *key)
{
	int err;

	err = read_key(e, key);
	if (!err)
		err = read_user(e, key);
	if (!err)
		err = read_group(e, key);
	return err;
}

static int read_subscription(struct entry *e, const struct object *record)
{
	const json_t *value = json_object_get(record->json, "subscription");
	struct subscription s = { .known = SUBSCRIPTION_NONE };
	struct object row;
	int err;

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_false(value) && !json_is_object(value))
		return object_refuse(record, "subscription",
				     "neither an object nor false");
	if (json_is_object(value)) {
		err = object_object(&row, record, "subscription",
				    "subscription.");
		if (!err)
			err = subscription_parse(&s, &row);
		if (err)
			return err;
	}
	e->subscription = malloc(sizeof(*e->subscription));
	if (!e->subscription)
		return -ENOMEM;
	*e->subscription = s;
	return 0;
}

/* The cache's wrapping off; not_found wins over whatever stands beside it. */
static int unwrap(struct object *out, bool *out_not_found,
		  const struct object *record)
{
	bool not_found = false;
	int err;

	if (!object_has(record, "snapshot") &&
	    !object_has(record, "not_found")) {
		*out = *record;
		return 0;
	}
	err = object_flag(&not_found, record, "not_found");
	if (!err && !not_found)
		err = object_object(out, record, "snapshot", "");
	/* The gateway takes an empty record for a miss. */
	if (!err)
		*out_not_found = not_found || !out->json;
	return err;
}

int record_parse(struct entry *out, const struct object *record)
{
	struct entry e = { .expires_ns = PC_NEVER };
	struct object key = { 0 };
	int err;

	err = unwrap(&key, &e.not_found, record);
	if (!err && !e.not_found)
		err = read_snapshot(&e, &key);
	/* A bare record is a snapshot; it has nothing beside itself. */
	if (!err && !e.not_found && key.json != record->json)
		err = read_subscription(&e, record);
	if (err)
		entry_fini(&e);
	else
		*out = e;
	return err;
}
