/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connections of one listener: who is at the other end, and how long it has
 * kept us waiting.  Too many, and the one that has waited longest goes.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "peer.h"
#include "watch.h"

/* Bytes of a guest that are its request's. */
#define GUEST_ROOM 96

enum guest_state {
	GUEST_READING, /* a request of its is incomplete, or the first to come
			*/
	GUEST_IDLE,    /* has been answered */
	GUEST_BUSY,    /* waits for us */
	GUEST_LEAVING, /* shut down */
};

struct guests;

struct guest {
	struct watch watch;
	struct guests *all;
	struct peer peer;
	int fd;
	enum guest_state state;
	int64_t since_ns;
	TAILQ_ENTRY(guest) link; /* unless BUSY */
	_Alignas(16) char room[GUEST_ROOM];
};

TAILQ_HEAD(guest_list, guest);

struct guests {
	size_t limit;
	size_t n;
	int64_t now_ns;		   /* CLOCK_MONOTONIC, the caller's */
	struct guest_list reading; /* oldest first */
	struct guest_list idle;
	struct guest_list leaving;
	uint64_t entered;
	uint64_t evicted;
	uint64_t too_slow;
	uint64_t refused;
};

void guests_init(struct guests *all, size_t limit);

/* NULL: no memory. */
struct guest *guests_enter(struct guests *all, int fd,
			   const struct peer_rules *rules);
/* Frees it; NULL is nobody. */
void guests_leave(struct guest *g);

void guests_reading(struct guest *g);
void guests_busy(struct guest *g);
void guests_idle(struct guest *g);

/* One of those that are not busy; NULL: there is none. */
struct guest *guests_any(const struct guests *all);

/* Shuts down whoever has been reading or idle for too long. */
void guests_tick(struct guests *all);

#endif /* GUEST_H */
