// SPDX-License-Identifier: GPL-2.0-only
/*
 *   bench_address [PROGRAM ADDRESSES STATISTICS]
 *
 * What the verdict on an address costs, in ns a packet by BPF_PROG_TEST_RUN,
 * and in bytes of kernel memory, against what tests/bench/peers.bpf.c has and
 * against xdp-filter, whose pinned program and maps are named.  Lines "bench
 * NAME OURS PEER RATIO" (RATIO = PEER / OURS) among comment lines with all
 * figures.
 *
 * Every side runs behind a program that writes the next source address into the
 * packet (feed.bpf.c), so that hot (one address) and random (2^20 of those
 * blocked, in no order) differ only in what it writes.  Rounds of all sides
 * alternate; a figure is the median over the rounds of a difference within one:
 *
 *   over bare   side - bare
 *   whole       side - fed + empty, where fed is a program that only drops
 * behind the feeder, and empty the same without it
 *
 * Time is that of this thread's CPU, so a busy machine takes caches but not
 * time.  Counters must show that every single packet was dropped.
 */
#include <linux/bpf.h>

#include "bench/feed.skel.h"
#include "bench/peers.skel.h"
#include "bpf/harness.h"
#include "bpf/request.h"
#include "sources.h"

#define ROUNDS 11
#define REPEAT 200000
#define N_SOURCES (1u << 20)
#define N_MAX 1000000
#define FILTER_MAX 10000
#define FILTER_SOURCE 1 /* xdp-filter: match the source */
#define BATCH 10000

enum side {
	EMPTY,
	FED,
	BARE,
	TRIE,
	OURS,
	FILTER,
	SIDES
};

enum mode {
	HOT,
	RANDOM,
	PASSED, /* random ones that are not blocked */
	MODES
};

static const char *const mode_names[] = { "hot", "random", "passed" };

static struct bench {
	uint32_t *addresses; /* blocked, then as many that are not */
	size_t n;	     /* blocked */
	const char *size;    /* the same in words */
	struct peers *peers;
	double trie_bytes;	  /* what filling it took from the kernel */
	struct feed *feed[SIDES]; /* NULL: nothing to measure */
	int prog[SIDES];
	int filter_addresses; /* xdp-filter's maps; -1: it is not there */
	int filter_statistics;
	double ns[SIDES][ROUNDS];
} bench = { .filter_addresses = -1, .filter_statistics = -1 };

