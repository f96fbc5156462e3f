/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which bytes of a scanned head are its API key, by profile and middleware.
 * Plain C, compiled for BPF and natively; agent/credential.c is its counterpart
 * for headers that arrive as a list.
 */
#ifndef PC_HEAD_KEY_H
#define PC_HEAD_KEY_H

#include "head.h"

#define PC_KEY_MAX 128 /* 0.1.179's limit; no real key is longer */
#define PC_AUTHORIZATION_MAX 256
#define PC_SCHEME_SIZE 7 /* "Bearer " */

/* The Bearer token, or an empty span where there is none; one too long to judge
 * where its beginning is not known.
 */
static inline struct pc_span pc_head_key_bearer(const struct pc_scan *s,
						int any_case, int trimmed)
{
	struct pc_span v = s->head.authorization, none = { 0, 0 };
	__u64 mask = (1ULL << 8 * PC_SCHEME_SIZE) - 1;
	__u64 w = pc_head_word(s, v.at) & mask;
	__u32 at, end;

	if (v.size <= PC_SCHEME_SIZE)
		return none;
	if (any_case ? (w | (0x20 * PC_ONES & mask)) != PC_W8("bearer \0")
		     : w != PC_W8("Bearer \0"))
		return none;
	at = v.at + PC_SCHEME_SIZE;
	end = v.at + v.size;
	/* More blanks than are followed: it still hides the other headers, so
	 * it must not pass for none.
	 */
	if (trimmed && !pc_head_trim(s, &at, &end))
		end = at + PC_KEY_MAX + 1;
	v.at = at;
	v.size = end - at;
	return v;
}

static inline struct pc_span
pc_head_key_first(struct pc_span a, struct pc_span b, struct pc_span c)
{
	if (a.size)
		return a;
	return b.size ? b : c;
}

/* PC_NEXT and the key's bytes in *out, or why there are none to judge. */
static inline __u32 pc_head_key_find(struct pc_span *out,
				     const struct pc_scan *s, __u32 profile,
				     __u32 variant)
{
	const struct pc_head *h = &s->head;
	int seed = profile == PC_PROFILE_SEED;
	struct pc_span bearer, key;

	if (!seed && (h->authorization.size > PC_AUTHORIZATION_MAX ||
		      h->x_api_key.size > PC_KEY_MAX ||
		      h->x_goog_api_key.size > PC_KEY_MAX))
		return PC_R_KEY_TOO_LONG;
	/* Only seed's main middleware leaves the token as it is. */
	bearer = pc_head_key_bearer(s, !seed,
				    !seed || variant == PC_VARIANT_GOOGLE);
	if (variant == PC_VARIANT_GOOGLE && !seed)
		key = pc_head_key_first(h->x_goog_api_key, bearer,
					h->x_api_key);
	else
		key = pc_head_key_first(bearer, h->x_api_key,
					h->x_goog_api_key);
	if (!key.size)
		return PC_R_NO_CREDENTIAL;
	if (key.size > PC_KEY_MAX)
		return PC_R_KEY_TOO_LONG;
	*out = key;
	return PC_NEXT;
}

#endif /* PC_HEAD_KEY_H */
