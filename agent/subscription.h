/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A (user, group) subscription row.  No snapshot of the gateway's holds it:
 * sources that know it put it beside the snapshot.
 */
#ifndef SUBSCRIPTION_H
#define SUBSCRIPTION_H

#include <stdint.h>

#include "object.h"

struct subscription {
	enum {
		SUBSCRIPTION_UNKNOWN,
		SUBSCRIPTION_NONE,
		SUBSCRIPTION_ROW
	} known;
	enum {
		ROW_ACTIVE,
		ROW_EXPIRED,
		ROW_SUSPENDED,
		ROW_OTHER
	} status;
	int64_t expires_ns;
	int64_t daily_nusd, weekly_nusd, monthly_nusd;
	/* Start of the window each amount was counted in; 0 when not begun. */
	int64_t daily_start_ns, weekly_start_ns, monthly_start_ns;
};

/* A row; *out is untouched on failure.  0, -EBADMSG as object.h says. */
int subscription_parse(struct subscription *out, const struct object *row);

#endif /* SUBSCRIPTION_H */
