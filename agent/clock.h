/* SPDX-License-Identifier: GPL-2.0-only */
/* The clocks: what userspace reads, and what the kernel programs need to know.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "pc_abi.h"

/* Unix time in nanoseconds. */
int64_t clock_now_ns(void);
/* CLOCK_BOOTTIME in nanoseconds. */
uint64_t clock_boot_ns(void);

/* Has it been set, or had the time to be, since the host came up?  One that
 * says 1970 has not.
 */
bool clock_is_settled(void);
/* The same of what the clocks say; is_set: the kernel knows that it is right.
 */
bool clock_is_credible(int64_t now_ns, uint64_t boot_ns, bool is_set);

/*
 * What the programs need this moment: the distance of CLOCK_TAI, which they can
 * read, to Unix time; the lease, lease_ns from now (0: no end); a heartbeat.
 */
void clock_take(struct pc_clock *out, uint64_t lease_ns);

#endif /* CLOCK_H */
