/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway's decision on one request, in full: credential, key, address,
 * checks, answer.  Pure: no I/O, no BPF, no clock.  judge, explain, the
 * decision service and the policy compiler all call this; the checks on a known
 * key are bpf/verdict.h, which the kernel runs too.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"
#include "pc_abi.h"
#include "prefix.h"
#include "subscription.h"
#include "verdict.h"

#define DECIDE_TEXT_SIZE 256 /* client address text, cut if longer */

struct header {
	const char *name;
	const char *value; /* as on the wire; blanks around it do not count */
};

/* How the guarded gateway is set up. */
struct decide_config {
	uint8_t profile;      /* enum pc_profile */
	uint8_t run_mode;     /* enum pc_run_mode */
	bool trust_forwarded; /* the gateway's trust_forwarded_ip switch */
	const struct prefix *proxies; /* server.trusted_proxies */
	size_t n_proxies;
	const char *const *client_ip_headers; /* custom ones, in order */
	size_t n_client_ip_headers;
};

struct decide_request {
	const char *method;
	const char *path;  /* as on the wire, percent-encoding and all */
	const char *query; /* without the '?'; "" when absent */
	const char *peer;  /* "addr:port" or "[addr]:port" */
	const struct header *headers; /* in order */
	size_t n_headers;
	int64_t now_ns;	 /* Unix time */
	uint8_t variant; /* enum pc_variant */
};

/* What is known of a key, as it stands now. */
struct decide_found {
	const struct entry *entry;
	const struct subscription *sub; /* NULL: unknown */
	/* PC_R_WINDOW_5H, _1D or _7D: what the key may spend in that time is
	 * spent; else PC_NEXT.
	 */
	enum pc_reason over;
};

/*
 * Finds what is known of a raw key.  *out, which comes with nothing known, is
 * borrowed until the decision is made.  0, -ENOENT (no such key), -EBUSY
 * (lookup slots taken), other -errno (lookup failed).
 */
typedef int decide_lookup(struct decide_found *out, const char *key,
			  size_t key_size, void *arg);

struct decision {
	enum pc_reason reason; /* PC_R_KEY_LIVE: the request passes */
	enum pc_dialect dialect;
	char client[DECIDE_TEXT_SIZE]; /* the address the gateway would use */
	/* Go's error text where the answer's message is one; else "". */
	char detail[DECIDE_TEXT_SIZE];
};

/*
 * Always decides, except where a subscription row is needed and unknown: then
 * the reason is PC_R_SUBSCRIPTION_UNSURE.  Without memory to read the
 * credential it is PC_R_LOOKUP_FAILED.
 */
void decide(struct decision *out, const struct decide_config *cfg,
	    const struct decide_request *req, decide_lookup *lookup, void *arg);

/*
 * What a path as on the wire means to the gateway: PC_P_* flags, 0 for one with
 * a bad escape, which never reaches a middleware.  routed, where not NULL: does
 * a route certainly exist for the method, so that a key is asked for?
 */
uint32_t decide_path(bool *routed, uint8_t profile, const char *method,
		     const char *path);

/*
 * What the kernel and verdict.h need to know of an entry: status, facts,
 * expiry.  rule_set is left 0: numbering rule sets is the policy compiler's.
 */
void decide_key(struct pc_key *out, const struct entry *e);

/*
 * The state of a subscription at a moment against the entry's group limits
 * (enum pc_subscription).  detail, where not NULL, gets Go's error text.
 */
enum pc_subscription decide_subscription(const struct subscription *sub,
					 const struct entry *e, int64_t now_ns,
					 char detail[DECIDE_TEXT_SIZE]);

#endif /* DECIDE_H */
