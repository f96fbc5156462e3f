/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A decision as the service hands it out: what the gateway would say of the
 * request, by the store and the ledger as they stand, and what becomes of that
 * where one of them cannot be relied on.
 */
#ifndef RULING_H
#define RULING_H

#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "decide.h"
#include "ledger.h"
#include "store.h"
#include "value.h"

#define RULING_BODY_SIZE 2560
#define RULING_FIELDS 200 /* of a question */

/* What a decision was taken without. */
#define RULING_STALE_SNAPSHOT 0x1u
#define RULING_STALE_LEDGER 0x2u

struct ruling_ground {
	struct decide_config cfg;
	const struct store *store;
	struct ledger *ledger;
	bool ledger_down;
	/*
	 * Until this Unix time a key that is not in the store is none.  0 from
	 * before the store is replaced until after: it is read once a key was
	 * not found, and so is never the word of another snapshot.
	 */
	_Atomic int64_t complete_until_ns;
	int64_t max_age_ns; /* 0: none */
	struct stale_policies on_stale;
};

struct ruling_question {
	struct decide_request req;   /* its variant is found by the path */
	const struct pc_digest *key; /* NULL: the key is in the request */
	bool reserve;		     /* what is held counts as used */
	/* The peer speaks for nobody else, whatever header fields say. */
	bool own_address;
	bool any_address; /* the key's address rules are not asked */
};

struct ruling {
	enum pc_reason reason;
	bool allow;
	bool unable;   /* could not be decided */
	uint8_t stale; /* RULING_STALE_* */
	bool has_digest, has_key;
	struct pc_digest digest;
	struct decision d;
	struct ledger_view view; /* valid if has_key; its lists are not */
	struct answer answer;
	int64_t now_ns;	 /* Unix time it was made at */
	int64_t retry_s; /* -1: not known */
	char message[DECIDE_TEXT_SIZE + 128];
	char body[RULING_BODY_SIZE]; /* of a refusal */
	size_t body_size;
};

void ruling_make(struct ruling *out, const struct ruling_ground *g,
		 const struct ruling_question *q);

/* RULING_STALE_* of this moment. */
uint8_t ruling_stale(const struct ruling_ground *g, int64_t now_ns);
/* "snapshot", "ledger", "snapshot,ledger" or "". */
const char *ruling_stale_name(uint8_t stale);

#endif /* RULING_H */
