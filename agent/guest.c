// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's own timeout is one of idleness, which a byte a second defeats;
 * these are deadlines.  A connection is ended by shutting its socket down: the
 * library then finds it closed by its peer.
 */
#include "guest.h"

#include <stdlib.h>
#include <sys/socket.h>

#define SECOND_NS 1000000000LL
/* The gateway's own patience for the fields of a request. */
#define READING_NS (10 * SECOND_NS)
/* Longer than the library's idle timeout: only for those who dribble. */
#define IDLE_NS (140 * SECOND_NS)

void guests_init(struct guests *all, size_t limit)
{
	*all = (struct guests){ .limit = limit };
	TAILQ_INIT(&all->reading);
	TAILQ_INIT(&all->idle);
}

static void take_off(struct guests *all, struct guest *g)
{
	if (g->state == GUEST_READING)
		TAILQ_REMOVE(&all->reading, g, link);
	else if (g->state == GUEST_IDLE)
		TAILQ_REMOVE(&all->idle, g, link);
}

static void put(struct guests *all, struct guest *g, enum guest_state state)
{
	if (g->state == GUEST_LEAVING)
		return;
	take_off(all, g);
	g->state = state;
	g->since_ns = all->now_ns;
	if (state == GUEST_READING)
		TAILQ_INSERT_TAIL(&all->reading, g, link);
	else if (state == GUEST_IDLE)
		TAILQ_INSERT_TAIL(&all->idle, g, link);
}

void guests_reading(struct guests *all, struct guest *g)
{
	put(all, g, GUEST_READING);
}

void guests_busy(struct guests *all, struct guest *g)
{
	put(all, g, GUEST_BUSY);
}

void guests_idle(struct guests *all, struct guest *g)
{
	put(all, g, GUEST_IDLE);
}

static void dismiss(struct guests *all, struct guest *g)
{
	put(all, g, GUEST_LEAVING);
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
	dismiss(all, oldest);
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
	g->fd = fd;
	g->state = GUEST_BUSY;
	all->n++;
	all->entered++;
	guests_reading(all, g);
	return g;
}

void guests_leave(struct guests *all, struct guest *g)
{
	if (!g)
		return;
	take_off(all, g);
	all->n--;
	free(g);
}

static void end_old(struct guests *all, struct guest_list *list,
		    int64_t patience_ns)
{
	struct guest *g;

	while ((g = TAILQ_FIRST(list)) &&
	       all->now_ns - g->since_ns > patience_ns) {
		all->too_slow++;
		dismiss(all, g);
	}
}

void guests_tick(struct guests *all)
{
	end_old(all, &all->reading, READING_NS);
	end_old(all, &all->idle, IDLE_NS);
}
