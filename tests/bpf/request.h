/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests and benchmarks of pc_request share: a snapshot with one key for
 * each fate, heads, and a client's side of a TCP connection.
 */
#ifndef TESTS_BPF_REQUEST_H
#define TESTS_BPF_REQUEST_H

#include "harness.h"

#define CLIENT "203.0.113.9"
#define GATEWAY "192.0.2.1"
#define CLIENT6 "2001:db8:1::9"
#define GATEWAY6 "2001:db8::1"
#define BLACK "198.51.100.0/24"
#define IN_BLACK "198.51.100.77"
#define BLACK6 "2001:db8:bad::/48"
#define IN_BLACK6 "2001:db8:bad::77"
#define WHITE "203.0.113.0/28"
#define WHITE6 "2001:db8:1::/64"

/* As long as the gateway's own keys: 67 bytes. */
#define KEY(name) \
	"sk-" name "0123456789abcdef0123456789abcdef0123456789abcdef0123"
#define LIVE KEY("live00000000")
#define DISABLED KEY("disabled0000")
#define EXPIRED KEY("expired00000")
#define PAST KEY("past00000000")
#define EXHAUSTED KEY("exhausted000")
#define QUOTA KEY("quota0000000")
#define BLACKLISTED KEY("black0000000")
#define WHITELISTED KEY("white0000000")
#define USER_MISSING KEY("usermissing0")
#define USER_INACTIVE KEY("userinactive")
#define GROUP_DELETED_ KEY("groupdeleted")
#define GROUP_DISABLED KEY("groupoff0000")
#define NOT_ALLOWED KEY("notallowed00")
#define SUBSCRIBED KEY("subscribed00")
#define BALANCE KEY("balance00000")
#define UNKNOWN KEY("unknown00000")

#define HEAD(target, headers) \
	target " HTTP/1.1\r\nHost: gateway.example\r\n" headers "\r\n"
#define BEARER(key) "Authorization: Bearer " key "\r\n"
#define MESSAGES(key) HEAD("GET /v1/messages", BEARER(key))
/* A POST with a body of the size that is given as text. */
#define POST(key, size) \
	HEAD("POST /v1/messages", BEARER(key) "Content-Length: " size "\r\n")
#define CHUNKED(key) \
	HEAD("POST /v1/messages", BEARER(key) "Transfer-Encoding: chunked\r\n")

#define GOOD_USER                                                    \
	.expires_ns = PC_NEVER, .balance_nusd = 1, .has_user = true, \
	.user_active = true
#define IN_GROUP .has_group_id = true, .group_id = 7, .has_group = true

struct request_key {
	const char *key;
	char *black[3];
	char *white[3];
	struct entry e;
};

static struct request_key request_keys[] = {
	{ .key = LIVE, .e = { GOOD_USER } },
	{ .key = DISABLED, .e = { GOOD_USER, .status = PC_STATUS_OTHER } },
	{ .key = EXPIRED, .e = { GOOD_USER, .status = PC_STATUS_EXPIRED } },
	{ .key = PAST,
	  .e = { .expires_ns = HARNESS_NOW_NS - 1000000000,
		 .balance_nusd = 1,
		 .has_user = true,
		 .user_active = true } },
	{ .key = EXHAUSTED, .e = { GOOD_USER, .status = PC_STATUS_EXHAUSTED } },
	{ .key = QUOTA,
	  .e = { GOOD_USER, .quota_nusd = 5, .quota_used_nusd = 5 } },
	{ .key = BLACKLISTED, .black = { BLACK, BLACK6 }, .e = { GOOD_USER } },
	{ .key = WHITELISTED, .white = { WHITE, WHITE6 }, .e = { GOOD_USER } },
	{ .key = USER_MISSING, .e = { .expires_ns = PC_NEVER } },
	{ .key = USER_INACTIVE,
	  .e = { .expires_ns = PC_NEVER,
		 .balance_nusd = 1,
		 .has_user = true } },
	{ .key = GROUP_DELETED_,
	  .e = { GOOD_USER, IN_GROUP, .group_status = GROUP_DELETED } },
	{ .key = GROUP_DISABLED,
	  .e = { GOOD_USER, IN_GROUP, .group_status = GROUP_INACTIVE } },
	{ .key = NOT_ALLOWED,
	  .e = { GOOD_USER, IN_GROUP, .group_exclusive = true } },
	{ .key = SUBSCRIBED,
	  .e = { GOOD_USER, IN_GROUP, .group_subscription = true } },
	{ .key = BALANCE,
	  .e = { .expires_ns = PC_NEVER,
		 .has_user = true,
		 .user_active = true } },
};

