// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address plane at TC ingress, for a host whose driver is somebody else's:
 * the verdict of pc_xdp, before pc_request and others see the packet.  The
 * stack keeps the outer VLAN tag beside the frame, so three are seen through.
 */
#include <linux/pkt_cls.h>

#include "event.bpf.h"
#include "link.bpf.h"

/* Nothing is pulled into the linear part: that could fail. */
static __noinline enum pc_reason parse_rest(struct __sk_buff *skb,
					    struct pc_pkt *p,
					    const struct pc_policy *policy)
{
	if (skb->len <= skb->data_end - skb->data)
		return PC_R_TRUNCATED;
	return parse_pieces(skb, PC_REACH_SKB, skb->len, p, policy);
}

static __always_inline enum pc_reason
read_packet(struct __sk_buff *skb, struct pc_pkt *p,
	    const struct pc_policy *policy)
{
	struct pc_cursor c = {};
	enum pc_reason r;

	if (link_restore(skb))
		return PC_R_NOT_IP;
	c.start = (void *)(long)skb->data;
	c.end = (void *)(long)skb->data_end;
	r = parse_for(&c, p, policy);
	return r == PC_R_TRUNCATED ? parse_rest(skb, p, policy) : r;
}

/* Other filters, pc_request first, still have their say. */
SEC("tc")
int pc_address(struct __sk_buff *skb)
{
	struct pc_admission a = {};
	const struct pc_policy *policy;
	struct pc_pkt p = {};
	__u32 slot;

	policy = policy_find(&slot);
	if (!policy) {
		count_add(PC_R_NO_POLICY, 0);
		return TC_ACT_UNSPEC;
	}
	a.reason = read_packet(skb, &p, policy);
	if (a.reason == PC_NEXT)
		admit(&a, &p, policy, slot);
	admit_account(&a, policy->monitor);
	if (!is_drop(a.reason))
		return TC_ACT_UNSPEC;
	event_drop_skb(skb, &p, &a, policy->monitor);
	return policy->monitor ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
