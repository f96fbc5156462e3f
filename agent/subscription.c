// SPDX-License-Identifier: GPL-2.0-only
/* Amounts used are rounded down, as in an entry. */
#include "subscription.h"

#include <string.h>

#include "field.h"

static int read_used(struct subscription *s, const struct object *row)
{
	int err = object_used(&s->daily_nusd, row, "daily_usage_usd");

	if (!err)
		err = object_used(&s->weekly_nusd, row, "weekly_usage_usd");
	if (!err)
		err = object_used(&s->monthly_nusd, row, "monthly_usage_usd");
	return err;
}

static int read_starts(struct subscription *s, const struct object *row)
{
	int err = object_time(&s->daily_start_ns, row, "daily_window_start");

	if (!err)
		err = object_time(&s->weekly_start_ns, row,
				  "weekly_window_start");
	if (!err)
		err = object_time(&s->monthly_start_ns, row,
				  "monthly_window_start");
	return err;
}

int subscription_parse(struct subscription *out, const struct object *row)
{
	struct subscription s = { .known = SUBSCRIPTION_ROW };
	const char *status = NULL;
	int err = field_string(&status, row, "status");

	if (!err)
		err = field_time(&s.expires_ns, row, "expires_at");
	if (!err)
		err = read_used(&s, row);
	if (!err)
		err = read_starts(&s, row);
	if (err)
		return err;
	s.status = !strcmp(status, "active")	  ? ROW_ACTIVE
		   : !strcmp(status, "expired")	  ? ROW_EXPIRED
		   : !strcmp(status, "suspended") ? ROW_SUSPENDED
						  : ROW_OTHER;
	*out = s;
	return 0;
}
