/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys whose facts use has changed: from live to exhausted and back, and the
 * user's balance running out.  Says so to whoever holds the key map.
 */
#ifndef CROSSING_H
#define CROSSING_H

#include <stddef.h>
#include <stdint.h>

#include "ledger.h"
#include "store.h"

struct crossing {
	/* A key and its facts as of now; NULL: nobody wants to know. */
	void (*tell)(const struct pc_digest *key, const struct pc_key *value,
		     void *arg);
	void *arg;
	const struct store *store;
	struct ledger *ledger;
	uint64_t told;
	/* Where telling of all keys with charges stands. */
	size_t cursor;
	bool behind;
};

/* PC_F_* of a key as of now; 0 when the store does not have it. */
uint32_t crossing_facts(const struct crossing *c, const struct pc_digest *key,
			int64_t now_ns);

/* Tells of what a change to an account has changed; before: of the same key. */
void crossing_compare(struct crossing *c, const struct ledger_account *who,
		      uint32_t before, int64_t now_ns);

/* Everything is to be told anew, a part with each crossing_go_on(). */
void crossing_restart(struct crossing *c);
/* False: nothing is left to do. */
bool crossing_go_on(struct crossing *c, int64_t now_ns);

#endif /* CROSSING_H */
