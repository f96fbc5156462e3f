// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c against naive oracles: the maps' contents are walked line by line
 * with the kernel's rule and compared with the gateway's own judgement of the
 * same patterns (client_allowed), key by key and for --ip-scope.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "answer.h"
#include "client.h"
#include "policy.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NOW_NS ((int64_t)1770120000 * 1000000000)
#define KEYS_MAX 8
#define PATTERNS_MAX 6

/* Keys of a test: a snapshot whose lists live in the fixture. */
struct fixture {
	struct snapshot s;
	struct entry entries[KEYS_MAX];
	char *black[KEYS_MAX][PATTERNS_MAX + 1];
	char *white[KEYS_MAX][PATTERNS_MAX + 1];
	char text[2 * KEYS_MAX * PATTERNS_MAX][80];
	size_t n_text;
	struct policy_options opt;
};

static void init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->s.entries = f->entries;
	f->opt.profile = PC_PROFILE_V0_1_179;
	f->opt.now_ns = NOW_NS;
	f->opt.source = "keys.ndjson";
}

/* A key with nothing against it. */
static struct entry *add_key(struct fixture *f)
{
	size_t n = f->s.n_entries++;
	struct entry *e = &f->entries[n];

	*e = (struct entry){
		.digest.bytes[0] = (uint8_t)n,
		.key_id = 100 + (int64_t)n,
		.expires_ns = PC_NEVER,
		.balance_nusd = 1,
		.has_user = true,
		.user_active = true,
	};
	return e;
}

static void add_pattern(struct fixture *f, struct entry *e, bool white,
			const char *pattern)
{
	size_t key = (size_t)(e - f->entries), n = 0;
	char **list = white ? f->white[key] : f->black[key];
	char *text = f->text[f->n_text++];

	snprintf(text, sizeof(f->text[0]), "%s", pattern);
	while (list[n])
		n++;
	list[n] = text;
	*(white ? &e->whitelist : &e->blacklist) = list;
}

/* "a b c" */
static void add_patterns(struct fixture *f, struct entry *e, bool white,
			 const char *patterns)
{
	char buf[256], *save = NULL;

	snprintf(buf, sizeof(buf), "%s", patterns);
	for (char *p = strtok_r(buf, " ", &save); p;
	     p = strtok_r(NULL, " ", &save))
		add_pattern(f, e, white, p);
}

static void compile(struct policy *p, const struct fixture *f)
{
	assert_int_equal(policy_compile(p, &f->s, &f->opt), 0);
}

/* Does the map value match, bit by bit, as an LPM trie would? */
static bool covers(const struct pc_prefix_key *key, uint32_t set,
		   const struct prefix *address)
{
	uint32_t scope = PC_SCOPE(set, address->family == AF_INET6);

	if (ntohl(key->scope) != scope)
		return false;
	for (uint32_t i = 0; i < key->len - PC_SCOPE_LEN; i++) {
		if ((key->addr[i / 8] ^ address->addr[i / 8]) >> (7 - i % 8) &
		    1)
			return false;
	}
	return true;
}

/* The value of the longest match in a set, or NULL. */
static const struct policy_prefix *walk(const struct policy_prefix *items,
					size_t n, uint32_t set,
					const char *address)
{
	const struct policy_prefix *best = NULL;
	struct prefix a;

	assert_int_equal(prefix_parse_address(&a, address), 0);
	for (size_t i = 0; i < n; i++) {
		if (covers(&items[i].key, set, &a) &&
		    (!best || items[i].key.len > best->key.len))
			best = &items[i];
	}
	return best;
}

static bool kernel_allows(const struct policy *p, const struct pc_key *k,
			  const char *address)
{
	uint32_t n = k->rule_set;

	if (!n)
		return true;
	if (walk(p->key_rules, p->n_key_rules, PC_BLACK_SET(n), address))
		return false;
	return !(k->facts & PC_F_WHITELIST) ||
	       walk(p->key_rules, p->n_key_rules, PC_WHITE_SET(n), address);
}

static bool gateway_allows(const struct fixture *f, const struct entry *e,
			   const char *address)
{
	return client_allowed(f->opt.profile, address, e->whitelist,
			      e->blacklist);
}

