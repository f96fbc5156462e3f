/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A key's bytes to the digest that it is known by.  SHA-256 is by far the
 * dearest step of a verdict, so each CPU remembers digests under a keyed hash
 * of the key: 128 bits of SipHash-1-3 with a secret that is drawn when the
 * program is loaded.  No key is ever in the memo, nothing of it outlives the
 * program, and who does not know the secret can neither find two keys of one
 * hash nor aim at a place: a flood of made-up keys costs each of them, and the
 * keys they push out, what a key costs without a memo, and nothing more.
 */
#ifndef PC_DIGEST_BPF_H
#define PC_DIGEST_BPF_H

#include "head_key.h"
#include "segment.bpf.h"
#include "siphash.h"

_Static_assert(PC_KEY_MAX <= PC_SIPHASH_MAX, "any key can be hashed");
_Static_assert(PC_HEAD_SLACK >= PC_SIPHASH_LOOK, "wherever it stands");

#define PC_MEMO_SIZE 4096 /* a power of two */

struct pc_memo {
	struct pc_sip tag;
	struct pc_digest digest;
};

/* Digests by the low bits of their key's hash.  Never pinned: hashes mean
 * something only with this program's secret.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_MEMO_SIZE);
	__type(key, __u32);
	__type(value, struct pc_memo);
} pc_memo SEC(".maps");

/* Random bytes, from the loader. */
const volatile __u64 pc_memo_secret[2];

static __always_inline __u32 digest_compute(struct pc_scratch *s, const __u8 *p,
					    __u64 size)
{
	PC_LENGTH(size, PC_KEY_MAX);
	pc_sha256_init(&s->sha);
	if (bpf_probe_read_kernel(s->sha.message, size, p))
		return PC_R_KEY_UNKNOWN;
	pc_sha256_final(&s->digest, &s->sha, size);
	/* Words of the schedule, from which a key can be computed back. */
	bpf_probe_read_kernel(&s->sha, sizeof(s->sha), NULL);
	return PC_NEXT;
}

/* The digest of the key's bytes into scratch. */
PC_GLOBAL __u32 digest_key(struct pc_scratch *s, __u32 key_at, __u32 key_size)
{
	const struct pc_sip secret = { { pc_memo_secret[0],
					 pc_memo_secret[1] } };
	struct pc_sip tag;
	struct pc_memo *memo;
	const __u8 *p;
	__u32 slot, r;

	if (!s)
		return PC_R_KEY_UNKNOWN;
	if (!key_size || key_size > PC_KEY_MAX)
		return PC_R_KEY_TOO_LONG;
	p = s->scan.buf + (key_at & PC_HEAD_MASK);
	tag = pc_siphash_unseen(&secret, p, key_size);
	slot = tag.words[0] & (PC_MEMO_SIZE - 1);
	memo = bpf_map_lookup_elem(&pc_memo, &slot);
	if (memo && memo->tag.words[0] == tag.words[0] &&
	    memo->tag.words[1] == tag.words[1]) {
		s->digest = memo->digest;
		return PC_NEXT;
	}
	r = digest_compute(s, p, key_size);
	if (r == PC_NEXT && memo) {
		memo->tag = tag;
		memo->digest = s->digest;
	}
	return r;
}

#endif /* PC_DIGEST_BPF_H */
