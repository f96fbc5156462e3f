/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel programs tell of single packets and of sources: taken from
 * their ring into the event log, with names instead of numbers.  Part of the
 * agent's loop; it never blocks.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdint.h>

#include "eventlog.h"
#include "pc_abi.h"
#include "prefix.h"

/* A source that was refused so often that it may be banned. */
struct offender {
	struct prefix source; /* IPv6: a /64 */
	uint32_t count;	      /* requests in the window */
	uint8_t reason;	      /* enum pc_reason: of the last one */
};

struct events_config {
	const char *pin_dir;
	const char *path;    /* of the event log; "none": without one */
	uint64_t event_rate; /* drops told of, a second and processor */
	/* NULL: nobody asks. */
	void (*offender)(const struct offender *o, void *arg);
	void *arg;
};

struct events;

/*
 * Borrows nothing but arg.  0 or -errno, logged.  Where there can be no log it
 * goes on, which is logged too.
 */
int events_open(struct events **out, const struct events_config *cfg);
/* To an epoll set of struct watch. */
int events_watch(struct events *e, int epoll);
void events_close(struct events *e);

/* Adds a record of somebody else's. */
void events_record(struct events *e, const struct eventlog_record *r);

/* Takes what there is, for a moment; what its watch does. */
void events_take(struct events *e);

#endif /* EVENTS_H */
