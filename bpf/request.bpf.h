/* SPDX-License-Identifier: GPL-2.0-only */
/* What the stages of both programs hand on to each other. */
#ifndef PC_REQUEST_BPF_H
#define PC_REQUEST_BPF_H

#include "segment.bpf.h"

/* A segment at hand, and where what belongs to it is. */
struct pc_request {
	struct __sk_buff *skb;
	struct pc_scratch *s;
	struct pc_flow *flow;	  /* NULL: not known */
	struct pc_living *living; /* NULL: both ends agree */
	const struct pc_policy *policy;
	__u32 slot;
	int action;	/* where a segment that was dealt with goes */
	__u32 refusals; /* flow->living before its delta was read */
};

#endif /* PC_REQUEST_BPF_H */
