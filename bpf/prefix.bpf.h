/* SPDX-License-Identifier: GPL-2.0-only */
/* Longest-prefix lookups in the generation's tries. */
#ifndef PC_PREFIX_BPF_H
#define PC_PREFIX_BPF_H

#include "maps.bpf.h"
#include "parse.bpf.h"

/* The rule of the longest prefix of a set that holds the address, or NULL. */
static __always_inline struct pc_rule *
prefix_find(void *trie, __u32 set, __u32 is_v6, const __u8 addr[16])
{
	struct pc_prefix_key key = {
		.len = PC_SCOPE_LEN + (is_v6 ? 128 : 32),
		.scope = bpf_htonl(PC_SCOPE(set, is_v6)),
	};

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return bpf_map_lookup_elem(trie, &key);
}

#endif /* PC_PREFIX_BPF_H */
