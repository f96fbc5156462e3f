/* SPDX-License-Identifier: GPL-2.0-only */
/* Is this source banned, at this moment? */
#ifndef PC_BAN_BPF_H
#define PC_BAN_BPF_H

#include "clock.bpf.h"
#include "maps.bpf.h"
#include "parse.bpf.h"

/* Over is over, whoever is late to remove it. */
static __always_inline int ban_holds(const struct pc_ban *ban)
{
	struct pc_clock *clock;
	__u32 zero = 0;

	if (ban->expires_ns == PC_NEVER)
		return 1;
	clock = bpf_map_lookup_elem(&pc_clock, &zero);
	return clock && now_ns(clock) <= ban->expires_ns;
}

/* One source, and the lengths to look it up by. */
struct pc_ban_search {
	const volatile __u32 *places;
	__u64 addr[2]; /* host order; IPv4 is the first four bytes */
	struct pc_ban_key key;
	__u32 found; /* 1 + its hits */
};

/*
 * The highest n bits of 64, n up to 64.  In two steps: to shift by 64 is to not
 * shift.
 */
static __always_inline __u64 ban_mask(__u32 n)
{
	__u32 low = 64 - n;

	return ~0ULL << low / 2 << (low - low / 2);
}

/* One length: 1 ends the search. */
static long ban_step(__u32 i, struct pc_ban_search *s)
{
	__u32 place = s->places[i % PC_BAN_LENS];
	__u32 len = place - 1;
	struct pc_ban *ban;
	__u64 part[2];

	if (len > 128)
		return 0;
	part[0] = s->addr[0] & ban_mask(len < 64 ? len : 64);
	part[1] = s->addr[1] & ban_mask(len < 64 ? 0 : len - 64);
	part[0] = bpf_cpu_to_be64(part[0]);
	part[1] = bpf_cpu_to_be64(part[1]);
	s->key.len = len;
	__builtin_memcpy(s->key.addr, part, sizeof(part));
	ban = bpf_map_lookup_elem(&pc_bans, &s->key);
	if (!ban || !ban_holds(ban))
		return 0;
	s->found = 1 + ban->hits;
	return 1;
}

static __noinline __u32 ban_search(const struct pc_pkt *p)
{
	struct pc_ban_search s = { .key.family = 4,
				   .places = pc_ban_lens.place[0] };
	__u32 n = pc_ban_lens.n[0];
	__u64 part[2];

	if (p->is_v6) {
		s.key.family = 6;
		s.places = pc_ban_lens.place[1];
		n = pc_ban_lens.n[1];
	}
	__builtin_memcpy(part, p->saddr, sizeof(part));
	s.addr[0] = bpf_be64_to_cpu(part[0]);
	s.addr[1] = bpf_be64_to_cpu(part[1]);
	bpf_loop(n, ban_step, &s, 0);
	return s.found;
}

/* 1 + the hits of a ban in force of any length, or 0. */
static __always_inline __u32 ban_find(const struct pc_pkt *p)
{
	if (!(p->is_v6 ? pc_ban_lens.n[1] : pc_ban_lens.n[0]))
		return 0;
	return ban_search(p);
}

/* ban is what ban_find() returned. */
static __always_inline void ban_count(__u32 ban, __u32 would)
{
	__u32 index = ban - 1;
	struct pc_count *n = bpf_map_lookup_elem(&pc_ban_hits, &index);

	if (!n)
		return;
	n->done += !would;
	n->would += would;
}

#endif /* PC_BAN_BPF_H */
