// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds a packet of both programs, each the median of several rounds of
 * in-kernel repeats (BPF_PROG_TEST_RUN): "bench NAME VALUE ns" lines, and for
 * pc_request "bench NAME/empty VALUE EMPTY RATIO", where EMPTY is what a
 * program that only passes takes in the same run.
 *
 * A test run repeats one packet, and pc_request judges a head only once: then
 * its flow has moved on and the same bytes are an old segment.  So heads are
 * measured behind a small program that puts the flow back to where the head
 * begins and tail-calls pc_request; what that costs by itself, measured the
 * same way, is taken off.  Counters must show that every single run judged.
 *
 * warm and cold judge a dead key whose digest the memo holds or does not hold,
 * live and live-cold a live one; for the cold ones the small program also takes
 * the digest out of the memo, and it must be back there in the end.
 *
 * Dead keys are judged in monitor mode: the same work but for the answer.  The
 * answer rewrites the packet, so dead-567-close is made of single runs, each
 * with a new packet and the flow put back by hand; its median is what is
 * printed, with cold caches and the timer's own cost in it.
 */
#include <linux/bpf.h>

#include "bpf/memo.h"
#include "bpf/request.h"

#define ROUNDS 11
#define REPEAT 200000
#define SINGLES 20000
#define MANY 100000
#define SEQ 0x1000
#define STRANGER "203.0.113.10"

#define HEAD_567(path, key)                                 \
	"POST " path "?beta=true HTTP/1.1\r\n"              \
	"Host: gateway1.example.com:18080\r\n"              \
	"Accept: application/json\r\n"                      \
	"x-stainless-retry-count: 0\r\n"                    \
	"x-stainless-timeout: 600\r\n"                      \
	"x-stainless-lang: js\r\n"                          \
	"x-stainless-package-version: 0.60.10\r\n"          \
	"x-stainless-os: Linux\r\n"                         \
	"x-stainless-arch: x64\r\n"                         \
	"x-stainless-runtime: node\r\n"                     \
	"anthropic-version: 2023-06-01\r\n"                 \
	"authorization: Bearer " key "\r\n"                 \
	"user-agent: claude-cli/2.0.14 (external, cli)\r\n" \
	"content-type: application/json\r\n"                \
	"accept-encoding: gzip, deflate\r\n"                \
	"connection: keep-alive\r\n"                        \
	"content-length: 48213\r\n\r\n"

_Static_assert(sizeof(HEAD_567("/v1/messages", LIVE)) - 1 == 567,
	       "the head of the name");

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint32_t median(uint32_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static uint64_t count(enum pc_reason reason)
{
	struct pc_count n;

	if (maps_count(&harness.maps, reason, &n))
		abort();
	return n.done + n.would;
}

/* A measurement of anything but the reason named is a lie. */
static void check_count(uint64_t before, enum pc_reason reason, uint64_t runs)
{
	if (count(reason) - before == runs)
		return;
	fprintf(stderr, "bench: %s counted %llu of %llu runs\n",
		reason_name(reason),
		(unsigned long long)(count(reason) - before),
		(unsigned long long)runs);
	exit(EXIT_FAILURE);
}

static uint32_t run(int prog_fd, const struct packet *p, int repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->bytes,
		    .data_size_in = (uint32_t)p->size, .repeat = repeat);

	if (bpf_prog_test_run_opts(prog_fd, &opts))
		abort();
	return opts.duration;
}

/* PC_NEXT: nothing is counted. */
static uint32_t measure(int prog_fd, const struct packet *p,
			enum pc_reason reason)
{
	uint64_t before = reason == PC_NEXT ? 0 : count(reason);
	uint32_t ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ns[i] = run(prog_fd, p, REPEAT);
	if (reason != PC_NEXT)
		check_count(before, reason, (uint64_t)ROUNDS * REPEAT);
	return median(ns, ROUNDS);
}

static void print(const char *name, uint32_t ns)
{
	printf("bench %s %u ns\n", name, ns);
	fflush(stdout);
}

static void print_ratio(const char *name, uint32_t ours, uint32_t empty)
{
	printf("bench request/%s/empty %u %u %.2f\n", name, ours, empty,
	       (double)ours / empty);
	fflush(stdout);
}

static void bench_address(const char *name, const char *from,
			  enum pc_reason reason)
{
	static struct packet p;
	struct client c = client_at(from);

	packet_build(&p, &c.s);
	print(name, measure(harness.xdp, &p, reason));
}

/* So many addresses on the operator's list, IN_BLACK among them. */
static void use_list(size_t n)
{
	struct prefix *items = calloc(n, sizeof(*items));
	struct policy_options opt = harness_options();
	struct snapshot s = { 0 };

	harness_prefixes(items, IN_BLACK);
	for (size_t i = 1; i < n; i++) {
		uint32_t a = htonl(0x0b000000 + (uint32_t)i * 1237);

		items[i] = (struct prefix){ .family = AF_INET, .len = 32 };
		memcpy(items[i].addr, &a, sizeof(a));
	}
	opt.block = (struct prefix_list){ items, n };
	harness_apply(&opt, &s);
	free(items);
}