static void random_address(char buf[64])
{
	static const char *const bases[] = { "10.0.0.%d",    "::ffff:10.0.0.%d",
					     "2001:db8::%x", "10.0.%d.1",
					     "::%x",	     "127.0.0.%d" };

	snprintf(buf, 64, bases[(size_t)rand() % ARRAY_SIZE(bases)],
		 rand() % 256);
}

static void random_pattern(char buf[80])
{
	static const char *const junk[] = {
		"",	     "10.0.0.*",   "10.0.0.1/33",    " 10.0.0.1",
		"10.0.0.01", "10.0.0.2\t", "\u00a010.0.0.3", "fe80::1%eth0"
	};
	char address[64];
	int lens[] = { 0, 8, 16, 24, 25, 27, 30, 31, 32, 96, 112, 120, 128 };

	random_address(address);
	switch (rand() % 6) {
	case 0:
		strcpy(buf, junk[(size_t)rand() % ARRAY_SIZE(junk)]);
		break;
	case 1:
	case 2:
		strcpy(buf, address);
		break;
	default:
		/* Host bits are usual, lengths of the wrong family are not. */
		snprintf(buf, 80, "%s/%d", address,
			 lens[(size_t)rand() % ARRAY_SIZE(lens)]);
	}
}

static void random_rules(struct fixture *f, struct entry *e)
{
	char pattern[80];

	for (int i = rand() % 4; i > 0; i--) {
		random_pattern(pattern);
		add_pattern(f, e, false, pattern);
	}
	for (int i = rand() % 2 * (rand() % 4); i > 0; i--) {
		random_pattern(pattern);
		add_pattern(f, e, true, pattern);
	}
}

static void fail_rules(const struct entry *e, const char *address, bool want)
{
	for (char **p = e->blacklist; p && *p; p++)
		print_error("black %s\n", *p);
	for (char **p = e->whitelist; p && *p; p++)
		print_error("white %s\n", *p);
	fail_msg("%s must be %s", address, want ? "allowed" : "refused");
}

static void kernel_judges_addresses_as_the_gateway(void **state)
{
	struct fixture f;
	struct policy p;
	char address[64];
	size_t refused = 0;

	(void)state;
	srand(7);
	for (int round = 0; round < 3000; round++) {
		init(&f);
		f.opt.profile = round & 1;
		for (int i = 0; i < 3; i++)
			random_rules(&f, add_key(&f));
		compile(&p, &f);
		for (int i = 0; i < 60; i++) {
			size_t k = (size_t)rand() % 3;
			bool want;

			random_address(address);
			want = gateway_allows(&f, &f.entries[k], address);
			refused += !want;
			if (kernel_allows(&p, &p.keys[k].value, address) !=
			    want)
				fail_rules(&f.entries[k], address, want);
		}
		policy_fini(&p);
	}
	/* The test is about something: neither all nor nothing. */
	assert_in_range(refused, 30000, 150000);
}

static bool is_dropped(const struct policy *p, const char *address)
{
	return walk(p->prefixes, p->n_prefixes, PC_SET_DENY, address);
}

/* What the snapshot says of an address for the whole host. */
static bool scope_refuses(const struct fixture *f, const char *address)
{
	bool global = f->opt.ip_scope == IP_SCOPE_GLOBAL;
	size_t n_live = 0;

	for (size_t i = 0; i < f->s.n_entries; i++) {
		const struct entry *e = &f->entries[i];
		bool live = e->status == PC_STATUS_ACTIVE;

		if (global) {
			if (!client_allowed(f->opt.profile, address, NULL,
					    e->blacklist))
				return true;
			continue;
		}
		if (live && gateway_allows(f, e, address))
			return false;
		n_live += live;
	}
	return n_live;
}

