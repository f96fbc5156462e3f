// SPDX-License-Identifier: GPL-2.0-only
#include "client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Three ways to find the client: the seed's, the trusting, gin's chain. */
enum way {
	SEED,
	TRUST,
	CHAIN,
	WAYS
};

static const struct {
	const char *what;
	const char *peer;
	const char *headers; /* "Name: value" lines */
	const char *want[WAYS];
} clients[] = {
	{ "peer",
	  "203.0.113.9:1",
	  "",
	  { "203.0.113.9", "203.0.113.9", "203.0.113.9" } },
	{ "IPv6 peer",
	  "[2001:DB8::1]:1",
	  "",
	  { "2001:db8::1", "2001:db8::1", "2001:db8::1" } },
	{ "mapped peer",
	  "[::ffff:203.0.113.9]:1",
	  "",
	  { "203.0.113.9", "203.0.113.9", "203.0.113.9" } },
	{ "peer with a zone", "[fe80::1%eth0]:1", "", { "", "", "" } },
	{ "peer without a port", "203.0.113.9", "", { "", "", "" } },
	{ "unix socket", "@", "", { "", "", "" } },
	{ "empty peer", "", "", { "", "", "" } },
	{ "CF, then X-Real-IP",
	  "9.9.9.9:1",
	  "X-Real-IP: 2.2.2.2\nCF-Connecting-IP: 1.1.1.1",
	  { "1.1.1.1", "1.1.1.1", "2.2.2.2" } },
	{ "X-Real-IP, then X-Forwarded-For",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 3.3.3.3\nX-Real-IP: 2.2.2.2",
	  { "2.2.2.2", "2.2.2.2", "3.3.3.3" } },
	{ "CF with a port",
	  "9.9.9.9:1",
	  "CF-Connecting-IP: 1.1.1.1:80",
	  { "1.1.1.1", "1.1.1.1", "9.9.9.9" } },
	{ "CF as [v6]:port",
	  "9.9.9.9:1",
	  "CF-Connecting-IP: [2001:db8::1]:80",
	  { "2001:db8::1", "2001:db8::1", "9.9.9.9" } },
	{ "CF as [v6]",
	  "9.9.9.9:1",
	  "CF-Connecting-IP: [2001:db8::1]",
	  { "[2001:db8::1]", "9.9.9.9", "9.9.9.9" } },
	{ "CF in upper case",
	  "9.9.9.9:1",
	  "CF-Connecting-IP: 2001:DB8::1",
	  { "2001:DB8::1", "2001:db8::1", "9.9.9.9" } },
	{ "mapped CF",
	  "9.9.9.9:1",
	  "CF-Connecting-IP: ::ffff:1.1.1.1",
	  { "::ffff:1.1.1.1", "1.1.1.1", "9.9.9.9" } },
	{ "private CF, public X-Real-IP",
	  "9.9.9.9:1",
	  "CF-Connecting-IP: 10.0.0.1\nX-Real-IP: 2.2.2.2",
	  { "10.0.0.1", "2.2.2.2", "2.2.2.2" } },
	{ "private everywhere: CF's",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 192.168.0.1\nX-Real-IP: 172.16.0.1\n"
	  "CF-Connecting-IP: 10.0.0.1",
	  { "10.0.0.1", "10.0.0.1", "192.168.0.1" } },
	{ "leftmost public of X-Forwarded-For",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 10.0.0.1, 1.2.3.4, 5.6.7.8",
	  { "1.2.3.4", "1.2.3.4", "5.6.7.8" } },
	{ "loopback and fc00::/7 are private",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 127.0.0.1, ::1, fd12::1, 2001:db8::1",
	  { "2001:db8::1", "2001:db8::1", "2001:db8::1" } },
	{ "fe80::/10 is public",
	  "9.9.9.9:1",
	  "X-Forwarded-For: fe80::1, 1.2.3.4",
	  { "fe80::1", "fe80::1", "1.2.3.4" } },
	{ "private with a port looks public to the seed",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 10.0.0.1:80, 1.2.3.4",
	  { "10.0.0.1", "1.2.3.4", "1.2.3.4" } },
	{ "garbage looks public to the seed",
	  "9.9.9.9:1",
	  "X-Forwarded-For: unknown, 1.2.3.4",
	  { "unknown", "1.2.3.4", "1.2.3.4" } },
	{ "X-Forwarded-For of blanks",
	  "9.9.9.9:1",
	  "X-Forwarded-For: , ,",
	  { "", "9.9.9.9", "9.9.9.9" } },
	{ "empty entries skipped",
	  "9.9.9.9:1",
	  "X-Forwarded-For: , 1.2.3.4",
	  { "1.2.3.4", "1.2.3.4", "1.2.3.4" } },
	{ "empty headers are none",
	  "9.9.9.9:1",
	  "CF-Connecting-IP:\nX-Real-IP: \nX-Forwarded-For:",
	  { "9.9.9.9", "9.9.9.9", "9.9.9.9" } },
	{ "only the first X-Forwarded-For line",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 1.2.3.4\nX-Forwarded-For: 5.6.7.8",
	  { "1.2.3.4", "1.2.3.4", "1.2.3.4" } },
	{ "chain: trusted hops skipped",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 1.2.3.4, 5.5.5.5, 9.9.9.8",
	  { "1.2.3.4", "1.2.3.4", "5.5.5.5" } },
	{ "chain: all trusted, the leftmost",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 9.9.9.1, 9.9.9.2",
	  { "9.9.9.1", "9.9.9.1", "9.9.9.1" } },
	{ "chain: a port voids the header",
	  "9.9.9.9:1",
	  "X-Forwarded-For: 1.2.3.4:80",
	  { "1.2.3.4", "1.2.3.4", "9.9.9.9" } },
	{ "chain: garbage left of the answer does not matter",
	  "9.9.9.9:1",
	  "X-Forwarded-For: bad, 1.2.3.4",
	  { "bad", "1.2.3.4", "1.2.3.4" } },
	{ "chain: text kept as it came",
	  "9.9.9.9:1",
	  "X-Forwarded-For:  2001:DB8::A ",
	  { "2001:DB8::A", "2001:db8::a", "2001:DB8::A" } },
	{ "chain: peer not trusted",
	  "8.8.8.8:1",
	  "X-Forwarded-For: 1.2.3.4",
	  { "1.2.3.4", "1.2.3.4", "8.8.8.8" } },
	{ "chain: X-Real-IP as a list",
	  "9.9.9.9:1",
	  "X-Real-IP: bad, 5.5.5.5",
	  { "bad, 5.5.5.5", "5.5.5.5", "5.5.5.5" } },
	{ "custom: every line, no ports, lists",
	  "9.9.9.9:1",
	  "X-CDN: 7.7.7.7:1\nx-cdn: 10.0.0.1, 6.6.6.6\nCF-Connecting-IP: 1.1.1.1",
	  { "1.1.1.1", "6.6.6.6", "9.9.9.9" } },
	{ "custom: private yields to the known ones' public",
	  "9.9.9.9:1",
	  "X-CDN: 10.0.0.1\nX-Forwarded-For: 192.168.0.1, 3.3.3.3",
	  { "3.3.3.3", "3.3.3.3", "3.3.3.3" } },
};