static void fail(const char *what)
{
	fprintf(stderr, "bench-address: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* --- what is measured ---------------------------------------------------- */

static uint32_t source_of(enum mode mode, uint32_t i)
{
	switch (mode) {
	case HOT:
		return bench.addresses[bench.n / 2];
	case RANDOM:
		return bench.addresses[i % bench.n];
	default:
		return bench.addresses[N_MAX + i % N_MAX];
	}
}

static void feed_fill(struct feed *feed, enum mode mode)
{
	for (uint32_t i = 0; i < N_SOURCES; i++)
		feed->bss->source[i] = source_of(mode, i);
	feed->bss->at = 0;
	feed->bss->mask = mode == HOT ? 0 : N_SOURCES - 1;
}

/* Programs of one kind only may stand behind each other. */
static struct feed *feed_open(int prog, bool frags)
{
	struct feed *feed = feed__open();
	uint32_t zero = 0;

	if (!feed)
		fail("feed");
	if (frags)
		bpf_program__set_flags(feed->progs.feed, BPF_F_XDP_HAS_FRAGS);
	bpf_program__set_autoload(feed->progs.flood, false);
	if (feed__load(feed) ||
	    bpf_map_update_elem(bpf_map__fd(feed->maps.target), &zero, &prog,
				BPF_ANY))
		fail("feed");
	return feed;
}

static void put_batches(int map, const void *keys, size_t key_size,
			const void *values, size_t value_size)
{
	for (size_t done = 0; done < bench.n;) {
		uint32_t n = BATCH;

		if (n > bench.n - done)
			n = (uint32_t)(bench.n - done);
		if (bpf_map_update_batch(
			    map, (const char *)keys + done * key_size,
			    (const char *)values + done * value_size, &n, NULL))
			fail("batch");
		done += n;
	}
}

static void trie_fill(void)
{
	struct bench_prefix {
		uint32_t len;
		uint32_t addr;
	} *keys = calloc(bench.n, sizeof(*keys));
	uint32_t *values = calloc(bench.n, sizeof(*values));

	for (size_t i = 0; i < bench.n; i++)
		keys[i] = (struct bench_prefix){ 32, bench.addresses[i] };
	put_batches(bpf_map__fd(bench.peers->maps.prefixes), keys,
		    sizeof(*keys), values, sizeof(*values));
	free(values);
	free(keys);
}

/* Of kernel memory in slabs; whoever else is busy is in it, too. */
static double slab_bytes(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	if (!f)
		fail("/proc/meminfo");
	while (fgets(line, sizeof(line), f) &&
	       sscanf(line, "SUnreclaim: %llu", &kib) != 1)
		;
	fclose(f);
	return (double)kib * 1024;
}

static void filter_fill(void)
{
	size_t n_cpus = (size_t)libbpf_num_possible_cpus();
	uint64_t *values = calloc(bench.n * n_cpus, sizeof(*values));
	uint32_t key;

	while (!bpf_map_get_next_key(bench.filter_addresses, NULL, &key))
		bpf_map_delete_elem(bench.filter_addresses, &key);
	for (size_t i = 0; i < bench.n * n_cpus; i++)
		values[i] = FILTER_SOURCE;
	put_batches(bench.filter_addresses, bench.addresses, sizeof(key),
		    values, n_cpus * sizeof(*values));
	free(values);
}

static void ours_fill(void)
{
	struct prefix *items = calloc(bench.n, sizeof(*items));
	struct policy_options opt = harness_options();
	struct snapshot s = { 0 };

	for (size_t i = 0; i < bench.n; i++) {
		items[i] = (struct prefix){ .family = AF_INET, .len = 32 };
		memcpy(items[i].addr, &bench.addresses[i], 4);
	}
	opt.block = (struct prefix_list){ items, bench.n };
	harness_apply(&opt, &s);
	free(items);
}

static void side_open(enum side side, int prog, bool frags)
{
	bench.feed[side] = feed_open(prog, frags);
	bench.prog[side] = bpf_program__fd(bench.feed[side]->progs.feed);
}

static void sides_open(void)
{
	struct peers *peers = peers__open();

	if (!peers ||
	    bpf_map__set_max_entries(peers->maps.prefixes, (uint32_t)bench.n) ||
	    peers__load(peers))
		fail("peers");
	bench.peers = peers;
	bench.trie_bytes = -slab_bytes();
	trie_fill();
	bench.trie_bytes += slab_bytes();
	ours_fill();
	bench.prog[EMPTY] = bpf_program__fd(peers->progs.nothing);
	side_open(FED, bench.prog[EMPTY], false);
	side_open(BARE, bpf_program__fd(peers->progs.bare), false);
	side_open(TRIE, bpf_program__fd(peers->progs.trie), false);
	side_open(OURS, harness.xdp, true);
	if (bench.filter_addresses >= 0 && bench.n <= FILTER_MAX) {
		filter_fill();
		side_open(FILTER, bench.prog[FILTER], false);
	}
}

static void sides_close(void)
{
	for (int side = 0; side < SIDES; side++) {
		feed__destroy(bench.feed[side]);
		bench.feed[side] = NULL;
	}
	peers__destroy(bench.peers);
}

/* --- measuring ------------------------------------------------------------ */

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double run(int prog, const struct packet *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->bytes,
		    .data_size_in = (uint32_t)p->size, .repeat = REPEAT);
	double start = cpu_ns();

	if (bpf_prog_test_run_opts(prog, &opts))
		fail("test run");
	return (cpu_ns() - start) / REPEAT;
}

static uint64_t sum_first(int map, uint32_t key, size_t words)
{
	size_t n = (size_t)libbpf_num_possible_cpus();
	uint64_t values[HARNESS_CPUS * 2], sum = 0;

	if (n > HARNESS_CPUS || bpf_map_lookup_elem(map, &key, values))
		fail("counter");
	for (size_t i = 0; i < n; i++)
		sum += values[i * words];
	return sum;
}

static uint64_t side_count(enum side side, enum mode mode)
{
	uint32_t action = mode == PASSED ? XDP_PASS : XDP_DROP;
	struct pc_count n;

	switch (side) {
	case OURS:
		if (maps_count(&harness.maps,
			       mode == PASSED ? PC_R_ADDRESS_PASS
					      : PC_R_BLOCK_LIST,
			       &n))
			fail("counter");
		return n.done;
	case BARE:
		action = XDP_DROP;
		/* fall through */
	case TRIE:
		return sum_first(bpf_map__fd(bench.peers->maps.counts), action,
				 1);
	case FILTER:
		return sum_first(bench.filter_statistics, action, 2);
	default:
		return 0;
	}
}

/* A measurement of anything but what the mode says is a lie. */
static void run_side(enum side side, enum mode mode, int round,
		     const struct packet *p)
{
	uint64_t before = side_count(side, mode), n;

	bench.ns[side][round] = run(bench.prog[side], p);
	n = side_count(side, mode) - before;
	if (side >= BARE && n != REPEAT) {
		fprintf(stderr, "bench-address: side %d, %s: %llu of %d\n",
			side, mode_names[mode], (unsigned long long)n, REPEAT);
		exit(EXIT_FAILURE);
	}
}

static bool is_measured(enum side side)
{
	return side == EMPTY || bench.feed[side];
}

static void run_rounds(enum mode mode, const struct packet *p)
{
	for (int side = 0; side < SIDES; side++) {
		if (bench.feed[side])
			feed_fill(bench.feed[side], mode);
	}
	for (int round = 0; round < ROUNDS; round++) {
		for (int side = 0; side < SIDES; side++) {
			if (is_measured(side))
				run_side(side, mode, round, p);
		}
	}
}

/* --- figures ---------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static double over_bare(enum side side)
{
	double ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ns[i] = bench.ns[side][i] - bench.ns[BARE][i];
	return median(ns);
}

static double whole(enum side side)
{
	double ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ns[i] = bench.ns[side][i] - bench.ns[FED][i] +
			bench.ns[EMPTY][i];
	return median(ns);
}

static void print(enum mode mode, const char *peer, double ours, double theirs)
{
	/* Below what can be told apart. */
	if (ours < 0.1)
		ours = 0.1;
	printf("bench address/%s/%s/%s %.1f %.1f %.2f\n", mode_names[mode],
	       bench.size, peer, ours, theirs, theirs / ours);
	fflush(stdout);
}