static void random_scope_key(struct fixture *f)
{
	struct entry *e = add_key(f);
	char pattern[64];

	e->status = rand() % 4 ? PC_STATUS_ACTIVE : PC_STATUS_OTHER;
	for (int i = 1 + rand() % 4; i > 0; i--) {
		snprintf(pattern, sizeof(pattern), "10.0.0.%d/%d", rand() % 256,
			 24 + rand() % 9);
		add_pattern(f, e, false, pattern);
	}
	if (rand() % 3)
		return;
	for (int i = 1 + rand() % 2; i > 0; i--) {
		snprintf(pattern, sizeof(pattern), "10.0.0.%d/%d", rand() % 256,
			 24 + rand() % 4);
		add_pattern(f, e, true, rand() % 8 ? pattern : "nonsense");
	}
}

static size_t compare_scope(const struct fixture *f, const struct policy *p,
			    const struct prefix *proxy)
{
	/* Outside 10.0.0.0/24 all addresses are alike, so this one tells. */
	bool outside = scope_refuses(f, "192.0.2.1");
	bool refused[256], absurd = outside;
	size_t n = 0;
	char text[32];

	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "10.0.0.%d", i);
		refused[i] = scope_refuses(f, text);
		absurd = absurd && refused[i];
	}
	for (int i = 0; i < 256; i++) {
		struct prefix a;
		bool want;

		snprintf(text, sizeof(text), "10.0.0.%d", i);
		prefix_parse_address(&a, text);
		want = refused[i] && !absurd && !prefix_contains(proxy, &a);
		if (is_dropped(p, text) != want)
			fail_msg("%s must %sbe dropped", text,
				 want ? "" : "not ");
		n += want;
	}
	assert_int_equal(is_dropped(p, "192.0.2.1"), outside && !absurd);
	assert_false(is_dropped(p, "127.0.0.1"));
	assert_false(is_dropped(p, "::1"));
	/* No pattern names IPv6: it is refused whole or not at all. */
	assert_false(is_dropped(p, "2001:db8::1"));
	return n;
}

static void ip_scope_agrees_with_brute_force(void **state)
{
	struct prefix proxy;
	size_t dropped = 0;

	(void)state;
	srand(11);
	prefix_parse_pattern(&proxy, "10.0.0.64/28");
	for (int round = 0; round < 1500; round++) {
		struct fixture f;
		struct policy p;

		init(&f);
		f.opt.ip_scope =
			round & 1 ? IP_SCOPE_GLOBAL : IP_SCOPE_CONSENSUS;
		f.opt.proxies = (struct prefix_list){ &proxy, 1 };
		for (int i = rand() % 4; i >= 0; i--)
			random_scope_key(&f);
		compile(&p, &f);
		dropped += compare_scope(&f, &p, &proxy);
		policy_fini(&p);
	}
	assert_in_range(dropped, 10000, 1500 * 256 - 10000);
}