static size_t make_headers(struct header *out, char *text)
{
	size_t n = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *colon = strchr(line, ':');

		*colon = '\0';
		out[n++] = (struct header){ line, colon + 1 };
	}
	return n;
}

static void clients_are_found_in_each_way(void **state)
{
	static const char *const custom[] = { "X-CDN" };
	struct prefix proxy;

	(void)state;
	assert_int_equal(prefix_parse_pattern(&proxy, "9.9.9.0/24"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		char *text = strdup(clients[i].headers);
		struct header headers[8];
		const struct decide_request req = {
			.peer = clients[i].peer,
			.headers = headers,
			.n_headers = make_headers(headers, text),
		};

		for (int way = 0; way < WAYS; way++) {
			const struct decide_config cfg = {
				.profile = way == SEED ? PC_PROFILE_SEED
						       : PC_PROFILE_V0_1_179,
				.trust_forwarded = way == TRUST,
				.proxies = &proxy,
				.n_proxies = 1,
				.client_ip_headers = custom,
				.n_client_ip_headers = 1,
			};
			char got[DECIDE_TEXT_SIZE];

			client_address(got, &cfg, &req);
			if (strcmp(got, clients[i].want[way]))
				fail_msg("%s, way %d: '%s', not '%s'",
					 clients[i].what, way, got,
					 clients[i].want[way]);
		}
		free(text);
	}
}

/* Whom the trusted proxies vouch for; "": for nobody. */
static const struct {
	const char *what;
	const char *peer;
	const char *headers;
	const char *want;
} vouched[] = {
	{ "a client at the proxy", "203.0.113.9:1", "", "203.0.113.9" },
	{ "an IPv6 client", "[2001:db8::9]:1", "", "2001:db8::9" },
	{ "what the client says itself", "203.0.113.9:1",
	  "X-Forwarded-For: 1.1.1.1\nX-Real-IP: 2.2.2.2\n"
	  "CF-Connecting-IP: 3.3.3.3\nX-CDN: 4.4.4.4",
	  "203.0.113.9" },
	{ "a proxy by itself", "9.9.9.9:1", "", "" },
	{ "a proxy behind a proxy", "9.9.9.9:1", "X-Forwarded-For: 1.2.3.4",
	  "1.2.3.4" },
	{ "the last one is the proxy's", "9.9.9.9:1",
	  "X-Forwarded-For: 5.5.5.5, 1.2.3.4", "1.2.3.4" },
	{ "two proxies behind it", "9.9.9.9:1",
	  "X-Forwarded-For: 5.5.5.5, 1.2.3.4, 9.9.9.8", "1.2.3.4" },
	{ "proxies only", "9.9.9.9:1", "X-Forwarded-For: 9.9.9.7, 9.9.9.8",
	  "" },
	{ "two lines", "9.9.9.9:1",
	  "X-Forwarded-For: 5.5.5.5\nX-Forwarded-For: 1.2.3.4", "" },
	{ "garbage", "9.9.9.9:1", "X-Forwarded-For: 5.5.5.5, x", "" },
	{ "other fields of a proxy's", "9.9.9.9:1",
	  "X-Real-IP: 1.2.3.4\nCF-Connecting-IP: 1.2.3.4\nX-CDN: 1.2.3.4", "" },
	{ "no peer", "", "X-Forwarded-For: 1.2.3.4", "" },
	{ "a socket", "@", "X-Forwarded-For: 1.2.3.4", "" },
};

static void proxies_vouch_for_clients(void **state)
{
	static const char *const custom[] = { "X-CDN" };
	struct prefix proxy;

	(void)state;
	assert_int_equal(prefix_parse_pattern(&proxy, "9.9.9.0/24"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(vouched); i++) {
		char *text = strdup(vouched[i].headers);
		struct header headers[8];
		const struct decide_request req = {
			.peer = vouched[i].peer,
			.headers = headers,
			.n_headers = make_headers(headers, text),
		};
		/* As trusting as a gateway can be. */
		const struct decide_config cfg = {
			.trust_forwarded = true,
			.proxies = &proxy,
			.n_proxies = 1,
			.client_ip_headers = custom,
			.n_client_ip_headers = 1,
		};
		char got[PREFIX_STRLEN] = "";
		struct prefix who;

		if (client_vouched(&who, &cfg, &req))
			prefix_print_address(&who, got);
		if (strcmp(got, vouched[i].want))
			fail_msg("%s: '%s', not '%s'", vouched[i].what, got,
				 vouched[i].want);
		free(text);
	}
}

static const struct {
	const char *what;
	const char *client;
	const char *white; /* one pattern; NULL: no list */
	const char *black;
	bool seed;
	bool later;
} rules[] = {
	{ "no lists", "192.0.2.1", NULL, NULL, true, true },
	{ "no lists, no address", "", NULL, NULL, true, true },
	{ "white hit", "192.0.2.1", "192.0.2.1", NULL, true, true },
	{ "white miss", "192.0.2.2", "192.0.2.1", NULL, false, false },
	{ "black hit", "192.0.2.1", NULL, "192.0.2.0/24", false, false },
	{ "black miss", "192.0.3.1", NULL, "192.0.2.0/24", true, true },
	{ "both hit", "192.0.2.1", "192.0.2.1", "192.0.2.1", false, false },
	{ "invalid white list denies all", "192.0.2.1", "192.0.2.*", NULL,
	  false, false },
	{ "range denies all", "192.0.2.1", "192.0.2.1-192.0.2.9", NULL, false,
	  false },
	{ "leading zero in an octet is invalid", "192.0.2.1", "192.0.2.01",
	  NULL, false, false },
	{ "invalid black list denies none", "192.0.2.1", NULL, "192.0.2", true,
	  true },
	{ "empty pattern in a black list", "192.0.2.1", NULL, "", true, true },
	{ "host bits", "192.0.2.200", "192.0.2.1/24", NULL, true, true },
	{ "/32", "192.0.2.1", "192.0.2.1/32", NULL, true, true },
	{ "/33", "192.0.2.1", "192.0.2.1/33", NULL, false, false },
	{ "pattern with blanks", "192.0.2.1", "\t192.0.2.1 ", NULL, false,
	  true },
	{ "CIDR with blanks", "192.0.2.1", NULL, " 192.0.2.0/24", true, false },
	{ "blanks within stay wrong", "192.0.2.1", "192.0.2.0 /24", NULL, false,
	  false },
	{ "mapped pattern", "192.0.2.1", "::ffff:192.0.2.1", NULL, true, true },
	{ "mapped CIDR /120", "192.0.2.1", "::ffff:192.0.2.0/120", NULL, true,
	  true },
	{ "mapped CIDR /95", "192.0.2.1", "::ffff:0:0/95", NULL, false, false },
	{ "mapped client", "::ffff:192.0.2.1", "192.0.2.1", NULL, true, true },
	{ "mapped client, ::/0", "::ffff:192.0.2.1", "::/0", NULL, false,
	  false },
	{ "IPv6 client, black ::/0", "2001:db8::1", NULL, "::/0", false,
	  false },
	{ "client with blanks", " 192.0.2.1\t", "192.0.2.1", NULL, true, true },
	{ "client with an empty port", "192.0.2.1:", "192.0.2.1", NULL, true,
	  true },
	{ "client in brackets alone", "[2001:db8::1]", NULL, "2001:db8::1",
	  true, false },
	{ "client with two ports", "192.0.2.1:1:2", NULL, "10.0.0.1", true,
	  false },
	{ "client is a port", ":80", NULL, "10.0.0.1", false, false },
	{ "blank client", " ", NULL, "10.0.0.1", false, false },
	{ "garbage, black", "unknown", NULL, "10.0.0.1", true, false },
	{ "garbage, white", "unknown", "0.0.0.0/0", NULL, false, false },
	{ "garbage, both", "unknown", "0.0.0.0/0", "10.0.0.1", false, false },
};

static void rules_judge_as_each_version_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		char *white[] = { rules[i].white ? strdup(rules[i].white)
						 : NULL,
				  NULL };
		char *black[] = { rules[i].black ? strdup(rules[i].black)
						 : NULL,
				  NULL };

		if (client_allowed(PC_PROFILE_SEED, rules[i].client, white,
				   black) != rules[i].seed)
			fail_msg("seed: %s", rules[i].what);
		if (client_allowed(PC_PROFILE_V0_1_179, rules[i].client,
				   white[0] ? white : NULL,
				   black[0] ? black : NULL) != rules[i].later)
			fail_msg("later: %s", rules[i].what);
		free(white[0]);
		free(black[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_are_found_in_each_way),
		cmocka_unit_test(proxies_vouch_for_clients),
		cmocka_unit_test(rules_judge_as_each_version_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
