// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of sets of a few places each, so that nothing is ever allocated or
 * swept.  A full set forgets the one whose window began first: whoever has many
 * addresses can make it forget others, not make it count them.
 */
#include "suspects.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "siphash.h"

#define WAYS 8
#define SETS (SUSPECTS_MAX / WAYS)
#define NS_PER_S 1000000000

struct suspect {
	struct prefix who; /* family 0: free */
	int64_t since_ns;
	uint64_t n;
};

struct suspects {
	struct rate rate;
	struct pc_sip key; /* nobody can choose who shares a set */
	struct suspect table[SETS][WAYS];

	pthread_mutex_t lock; /* of what follows; held for moments */
	struct offender waiting[SUSPECTS_WAITING];
	size_t first;
	size_t n;
	uint64_t dropped;
	int fd;
};

int suspects_new(struct suspects **out, const struct rate *rate)
{
	struct suspects *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->rate = *rate;
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd < 0 ||
	    getrandom(&s->key, sizeof(s->key), 0) != sizeof(s->key)) {
		int err = -errno;

		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return err;
	}
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return 0;
}

void suspects_free(struct suspects *s)
{
	if (!s)
		return;
	close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* As the gateway's limiter tells clients apart. */
static struct prefix identify(const struct prefix *who)
{
	struct prefix p = *who;

	if (p.family == AF_INET6) {
		memset(p.addr + 8, 0, 8);
		p.len = 64;
	}
	return p;
}

static bool has_run_out(const struct suspects *s, const struct suspect *one,
			int64_t now_ns)
{
	return (uint64_t)(now_ns - one->since_ns) >= s->rate.window_ns;
}

/* Its place, or one that it takes. */
static struct suspect *find(struct suspects *s, const struct prefix *who,
			    int64_t now_ns)
{
	struct pc_sip hash = pc_siphash(&s->key, who->addr, sizeof(who->addr));
	struct suspect *set, *oldest;
	uint64_t number;

	memcpy(&number, &hash, sizeof(number));
	set = s->table[(number ^ who->family) % SETS];
	oldest = set;
	for (size_t i = 0; i < WAYS; i++) {
		struct suspect *one = &set[i];

		if (one->who.family && !prefix_compare(&one->who, who))
			return one;
		/* A free place is the oldest. */
		if (one->since_ns < oldest->since_ns)
			oldest = one;
	}
	*oldest = (struct suspect){ .who = *who, .since_ns = now_ns };
	return oldest;
}

static void push(struct suspects *s, const struct offender *o)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&s->lock);
	if (s->n < SUSPECTS_WAITING)
		s->waiting[(s->first + s->n++) % SUSPECTS_WAITING] = *o;
	else
		s->dropped++;
	pthread_mutex_unlock(&s->lock);
	/* A full counter wakes just as well. */
	if (write(s->fd, &one, sizeof(one)) < 0)
		return;
}

void suspects_count_at(struct suspects *s, const struct prefix *who,
		       enum pc_reason reason, int64_t now_ns)
{
	struct prefix p = identify(who);
	struct suspect *one = find(s, &p, now_ns);
	struct offender o = { .source = p, .reason = (uint8_t)reason };

	if (has_run_out(s, one, now_ns)) {
		one->since_ns = now_ns;
		one->n = 0;
	}
	if (++one->n % s->rate.n)
		return;
	o.count = one->n < UINT32_MAX ? (uint32_t)one->n : UINT32_MAX;
	push(s, &o);
}

void suspects_count(struct suspects *s, const struct prefix *who,
		    enum pc_reason reason)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	suspects_count_at(s, who, reason,
			  (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec);
}

int suspects_fd(const struct suspects *s)
{
	return s->fd;
}

bool suspects_take(struct offender *out, uint64_t *dropped, struct suspects *s)
{
	uint64_t count;
	bool any;

	pthread_mutex_lock(&s->lock);
	*dropped = s->dropped;
	s->dropped = 0;
	any = s->n > 0;
	if (any) {
		*out = s->waiting[s->first];
		s->first = (s->first + 1) % SUSPECTS_WAITING;
		s->n--;
	} else if (read(s->fd, &count, sizeof(count)) < 0) {
		/* Nothing was there to be read: just as well. */
		any = false;
	}
	pthread_mutex_unlock(&s->lock);
	return any;
}