static const struct {
	const char *what;
	uint8_t scope;
	const char *black[2], *white[2]; /* of two keys */
	uint8_t status[2];
	const char *address;
	bool dropped;
} edges[] = {
	{ "key scope drops nothing",
	  IP_SCOPE_KEY,
	  { "10.0.0.1", "10.0.0.1" },
	  { 0 },
	  { 0 },
	  "10.0.0.1",
	  false },
	{ "consensus of two",
	  IP_SCOPE_CONSENSUS,
	  { "10.0.0.1", "10.0.0.0/24" },
	  { 0 },
	  { 0 },
	  "10.0.0.1",
	  true },
	{ "one live key has no rules",
	  IP_SCOPE_CONSENSUS,
	  { "10.0.0.1", NULL },
	  { 0 },
	  { 0 },
	  "10.0.0.1",
	  false },
	{ "a dead key without rules is not asked",
	  IP_SCOPE_CONSENSUS,
	  { "10.0.0.1", NULL },
	  { 0 },
	  { 0, PC_STATUS_OTHER },
	  "10.0.0.1",
	  true },
	{ "no live key agrees to nothing",
	  IP_SCOPE_CONSENSUS,
	  { "10.0.0.1", "10.0.0.1" },
	  { 0 },
	  { PC_STATUS_OTHER, PC_STATUS_OTHER },
	  "10.0.0.1",
	  false },
	{ "outside both white lists",
	  IP_SCOPE_CONSENSUS,
	  { 0 },
	  { "10.0.0.1", "10.0.0.2" },
	  { 0 },
	  "192.0.2.1",
	  true },
	{ "inside one white list",
	  IP_SCOPE_CONSENSUS,
	  { 0 },
	  { "10.0.0.1", "10.0.0.2" },
	  { 0 },
	  "10.0.0.2",
	  false },
	{ "white lists of IPv4 do not drop all of IPv6",
	  IP_SCOPE_CONSENSUS,
	  { 0 },
	  { "10.0.0.1", "10.0.0.2" },
	  { 0 },
	  "2001:db8::1",
	  false },
	{ "global takes any key's",
	  IP_SCOPE_GLOBAL,
	  { "10.0.0.1", NULL },
	  { 0 },
	  { 0 },
	  "10.0.0.1",
	  true },
	{ "global takes a dead key's",
	  IP_SCOPE_GLOBAL,
	  { "10.0.0.1", NULL },
	  { 0 },
	  { PC_STATUS_OTHER },
	  "10.0.0.1",
	  true },
	{ "global does not take white lists",
	  IP_SCOPE_GLOBAL,
	  { 0 },
	  { "10.0.0.1", NULL },
	  { 0 },
	  "192.0.2.1",
	  false },
	{ "global never drops a family whole",
	  IP_SCOPE_GLOBAL,
	  { "0.0.0.0/1", "128.0.0.0/1" },
	  { 0 },
	  { 0 },
	  "192.0.2.1",
	  false },
	{ "loopback is spared",
	  IP_SCOPE_GLOBAL,
	  { "126.0.0.0/7", NULL },
	  { 0 },
	  { 0 },
	  "127.0.0.1",
	  false },
	{ "next to loopback is not",
	  IP_SCOPE_GLOBAL,
	  { "126.0.0.0/7", NULL },
	  { 0 },
	  { 0 },
	  "126.255.255.255",
	  true },
};

static void ip_scope_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		struct fixture f;
		struct policy p;

		init(&f);
		f.opt.ip_scope = edges[i].scope;
		for (size_t k = 0; k < 2; k++) {
			struct entry *e = add_key(&f);

			e->status = edges[i].status[k];
			if (edges[i].black[k])
				add_pattern(&f, e, false, edges[i].black[k]);
			if (edges[i].white[k])
				add_pattern(&f, e, true, edges[i].white[k]);
		}
		compile(&p, &f);
		if (is_dropped(&p, edges[i].address) != edges[i].dropped)
			fail_msg("%s", edges[i].what);
		policy_fini(&p);
	}
}

static void equal_rules_share_a_set(void **state)
{
	static const struct {
		const char *what, *black, *white;
		uint32_t rule_set;
		bool has_white;
	} cases[] = {
		{ "first", "10.0.0.0/8 192.0.2.1", "", 1, false },
		{ "no rules", "", "", 0, false },
		{ "other order, twice", "192.0.2.1 10.0.0.0/8 192.0.2.1", "", 1,
		  false },
		{ "host bits, mapped, nested",
		  "10.9.8.7/8 ::ffff:192.0.2.1 10.1.0.0/16", "", 1, false },
		{ "only junk in black", "junk", "", 0, false },
		{ "only junk in white", "", "junk", 2, true },
		{ "other junk in white", "junk", "more.junk", 2, true },
		{ "as white it is another", "", "10.0.0.0/8 192.0.2.1", 3,
		  true },
	};
	struct fixture f;
	struct policy p;

	(void)state;
	init(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct entry *e = add_key(&f);

		add_patterns(&f, e, false, cases[i].black);
		add_patterns(&f, e, true, cases[i].white);
	}
	compile(&p, &f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pc_key *k = &p.keys[i].value;

		if (k->rule_set != cases[i].rule_set ||
		    !(k->facts & PC_F_WHITELIST) == cases[i].has_white)
			fail_msg("%s: set %u", cases[i].what, k->rule_set);
	}
	assert_int_equal(p.head.n_rule_sets, 3);
	assert_int_equal(p.head.n_rule_prefixes, 4);
	assert_int_equal(p.head.n_rule_prefixes, p.n_key_rules);
	assert_int_equal(p.summary.n_with_rules, 6);
	policy_fini(&p);
}