/* Puts a policy of these keys, and of no others where that counts, in force,
 * and the clock to HARNESS_NOW_NS. */
static inline void request_use(const struct policy_options *opt)
{
	struct entry entries[ARRAY_SIZE(request_keys)];
	struct snapshot s = { .entries = entries,
			      .n_entries = ARRAY_SIZE(request_keys),
			      .complete = opt->deny_unknown };

	for (size_t i = 0; i < s.n_entries; i++) {
		struct request_key *k = &request_keys[i];

		entries[i] = k->e;
		entries[i].key_id = 100 + (int64_t)i;
		entries[i].blacklist = k->black[0] ? k->black : NULL;
		entries[i].whitelist = k->white[0] ? k->white : NULL;
		if (digest_key(&entries[i].digest, k->key, strlen(k->key)))
			abort();
	}
	harness_apply(opt, &s);
	harness_set_now(HARNESS_NOW_NS, 0);
}

static inline void request_use_default(void)
{
	struct policy_options opt = harness_options();

	request_use(&opt);
}

/* The client's side of a connection: what its next segment looks like. */
struct client {
	struct shape s;
};

#define CLIENT_ISN 0x1000u
#define CLIENT_ACK 0x70000000u

/* A client whose SYN was not seen, on a source port of its own. */
static inline struct client client_at(const char *from)
{
	static uint16_t port = 20000;

	return (struct client){ {
		.from = from,
		.to = strchr(from, ':') ? GATEWAY6 : GATEWAY,
		.sport = port++,
		.dport = HARNESS_PORT,
		.seq = CLIENT_ISN,
		.ack = CLIENT_ACK,
		.flags = TCP_ACK | TCP_PSH,
	} };
}

static inline const struct outcome *client_run(const struct client *c)
{
	return run_shape(harness.request, &c->s);
}

static inline const struct outcome *client_syn(struct client *c)
{
	struct client syn = *c;

	syn.s.flags = TCP_SYN;
	syn.s.ack = 0;
	syn.s.seq--;
	syn.s.payload_size = 0;
	return client_run(&syn);
}

/* The next bytes of the client's stream, in one segment. */
static inline const struct outcome *client_send(struct client *c,
						const void *bytes, size_t n)
{
	const struct outcome *o;

	c->s.payload = bytes;
	c->s.payload_size = n;
	o = client_run(c);
	c->s.seq += (uint32_t)n;
	c->s.payload_size = 0;
	return o;
}

static inline const struct outcome *client_say(struct client *c,
					       const char *text)
{
	return client_send(c, text, strlen(text));
}

/* A connection that was seen to begin. */
static inline struct client client_open(const char *from)
{
	struct client c = client_at(from);

	client_syn(&c);
	return c;
}

/*
 * The gateway's side of the same connection, in the gateway's own numbers: its
 * segments go through pc_reply, which counts nothing.
 */
struct server {
	struct shape s;
};

static inline const struct outcome *server_run(const struct server *g)
{
	return run_shape(harness.reply, &g->s);
}

/* Before the client has said anything. */
static inline struct server server_of(const struct client *c)
{
	const struct shape *s = &c->s;

	return (struct server){ {
		.from = s->to,
		.to = s->from,
		.sport = s->dport,
		.dport = s->sport,
		.seq = s->ack,
		.ack = s->seq,
		.ts_value = s->ts_echo,
		.ts_echo = s->ts_value,
		.n_tags = s->n_tags,
		.flags = TCP_ACK | TCP_PSH,
		.to_client = true,
	} };
}

static inline const struct outcome *server_syn_ack(const struct server *g)
{
	struct server first = *g;

	first.s.flags = TCP_SYN | TCP_ACK;
	first.s.seq--;
	return server_run(&first);
}

/* The next bytes of the gateway's stream, in one segment. */
static inline const struct outcome *server_send(struct server *g,
						const void *bytes, size_t n)
{
	const struct outcome *o;

	g->s.payload = bytes;
	g->s.payload_size = n;
	o = server_run(g);
	g->s.seq += (uint32_t)n;
	g->s.payload_size = 0;
	return o;
}

static inline const struct outcome *server_say(struct server *g,
					       const char *text)
{
	return server_send(g, text, strlen(text));
}

/* A connection whose both directions were seen to begin. */
static inline struct server server_open(struct client *c)
{
	struct server g = server_of(c);

	client_syn(c);
	server_syn_ack(&g);
	return g;
}

#endif /* TESTS_BPF_REQUEST_H */
