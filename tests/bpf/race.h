/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two segments at the same time, on two processors: each round runs one on
 * either, apart by a little that is drawn, so that in many rounds one meets the
 * other at every place.
 */
#ifndef TESTS_BPF_RACE_H
#define TESTS_BPF_RACE_H

#include <pthread.h>
#include <stdatomic.h>

#include "living.h"

#define RACE_ENDS 2
#define RACE_TIME_NS UINT64_C(400000000) /* for one loop */
#define RACE_APART_MAX 4000		 /* turns of an empty loop */
#define RACE_SPINS 2000			 /* before others get the processor */

struct racer {
	pthread_t thread;
	int cpu;
	int prog;
	struct packet in;
	struct outcome out; /* counters are everybody's, and not in it */
	unsigned int apart;
};

static struct race {
	struct racer ends[RACE_ENDS];
	atomic_uint round; /* the one at hand, or the one to come */
	atomic_uint ready;
	atomic_uint done;
	unsigned int seed;
	uint64_t until_ns;
	unsigned int rounds;
} race = { .seed = 1 };

static inline void race_wait(atomic_uint *what, unsigned int value)
{
	for (unsigned int i = 1; atomic_load(what) != value; i++) {
		if (!(i % RACE_SPINS))
			sched_yield();
	}
}

static inline void race_run_one(struct racer *r)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = r->in.bytes,
		    .data_size_in = (uint32_t)r->in.size,
		    .data_out = r->out.bytes,
		    .data_size_out = sizeof(r->out.bytes));

	for (volatile unsigned int i = 0; i < r->apart; i++)
		;
	if (bpf_prog_test_run_opts(r->prog, &opts))
		abort();
	r->out.retval = opts.retval;
	r->out.size = opts.data_size_out;
}

static inline void *race_thread(void *arg)
{
	struct racer *r = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(r->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		abort();
	for (unsigned int round = 1;; round++) {
		race_wait(&race.round, round);
		if (!r->prog)
			return NULL;
		atomic_fetch_add(&race.ready, 1);
		race_wait(&race.ready, RACE_ENDS);
		race_run_one(r);
		atomic_fetch_add(&race.done, 1);
	}
}

/* -1: there are no two processors. */
static inline int race_open(void)
{
	cpu_set_t may;
	int n = 0;

	if (sched_getaffinity(0, sizeof(may), &may))
		abort();
	for (int cpu = 0; cpu < CPU_SETSIZE && n < RACE_ENDS; cpu++) {
		if (CPU_ISSET(cpu, &may))
			race.ends[n++].cpu = cpu;
	}
	if (n < RACE_ENDS)
		return -1;
	for (n = 0; n < RACE_ENDS; n++) {
		race.ends[n].prog = harness.request;
		if (pthread_create(&race.ends[n].thread, NULL, race_thread,
				   &race.ends[n]))
			abort();
	}
	return 0;
}

static inline void race_close(void)
{
	for (int n = 0; n < RACE_ENDS; n++)
		race.ends[n].prog = 0;
	atomic_fetch_add(&race.round, 1);
	for (int n = 0; n < RACE_ENDS; n++)
		pthread_join(race.ends[n].thread, NULL);
}

static inline uint64_t race_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline void race_begin(void)
{
	race.rounds = 0;
	race.until_ns = race_now_ns() + RACE_TIME_NS;
}

/* Is there time for one more round? */
static inline bool race_goes_on(void)
{
	race.rounds++;
	return race_now_ns() < race.until_ns;
}

/* What one of the two is to run, of so many bytes of text. */
static inline void race_put(int end, int prog, const struct shape *s,
			    const char *text)
{
	struct racer *r = &race.ends[end];
	struct shape with = *s;

	with.payload = text;
	with.payload_size = strlen(text);
	packet_build(&r->in, &with);
	r->prog = prog;
	r->apart = (unsigned int)rand_r(&race.seed) % RACE_APART_MAX;
}

static inline void race_start(void)
{
	atomic_store(&race.ready, 0);
	atomic_store(&race.done, 0);
	atomic_fetch_add(&race.round, 1);
}

/* Both at once; what became of them is in race.ends[].out. */
static inline void race_run(void)
{
	race_start();
	race_wait(&race.done, RACE_ENDS);
}

/* And meanwhile another policy comes into force. */
static inline void race_flip(uint64_t *active, uint64_t slot)
{
	race_start();
	race_wait(&race.ready, RACE_ENDS);
	__atomic_store_n(active, slot, __ATOMIC_RELEASE);
	race_wait(&race.done, RACE_ENDS);
}

static inline void race_end(void)
{
	line_empty_tap();
	print_message("%u rounds\n", race.rounds);
}

#endif /* TESTS_BPF_RACE_H */
