/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The real programs and maps in namespaces of their own, packets run through
 * them one at a time, and what each packet did: the verdict, the bytes, the one
 * counter that rose, and what left through the loopback interface.
 */
#ifndef TESTS_BPF_HARNESS_H
#define TESTS_BPF_HARNESS_H

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "clock.h"
#include "digest.h"
#include "hits.h"
#include "loader.h"
#include "maps.h"
#include "packet.h"
#include "policy.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define HARNESS_SKIP 77
#define HARNESS_PORT 8080
/* The programs' "now", until a test sets their clock. */
#define HARNESS_NOW_NS ((int64_t)1770120000 * 1000000000)
#define HARNESS_LO 1
#define HARNESS_CPUS 1024

#define XDP_DROP_ 1
#define XDP_PASS_ 2
#define TC_PASS ((uint32_t)-1)
#define TC_SHOT 2u
#define TC_REDIRECT 7u

static struct harness {
	char dir[64];
	struct loader *loader;
	struct maps maps;
	int xdp;
	int xdp_generic;
	int address;
	int request;
	int reply;
	int flows;
	int living;
	int counts;
	int tap; /* frames that leave through lo */
	uint64_t generation;
	bool seen[PC_R_MAX];		/* reasons that were ever counted */
	uint8_t redirected[PACKET_MAX]; /* a packet that was sent whole */
	size_t redirected_size;
} harness;

/* What one packet did. */
struct outcome {
	uint32_t retval;
	enum pc_reason reason; /* the counter that rose */
	enum pc_reason other;  /* a second one, or PC_NEXT */
	bool would;
	uint32_t duration_ns;
	size_t size;
	uint8_t bytes[PACKET_MAX];
};

static inline void harness_close(void)
{
	if (harness.loader)
		maps_close(&harness.maps);
	loader_free(harness.loader);
	umount2(harness.dir, MNT_DETACH);
	rmdir(harness.dir);
}

static inline int harness_set_lo(bool up)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	ifr.ifr_flags = up ? IFF_UP : 0;
	rc = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return rc;
}

