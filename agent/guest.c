// SPDX-License-Identifier: GPL-2.0-only
/*
 * These are deadlines: a timeout of idleness is defeated by a byte a second.  A
 * connection is ended by shutting its socket down: whoever serves it then finds
 * it closed by its peer.
 */
#include "guest.h"

#include <stdlib.h>
#include <sys/socket.h>

#define SECOND_NS 1000000000LL
/* The gateway's own patience for the fields of a request. */
#define READING_NS (10 * SECOND_NS)
#define IDLE_NS (130 * SECOND_NS)

void guests_init(struct guests *all, size_t limit)
{
	*all = (struct guests){ .limit = limit };
	TAILQ_INIT(&all->reading);
	TAILQ_INIT(&all->idle);
	TAILQ_INIT(&all->leaving);
}

static void take_off(struct guest *g)
{
	struct guests *all = g->all;

	if (g->state == GUEST_READING)
		TAILQ_REMOVE(&all->reading, g, link);
	else if (g->state == GUEST_IDLE)
		TAILQ_REMOVE(&all->idle, g, link);
	else if (g->state == GUEST_LEAVING)
		TAILQ_REMOVE(&all->leaving, g, link);
}

static void put(struct guest *g, enum guest_state state)
{
	struct guests *all = g->all;

	if (g->state == GUEST_LEAVING)
		return;
	take_off(g);
	g->state = state;
	g->since_ns = all->now_ns;
	if (state == GUEST_READING)
		TAILQ_INSERT_TAIL(&all->reading, g, link);
	else if (state == GUEST_IDLE)
		TAILQ_INSERT_TAIL(&all->idle, g, link);
	else if (state == GUEST_LEAVING)
		TAILQ_INSERT_TAIL(&all->leaving, g, link);
}

void guests_reading(struct guest *g)
{
	put(g, GUEST_READING);
}

void guests_busy(struct guest *g)
{
	put(g, GUEST_BUSY);
}

void guests_idle(struct guest *g)
{
	put(g, GUEST_IDLE);
}

static void dismiss(struct guest *g)
{
	put(g, GUEST_LEAVING);
	shutdown(g->fd, SHUT_RDWR);
}

/* Whoever has not asked anything yet goes before whoever has. */
static void make_room(struct guests *all)
{
	struct guest *oldest = TAILQ_FIRST(&all->reading);

	if (!oldest)
		oldest = TAILQ_FIRST(&all->idle);
	if (!oldest)
		return;
	all->evicted++;
	dismiss(oldest);
}

struct guest *guests_enter(struct guests *all, int fd,
			   const struct peer_rules *rules)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	if (all->n >= all->limit)
		make_room(all);
	peer_take(&g->peer, rules, fd);
	all->refused += !g->peer.admitted;
	g->all = all;
	g->fd = fd;
	g->state = GUEST_BUSY;
	all->n++;
	all->entered++;
	guests_reading(g);
	return g;
}

void guests_leave(struct guest *g)
{
	if (!g)
		return;
	take_off(g);
	g->all->n--;
	free(g);
}

static void end_old(struct guests *all, struct guest_list *list,
		    int64_t patience_ns)
{
	struct guest *g;

	while ((g = TAILQ_FIRST(list)) &&
	       all->now_ns - g->since_ns > patience_ns) {
		all->too_slow++;
		dismiss(g);
	}
}

void guests_tick(struct guests *all)
{
	end_old(all, &all->reading, READING_NS);
	end_old(all, &all->idle, IDLE_NS);
}

struct guest *guests_any(const struct guests *all)
{
	struct guest *g = TAILQ_FIRST(&all->reading);

	if (!g)
		g = TAILQ_FIRST(&all->idle);
	return g ? g : TAILQ_FIRST(&all->leaving);
}
