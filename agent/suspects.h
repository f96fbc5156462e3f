/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients that the decision service refuses, counted as the kernel counts those
 * it sees itself: by IPv4 address and IPv6 /64, in windows that begin with the
 * first refusal.  The service's thread counts, the agent's takes those that
 * went on; neither waits for the other, and memory is bounded.
 */
#ifndef SUSPECTS_H
#define SUSPECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "events.h"
#include "pc_abi.h"
#include "prefix.h"
#include "value.h"

#define SUSPECTS_MAX 16384   /* counted at a time; the oldest give way */
#define SUSPECTS_WAITING 256 /* not yet taken; then they are dropped */

struct suspects;

/* 0 or -errno. */
int suspects_new(struct suspects **out, const struct rate *rate);
void suspects_free(struct suspects *s);

/* One more refusal of a client, at CLOCK_MONOTONIC or at a given time. */
void suspects_count(struct suspects *s, const struct prefix *who,
		    enum pc_reason reason);
void suspects_count_at(struct suspects *s, const struct prefix *who,
		       enum pc_reason reason, int64_t now_ns);

/* Readable while somebody waits to be taken. */
int suspects_fd(const struct suspects *s);
/* False: nobody waits.  *dropped: for whom there was no room, since the last
 * call.
 */
bool suspects_take(struct offender *out, uint64_t *dropped, struct suspects *s);

#endif /* SUSPECTS_H */
