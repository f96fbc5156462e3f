/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One key as a snapshot tells it, in the agent's own terms.  Owns its address
 * lists.  Names, roles and e-mail addresses are not kept.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "pc_abi.h"

struct subscription; /* subscription.h */

enum group_status {
	GROUP_ACTIVE,
	GROUP_INACTIVE,
	GROUP_DELETED
};

struct entry {
	struct pc_digest digest; /* SHA-256 of the key */
	int64_t key_id;
	int64_t user_id;
	int64_t group_id;   /* valid when has_group_id */
	int64_t expires_ns; /* Unix time; PC_NEVER when absent */
	int64_t quota_nusd; /* <= 0: unlimited */
	int64_t quota_used_nusd;
	int64_t balance_nusd;
	int64_t daily_limit_nusd; /* of the group; <= 0: none */
	int64_t weekly_limit_nusd;
	int64_t monthly_limit_nusd;
	int64_t rate_limit_5h_nusd; /* of the key; <= 0: none */
	int64_t rate_limit_1d_nusd;
	int64_t rate_limit_7d_nusd;
	/* The (user, group) row where the source tells; owned, or NULL. */
	struct subscription *subscription;
	/* NULL-ended lists of patterns as they came, or NULL when absent or
	 * empty; one allocation each, strings included: see entry_fini().
	 */
	char **whitelist;
	char **blacklist;
	uint8_t status;	      /* enum pc_status */
	uint8_t group_status; /* enum group_status; valid when has_group */
	bool not_found; /* a cached "no such key": nothing else is valid */
	bool has_user;
	bool user_active;
	bool has_group_id;
	bool has_group;
	bool group_subscription;
	bool group_exclusive;
	bool group_allowed; /* group_id is in user.allowed_groups */
	uint32_t line;	    /* of the file it came from; takes no room here */
};

void entry_fini(struct entry *e);

#endif /* ENTRY_H */