static void bench_addresses(void)
{
	use_list(1);
	bench_address("xdp/blocked", IN_BLACK, PC_R_BLOCK_LIST);
	bench_address("xdp/passed", STRANGER, PC_R_ADDRESS_PASS);
	use_list(MANY);
	bench_address("xdp/blocked-100k", IN_BLACK, PC_R_BLOCK_LIST);
	bench_address("xdp/passed-100k", STRANGER, PC_R_ADDRESS_PASS);
}

#define INSN(c, d, s, o, i)                 \
	((struct bpf_insn){ .code = (c),    \
			    .dst_reg = (d), \
			    .src_reg = (s), \
			    .off = (o),     \
			    .imm = (i) })
#define MOVE(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define SET(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define STORE(d, o, i) INSN(BPF_ST | BPF_MEM | BPF_DW, d, 0, o, i)
#define STORE4(d, o, i) INSN(BPF_ST | BPF_MEM | BPF_W, d, 0, o, i)
#define MAP(d, kind, fd) \
	INSN(BPF_LD | BPF_DW | BPF_IMM, d, kind, 0, fd), INSN(0, 0, 0, 0, 0)
#define CALL(f) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define IF_ZERO(d, o) INSN(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, 0)

static int load(const struct bpf_insn *insns, size_t n)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "bench", "GPL", insns,
			       n, NULL);

	if (fd < 0) {
		perror("bench: bpf_prog_load");
		exit(EXIT_FAILURE);
	}
	return fd;
}

/* A program that does nothing, like a pc_request that passes. */
static int load_nothing(void)
{
	const struct bpf_insn insns[] = { SET(BPF_REG_0, -1), EXIT };

	return load(insns, ARRAY_SIZE(insns));
}

static int create_map(enum bpf_map_type type, uint32_t value_size,
		      const void *value)
{
	int fd = bpf_map_create(type, "bench", 4, value_size, 1, NULL);
	uint32_t zero = 0;

	if (fd < 0 || bpf_map_update_elem(fd, &zero, value, BPF_ANY))
		abort();
	return fd;
}

/*
 * Puts the flow of a key back to a first head at SEQ, clears what the memo has
 * at a place, then runs the target.  struct pc_flow is client.next and zeros in
 * that state.
 */
_Static_assert(offsetof(struct pc_flow, client.next) == 24 &&
		       sizeof(struct pc_flow) == 92,
	       "eight bytes at a time, and four");

static int load_reset(const struct pc_flow_key *key, uint32_t memo_at,
		      int target)
{
	int keys = create_map(BPF_MAP_TYPE_ARRAY, sizeof(*key), key);
	int places = create_map(BPF_MAP_TYPE_ARRAY, 4, &memo_at);
	int progs = create_map(BPF_MAP_TYPE_PROG_ARRAY, 4, &target);
	const struct bpf_insn insns[] = {
		MOVE(BPF_REG_6, BPF_REG_1),
		MAP(BPF_REG_1, BPF_PSEUDO_MAP_FD, harness.flows),
		MAP(BPF_REG_2, BPF_PSEUDO_MAP_VALUE, keys),
		CALL(BPF_FUNC_map_lookup_elem),
		IF_ZERO(BPF_REG_0, 12),
		STORE(BPF_REG_0, 0, 0),
		STORE(BPF_REG_0, 8, 0),
		STORE(BPF_REG_0, 16, 0),
		STORE(BPF_REG_0, offsetof(struct pc_flow, client), SEQ),
		STORE(BPF_REG_0, 32, 0),
		STORE(BPF_REG_0, 40, 0),
		STORE(BPF_REG_0, 48, 0),
		STORE(BPF_REG_0, 56, 0),
		STORE(BPF_REG_0, 64, 0),
		STORE(BPF_REG_0, 72, 0),
		STORE(BPF_REG_0, 80, 0),
		STORE4(BPF_REG_0, 88, 0),
		MAP(BPF_REG_1, BPF_PSEUDO_MAP_FD, memo_open(harness.request)),
		MAP(BPF_REG_2, BPF_PSEUDO_MAP_VALUE, places),
		CALL(BPF_FUNC_map_lookup_elem),
		IF_ZERO(BPF_REG_0, 2),
		STORE(BPF_REG_0, 0, 0),
		STORE(BPF_REG_0, 8, 0),
		MOVE(BPF_REG_1, BPF_REG_6),
		MAP(BPF_REG_2, BPF_PSEUDO_MAP_FD, progs),
		SET(BPF_REG_3, 0),
		CALL(BPF_FUNC_tail_call),
		SET(BPF_REG_0, 0),
		EXIT,
	};

	return load(insns, ARRAY_SIZE(insns));
}

