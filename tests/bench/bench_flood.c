// SPDX-License-Identifier: GPL-2.0-only
/*
 *   bench_flood INTERFACE FILE MS
 *
 * Sends SYNs for port 8080 of 10.77.0.1 out of an interface as fast as one
 * processor can, as live frames of a test run (BPF_F_TEST_XDP_LIVE_FRAMES),
 * from the addresses in a file in turn; at most 2^20 of them.  Prints how many
 * were handed to the interface, and in how many ns.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <time.h>

#include "bench/feed.skel.h"
#include "bpf/packet.h"
#include "sources.h"

#define N_SOURCES (1u << 20)
#define CHUNK (1 << 17) /* packets a system call */
#define BATCH 64	/* as a network card's NAPI */
#define MS_MAX 60000

static void fail(const char *what)
{
	fprintf(stderr, "bench_flood: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static struct feed *open_feed(const char *interface, const char *file)
{
	struct feed *feed = feed__open_and_load();
	size_t n = N_SOURCES;
	uint32_t *addresses = sources_read(file, &n);

	if (!feed || !n)
		fail("feed");
	for (size_t i = 0; i < N_SOURCES; i++)
		feed->bss->source[i] = addresses[i % n];
	free(addresses);
	feed->bss->mask = N_SOURCES - 1;
	feed->bss->ifindex = if_nametoindex(interface);
	if (!feed->bss->ifindex)
		fail(interface);
	return feed;
}

int main(int argc, char **argv)
{
	const struct shape shape = {
		.from = "10.77.0.2",
		.to = "10.77.0.1",
		.sport = 40000,
		.dport = 8080,
		.flags = TCP_SYN,
	};
	static struct packet p;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p.bytes,
		    .repeat = CHUNK, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	uint64_t start, ns, sent = 0, ms;
	struct feed *feed;

	if (argc != 4 || (ms = strtoull(argv[3], NULL, 10)) > MS_MAX) {
		fprintf(stderr, "usage: bench_flood INTERFACE FILE MS\n");
		return 2;
	}
	feed = open_feed(argv[1], argv[2]);
	packet_build(&p, &shape);
	opts.data_size_in = (uint32_t)p.size;
	start = now_ns();
	do {
		if (bpf_prog_test_run_opts(bpf_program__fd(feed->progs.flood),
					   &opts))
			fail("test run");
		sent += CHUNK;
		ns = now_ns() - start;
	} while (ns < ms * 1000000);
	printf("%llu %llu\n", (unsigned long long)sent, (unsigned long long)ns);
	feed__destroy(feed);
	return 0;
}
