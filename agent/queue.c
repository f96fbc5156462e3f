// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000LL

void queue_init(struct queue *q, int event_fd)
{
	*q = (struct queue){ .event_fd = event_fd };
	q->in.end = &q->in.first;
	q->out.end = &q->out.first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
}

static void append(struct queue_list *l, struct journal_item *item)
{
	item->next = NULL;
	*l->end = item;
	l->end = &item->next;
}

static struct journal_item *pop(struct queue_list *l)
{
	struct journal_item *item = l->first;

	if (!item)
		return NULL;
	l->first = item->next;
	if (!l->first)
		l->end = &l->first;
	return item;
}

void queue_fini(struct queue *q)
{
	struct journal_item *item;

	while ((item = pop(&q->out)))
		item->state = item->last;
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
}

void queue_submit(struct queue *q, struct journal_item *item)
{
	item->state = item->last = JOURNAL_QUEUED;
	item->is_new = item->listed = false;
	pthread_mutex_lock(&q->lock);
	append(&q->in, item);
	q->n++;
	pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

static void list_out(struct queue *q, struct journal_item *item)
{
	if (!item->listed)
		append(&q->out, item);
	item->listed = true;
}

struct journal_item *queue_take(struct queue *q)
{
	struct journal_item *item;

	pthread_mutex_lock(&q->lock);
	item = pop(&q->out);
	if (item) {
		item->listed = false;
		item->state = item->is_new ? JOURNAL_NEW : item->last;
		/* What became of it is known by now: next time. */
		if (item->is_new && item->last != JOURNAL_QUEUED)
			list_out(q, item);
		item->is_new = false;
	}
	pthread_mutex_unlock(&q->lock);
	return item;
}

size_t queue_size(struct queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->n;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void queue_end(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->ended = true;
	pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

int queue_wait(struct queue *q, struct journal_item **items, int max,
	       int64_t until_ns)
{
	const struct timespec until = { .tv_sec = until_ns / SECOND_NS,
					.tv_nsec = until_ns % SECOND_NS };
	int n = 0, err = 0;

	pthread_mutex_lock(&q->lock);
	while (!q->in.first && !q->ended && !err)
		err = pthread_cond_clockwait(&q->filled, &q->lock,
					     CLOCK_MONOTONIC, &until);
	while (n < max && q->in.first)
		items[n++] = pop(&q->in);
	if (!n && q->ended)
		n = -1;
	pthread_mutex_unlock(&q->lock);
	return n;
}

static void ring(const struct queue *q)
{
	const uint64_t one = 1;

	/* It only fails when the counter is full, and then it is readable. */
	if (q->event_fd >= 0 &&
	    write(q->event_fd, &one, sizeof(one)) != sizeof(one))
		return;
}

void queue_post_new(struct queue *q, struct journal_item *const *items,
		    const enum journal_state *states, size_t n)
{
	bool any = false;

	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < n; i++) {
		if (states[i] != JOURNAL_NEW)
			continue;
		items[i]->is_new = true;
		list_out(q, items[i]);
		any = true;
	}
	pthread_mutex_unlock(&q->lock);
	if (any)
		ring(q);
}

void queue_post_last(struct queue *q, struct journal_item *const *items,
		     const enum journal_state *states, size_t n)
{
	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < n; i++) {
		items[i]->last = states[i];
		list_out(q, items[i]);
	}
	q->n -= n;
	pthread_mutex_unlock(&q->lock);
	ring(q);
}

void queue_post_own(struct queue *q, struct journal_item *item)
{
	pthread_mutex_lock(&q->lock);
	list_out(q, item);
	pthread_mutex_unlock(&q->lock);
	ring(q);
}
