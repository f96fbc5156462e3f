/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a decoded request path means to the gateway: does the key middleware
 * guard it at all, which of the two, is it exempt from billing, which dialect
 * answers.  Plain C, compiled for BPF and natively.
 */
#ifndef PC_PATH_H
#define PC_PATH_H

#include "loop.h"
#include "pc_abi.h"

#define PC_P_GUARDED 0x01u    /* a key middleware runs on this path */
#define PC_P_GOOGLE 0x02u     /* ... the Google one */
#define PC_P_EXEMPT 0x04u     /* billing-exempt, any method */
#define PC_P_EXEMPT_GET 0x08u /* billing-exempt for GET */
#define PC_P_OPENAI 0x10u     /* quota refusals in OpenAI's dialect */
#define PC_P_BARE 0x20u	      /* guarded by 0.1.179 alone */

/* Bytes of a path that pc_path_classify() looks at, readable at any length. */
#define PC_PATH_LOOK 48

/* Up to eight bytes of a literal from "at" on, as a word. */
PC_INLINE __u64 pc_path_word(const char *want, __u32 want_size, __u32 at)
{
	__u64 w = 0;

	PC_UNROLL
	for (__u32 k = 0; k < 8; k++) {
		if (at + k < want_size)
			w |= (__u64)(__u8)want[at + k] << 8 * k;
	}
	return w;
}

/*
 * A prefix is matched by comparing words with constants; "under" also accepts
 * the path that stops there, so "/responses" means /responses and
 * /responses/...  p must have PC_PATH_LOOK readable bytes.
 */
PC_INLINE int pc_path_starts(const __u8 *p, __u32 n, const char *want,
			     __u32 want_size)
{
	if (n < want_size)
		return 0;
	PC_UNROLL
	for (__u32 i = 0; i < PC_PATH_LOOK; i += 8) {
		__u32 rest = want_size - i;
		__u64 w, mask = rest >= 8 ? ~0ULL : (1ULL << 8 * rest % 64) - 1;

		if (i >= want_size)
			break;
		w = PC_LOAD(__u64, p + i);
		if ((w & mask) != pc_path_word(want, want_size, i))
			return 0;
	}
	return 1;
}

PC_INLINE int pc_path_under(const __u8 *p, __u32 n, const char *want,
			    __u32 want_size)
{
	return pc_path_starts(p, n, want, want_size) &&
	       (n == want_size || p[want_size] == '/');
}

PC_INLINE int pc_path_is(const __u8 *p, __u32 n, const char *want,
			 __u32 want_size)
{
	return n == want_size && pc_path_starts(p, n, want, want_size);
}

#define PC_STARTS(lit) pc_path_starts(p, n, lit, sizeof(lit) - 1)
#define PC_UNDER(lit) pc_path_under(p, n, lit, sizeof(lit) - 1)
#define PC_IS(lit) pc_path_is(p, n, lit, sizeof(lit) - 1)

/* Routes outside /v1, /v1beta and /antigravity that 0.1.179 added. */
static inline int pc_path_bare_route(const __u8 *p, __u32 n)
{
	return PC_STARTS("/backend-api/codex/") || PC_IS("/chat/completions") ||
	       PC_IS("/embeddings") || PC_IS("/models") ||
	       PC_IS("/messages/count_tokens") || PC_IS("/alpha/search") ||
	       PC_STARTS("/images/") || PC_STARTS("/videos/") ||
	       PC_IS("/tts") || PC_IS("/stt") || PC_IS("/custom-voices") ||
	       PC_IS("/realtime") || PC_IS("/web_search") || PC_IS("/x_search");
}