static void lists_become_prefixes(void **state)
{
	static const struct {
		const char *what, *address;
		uint32_t set, reason, source;
	} cases[] = {
		{ "--allow", "192.0.2.1", PC_SET_ALLOW, PC_R_ALLOW_LIST,
		  POLICY_OPERATOR },
		{ "header's allow list", "192.0.2.2", PC_SET_ALLOW,
		  PC_R_ALLOW_LIST, POLICY_SNAPSHOT },
		{ "--block", "10.1.1.1", PC_SET_DENY, PC_R_BLOCK_LIST,
		  POLICY_OPERATOR },
		{ "header's black list", "10.2.1.1", PC_SET_DENY,
		  PC_R_SNAPSHOT_LIST, POLICY_SNAPSHOT },
		{ "in both the operator's word counts", "10.3.1.1", PC_SET_DENY,
		  PC_R_BLOCK_LIST, POLICY_OPERATOR },
		{ "--trusted-proxy", "2001:db8::1", PC_SET_PROXY,
		  PC_R_ADDRESS_UNSURE, POLICY_OPERATOR },
		{ "in none", "192.0.2.3", PC_SET_DENY, 0, 0 },
		{ "families are apart", "::a03:101", PC_SET_DENY, 0, 0 },
	};
	char *black[] = { (char[]){ "10.2.0.0/16" }, (char[]){ "10.3.0.0/16" },
			  NULL };
	char *allow[] = { (char[]){ "192.0.2.2" }, NULL };
	struct prefix op_allow, op_block[3], proxy;
	struct fixture f;
	struct policy p;

	(void)state;
	init(&f);
	prefix_parse_pattern(&op_allow, "192.0.2.1");
	prefix_parse_pattern(&op_block[0], "10.1.0.0/16");
	prefix_parse_pattern(&op_block[1], "10.3.0.0/16");
	op_block[2] = op_block[1];
	prefix_parse_pattern(&proxy, "2001:db8::/64");
	f.s.ip_blacklist = black;
	f.s.ip_allowlist = allow;
	f.opt.allow = (struct prefix_list){ &op_allow, 1 };
	f.opt.block = (struct prefix_list){ op_block, 3 };
	f.opt.proxies = (struct prefix_list){ &proxy, 1 };
	compile(&p, &f);
	assert_int_equal(p.n_prefixes, 6);
	/* Each list counts its own, named twice or not. */
	assert_int_equal(p.head.n_prefixes, 8);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy_prefix *hit =
			walk(p.prefixes, p.n_prefixes, cases[i].set,
			     cases[i].address);

		if (!hit != !cases[i].reason ||
		    (hit && (hit->value.reason != cases[i].reason ||
			     hit->value.source != cases[i].source)))
			fail_msg("%s", cases[i].what);
	}
	policy_fini(&p);
}

static void head_says_what_was_asked(void **state)
{
	static const uint16_t ports[] = { 8080, 1, 65535, 8080 };
	char path[200];
	struct fixture f;
	struct policy p;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	init(&f);
	add_key(&f);
	add_key(&f)->not_found = true;
	f.s.n_not_found = 3;
	f.opt.ports = ports;
	f.opt.n_ports = ARRAY_SIZE(ports);
	f.opt.source = path;
	f.opt.deny = PC_DENY_RESET;
	f.opt.monitor = true;
	f.opt.custom_forwarded = true;
	f.opt.generation = 42;
	compile(&p, &f);
	for (unsigned int port = 0; port < 65536; port++)
		assert_int_equal(p.head.ports[port / 8] >> port % 8 & 1,
				 port == 1 || port == 8080 || port == 65535);
	for (int r = 0; r < PC_R_MAX; r++)
		assert_int_equal(p.head.deny[r], PC_DENY_RESET);
	assert_int_equal(strlen(p.head.source), PC_SOURCE_SIZE - 1);
	assert_int_equal(p.head.n_keys, 1);
	assert_int_equal(p.head.n_entries, 5);
	assert_int_equal(p.summary.n_not_found, 4);
	assert_int_equal(p.head.generation, 42);
	assert_int_equal(p.head.loaded_ns, NOW_NS);
	assert_true(p.head.monitor);
	assert_true(p.head.custom_forwarded);
	assert_false(p.head.trust_forwarded);
	policy_fini(&p);
}