/* A connection at SEQ in the flow map, and its key there. */
static struct client begin(struct pc_flow_key *key)
{
	struct client c = client_at(CLIENT);

	c.s.seq = SEQ;
	client_syn(&c);
	*key = (struct pc_flow_key){
		.ifindex = HARNESS_LO,
		.sport = htons(c.s.sport),
		.dport = htons(c.s.dport),
		.family = 4,
	};
	inet_pton(AF_INET, c.s.from, key->saddr);
	inet_pton(AF_INET, c.s.to, key->daddr);
	return c;
}

static void build(struct packet *p, struct client *c, const char *payload)
{
	c->s.payload = payload;
	c->s.payload_size = strlen(payload);
	packet_build(p, &c->s);
}

/* Where the memo keeps the digest of the head's key. */
static uint32_t find_in_memo(const struct packet *p,
			     const struct pc_flow_key *key)
{
	const struct pc_flow fresh = { .client.next = SEQ };
	int memo = memo_open(harness.request);
	uint32_t at;

	memo_clear(memo);
	if (bpf_map_update_elem(harness.flows, key, &fresh, BPF_EXIST))
		abort();
	run(harness.request, p, 1);
	at = memo_find(memo);
	close(memo);
	return at;
}

static void check_memo(uint32_t at)
{
	int memo = memo_open(harness.request);

	if (memo_find(memo) != at) {
		fprintf(stderr, "bench: the digest was not put back\n");
		exit(EXIT_FAILURE);
	}
	close(memo);
}

/* cold: the memo does not hold the key's digest. */
static void bench_head(const char *name, const char *head,
		       enum pc_reason reason, bool cold)
{
	static struct packet p;
	struct pc_flow_key key;
	struct client c = begin(&key);
	uint32_t at = MEMO_NOWHERE, reset, judged, nothing_ns;
	int nothing = load_nothing(), empty, full;

	build(&p, &c, head);
	if (cold)
		at = find_in_memo(&p, &key);
	empty = load_reset(&key, at, nothing);
	full = load_reset(&key, at, harness.request);
	nothing_ns = measure(nothing, &p, PC_NEXT);
	reset = measure(empty, &p, PC_NEXT) - nothing_ns;
	judged = measure(full, &p, reason);
	if (cold)
		check_memo(at);
	print_ratio(name, judged > reset ? judged - reset : 0, nothing_ns);
	close(full);
	close(empty);
	close(nothing);
}

static void bench_body(void)
{
	static char body[1400];
	static struct packet p;
	struct pc_flow_key key;
	struct client c = begin(&key);
	int nothing = load_nothing();

	client_say(&c, POST(LIVE, "100000"));
	memset(body, 'x', sizeof(body) - 1);
	build(&p, &c, body);
	print_ratio("body", measure(harness.request, &p, PC_R_BODY),
		    measure(nothing, &p, PC_NEXT));
	close(nothing);
}

static void bench_close(const char *head)
{
	static uint32_t ns[SINGLES];
	static struct packet p;
	const struct pc_flow fresh = { .client.next = SEQ };
	uint64_t before = count(PC_R_KEY_DISABLED);
	struct pc_flow_key key;
	struct client c = begin(&key);

	close(harness.tap);
	build(&p, &c, head);
	for (int i = 0; i < SINGLES; i++) {
		if (bpf_map_update_elem(harness.flows, &key, &fresh, BPF_EXIST))
			abort();
		ns[i] = run(harness.request, &p, 1);
	}
	check_count(before, PC_R_KEY_DISABLED, SINGLES);
	print("request/dead-567-close", median(ns, SINGLES));
}

int main(void)
{
	struct policy_options opt;

	if (harness_open())
		return HARNESS_SKIP;
	bench_addresses();
	opt = harness_options();
	opt.monitor = true;
	request_use(&opt);
	bench_head("warm", HEAD_567("/v1/messages", DISABLED),
		   PC_R_KEY_DISABLED, false);
	bench_head("cold", HEAD_567("/v1/messages", DISABLED),
		   PC_R_KEY_DISABLED, true);
	request_use_default();
	bench_head("live", HEAD_567("/v1/messages", LIVE), PC_R_KEY_LIVE,
		   false);
	bench_head("live-cold", HEAD_567("/v1/messages", LIVE), PC_R_KEY_LIVE,
		   true);
	/* The scan without the key: the gateway's own pages. */
	bench_head("other-path", HEAD_567("/api/message", LIVE),
		   PC_R_OTHER_PATH, false);
	bench_head("not-http", "SSH-2.0-OpenSSH_9.2\r\n", PC_R_NOT_HTTP, false);
	bench_body();
	bench_close(HEAD_567("/v1/messages", DISABLED));
	return 0;
}
