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

/* The (user, group) subscription row where the caller has one. */
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

/*
 * Finds what is known of a raw key.  *out is borrowed until the decision is
 * made.  0, -ENOENT (no such key), -EBUSY (lookup slots taken), other -errno
 * (lookup failed).
 */
typedef int decide_lookup(const struct entry **out, const char *key,
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
	    const struct decide_request *req, const struct subscription *sub,
	    decide_lookup *lookup, void *arg);

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
