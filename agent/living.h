/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections on which the kernel has answered and that live on (pc_living):
 * forgotten when they are over, and ended in good order before the programs
 * that translate for them are taken away.
 */
#ifndef LIVING_H
#define LIVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"

/* Descriptors of pinned maps, owned. */
struct living {
	int map;
	int flows;
};

/* 0, -ENOENT (no filter in pin_dir), or another -errno. */
int living_open(struct living *out, const char *pin_dir);
void living_close(struct living *l);

/* How many there are. */
size_t living_count(const struct living *l);

/*
 * Forgets those that have ended, some time after they did, for segments may
 * still be on their way.  now_ns: CLOCK_BOOTTIME.
 */
void living_sweep(const struct living *l, uint64_t now_ns);

/* Which connections somebody is concerned with. */
typedef bool living_wanted(const struct pc_flow_key *key, const void *arg);

/*
 * Ends every connection that is wanted: the idle ones at once, one that waits
 * for an answer when it has come, what is left after patience_ns.  Both
 * ends get a RST, the gateway where it is on this host.  *n: how many were cut
 * short.  0 or -errno.
 */
int living_drain(size_t *n, const struct living *l, living_wanted *wanted,
		 const void *arg, uint64_t patience_ns);

#endif /* LIVING_H */
