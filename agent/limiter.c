// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fixed pool of identities in hash chains: no allocation after limiter_new(),
 * so a spray of addresses costs the gateway's bound and nothing more.
 */
#include "limiter.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "prefix.h"
#include "span.h"

#define BUCKETS (2 * LIMITER_IDENTITIES)
/* A full pool looks for expired identities this often, this many at a time. */
#define SWEEP_NS 100000000
#define SWEEP_COUNT (LIMITER_IDENTITIES / 16)
#define NONE UINT32_MAX
#define SECOND_NS 1000000000

struct tally {
	int64_t start_ns;
	int64_t blocked_ns; /* until then; valid when has_block */
	uint32_t failures;
	bool has_block;
};

struct identity {
	struct prefix client; /* family 0: free */
	uint32_t next;	      /* in its chain, or of the free ones */
	struct tally tally;
};

struct limiter {
	uint32_t threshold;
	uint32_t capacity;
	int64_t window_ns;
	int64_t block_ns;
	uint32_t used;	  /* identities ever taken from the pool's end */
	uint32_t free;	  /* head of those given back */
	uint32_t n;	  /* tracked now */
	uint32_t cursor;  /* where the next sweep begins */
	int64_t sweep_ns; /* when; valid when has_swept */
	bool has_swept;
	struct tally overflow;
	bool has_overflow;
	uint32_t heads[BUCKETS];
	struct identity pool[LIMITER_IDENTITIES];
};

struct limiter *limiter_new(uint32_t threshold, int64_t window_ns,
			    int64_t block_ns)
{
	struct limiter *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->threshold = threshold;
	l->window_ns = window_ns;
	l->block_ns = block_ns;
	l->capacity = LIMITER_IDENTITIES;
	l->free = NONE;
	memset(l->heads, 0xff, sizeof(l->heads));
	return l;
}

void limiter_cap(struct limiter *l, uint32_t identities)
{
	if (identities < LIMITER_IDENTITIES)
		l->capacity = identities;
}

void limiter_free(struct limiter *l)
{
	free(l);
}

/* The gateway switches its limiter off when a number makes no sense. */
static bool is_off(const struct limiter *l)
{
	return !l->threshold || l->window_ns <= 0 || l->block_ns <= 0 ||
	       !l->capacity;
}

/* Sums of times must not overflow, whatever a caller's clock says. */
static int64_t later(int64_t time_ns, int64_t by_ns)
{
	int64_t sum;

	return __builtin_add_overflow(time_ns, by_ns, &sum) ? INT64_MAX : sum;
}

/* netip.ParseAddr: unlike net.ParseIP it takes a zone, which is dropped here.
 */
static bool parse_client(struct prefix *out, const char *client)
{
	struct span s = span_trim(span_of(client));
	const char *zone = memchr(s.text, '%', s.size);
	char text[PREFIX_STRLEN];
	size_t size = zone ? (size_t)(zone - s.text) : s.size;

	if (size >= sizeof(text) || (zone && size + 1 == s.size))
		return false;
	memcpy(text, s.text, size);
	text[size] = '\0';
	return !prefix_parse_address(out, text) &&
	       (!zone || memchr(text, ':', size));
}

/* IPv4 address, IPv6 /64; everything unparsable is 0.0.0.0. */
static struct prefix identify(const char *client)
{
	struct prefix p;

	if (!parse_client(&p, client))
		return (struct prefix){ .family = AF_INET, .len = 32 };
	if (p.family == AF_INET6) {
		memset(p.addr + 8, 0, 8);
		p.len = 64;
	}
	return p;
}

/*
 * Where the limiter lies in memory salts the chains, so that a client with many
 * addresses cannot choose them to fall into one.
 */
static uint32_t *bucket(struct limiter *l, const struct prefix *client)
{
	uint64_t x;

	memcpy(&x, client->addr, sizeof(x));
	x ^= (uintptr_t)l + client->family;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return &l->heads[(x ^ x >> 31) % BUCKETS];
}

static bool tally_blocked(const struct tally *t, int64_t now_ns)
{
	return t->has_block && t->blocked_ns > now_ns;
}

