// SPDX-License-Identifier: GPL-2.0-only
/*
 *   flips PIN-DIR INTERFACE AGENT LIST FLIPS IPV4... IPV6...
 *
 * Floods port 8080 from three addresses of each family in turn, by live frames
 * of a test run out of an interface, while the agent of that process number is
 * made to put LIST.0 and LIST.1 into force in turns, as LIST, so many times.
 * Prints for each address how many packets were sent, all of them judged.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "bpf/packet.h"
#include "flips/flood.skel.h"
#include "maps.h"

#define BURST 16384 /* packets a system call */
#define BATCH 64    /* as a network card's NAPI */
#define N_SOURCES 3 /* of a family */
#define PATIENCE_NS UINT64_C(10000000000)

struct stream {
	struct maps maps;
	struct flood *skel;
	struct packet packets[2]; /* by family */
	atomic_bool over;
};

static void fail(const char *what)
{
	fprintf(stderr, "flips: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* However the filter judged them. */
static uint64_t count_judged(struct stream *s)
{
	static const enum pc_reason any[] = {
		PC_R_ADDRESS_PASS,
		PC_R_BLOCK_LIST,
		PC_R_NO_POLICY,
		PC_R_IMAGE_DAMAGED,
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		struct pc_count n;

		if (maps_count(&s->maps, any[i], &n))
			fail("counters");
		sum += n.done;
	}
	return sum;
}

static void send_burst(struct stream *s, const struct packet *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->bytes,
		    .data_size_in = (uint32_t)p->size, .repeat = BURST,
		    .batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	if (bpf_prog_test_run_opts(bpf_program__fd(s->skel->progs.flood),
				   &opts))
		fail("test run");
}

static void *run_flood(void *arg)
{
	struct stream *s = arg;

	while (!s->over) {
		send_burst(s, &s->packets[0]);
		send_burst(s, &s->packets[1]);
	}
	return NULL;
}

static void wait_until_judged(struct stream *s)
{
	uint64_t start = now_ns();

	while (count_judged(s) < s->skel->bss->n_sent) {
		errno = ETIMEDOUT;
		if (now_ns() - start > PATIENCE_NS)
			fail("packets that were sent are not counted");
	}
}

static void build(struct stream *s, int v6, char **addresses)
{
	const struct shape shape = {
		.from = addresses[0],
		.to = v6 ? "fd77::1" : "10.77.0.1",
		.sport = 40000,
		.dport = 8080,
		.flags = TCP_SYN,
	};

	packet_build(&s->packets[v6], &shape);
	for (int i = 0; i < N_SOURCES; i++) {
		if (inet_pton(v6 ? AF_INET6 : AF_INET, addresses[i],
			      s->skel->bss->source[v6][i]) != 1)
			fail(addresses[i]);
	}
}

static void open_flood(struct stream *s, const char *interface,
		       char **addresses)
{
	s->skel = flood__open();
	if (!s->skel ||
	    bpf_map__reuse_fd(s->skel->maps.pc_counts, s->maps.counts) ||
	    bpf_map__reuse_fd(s->skel->maps.pc_tally, s->maps.tally) ||
	    flood__load(s->skel))
		fail("flood");
	s->skel->bss->ifindex = if_nametoindex(interface);
	if (!s->skel->bss->ifindex)
		fail(interface);
	s->skel->bss->n_cpus = (uint32_t)libbpf_num_possible_cpus();
	build(s, 0, addresses);
	build(s, 1, addresses + N_SOURCES);
	/* What was judged before counts as sent. */
	s->skel->bss->n_sent = s->skel->bss->judged = count_judged(s);
}

/* Two files take turns; each stays, for the next time. */
static void write_list(const char *list, unsigned long turn)
{
	char from[512], by[512];

	snprintf(from, sizeof(from), "%s.%lu", list, turn % 2);
	snprintf(by, sizeof(by), "%s.next", list);
	unlink(by);
	if (link(from, by) || rename(by, list))
		fail(list);
}

static void flip(struct stream *s, pid_t agent)
{
	uint64_t before = *s->maps.active_word, start = now_ns();

	if (kill(agent, SIGHUP))
		fail("agent");
	while (__atomic_load_n(s->maps.active_word, __ATOMIC_ACQUIRE) ==
	       before) {
		usleep(200);
		errno = ETIMEDOUT;
		if (now_ns() - start > PATIENCE_NS)
			fail("no flip");
	}
}

int main(int argc, char **argv)
{
	static struct stream s;
	unsigned long flips;
	pthread_t thread;
	uint64_t start;

	if (argc != 6 + 2 * N_SOURCES) {
		fprintf(stderr, "usage: flips PIN-DIR INTERFACE AGENT LIST "
				"FLIPS IPV4... IPV6...\n");
		return 2;
	}
	flips = strtoul(argv[5], NULL, 10);
	if (maps_open_pinned(&s.maps, argv[1]))
		fail(argv[1]);
	open_flood(&s, argv[2], argv + 6);
	if (pthread_create(&thread, NULL, run_flood, &s))
		fail("thread");
	start = now_ns();
	for (unsigned long i = 1; i <= flips; i++) {
		write_list(argv[4], i);
		flip(&s, (pid_t)strtol(argv[3], NULL, 10));
	}
	fprintf(stderr, "# %lu flips in %.1f s\n", flips,
		(double)(now_ns() - start) / 1e9);
	s.over = true;
	pthread_join(thread, NULL);
	wait_until_judged(&s);
	for (int i = 0; i < 2 * N_SOURCES; i++)
		printf("%s %llu\n", argv[6 + i],
		       (unsigned long long)
			       s.skel->bss->sent[i / N_SOURCES][i % N_SOURCES]);
	return 0;
}
