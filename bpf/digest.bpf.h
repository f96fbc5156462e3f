/* SPDX-License-Identifier: GPL-2.0-only */
/* A key's bytes to the digest that it is known by. */
#ifndef PC_DIGEST_BPF_H
#define PC_DIGEST_BPF_H

#include "head_key.h"
#include "segment.bpf.h"

/* The digest of the key's bytes into scratch. */
PC_GLOBAL __u32 digest_key(struct pc_scratch *s, __u32 key_at, __u32 key_size)
{
	__u64 size = key_size;

	if (!s)
		return PC_R_KEY_UNKNOWN;
	if (!size || size > PC_KEY_MAX)
		return PC_R_KEY_TOO_LONG;
	PC_LENGTH(size, PC_KEY_MAX);
	pc_sha256_init(&s->sha);
	if (bpf_probe_read_kernel(s->sha.message, size,
				  s->scan.buf + (key_at & PC_HEAD_MASK)))
		return PC_R_KEY_UNKNOWN;
	pc_sha256_final(&s->digest, &s->sha, size);
	return PC_NEXT;
}

#endif /* PC_DIGEST_BPF_H */
