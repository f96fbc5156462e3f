/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway's invalid-auth limiter: failures counted by client identity (IPv4
 * address, IPv6 /64), a block when they reach a threshold.  Pure: time is an
 * argument, nanoseconds of any origin.
 *
 * A window begins with its first failure; one that has run out, or the end of a
 * block, starts the count anew.  Successes forget nothing, and what comes
 * during a block prolongs nothing.  Identities beyond the capacity share one
 * count, and once that is blocked so is every identity that is not tracked.
 */
#ifndef LIMITER_H
#define LIMITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"

#define LIMITER_IDENTITIES 16384

struct limiter;

/* NULL: out of memory. */
struct limiter *limiter_new(uint32_t threshold, int64_t window_ns,
			    int64_t block_ns);
/* Track fewer identities than LIMITER_IDENTITIES; only before the first use. */
void limiter_cap(struct limiter *l, uint32_t identities);
void limiter_free(struct limiter *l);

/* Is this client blocked now?  *retry_after_s is set when it is: at least 1. */
bool limiter_blocked(struct limiter *l, const char *client, int64_t now_ns,
		     uint32_t *retry_after_s);
/* Count a refusal, where the gateway counts it (limiter_counts()). */
void limiter_record(struct limiter *l, const char *client, int64_t now_ns);
bool limiter_counts(enum pc_reason reason);

#endif /* LIMITER_H */
