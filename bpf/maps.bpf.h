/* SPDX-License-Identifier: GPL-2.0-only */
/* Every map the kernel programs own, in the order a packet meets them. */
#ifndef PC_MAPS_BPF_H
#define PC_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "loop.h"
#include "pc_abi.h"

#define PC_NS_PER_MS 1000000

/*
 * What every packet asks and the agent has mapped.  A variable in a section of
 * its own is an array with one element, pinned as pc_NAME, and reading it takes
 * no lookup.
 */
#define PC_WORD(name) SEC(".data." name)

/* The slot in force, and until when on approval (pc_active_word()).  The flip
 * is one aligned store.
 */
volatile __u64 pc_active PC_WORD("active");

/* One generation's header and switches, by slot. */
struct pc_policy pc_policy[2] PC_WORD("policy");

/* Sizes, not types: clang leaves an inner map's key and value out of the BTF.
 */
struct pc_prefix_trie {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct pc_prefix_key));
	__uint(value_size, sizeof(struct pc_rule));
};

/* Host-wide prefix sets (enum pc_set), by slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct pc_prefix_trie);
} pc_prefixes SEC(".maps");

/* Who owns which address: PC_CHUNKS pieces a slot, see owner.h.  All of one
 * size, so that the verifier turns both lookups into a few instructions.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2 * PC_CHUNKS);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, PC_CHUNK_LINES);
			__uint(map_flags, BPF_F_MMAPABLE);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct pc_line));
		});
} pc_image SEC(".maps");

/* What the owners are called; for people, no program reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * PC_OWNERS);
	__type(key, __u32);
	__type(value, struct pc_list);
} pc_lists SEC(".maps");

/* What is counted and told of addresses, in one piece: a drop is one lookup. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_tally);
} pc_tally SEC(".maps");

/* Single bans.  Never an LRU: a flood must not end one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PC_BANS_MAX);
	__type(key, struct pc_ban_key);
	__type(value, struct pc_ban);
} pc_bans SEC(".maps");

/* Which lengths are looked up. */
volatile struct pc_ban_lens pc_ban_lens PC_WORD("ban_lens");

/* Packets by pc_ban.hits. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_BANS_MAX);
	__type(key, __u32);
	__type(value, struct pc_count);
} pc_ban_hits SEC(".maps");

/* What is told of single packets; the agent reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} pc_events SEC(".maps");

/* Dropped packets, for whoever asked for them in pc_capture. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} pc_captured SEC(".maps");

volatile struct pc_capture pc_capture PC_WORD("capture");

/* Address rules of single keys, by slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct pc_prefix_trie);
} pc_key_rules SEC(".maps");

/* What is known of each key, by slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(struct pc_digest));
			__uint(value_size, sizeof(struct pc_key));
		});
} pc_keys SEC(".maps");

/* Whole answers, by PC_ANSWER_INDEX(). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PC_N_ANSWERS);
	__type(key, __u32);
	__type(value, struct pc_answer);
} pc_answers SEC(".maps");

/* Time and the agent's signs of life. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct pc_clock);
} pc_clock SEC(".maps");

/* Connections to the gateway's ports.  Losing an entry costs a verdict, never a
 * connection: an unknown flow passes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct pc_flow_key);
	__type(value, struct pc_flow);
} pc_flows SEC(".maps");

/*
 * What the two ends of connections with an answer of ours disagree by.  Never
 * an LRU: losing an entry kills a connection.  Full, refusals end theirs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct pc_flow_key);
	__type(value, struct pc_living);
} pc_living SEC(".maps");

/* Sources of what was refused.  Losing an entry costs a few requests' count. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct pc_source);
	__type(value, struct pc_offender);
} pc_offenders SEC(".maps");

/* Packets by reason. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_R_MAX);
	__type(key, __u32);
	__type(value, struct pc_count);
} pc_counts SEC(".maps");

/* The policy in force and its slot; NULL before the first flip. */
static __always_inline const struct pc_policy *policy_find(__u32 *slot)
{
	__u64 word = pc_active;
	__u32 key = word & 1;
	const struct pc_policy *p;

	if (pc_active_until_ms(word))
		key = pc_active_slot(word,
				     bpf_ktime_get_boot_ns() / PC_NS_PER_MS);
	*slot = key;
	p = &pc_policy[key & 1];
	return p->generation ? p : NULL;
}

static __always_inline int policy_has_port(const struct pc_policy *p,
					   __be16 port)
{
	__u32 n = bpf_ntohs(port);

	return p->ports[n / 8 & (PC_PORTS_SIZE - 1)] >> n % 8 & 1;
}

static __always_inline struct pc_tally *tally_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pc_tally, &zero);
}

static __always_inline void count_add(__u32 reason, __u32 would)
{
	struct pc_count *n = bpf_map_lookup_elem(&pc_counts, &reason);

	if (!n)
		return;
	/* per CPU, softirq: no atomics needed */
	n->done += !would;
	n->would += would;
}

#endif /* PC_MAPS_BPF_H */
