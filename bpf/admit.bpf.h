/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May this address speak at all?  The verdict of the address plane on a parsed
 * packet, the same at XDP and at TC, and its accounts.  An allow entry wins
 * over everything, bans come before lists.
 */
#ifndef PC_ADMIT_BPF_H
#define PC_ADMIT_BPF_H

#include "image.bpf.h"
#include "ban.bpf.h"
#include "prefix.bpf.h"

/* A packet's verdict, and what it rests on. */
struct pc_admission {
	enum pc_reason reason;
	__u32 owner; /* of the address, in the image */
	__u32 ban;   /* 1 + the hits of the one in force; 0: none */
};

/* Up to the ports, unless the whole host is guarded: then addresses will do. */
static __always_inline enum pc_reason
parse_for(struct pc_cursor *c, struct pc_pkt *p, const struct pc_policy *policy)
{
	enum pc_reason r;

	if (policy->whole_host)
		return parse_addresses(c, p);
	r = parse_packet(c, p);
	if (r == PC_NEXT && !policy_has_port(policy, p->dport))
		r = PC_R_OTHER_PORT;
	return r;
}

/*
 * The same where the headers are in pieces, at XDP or at TC; size is the whole
 * packet's.
 */
static __always_inline enum pc_reason
parse_pieces(void *ctx, enum pc_reach reach, __u32 size, struct pc_pkt *p,
	     const struct pc_policy *policy)
{
	__u64 copy[PC_COPY_SIZE / sizeof(__u64)];
	struct pc_cursor c = {
		.reach = reach,
		.ctx = ctx,
		.copy = copy,
		.size = size,
	};

	__builtin_memset(p, 0, sizeof(*p));
	return parse_for(&c, p, policy);
}

/* An IPv4 address in IPv6 clothes is the IPv4 one, as the gateway has it. */
static __always_inline int is_mapped(const struct pc_pkt *p)
{
	const __u32 *word = (const void *)p->saddr;

	return p->is_v6 && !word[0] && !word[1] && word[2] == bpf_htonl(0xffff);
}

static __always_inline __u32 owner_find(const struct pc_pkt *p,
					const struct pc_policy *policy,
					__u32 slot)
{
	__u64 part[2];

	__builtin_memcpy(part, p->saddr, sizeof(part));
	if (p->is_v6)
		return image_find6(&policy->image, slot,
				   bpf_be64_to_cpu(part[0]),
				   bpf_be64_to_cpu(part[1]));
	return pc_image_find4(&policy->image, &slot, bpf_ntohl((__u32)part[0]));
}

/* The image knows of allow entries only where there is something to allow. */
static __always_inline int is_allowed(const struct pc_pkt *p, __u32 slot)
{
	void *hosts = bpf_map_lookup_elem(&pc_prefixes, &slot);

	return hosts && prefix_find(hosts, PC_SET_ALLOW, p->is_v6, p->saddr);
}

static __always_inline void admit(struct pc_admission *a, struct pc_pkt *p,
				  const struct pc_policy *policy, __u32 slot)
{
	if (is_mapped(p)) {
		__builtin_memcpy(p->saddr, p->saddr + 12, 4);
		__builtin_memset(p->saddr + 4, 0, 12);
		p->is_v6 = 0;
	}
	a->owner = owner_find(p, policy, slot);
	a->reason = PC_R_ALLOW_LIST;
	if (a->owner == PC_OWNER_ALLOW)
		return;
	a->ban = ban_find(p);
	if (a->ban) {
		if (is_allowed(p, slot))
			a->ban = 0;
		else
			a->reason = PC_R_BANNED;
		return;
	}
	if (a->owner == PC_OWNER_NONE)
		a->reason = PC_R_ADDRESS_PASS;
	else if (a->owner >= PC_OWNERS)
		a->reason = PC_R_IMAGE_DAMAGED;
	else
		a->reason = pc_owner_reason(a->owner);
}

static __always_inline int is_drop(enum pc_reason r)
{
	return r == PC_R_BLOCK_LIST || r == PC_R_SNAPSHOT_LIST ||
	       r == PC_R_BANNED;
}

static __always_inline void owner_count(struct pc_tally *t, __u32 owner,
					__u32 would)
{
	__u64 number = owner;
	struct pc_count *n;

	PC_OPAQUE(number);
	n = &t->owner[number & (PC_OWNERS - 1)];
	n->done += !would;
	n->would += would;
}

/* Counts; nonzero when the packet is to be dropped. */
static __always_inline int admit_account(const struct pc_admission *a,
					 __u32 monitor)
{
	struct pc_tally *t = tally_find();
	int drop = is_drop(a->reason);

	if (drop && !a->ban) {
		if (t)
			owner_count(t, a->owner, monitor);
		return !monitor;
	}
	count_add(a->reason, drop && monitor);
	if (a->ban)
		ban_count(a->ban, monitor);
	else if (t && a->reason == PC_R_ALLOW_LIST)
		owner_count(t, PC_OWNER_ALLOW, 0);
	return drop && !monitor;
}

#endif /* PC_ADMIT_BPF_H */
