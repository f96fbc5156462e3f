/* SPDX-License-Identifier: GPL-2.0-only */
/* A request about money on its way, and what is answered to it in the end. */
#ifndef RECEIPT_H
#define RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "charge.h"
#include "http.h"
#include "journal.h"
#include "ledger.h"

struct desk;

/* One item of a request, from the body to the journal's last word. */
struct slot {
	struct journal_item item; /* first: slot_of() */
	struct spending *of;	  /* NULL: nobody waits */
	struct ledger_hold hold;  /* what it ended or made */
	bool has_hold;
	bool counted;
	bool unkept; /* a hold that stands in memory alone */
	bool done;   /* nothing is left for the journal to say */
};

struct spending {
	struct http_exchange *exchange;
	enum charge_kind kind;
	bool many;
	uint8_t stale; /* what a hold was ruled without */
	size_t n;
	size_t left; /* not yet done */
	struct slot slots[];
};

/* RULING_STALE_* of a hold that was made. */
uint8_t receipt_stale(const struct spending *p);
/* What became of all its items. */
void receipt_send(struct desk *d, const struct spending *p);
/* A reservation that the desk's ruling refuses. */
void receipt_send_ruling(struct desk *d, struct http_exchange *x);
void receipt_refuse(struct desk *d, struct http_exchange *x, int status,
		    const char *code, const char *what);

#endif /* RECEIPT_H */