static void a_reason_may_have_an_action_of_its_own(void **state)
{
	struct fixture f;
	struct policy p;

	(void)state;
	init(&f);
	f.opt.deny = PC_DENY_CLOSE;
	f.opt.deny_of[PC_R_KEY_INVALID] = 1 + PC_DENY_DROP;
	f.opt.deny_of[PC_R_KEY_EXPIRED] = 1 + PC_DENY_REPLY;
	compile(&p, &f);
	for (int r = 0; r < PC_R_MAX; r++)
		assert_int_equal(p.head.deny[r],
				 r == PC_R_KEY_INVALID	 ? PC_DENY_DROP
				 : r == PC_R_KEY_EXPIRED ? PC_DENY_REPLY
							 : PC_DENY_CLOSE);
	policy_fini(&p);
}

static void the_seed_believes_forwarding_headers_always(void **state)
{
	struct fixture f;
	struct policy p;

	(void)state;
	init(&f);
	f.opt.trust_forwarded = false;
	f.opt.profile = PC_PROFILE_SEED;
	compile(&p, &f);
	assert_true(p.head.trust_forwarded);
	policy_fini(&p);
	f.opt.profile = PC_PROFILE_V0_1_179;
	compile(&p, &f);
	assert_false(p.head.trust_forwarded);
	policy_fini(&p);
}

#define LEASE_NS (INT64_C(600) * 1000000000)

static const struct {
	const char *what;
	bool asked, complete, empty;
	int64_t made_ns;
	uint64_t lease_ns;
	int64_t until_ns;
	size_t n_warnings;
} claims[] = {
	{ "not asked for", false, true, false, 0, LEASE_NS, 0, 0 },
	{ "no claim", true, false, false, 0, LEASE_NS, 0, 1 },
	{ "no keys", true, true, true, 0, LEASE_NS, 0, 1 },
	{ "no lease", true, true, false, 0, 0, PC_NEVER, 0 },
	{ "no time", true, true, false, 0, LEASE_NS, NOW_NS + LEASE_NS, 0 },
	{ "made before", true, true, false, NOW_NS - 5, LEASE_NS,
	  NOW_NS - 5 + LEASE_NS, 0 },
	{ "made in the future", true, true, false, NOW_NS + LEASE_NS, LEASE_NS,
	  NOW_NS + LEASE_NS, 0 },
	{ "too old", true, true, false, NOW_NS - LEASE_NS, LEASE_NS, NOW_NS,
	  1 },
	{ "for ever", true, true, false, 0, INT64_MAX, PC_NEVER, 0 },
};

static void completeness_is_believed_for_a_time(void **state)
{
	struct fixture f;
	struct policy p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		init(&f);
		if (!claims[i].empty)
			add_key(&f);
		f.opt.deny_unknown = claims[i].asked;
		f.opt.lease_ns = claims[i].lease_ns;
		f.s.complete = claims[i].complete;
		f.s.generated_ns = claims[i].made_ns;
		compile(&p, &f);
		if (p.head.complete_until_ns != claims[i].until_ns ||
		    p.summary.n_warnings != claims[i].n_warnings)
			fail_msg("%s: %lld, %zu warnings", claims[i].what,
				 (long long)p.head.complete_until_ns,
				 p.summary.n_warnings);
		policy_fini(&p);
	}
}

static void check_answer(const struct policy *p, uint8_t profile,
			 enum pc_dialect dialect, enum pc_reason r)
{
	for (int closing = 0; closing < 2; closing++) {
		__u32 index = PC_ANSWER_INDEX(0, r, dialect, closing);
		struct pc_answer want = { 0 };

		if (reason_class(r) == PC_CLASS_DENY)
			answer_compile(&want, profile, dialect, r, closing);
		if (memcmp(&p->answers[index], &want, sizeof(want)))
			fail_msg("profile %u, dialect %d, closing %d: %s",
				 profile, dialect, closing, reason_name(r));
	}
}

