/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /v1/usage, /v1/reserve, /v1/settle and /v1/release: from a body to the ledger
 * and the journal, and to the answer once the journal has kept it.
 */
#ifndef SPEND_H
#define SPEND_H

#include <stdint.h>

#include "crossing.h"
#include "http.h"
#include "journal.h"
#include "ledger.h"

struct desk;
struct spend;

struct spend_config {
	struct ledger *ledger;
	struct journal *journal;
	struct crossing *crossing;
	int64_t hold_max_nusd;
	int64_t hold_ttl_ns;
};

struct spend_counts {
	uint64_t counted, duplicates, conflicts, failed, holds, expired;
};

/* 0, -ENOMEM. */
int spend_new(struct spend **out, const struct spend_config *cfg);
void spend_free(struct spend *s);

/* One request; answered at once or after the commit. */
void spend_serve(struct spend *s, struct desk *d, struct http_exchange *x,
		 const struct http_request *req);
/* Takes what the journal has done, and answers. */
void spend_take(struct spend *s, struct desk *d);
/* Ends holds that are over; about once a second. */
void spend_tick(struct spend *s, int64_t now_ns);
/* Requests that wait for the journal. */
size_t spend_pending(const struct spend *s);
void spend_counts(struct spend_counts *out, const struct spend *s);

#endif /* SPEND_H */