static bool tally_expired(const struct limiter *l, const struct tally *t,
			  int64_t now_ns)
{
	return !tally_blocked(t, now_ns) && t->start_ns <= now_ns &&
	       now_ns >= later(t->start_ns, l->window_ns);
}

static void tally_add(const struct limiter *l, struct tally *t, int64_t now_ns)
{
	if (tally_blocked(t, now_ns))
		return;
	if (t->start_ns > now_ns ||
	    now_ns >= later(t->start_ns, l->window_ns)) {
		t->start_ns = now_ns;
		t->failures = 0;
	}
	if (++t->failures < l->threshold)
		return;
	/* The next window begins where the block ends. */
	t->failures = 0;
	t->blocked_ns = later(now_ns, l->block_ns);
	t->has_block = true;
	t->start_ns = t->blocked_ns;
}

static void release(struct limiter *l, uint32_t *link)
{
	uint32_t at = *link;

	*link = l->pool[at].next;
	l->pool[at] = (struct identity){ .next = l->free };
	l->free = at;
	l->n--;
}

/* The tracked identity, or NULL; an expired one is given back on the way. */
static struct identity *lookup(struct limiter *l, const struct prefix *client,
			       int64_t now_ns)
{
	uint32_t *link = bucket(l, client);

	while (*link != NONE && prefix_compare(&l->pool[*link].client, client))
		link = &l->pool[*link].next;
	if (*link == NONE)
		return NULL;
	if (tally_expired(l, &l->pool[*link].tally, now_ns)) {
		release(l, link);
		return NULL;
	}
	return &l->pool[*link];
}

static void sweep(struct limiter *l, int64_t now_ns)
{
	if (l->n < l->capacity || (l->has_swept && now_ns < l->sweep_ns))
		return;
	l->has_swept = true;
	l->sweep_ns = later(now_ns, SWEEP_NS);
	for (uint32_t i = 0; i < SWEEP_COUNT && i < l->capacity; i++) {
		struct prefix client = l->pool[l->cursor].client;

		if (client.family)
			lookup(l, &client, now_ns);
		l->cursor = (l->cursor + 1) % l->capacity;
	}
}

/* A new identity whose window begins now; NULL when the pool is full. */
static struct identity *track(struct limiter *l, const struct prefix *client,
			      int64_t now_ns)
{
	uint32_t *head = bucket(l, client), at = l->free;

	if (l->n >= l->capacity)
		return NULL;
	if (at != NONE)
		l->free = l->pool[at].next;
	else
		at = l->used++;
	l->pool[at] = (struct identity){ .client = *client,
					 .next = *head,
					 .tally = { .start_ns = now_ns } };
	*head = at;
	l->n++;
	return &l->pool[at];
}

bool limiter_blocked(struct limiter *l, const char *client, int64_t now_ns,
		     uint32_t *retry_after_s)
{
	struct prefix p = identify(client);
	const struct tally *t = NULL;
	const struct identity *found;
	int64_t left_s;

	if (is_off(l))
		return false;
	sweep(l, now_ns);
	found = lookup(l, &p, now_ns);
	if (found)
		t = &found->tally;
	else if (l->n >= l->capacity && l->has_overflow)
		t = &l->overflow;
	if (!t || !tally_blocked(t, now_ns))
		return false;
	left_s = (t->blocked_ns - now_ns - 1) / SECOND_NS + 1;
	*retry_after_s = left_s > UINT32_MAX ? UINT32_MAX : (uint32_t)left_s;
	return true;
}

void limiter_record(struct limiter *l, const char *client, int64_t now_ns)
{
	struct prefix p = identify(client);
	struct identity *found;

	if (is_off(l))
		return;
	sweep(l, now_ns);
	found = lookup(l, &p, now_ns);
	if (!found)
		found = track(l, &p, now_ns);
	if (found) {
		tally_add(l, &found->tally, now_ns);
		return;
	}
	if (!l->has_overflow)
		l->overflow = (struct tally){ .start_ns = now_ns };
	l->has_overflow = true;
	tally_add(l, &l->overflow, now_ns);
}

bool limiter_counts(enum pc_reason reason)
{
	return reason == PC_R_QUERY_KEY || reason == PC_R_CREDENTIAL_MISSING ||
	       reason == PC_R_KEY_INVALID;
}
