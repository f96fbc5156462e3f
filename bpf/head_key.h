/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which bytes of a scanned head are its API key, by profile and middleware, or
 * what the gateway says to a head that has none it would look up.  Plain C,
 * compiled for BPF and natively; agent/credential.c is its counterpart for
 * headers that arrive as a list.
 */
#ifndef PC_HEAD_KEY_H
#define PC_HEAD_KEY_H

#include "head.h"
#include "head_query.h"

#define PC_KEY_MAX 128 /* 0.1.179's limit; no real key is longer */
#define PC_AUTHORIZATION_MAX 256
#define PC_SCHEME_SIZE 7 /* "Bearer " */

/* What of a head is looked for, and how. */
struct pc_head_ask {
	__u32 profile; /* enum pc_profile */
	__u32 variant; /* enum pc_variant */
};

/* Thirty-two bytes of a span: all of them printable ASCII or tabs? */
static long pc_head_key_step(__u32 i, void *arg)
{
	struct pc_scan *s = ((struct pc_query_arg *)arg)->s;
	struct pc_query *q = ((struct pc_query_arg *)arg)->q;

	(void)i;
	for (int k = 0; k < 4; k++) {
		__u64 w = pc_head_word(s, q->at), odd;

		if (q->at >= q->end)
			return 1;
		odd = (w & PC_HIGH) |
		      (pc_swar_control(w) & ~pc_swar_eq(w, '\t'));
		if (odd && q->at + pc_swar_first(odd) < q->end) {
			q->odd = 1;
			return 1;
		}
		q->at += 8;
	}
	return 0;
}

/*
 * Only printable ASCII and tabs?  Anything else may be a blank to Go, or no
 * text to the gateway's database.  Uses q's cursor, and leaves what was found
 * in it.
 */
PC_GLOBAL int pc_head_key_plain(struct pc_scan *s, struct pc_query *q, __u32 at,
				__u32 size)
{
	struct pc_query_arg arg = { s, q };

	if (!s || !q)
		return 0;
	q->at = at;
	q->end = at + size;
	q->odd = 0;
	pc_loop(PC_HEAD_MAX / 32, pc_head_key_step, &arg);
	return !q->odd;
}

/* The Bearer token, or an empty span where there is none; one longer than any
 * can be where its beginning is not known.
 */
static inline struct pc_span pc_head_key_bearer(const struct pc_scan *s,
						int any_case, int trimmed)
{
	struct pc_span v = s->head.authorization, none = { 0, 0 };
	struct pc_span unsure = { v.at, PC_HEAD_MAX };
	__u64 mask = (1ULL << 8 * PC_SCHEME_SIZE) - 1;
	__u64 w = pc_head_word(s, v.at) & mask;
	__u32 at, end;

	/* A blank of Unicode's, to Go: there may be a scheme behind it. */
	if (any_case && v.size && w & 0x80)
		return unsure;
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
		return unsure;
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

/* The key of the headers that the middleware takes, or an empty span. */
static inline struct pc_span pc_head_key_header(const struct pc_scan *s,
						struct pc_head_ask ask)
{
	const struct pc_head *h = &s->head;
	int seed = ask.profile == PC_PROFILE_SEED;
	int google = ask.variant == PC_VARIANT_GOOGLE;
	/* Only seed's main middleware leaves the token as it is. */
	struct pc_span bearer = pc_head_key_bearer(s, !seed, !seed || google);

	if (google && !seed)
		return pc_head_key_first(h->x_goog_api_key, bearer,
					 h->x_api_key);
	return pc_head_key_first(bearer, h->x_api_key, h->x_goog_api_key);
}

/* PC_NEXT, or what a key in the query leads to.  Most have none for certain,
 * and then q is left as it was.
 */
static inline __u32 pc_head_key_query(struct pc_scan *s, struct pc_query *q,
				      struct pc_head_ask ask)
{
	/* Google's clients do put their key into ?key=. */
	int main = ask.variant == PC_VARIANT_MAIN;
	__u32 r;

	if (!(s->head.flags & PC_H_QUERY_UNSURE))
		return PC_NEXT;
	r = pc_head_query_scan(s, q);
	if (r != PC_NEXT)
		return r;
	if (q->api_key.solid || (main && q->key.solid))
		return PC_R_QUERY_KEY;
	return q->api_key.odd || (main && q->key.odd) ? PC_R_QUERY_UNSURE
						      : PC_NEXT;
}

/* No header has a key: does the query, where it may be? */
static inline __u32 pc_head_key_none(struct pc_span *out, struct pc_scan *s,
				     struct pc_query *q, struct pc_head_ask ask)
{
	const struct pc_head *h = &s->head;

	if (!pc_head_key_plain(s, q, h->authorization.at,
			       h->authorization.size) ||
	    !pc_head_key_plain(s, q, h->x_api_key.at, h->x_api_key.size) ||
	    !pc_head_key_plain(s, q, h->x_goog_api_key.at,
			       h->x_goog_api_key.size))
		return PC_R_NO_CREDENTIAL;
	if (ask.variant == PC_VARIANT_MAIN || !(h->flags & PC_H_QUERY_UNSURE) ||
	    !q->key.end)
		return PC_R_CREDENTIAL_MISSING;
	if (q->key.odd)
		return PC_R_QUERY_UNSURE;
	out->at = q->key.at;
	out->size = q->key.end - q->key.at;
	return PC_NEXT;
}

/*
 * PC_NEXT and the key's bytes in *out, at most PC_KEY_MAX; what the gateway
 * refuses the head with; or why neither is sure.  A seed's key that is too long
 * for its database is PC_R_KEY_UNKNOWN.
 */
static inline __u32 pc_head_key_find(struct pc_span *out, struct pc_scan *s,
				     struct pc_query *q, struct pc_head_ask ask)
{
	const struct pc_head *h = &s->head;
	int seed = ask.profile == PC_PROFILE_SEED;
	__u32 r;

	if (!seed && (h->authorization.size > PC_AUTHORIZATION_MAX ||
		      h->x_api_key.size > PC_KEY_MAX ||
		      h->x_goog_api_key.size > PC_KEY_MAX))
		return PC_R_KEY_INVALID;
	r = pc_head_key_query(s, q, ask);
	if (r != PC_NEXT)
		return r;
	*out = pc_head_key_header(s, ask);
	if (!out->size)
		r = pc_head_key_none(out, s, q, ask);
	if (r != PC_NEXT || out->size <= PC_KEY_MAX)
		return r;
	if (out->size >= PC_HEAD_MAX ||
	    !pc_head_key_plain(s, q, out->at, out->size))
		return PC_R_KEY_TOO_LONG;
	return seed ? PC_R_KEY_UNKNOWN : PC_R_KEY_INVALID;
}

#endif /* PC_HEAD_KEY_H */