static void every_denial_has_its_answers(void **state)
{
	struct fixture f;
	struct policy p;
	int r;

	(void)state;
	init(&f);
	for (f.opt.profile = 0; f.opt.profile < PC_PROFILE_MAX;
	     f.opt.profile++) {
		compile(&p, &f);
		for (r = 0; r < PC_R_MAX; r++) {
			for (int d = 0; d < PC_DIALECT_MAX; d++)
				check_answer(&p, f.opt.profile, d, r);
		}
		r = PC_ANSWER_INDEX(0, PC_R_KEY_DISABLED, PC_DIALECT_STD, 1);
		assert_int_not_equal(p.answers[r].size, 0);
		policy_fini(&p);
	}
}

static void summary_counts_and_warns(void **state)
{
	static const char want[] =
		"entries                 7 (3 cached as not found)\n"
		"live                    1\n"
		"refused                 3\n"
		"  key-disabled          1\n"
		"  key-expired           1\n"
		"  user-missing          1\n"
		"rule sets               2 (2 prefixes, 2 keys)\n"
		"prefixes                0 allow, 0 block, 0 proxy\n"
		"warning: key 100: pattern \"?[31m012345678901234567890123456789"
		"01234\" matches nothing (and 1 more)\n"
		"warning: key 100: its blacklist refuses every IPv4 address\n"
		"warning: key 101: no pattern of its whitelist is valid: it "
		"refuses everyone\n"
		"warning: key 102: its entry has no user\n"
		"warning: key 100: several entries have this id\n"
		"warning: the snapshot is old: it was made at "
		"2026-02-02T11:59:59Z\n";
	struct fixture f;
	struct policy p;
	struct entry *e;
	char *text;

	(void)state;
	init(&f);
	e = add_key(&f);
	add_patterns(&f, e, false, "0.0.0.0/0 ::1 ");
	add_pattern(&f, e, false,
		    "\033[31m0123456789012345678901234567890123456789");
	add_key(&f)->status = PC_STATUS_OTHER;
	add_pattern(&f, &f.entries[1], true, "junk");
	e = add_key(&f);
	e->has_user = e->user_active = false;
	e = add_key(&f);
	e->key_id = 100;
	e->expires_ns = NOW_NS - 1;
	f.s.n_not_found = 3;
	f.s.generated_ns = NOW_NS - (int64_t)86401 * 1000000000;
	compile(&p, &f);
	text = policy_print(&p);
	assert_string_equal(text, want);
	free(text);
	policy_fini(&p);
}

