/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of the address plane share: its three programs, which must judge
 * alike, in both scopes, and what a naive reader expects of a packet.
 */
#ifndef TESTS_BPF_ADDRESS_H
#define TESTS_BPF_ADDRESS_H

#include "expect.h"

#define GATEWAY "192.0.2.1"
#define GATEWAY6 "2001:db8::1"
#define STRANGER "203.0.113.9"
#define STRANGER6 "2001:db8:1::9"
#define BLOCKED "198.51.100.7"
#define BLOCKED6 "2001:db8:bad::7"

/* Headers that are followed, and tags. */
#define EXTENSIONS_MAX 6
#define TAGS_MAX 2

enum {
	PROGRAM_XDP,
	PROGRAM_GENERIC,
	PROGRAM_TC,
	N_PROGRAMS
};

/* Where packets are run now. */
static struct place {
	const char *name;
	int prog;
	uint32_t pass;
	uint32_t drop;
	bool whole_host;
} place;

static inline void place_use(int program, bool whole_host)
{
	const struct place places[N_PROGRAMS] = {
		[PROGRAM_XDP] = { "pc_xdp", harness.xdp, XDP_PASS_, XDP_DROP_,
				  whole_host },
		[PROGRAM_GENERIC] = { "pc_xdp_generic", harness.xdp_generic,
				      XDP_PASS_, XDP_DROP_, whole_host },
		[PROGRAM_TC] = { "pc_address", harness.address, TC_PASS,
				 TC_SHOT, whole_host },
	};

	place = places[program];
}

/*
 * What a test run takes at least: a frame shorter than an Ethernet header
 * reaches no program, for drivers throw it away; at TC the kernel (6.18) wants
 * a whole IP header behind it, unless tags hide it.
 */
static inline size_t place_least(const struct packet *p, bool is_v6)
{
	if (place.prog != harness.address)
		return 14;
	return p->l3_at > 14 ? 15 : p->l3_at + (is_v6 ? 40 : 20);
}

static inline struct shape to_gateway(const char *from)
{
	return (struct shape){
		.from = from,
		.to = strchr(from, ':') ? GATEWAY6 : GATEWAY,
		.sport = 40000,
		.dport = HARNESS_PORT,
		.flags = TCP_SYN,
	};
}

/* The operator's lists as texts, the snapshot's as arrays. */
struct lists {
	const char *allow;
	const char *block;
	char **snapshot_allow;
	char **snapshot_block;
	bool monitor;
};

static inline void use_lists(const struct lists *lists)
{
	struct policy_options opt = harness_options();
	struct prefix allow[8], block[8];
	struct snapshot s = {
		.ip_allowlist = lists->snapshot_allow,
		.ip_blacklist = lists->snapshot_block,
	};

	opt.monitor = lists->monitor;
	opt.whole_host = place.whole_host;
	opt.allow = harness_prefixes(allow, lists->allow ? lists->allow : "");
	opt.block = harness_prefixes(block, lists->block ? lists->block : "");
	harness_apply(&opt, &s);
}

static inline void use_blocked(void)
{
	use_lists(&(struct lists){ .block = BLOCKED " " BLOCKED6 });
}

/* Runs a test for every program, in both scopes. */
static inline void everywhere(void (*test)(void))
{
	for (int program = 0; program < N_PROGRAMS; program++) {
		for (int host = 0; host < 2; host++) {
			place_use(program, host);
			test();
		}
	}
}

static inline uint32_t place_retval(enum pc_reason r)
{
	return reason_class(r) == PC_CLASS_DROP ? place.drop : place.pass;
}

/* A packet always comes out as it went in. */
static inline void check_bytes(const void *bytes, size_t size,
			       enum pc_reason want, const char *what)
{
	const struct outcome *o = run_bytes(place.prog, bytes, size);
	char where[160];

	snprintf(where, sizeof(where), "%s, %s: %s", place.name,
		 place.whole_host ? "host" : "gateway", what);
	assert_reason(o, want, where);
	assert_false(o->would);
	assert_int_equal(o->retval, place_retval(want));
	assert_int_equal(o->size, size);
	assert_memory_equal(o->bytes, bytes, size);
}