static inline int harness_open_tap(void)
{
	struct sockaddr_ll lo = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = HARNESS_LO,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	if (fd >= 0 && bind(fd, (struct sockaddr *)&lo, sizeof(lo))) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline int harness_open_dir(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	strcpy(harness.dir, "/tmp/portcullis-test-XXXXXX");
	if (!mkdtemp(harness.dir))
		return -1;
	atexit(harness_close);
	return mount("bpf", harness.dir, "bpf", 0, NULL);
}

static inline int harness_pin(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", harness.dir, name);
	return bpf_obj_get(path);
}

/* 0, or -1 with the skip line of TAP printed. */
static inline int harness_open(void)
{
	if (geteuid() || harness_open_dir() || harness_set_lo(true)) {
		printf("1..0 # SKIP needs CAP_BPF\n");
		return -1;
	}
	if (loader_load(&harness.loader, harness.dir) ||
	    maps_open_pinned(&harness.maps, harness.dir))
		exit(EXIT_FAILURE);
	harness.xdp = loader_xdp_fd(harness.loader);
	harness.xdp_generic = loader_xdp_generic_fd(harness.loader);
	harness.address = loader_address_fd(harness.loader);
	harness.request = loader_request_fd(harness.loader);
	harness.reply = loader_reply_fd(harness.loader);
	harness.flows = harness_pin("pc_flows");
	harness.living = harness_pin("pc_living");
	harness.counts = harness_pin("pc_counts");
	harness.tap = harness_open_tap();
	if (harness.flows < 0 || harness.living < 0 || harness.counts < 0 ||
	    harness.tap < 0)
		exit(EXIT_FAILURE);
	return 0;
}

/* Places the programs' "now"; lease_ns from this moment, 0: no end. */
static inline void harness_set_now(int64_t now_ns, uint64_t lease_ns)
{
	struct pc_clock clock;
	struct timespec tai;

	clock_take(&clock, lease_ns);
	clock_gettime(CLOCK_TAI, &tai);
	clock.tai_offset_ns =
		tai.tv_sec * INT64_C(1000000000) + tai.tv_nsec - now_ns;
	maps_set_clock(&harness.maps, &clock);
}

static inline struct policy_options harness_options(void)
{
	static const uint16_t ports[] = { HARNESS_PORT, 65535 };
	/* No socket here: the gateway is taken to be behind translation. */
	static struct prefix everywhere[] = { { .family = AF_INET },
					      { .family = AF_INET6 } };

	return (struct policy_options){
		.profile = PC_PROFILE_V0_1_179,
		.deny = PC_DENY_CLOSE,
		.ports = ports,
		.n_ports = ARRAY_SIZE(ports),
		.gateways = { everywhere, ARRAY_SIZE(everywhere) },
		.source = "test",
		.now_ns = HARNESS_NOW_NS,
		.generation = ++harness.generation,
	};
}

/* "10.0.0.0/8 2001:db8::/32" into items. */
static inline struct prefix_list harness_prefixes(struct prefix *items,
						  const char *texts)
{
	struct prefix_list list = { .items = items };
	char buf[512], *save = NULL;

	snprintf(buf, sizeof(buf), "%s", texts);
	for (char *t = strtok_r(buf, " ", &save); t;
	     t = strtok_r(NULL, " ", &save)) {
		if (prefix_parse_strict(&items[list.n++], t))
			abort();
	}
	return list;
}

static inline void harness_apply(const struct policy_options *opt,
				 const struct snapshot *s)
{
	struct policy p;

	if (policy_compile(&p, s, opt) || maps_apply(&harness.maps, &p, 0))
		abort();
	policy_fini(&p);
}

/* All in one call: they are read twice a packet.  n: how many there are. */
static inline void harness_add_up(struct pc_count *sums, int map, uint32_t n)
{
	static struct pc_count per_cpu[PC_OWNERS * HARNESS_CPUS];
	uint32_t keys[PC_OWNERS], next, got = n;
	uint32_t n_cpus = (uint32_t)libbpf_num_possible_cpus();

	if (n_cpus > HARNESS_CPUS ||
	    (bpf_map_lookup_batch(map, NULL, &next, keys, per_cpu, &got,
				  NULL) &&
	     errno != ENOENT) ||
	    got != n)
		abort();
	memset(sums, 0, n * sizeof(*sums));
	for (uint32_t i = 0; i < n * n_cpus; i++) {
		sums[keys[i / n_cpus]].done += per_cpu[i].done;
		sums[keys[i / n_cpus]].would += per_cpu[i].would;
	}
}

static inline void harness_read_counts(struct pc_count counts[PC_R_MAX])
{
	harness_add_up(counts, harness.counts, PC_R_MAX);
	if (hits_add_owners(&counts[PC_R_BLOCK_LIST], harness.maps.tally,
			    PC_R_BLOCK_LIST) ||
	    hits_add_owners(&counts[PC_R_SNAPSHOT_LIST], harness.maps.tally,
			    PC_R_SNAPSHOT_LIST))
		abort();
}

/* Which counters rose: one, or two with the second noted, or none.  False when
 * it is more than any packet moves.
 */
static inline bool outcome_count(struct outcome *o,
				 const struct pc_count before[PC_R_MAX],
				 const struct pc_count after[PC_R_MAX])
{
	o->reason = PC_NEXT;
	o->other = PC_NEXT;
	for (int r = 0; r < PC_R_MAX; r++) {
		uint64_t done = after[r].done - before[r].done;
		uint64_t would = after[r].would - before[r].would;

		if (!done && !would)
			continue;
		harness.seen[r] = true;
		if (done + would != 1 || o->other != PC_NEXT) {
			o->other = r;
			return false;
		}
		if (o->reason == PC_NEXT) {
			o->reason = r;
			o->would = would;
		} else {
			o->other = r;
		}
	}
	return true;
}

/* A test run does not do what a redirection says: the packet left, and is kept
 * for harness_catch().
 */
static inline void outcome_redirected(struct outcome *o)
{
	if (harness.redirected_size || o->size > sizeof(harness.redirected))
		abort();
	memcpy(harness.redirected, o->bytes, o->size);
	harness.redirected_size = o->size;
	o->retval = TC_SHOT;
}

static inline void outcome_run(struct outcome *o, int prog_fd,
			       const void *bytes, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes,
		    .data_size_in = (uint32_t)size, .data_out = o->bytes,
		    .data_size_out = sizeof(o->bytes));
	int rc = bpf_prog_test_run_opts(prog_fd, &opts);

	if (rc) {
		fprintf(stderr, "test run of %zu bytes: %s\n", size,
			strerror(-rc));
		abort();
	}
	o->retval = opts.retval;
	o->duration_ns = opts.duration;
	o->size = opts.data_size_out;
	if (prog_fd == harness.request && o->retval == TC_REDIRECT)
		outcome_redirected(o);
}

/* The outcome lives until the next run. */
static inline const struct outcome *run_bytes(int prog_fd, const void *bytes,
					      size_t size)
{
	static struct pc_count before[PC_R_MAX], after[PC_R_MAX];
	static struct outcome o;

	memset(&o, 0, offsetof(struct outcome, bytes));
	harness_read_counts(before);
	outcome_run(&o, prog_fd, bytes, size);
	harness_read_counts(after);
	if (!outcome_count(&o, before, after))
		fprintf(stderr, "a packet moved too many counters\n");
	return &o;
}

static inline const struct outcome *run_shape(int prog_fd,
					      const struct shape *s)
{
	static struct packet p;

	packet_build(&p, s);
	return run_bytes(prog_fd, p.bytes, p.size);
}

/* The next frame that left through lo, until the one after it; false: none. */
static inline bool harness_catch(struct segment *out)
{
	static uint8_t frame[65536], buf[sizeof(frame)];
	struct sockaddr_ll from;
	ssize_t n;

	if (harness.redirected_size) {
		memcpy(frame, harness.redirected, harness.redirected_size);
		if (segment_read_packet(out, frame, harness.redirected_size))
			abort();
		harness.redirected_size = 0;
		return true;
	}
	do {
		socklen_t size = sizeof(from);

		n = recvfrom(harness.tap, buf, sizeof(buf), MSG_DONTWAIT,
			     (struct sockaddr *)&from, &size);
		if (n < 0)
			return false;
	} while (from.sll_pkttype != PACKET_OUTGOING);
	memcpy(frame, buf, (size_t)n);
	/* No options but a timestamp, ever. */
	if (segment_read_packet(out, frame, (size_t)n) ||
	    out->header_size != (out->has_ts ? 32 : 20))
		abort();
	return true;
}

#endif /* TESTS_BPF_HARNESS_H */
