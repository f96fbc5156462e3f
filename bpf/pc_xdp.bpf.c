// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address plane: may this address speak to the gateway at all?  Parse,
 * match, account.  Each stage answers with an enum pc_reason, which is at once
 * the error code and the counter index; PC_NEXT means that no stage has
 * decided. Whatever cannot be understood passes.
 */
#include "prefix.bpf.h"

static __always_inline enum pc_reason match(const struct pc_pkt *p, __u32 slot)
{
	void *trie = bpf_map_lookup_elem(&pc_prefixes, &slot);
	struct pc_rule *rule;

	if (!trie)
		return PC_R_NO_POLICY;
	/* An allow entry wins whatever the lengths. */
	if (prefix_find(trie, PC_SET_ALLOW, p->is_v6, p->saddr))
		return PC_R_ALLOW_LIST;
	rule = prefix_find(trie, PC_SET_DENY, p->is_v6, p->saddr);
	return rule ? rule->reason : PC_R_ADDRESS_PASS;
}

static __always_inline int account(enum pc_reason r, __u32 monitor)
{
	__u32 drop = 0;

	switch (r) {
#define X(id, name, class)                                \
	case PC_R_##id:                                   \
		drop = PC_CLASS_##class == PC_CLASS_DROP; \
		break;
		PC_REASONS(X)
#undef X
	default: /* a map value we did not write */
		r = PC_R_NO_POLICY;
	}
	count_add(r, drop && monitor);
	return drop && !monitor ? XDP_DROP : XDP_PASS;
}

static __always_inline int filter(struct xdp_md *ctx)
{
	struct pc_cursor c = {
		.start = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct pc_pkt p = {};
	struct pc_policy *policy;
	enum pc_reason r;
	__u32 slot;

	policy = policy_find(&slot);
	if (!policy)
		return account(PC_R_NO_POLICY, 0);
	r = parse_packet(&c, &p);
	if (r == PC_NEXT && !policy_has_port(policy, p.dport))
		r = PC_R_OTHER_PORT;
	if (r == PC_NEXT)
		r = match(&p, slot);
	return account(r, policy->monitor);
}

/* For drivers: packets may have fragments, so jumbo frames and GRO stay on. */
SEC("xdp.frags")
int pc_xdp(struct xdp_md *ctx)
{
	return filter(ctx);
}

/*
 * For generic mode, which hands a program of the other kind to TC with its link
 * header uncounted (kernel 6.18, skb_pp_cow_data()), ours and everybody's.
 */
SEC("xdp")
int pc_xdp_generic(struct xdp_md *ctx)
{
	return filter(ctx);
}

char LICENSE[] SEC("license") = "GPL";
