/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal's items on their way to its thread and back.  The lock is held
 * for moments only, never while the disk is waited for.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal.h"

struct queue_list {
	struct journal_item *first;
	struct journal_item **end;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled; /* or ended */
	struct queue_list in;
	struct queue_list out;
	size_t n;     /* submitted, and not in their last state */
	int event_fd; /* negative: none */
	bool ended;
};

void queue_init(struct queue *q, int event_fd);
void queue_fini(struct queue *q);

/* The caller's side. */
void queue_submit(struct queue *q, struct journal_item *item);
struct journal_item *queue_take(struct queue *q);
size_t queue_size(struct queue *q);
/* Nothing is submitted any more. */
void queue_end(struct queue *q);

/*
 * The thread's side.  Waits for items until a moment (CLOCK_MONOTONIC); returns
 * how many there are, at most max; -1: none, and the queue has ended.
 */
int queue_wait(struct queue *q, struct journal_item **items, int max,
	       int64_t until_ns);
/* Hands out those of n items that are NEW, once more than in their last state.
 */
void queue_post_new(struct queue *q, struct journal_item *const *items,
		    const enum journal_state *states, size_t n);
/* Hands n items out in their last states. */
void queue_post_last(struct queue *q, struct journal_item *const *items,
		     const enum journal_state *states, size_t n);
/* One that was never submitted. */
void queue_post_own(struct queue *q, struct journal_item *item);

#endif /* QUEUE_H */
