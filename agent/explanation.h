/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every check that a request of one key from one address meets, in the kernel's
 * order, with what each looked at and the first that ends it.  Pure but for the
 * evidence.
 */
#ifndef EXPLANATION_H
#define EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence.h"
#include "pc_abi.h"
#include "prefix.h"

struct explanation_request {
	bool address_only; /* there is no request: may this address speak? */
	struct pc_digest digest;
	struct prefix ip; /* of the peer; no forwarding headers */
	const char *path; /* as on the wire, without a query */
	const char *method;
	int64_t now_ns; /* Unix time */
};

enum explanation_state {
	EXPLAIN_OK,	     /* has nothing against the request */
	EXPLAIN_REFUSES,     /* ends it */
	EXPLAIN_PASSES,	     /* lets it through, nothing further is asked */
	EXPLAIN_UNDECIDED,   /* only the gateway can tell */
	EXPLAIN_NOT_REACHED, /* something before has ended it */
	EXPLAIN_STATES
};

struct explanation_row {
	bool request_plane;
	enum explanation_state state;
	const char *check;
	char input[96];
	char note[EVIDENCE_PLACE_SIZE]; /* "" or what the state alone does not
					   say */
};

struct explanation {
	struct explanation_row rows[32];
	size_t n_rows;
	uint8_t profile, run_mode, variant;
	bool monitor; /* refusals are only counted */
	bool address_only;
	bool by_maps; /* use is what the kernel was last told */
	uint8_t deny; /* enum pc_deny: how a refused request is */
	/*
	 * The kernel's reason, and the gateway's.  They differ where the kernel
	 * leaves a request alone whose method or path it does not judge.
	 */
	enum pc_reason reason;
	enum pc_reason gateway;
	enum pc_dialect dialect; /* of the gateway's refusal */
};

/* 0; -ENOMEM or what the evidence failed with. */
int explanation_make(struct explanation *out, const struct evidence *e,
		     const struct explanation_request *req);

/* Does portcullis let the request through, refuse it, or leave it open? */
enum explanation_state explanation_outcome(const struct explanation *x);
const char *explanation_state_name(enum explanation_state state);
const char *explanation_run_mode_name(uint8_t run_mode);

#endif /* EXPLANATION_H */
