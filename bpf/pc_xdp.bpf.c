// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address plane at the driver: parse, judge, account.  Each stage answers
 * with an enum pc_reason, which is at once the error code and the counter
 * index; PC_NEXT means that no stage has decided.  Whatever cannot be
 * understood passes.
 */
#include "plain.bpf.h"

/*
 * Some drivers show a program of a packet's bytes fewer than its headers, or
 * none (mlx5 with large frames).
 */
static __noinline enum pc_reason
parse_rest(struct xdp_md *ctx, struct pc_pkt *p, const struct pc_policy *policy)
{
	__u32 size = bpf_xdp_get_buff_len(ctx);

	if (size <= ctx->data_end - ctx->data)
		return PC_R_TRUNCATED;
	return parse_pieces(ctx, PC_REACH_XDP, size, p, policy);
}

/* Any packet: the whole way.  Called, so that its stack and registers cost the
 * short way nothing.
 */
static __noinline int judge(struct xdp_md *ctx, const struct pc_policy *policy,
			    __u32 slot)
{
	struct pc_cursor c = {
		.start = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	struct pc_admission a = {};
	struct pc_pkt p = {};

	a.reason = parse_for(&c, &p, policy);
	if (a.reason == PC_R_TRUNCATED)
		a.reason = parse_rest(ctx, &p, policy);
	if (a.reason == PC_NEXT)
		admit(&a, &p, policy, slot);
	admit_account(&a, policy->monitor);
	if (!is_drop(a.reason))
		return XDP_PASS;
	event_drop_xdp(ctx, &p, &a, policy->monitor);
	return policy->monitor ? XDP_PASS : XDP_DROP;
}

static __always_inline int filter(struct xdp_md *ctx)
{
	const struct pc_policy *policy;
	__u32 slot;
	int action;

	policy = policy_find(&slot);
	if (!policy) {
		count_add(PC_R_NO_POLICY, 0);
		return XDP_PASS;
	}
	action = plain_judge(ctx, policy, slot);
	return action == PC_PLAIN_NOT ? judge(ctx, policy, slot) : action;
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
