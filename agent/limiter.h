/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway's invalid-auth limiter: failures counted by client identity (IPv4
 * address, IPv6 /64), a block when they reach a threshold.  Pure: time is an
 * argument, in whole or fractional seconds of any origin as nanoseconds.
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
void limiter_free(struct limiter *l);

/* Is this client blocked now?  retry_after_s is set when it is (rounded up). */
bool limiter_blocked(struct limiter *l, const char *client, int64_t now_ns,
		     uint32_t *retry_after_s);
/* Count a refusal, where the gateway counts it (limiter_counts()). */
void limiter_record(struct limiter *l, const char *client, int64_t now_ns);
bool limiter_counts(enum pc_reason reason);

#endif /* LIMITER_H */
