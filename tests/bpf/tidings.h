/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs told of: the ring of events, and the gate before it. */
#ifndef TESTS_BPF_TIDINGS_H
#define TESTS_BPF_TIDINGS_H

#include <sched.h>

#include "harness.h"

#define TIDINGS_MAX 8192

static struct {
	struct ring_buffer *ring;
	int tally;
	size_t n;
	struct pc_event events[TIDINGS_MAX];
} tidings;

static inline int tidings_take(void *arg, void *data, size_t size)
{
	(void)arg;
	if (size != sizeof(struct pc_event) || tidings.n == TIDINGS_MAX)
		abort();
	memcpy(&tidings.events[tidings.n++], data, size);
	return 0;
}

/* On one processor from here on, so that counts are exact. */
static inline void tidings_open(void)
{
	int fd = harness_pin("pc_events");
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	tidings.ring = ring_buffer__new(fd, tidings_take, NULL, NULL);
	tidings.tally = harness_pin("pc_tally");
	if (!tidings.ring || tidings.tally < 0 ||
	    sched_setaffinity(0, sizeof(one), &one))
		abort();
	close(fd);
}

/* Everything told since the last call, in tidings.events. */
static inline size_t tidings_read(void)
{
	tidings.n = 0;
	ring_buffer__consume(tidings.ring);
	return tidings.n;
}

/* Of this processor. */
static inline struct pc_event_gate tidings_gate(void)
{
	static struct pc_tally per_cpu[HARNESS_CPUS];
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(tidings.tally, &zero, per_cpu))
		abort();
	return per_cpu[sched_getcpu()].gate;
}

/* As before the first packet, or a second later. */
static inline void tidings_set_gate(const struct pc_event_gate *g)
{
	static struct pc_tally per_cpu[HARNESS_CPUS];
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(tidings.tally, &zero, per_cpu))
		abort();
	per_cpu[sched_getcpu()].gate = *g;
	if (bpf_map_update_elem(tidings.tally, &zero, per_cpu, 0))
		abort();
}

static inline void tidings_set_capture(uint64_t event_rate, uint64_t until_ns)
{
	const struct pc_capture c = { .event_rate = event_rate,
				      .until_ns = until_ns };
	int fd = harness_pin("pc_capture");
	uint32_t zero = 0;

	if (bpf_map_update_elem(fd, &zero, &c, 0))
		abort();
	close(fd);
}

#endif /* TESTS_BPF_TIDINGS_H */