static inline void check_shape(const struct shape *s, enum pc_reason want,
			       const char *what)
{
	static struct packet p;

	packet_build(&p, s);
	check_bytes(p.bytes, p.size, want, what);
}

/* Which extension header has the wrong place for there to be ports, or to be
 * found; PC_NEXT: none.
 */
static inline enum pc_reason expect_extensions(const struct shape *s)
{
	for (size_t i = 0; i < s->n_extensions; i++) {
		if (i == EXTENSIONS_MAX)
			return PC_R_EXT_HEADER_LIMIT;
		if (s->extensions[i] == IPPROTO_FRAGMENT && s->fragment >> 3)
			return PC_R_FRAGMENT;
	}
	return PC_NEXT;
}

/* What is wrong with a packet as far as its ports, or PC_NEXT. */
static inline enum pc_reason expect_ports(const struct shape *s, bool is_v6)
{
	uint8_t l4 = s->l4_proto ? s->l4_proto : IPPROTO_TCP;
	bool has_ports = l4 == IPPROTO_TCP || l4 == IPPROTO_UDP;
	enum pc_reason r = is_v6 ? expect_extensions(s) : PC_NEXT;

	if (r != PC_NEXT)
		return r;
	if (!is_v6 && s->fragment & 0x1fff)
		return PC_R_FRAGMENT;
	if (!has_ports && s->n_extensions == EXTENSIONS_MAX)
		return PC_R_EXT_HEADER_LIMIT;
	if (!has_ports)
		return PC_R_NOT_TCP_UDP;
	return s->dport == HARNESS_PORT || s->dport == 65535 ? PC_NEXT
							     : PC_R_OTHER_PORT;
}

/* Of a whole packet, where use_blocked() holds. */
static inline enum pc_reason expect(const struct shape *s)
{
	bool is_v6 = strchr(s->from, ':');
	enum pc_reason r = PC_NEXT;

	if (s->n_tags > TAGS_MAX)
		return PC_R_NOT_IP;
	if (s->ether_type)
		return s->ether_type == ETHERTYPE_IPV4 ||
				       s->ether_type == ETHERTYPE_IPV6_
			       ? PC_R_BAD_IP_HEADER
			       : PC_R_NOT_IP;
	if (s->ip_first)
		return PC_R_BAD_IP_HEADER;
	if (!place.whole_host)
		r = expect_ports(s, is_v6);
	if (r != PC_NEXT)
		return r;
	return !strcmp(s->from, BLOCKED) || !strcmp(s->from, BLOCKED6)
		       ? PC_R_BLOCK_LIST
		       : PC_R_ADDRESS_PASS;
}

/*
 * Many packets: the verdict of each, and the counters of all at the end, for
 * reading them takes longer than a packet.
 */
static struct batch {
	struct pc_count before[PC_R_MAX];
	uint64_t want[PC_R_MAX];
} batch;

static inline void batch_begin(void)
{
	memset(&batch, 0, sizeof(batch));
	harness_read_counts(batch.before);
}

static inline void batch_bytes(const void *bytes, size_t size,
			       enum pc_reason want, const char *what)
{
	static struct outcome o;

	outcome_run(&o, place.prog, bytes, size);
	batch.want[want]++;
	if (o.retval == place_retval(want) && o.size == size &&
	    !memcmp(o.bytes, bytes, size))
		return;
	print_error("%s, %s: %s: not as %s\n", place.name,
		    place.whole_host ? "host" : "gateway", what,
		    harness_reason_name(want));
	fail();
}

static inline void batch_shape(const struct shape *s, const char *what)
{
	static struct packet p;

	packet_build(&p, s);
	batch_bytes(p.bytes, p.size, expect(s), what);
}

static inline void batch_end(void)
{
	struct pc_count after[PC_R_MAX];
	int wrong = 0;

	harness_read_counts(after);
	for (int r = 0; r < PC_R_MAX; r++) {
		uint64_t n = after[r].done - batch.before[r].done;

		harness.seen[r] |= n > 0;
		if (n == batch.want[r])
			continue;
		print_error("%s, %s: %llu packets counted as %s, not %llu\n",
			    place.name, place.whole_host ? "host" : "gateway",
			    (unsigned long long)n, reason_name(r),
			    (unsigned long long)batch.want[r]);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

#endif /* TESTS_BPF_ADDRESS_H */