static void live_is_what_passes_now(void **state)
{
	static const struct {
		const char *what;
		struct entry change;
		enum pc_reason reason; /* in standard mode */
	} cases[] = {
		{ "a subscription is not in the snapshot",
		  { .has_group = true,
		    .has_group_id = true,
		    .group_subscription = true,
		    .balance_nusd = 1 },
		  PC_R_KEY_LIVE },
		{ "empty balance", { .balance_nusd = 0 }, PC_R_BALANCE_EMPTY },
		{ "expires now",
		  { .expires_ns = NOW_NS, .balance_nusd = 1 },
		  PC_R_KEY_LIVE },
		{ "exhausted",
		  { .status = PC_STATUS_EXHAUSTED, .balance_nusd = 1 },
		  PC_R_KEY_EXHAUSTED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		bool simple = i & 1;
		struct fixture f;
		struct policy p;
		struct entry *e;

		init(&f);
		f.opt.run_mode = simple ? PC_RUN_SIMPLE : PC_RUN_STANDARD;
		e = add_key(&f);
		*e = cases[i / 2].change;
		e->has_user = e->user_active = true;
		if (!e->expires_ns)
			e->expires_ns = PC_NEVER;
		compile(&p, &f);
		/* None of these matters to a gateway in simple mode. */
		if (p.summary.n_live !=
		    (simple || cases[i / 2].reason == PC_R_KEY_LIVE))
			fail_msg("%s", cases[i / 2].what);
		if (!p.summary.n_live)
			assert_int_equal(p.summary.refused[cases[i / 2].reason],
					 1);
		policy_fini(&p);
	}
}

static void absurd_sizes_are_refused(void **state)
{
	struct fixture f;
	struct policy p;

	(void)state;
	init(&f);
	f.s.n_entries = POLICY_MAX + 1; /* refused before one is looked at */
	assert_int_equal(policy_compile(&p, &f.s, &f.opt), -E2BIG);
}

static void assert_same(const struct policy *a, const struct policy *b)
{
	assert_memory_equal(&a->head, &b->head, sizeof(a->head));
	assert_memory_equal(&a->summary, &b->summary, sizeof(a->summary));
	assert_memory_equal(a->lists, b->lists, PC_OWNERS * sizeof(*a->lists));
	assert_memory_equal(a->answers, b->answers,
			    PC_ANSWER_INDEX(1, 0, 0, 0) * sizeof(*a->answers));
	assert_int_equal(a->n_prefixes, b->n_prefixes);
	assert_memory_equal(a->prefixes, b->prefixes,
			    a->n_prefixes * sizeof(*a->prefixes));
}

/* What a list change makes is what a reload of everything would have made. */
static void other_lists_need_no_snapshot(void **state)
{
	static char *black[] = { "10.9.0.0/16", "bad", NULL };
	static char *white[] = { "10.9.1.1", NULL };
	struct prefix old, new;
	const struct policy_file before = { .path = "list",
					    .prefixes = { &old, 1 } };
	const struct policy_file after = { .path = "list",
					   .prefixes = { &new, 1 },
					   .loaded_ns = 7 };

	(void)state;
	srand(12);
	prefix_parse_pattern(&old, "10.0.0.3/32");
	prefix_parse_pattern(&new, "10.0.0.0/30");
	for (int round = 0; round < 300; round++) {
		struct policy first, renewed, anew;
		struct fixture f;

		init(&f);
		f.opt.ip_scope = (uint8_t)(round % 3);
		f.opt.deny_unknown = true;
		f.s.complete = round & 1;
		f.s.n_not_found = 2;
		f.s.ip_blacklist = black;
		f.s.ip_allowlist = white;
		for (int i = rand() % 4; i >= 0; i--)
			random_scope_key(&f);
		f.opt.files = &before;
		f.opt.n_files = 1;
		compile(&first, &f);
		assert_false(first.keys_stay);
		f.opt.files = &after;
		compile(&anew, &f);
		assert_int_equal(policy_renew(&renewed, &first.base, &f.opt),
				 0);
		assert_true(renewed.keys_stay);
		assert_int_equal(renewed.n_keys + renewed.n_key_rules, 0);
		assert_same(&renewed, &anew);
		policy_fini(&first);
		policy_fini(&renewed);
		policy_fini(&anew);
	}
}

/* An expired key may come back to life with the clock, and wants to be asked.
 */
static void a_base_holds_while_the_clock_goes_on(void **state)
{
	struct policy_base base = { 0 };
	struct prefix p;

	(void)state;
	assert_false(policy_base_holds(&base, NOW_NS));
	base.made_ns = NOW_NS;
	assert_true(policy_base_holds(&base, NOW_NS - 1));
	base.wide = (struct prefix_list){ &p, 1 };
	assert_true(policy_base_holds(&base, NOW_NS));
	assert_false(policy_base_holds(&base, NOW_NS - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_judges_addresses_as_the_gateway),
		cmocka_unit_test(ip_scope_agrees_with_brute_force),
		cmocka_unit_test(ip_scope_edges),
		cmocka_unit_test(equal_rules_share_a_set),
		cmocka_unit_test(lists_become_prefixes),
		cmocka_unit_test(head_says_what_was_asked),
		cmocka_unit_test(a_reason_may_have_an_action_of_its_own),
		cmocka_unit_test(the_seed_believes_forwarding_headers_always),
		cmocka_unit_test(completeness_is_believed_for_a_time),
		cmocka_unit_test(every_denial_has_its_answers),
		cmocka_unit_test(summary_counts_and_warns),
		cmocka_unit_test(live_is_what_passes_now),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(other_lists_need_no_snapshot),
		cmocka_unit_test(a_base_holds_while_the_clock_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