static inline __u32 pc_path_extras(const __u8 *p, __u32 n)
{
	__u32 flags = 0;

	if (PC_IS("/v1/usage") || PC_IS("/v1/sub2api/billing"))
		flags |= PC_P_EXEMPT;
	if (PC_STARTS("/v1/images/tasks/") || PC_STARTS("/images/tasks/"))
		flags |= PC_P_EXEMPT_GET;
	if (PC_UNDER("/v1/responses") || PC_UNDER("/openai/v1/responses") ||
	    PC_UNDER("/responses") || PC_UNDER("/backend-api/codex/responses"))
		flags |= PC_P_OPENAI;
	return flags;
}

/* PC_P_* of a path of n bytes, as 0.1.179 has them. */
static inline __u32 pc_path_all(const __u8 *p, __u32 n)
{
	__u32 flags = 0;

	if (PC_STARTS("/v1beta/") || PC_STARTS("/antigravity/v1beta/"))
		flags = PC_P_GUARDED | PC_P_GOOGLE;
	else if (PC_STARTS("/v1/") || PC_STARTS("/antigravity/") ||
		 PC_UNDER("/responses"))
		flags = PC_P_GUARDED;
	else if (pc_path_bare_route(p, n))
		flags = PC_P_GUARDED | PC_P_BARE;
	return flags | pc_path_extras(p, n);
}

/* The same, as a profile has them: seed has no exemptions and no OpenAI. */
static inline __u32 pc_path_for(__u32 all, __u32 profile)
{
	if (profile != PC_PROFILE_SEED)
		return all & ~PC_P_BARE;
	return all & PC_P_BARE ? 0 : all & (PC_P_GUARDED | PC_P_GOOGLE);
}

static inline __u32 pc_path_classify(const __u8 *p, __u32 n, __u32 profile)
{
	return pc_path_for(pc_path_all(p, n), profile);
}

/* Paths that have a route for GET in the seed, or (later) in 0.1.179 alone. */
static inline int pc_path_get_route(const __u8 *p, __u32 n, int later)
{
	return PC_IS("/v1/models") || PC_IS("/v1/usage") ||
	       PC_IS("/antigravity/v1/models") ||
	       PC_IS("/antigravity/v1/usage") || PC_UNDER("/v1beta/models") ||
	       PC_UNDER("/antigravity/v1beta/models") ||
	       (later && (PC_IS("/models") || PC_IS("/v1/sub2api/billing") ||
			  PC_STARTS("/v1/images/tasks/") ||
			  PC_STARTS("/images/tasks/")));
}

/* The same for POST. */
static inline int pc_path_post_route(const __u8 *p, __u32 n, int later)
{
	return PC_IS("/v1/messages") || PC_IS("/v1/messages/count_tokens") ||
	       PC_IS("/v1/responses") || PC_IS("/responses") ||
	       PC_IS("/antigravity/v1/messages") ||
	       PC_IS("/antigravity/v1/messages/count_tokens") ||
	       PC_STARTS("/v1beta/models/") ||
	       PC_STARTS("/antigravity/v1beta/models/") ||
	       (later &&
		(PC_IS("/v1/chat/completions") || PC_IS("/chat/completions") ||
		 PC_IS("/embeddings") || PC_IS("/messages/count_tokens") ||
		 PC_IS("/alpha/search") || PC_IS("/v1/embeddings") ||
		 PC_IS("/images/generations") ||
		 PC_IS("/v1/images/generations") || PC_UNDER("/v1/responses") ||
		 PC_UNDER("/responses") ||
		 PC_UNDER("/backend-api/codex/responses")));
}

/*
 * Does a route with a key middleware exist for certain?  An unknown path is a
 * page of the panel's or 404, asked of no key, so whoever has none may be
 * anybody there.  Some routes are left out: what is not certain is not.
 */
static inline int pc_path_routed(const __u8 *p, __u32 n, __u32 profile, int get)
{
	int later = profile != PC_PROFILE_SEED;

	return get ? pc_path_get_route(p, n, later)
		   : pc_path_post_route(p, n, later);
}

#undef PC_STARTS
#undef PC_UNDER
#undef PC_IS

#endif /* PC_PATH_H */