static void print_all(enum mode mode)
{
	static const char *const names[] = { "empty", "fed",  "bare",
					     "trie",  "ours", "xdp-filter" };
	double ns[ROUNDS];

	printf("# %s/%s, ns as measured:", mode_names[mode], bench.size);
	for (int side = 0; side < SIDES; side++) {
		if (!is_measured(side))
			continue;
		memcpy(ns, bench.ns[side], sizeof(ns));
		printf(" %s %.1f", names[side], median(ns));
	}
	printf("; over bare: ours %.1f, trie %.1f\n", over_bare(OURS),
	       over_bare(TRIE));
}

static void print_filter(enum mode mode)
{
	if (bench.feed[FILTER])
		print(mode, "xdp-filter", whole(OURS), whole(FILTER));
	else if (bench.n <= FILTER_MAX)
		printf("bench-skip address/%s/%s/xdp-filter it did not load\n",
		       mode_names[mode], bench.size);
}

static void bench_mode(enum mode mode, const struct packet *p)
{
	run_rounds(mode, p);
	print_all(mode);
	if (mode == PASSED)
		return;
	print(mode, "parse", over_bare(OURS), whole(BARE));
	print(mode, "trie", over_bare(OURS), over_bare(TRIE));
	print_filter(mode);
}

/* --- bytes ------------------------------------------------------------------
 */

/* As the kernel accounts for it. */
static uint64_t map_bytes(int map)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map);
	f = fopen(path, "r");
	if (!f)
		fail(path);
	while (fgets(line, sizeof(line), f) &&
	       sscanf(line, "memlock: %llu", &bytes) != 1)
		;
	fclose(f);
	return bytes;
}

/* Of both slots: one has a blank chunk in all places once a flip is done. */
static uint64_t image_bytes(void)
{
	int outer = harness_pin("pc_image");
	uint32_t id, before = 0;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 2 * PC_CHUNKS; i++) {
		int inner;

		if (bpf_map_lookup_elem(outer, &i, &id) || id == before)
			continue;
		before = id;
		inner = bpf_map_get_fd_by_id(id);
		if (inner < 0)
			fail("chunk");
		sum += map_bytes(inner);
		close(inner);
	}
	close(outer);
	return sum;
}

/*
 * The kernel's own account of a trie is of its leaves alone: neither the nodes
 * between nor what the allocator rounds up are in it.
 */
static void bench_bytes(void)
{
	double n = (double)bench.n;
	double ours = (double)image_bytes() / n, trie = bench.trie_bytes / n;

	printf("# bytes/%s: the kernel's own account of the trie %.1f\n",
	       bench.size,
	       (double)map_bytes(bpf_map__fd(bench.peers->maps.prefixes)) / n);
	printf("bench address/bytes/%s/trie %.1f %.1f %.2f\n", bench.size, ours,
	       trie, trie / ours);
}

/* --- all of it
 * ---------------------------------------------------------------- */

static void open_filter(char **paths)
{
	bench.prog[FILTER] = bpf_obj_get(paths[0]);
	bench.filter_addresses = bpf_obj_get(paths[1]);
	bench.filter_statistics = bpf_obj_get(paths[2]);
	if (bench.prog[FILTER] < 0 || bench.filter_addresses < 0 ||
	    bench.filter_statistics < 0)
		fail("xdp-filter");
}

/* As the agent's default is: some drops are told of, the gate is at work. */
static void events_open(void)
{
	const struct pc_capture events = { .event_rate = 100 };
	int fd = harness_pin("pc_capture");
	uint32_t zero = 0;

	if (bpf_map_update_elem(fd, &zero, &events, BPF_ANY))
		fail("pc_capture");
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		size_t n;
	} sizes[] = {
		{ "100", 100 },
		{ "10k", 10000 },
		{ "100k", 100000 },
		{ "1M", N_MAX },
	};
	static struct packet p;
	struct client c;
	int filter;

	if (argc == 4)
		open_filter(argv + 1);
	if (harness_open())
		return HARNESS_SKIP;
	events_open();
	filter = bench.prog[FILTER];
	bench.addresses = sources_make((size_t)2 * N_MAX);
	c = client_at(IN_BLACK);
	packet_build(&p, &c.s);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		bench.size = sizes[i].name;
		bench.n = sizes[i].n;
		bench.prog[FILTER] = filter;
		sides_open();
		for (int mode = 0; mode < MODES; mode++)
			bench_mode(mode, &p);
		if (bench.n == N_MAX)
			bench_bytes();
		sides_close();
	}
	return 0;
}
