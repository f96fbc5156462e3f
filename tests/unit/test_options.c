// SPDX-License-Identifier: GPL-2.0-only
/*
 * options.c and value.c: what argv means, what is refused, that defaults and
 * the names in --help are the enums they stand for, and that no secret is
 * echoed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "answer.h"
#include "options.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define HASH "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static char said[8192]; /* what the last parse() wrote to both streams */

/* Splits line at blanks; stdout and stderr are caught. */
static int parse(struct options *o, unsigned int which, const char *line)
{
	char buf[512], *argv[32], *save = NULL;
	int argc = 0, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), r;
	FILE *file = tmpfile();

	snprintf(buf, sizeof(buf), "%s", line);
	for (char *p = strtok_r(buf, " ", &save); p;
	     p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	argv[argc] = NULL;
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	r = options_parse(o, argc, argv, which);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	rewind(file);
	said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
	fclose(file);
	return r;
}

static void parse_good(struct options *o, unsigned int which, const char *line)
{
	if (parse(o, which, line))
		fail_msg("%s: %s", line, said);
	assert_string_equal(said, "");
}

static void run_has_its_defaults(void **state)
{
	struct options o;

	(void)state;
	parse_good(&o, OPTIONS_RUN, "run --interface eth0 --interface=eth1");
	assert_int_equal(o.interfaces.n, 2);
	assert_int_equal(o.request_interfaces.n, 3);
	assert_string_equal(o.request_interfaces.items[0], "lo");
	assert_string_equal(o.request_interfaces.items[1], "eth0");
	assert_string_equal(o.request_interfaces.items[2], "eth1");
	assert_int_equal(o.ports.n, 1);
	assert_int_equal(o.ports.items[0], 8080);
	assert_null(o.snapshot);
	assert_int_equal(o.profile, PC_PROFILE_V0_1_179);
	assert_int_equal(o.run_mode, PC_RUN_STANDARD);
	assert_int_equal(o.deny.usual, PC_DENY_REPLY);
	assert_int_equal(o.deny_unknown, 0);
	assert_true(o.clock_ns == 0);
	assert_int_equal(o.monitor, 0);
	assert_int_equal(o.ip_scope, IP_SCOPE_KEY);
	assert_int_equal(o.xdp_mode, XDP_AUTO);
	assert_int_equal(o.xdp_scope, XDP_SCOPE_GATEWAY);
	assert_int_equal(o.trust_forwarded, 1);
	assert_true(o.lease_ns == 600000000000);
	assert_string_equal(o.pin_dir, OPTIONS_PIN_DIR);
	assert_string_equal(o.events, "/run/portcullis/events");
	assert_int_equal(o.event_rate, 100);
	assert_int_equal(o.ban_after.n, 0);
	assert_true(o.ban_for_ns == 3600000000000);
	assert_true(o.ban_max_ns == 86400000000000);
	options_fini(&o);
}

static void names_are_the_enums(void **state)
{
	static const struct {
		const char *line;
		size_t field;
		uint8_t want;
	} cases[] = {
#define F(member) offsetof(struct options, member)
		{ "--profile seed", F(profile), PC_PROFILE_SEED },
		{ "--profile v0.1.179", F(profile), PC_PROFILE_V0_1_179 },
		{ "--run-mode standard", F(run_mode), PC_RUN_STANDARD },
		{ "--run-mode simple", F(run_mode), PC_RUN_SIMPLE },
		{ "--deny reply", F(deny.usual), PC_DENY_REPLY },
		{ "--deny close", F(deny.usual), PC_DENY_CLOSE },
		{ "--deny reset", F(deny.usual), PC_DENY_RESET },
		{ "--deny drop", F(deny.usual), PC_DENY_DROP },
		{ "--deny drop:unknown", F(deny.usual), PC_DENY_REPLY },
		{ "--deny drop:unknown", F(deny.of[PC_R_KEY_INVALID]),
		  1 + PC_DENY_DROP },
		{ "--deny reply:key-expired", F(deny.of[PC_R_KEY_EXPIRED]),
		  1 + PC_DENY_REPLY },
		{ "--deny reset:key-invalid --deny close",
		  F(deny.of[PC_R_KEY_INVALID]), 1 + PC_DENY_RESET },
		{ "--deny reset:key-invalid --deny close", F(deny.usual),
		  PC_DENY_CLOSE },
		{ "--unknown-keys pass", F(deny_unknown), 0 },
		{ "--unknown-keys deny", F(deny_unknown), 1 },
		{ "--mode enforce", F(monitor), 0 },
		{ "--mode monitor", F(monitor), 1 },
		{ "--force", F(force), 1 },
		{ "--ip-scope key", F(ip_scope), IP_SCOPE_KEY },
		{ "--ip-scope consensus", F(ip_scope), IP_SCOPE_CONSENSUS },
		{ "--ip-scope=global", F(ip_scope), IP_SCOPE_GLOBAL },
		{ "--trust-forwarded off", F(trust_forwarded), 0 },
		{ "--trust-forwarded on", F(trust_forwarded), 1 },
		{ "--xdp-mode auto", F(xdp_mode), XDP_AUTO },
		{ "--xdp-mode native", F(xdp_mode), XDP_NATIVE },
		{ "--xdp-mode generic", F(xdp_mode), XDP_GENERIC },
		{ "--xdp-mode tc", F(xdp_mode), XDP_TC },
		{ "--xdp-scope gateway", F(xdp_scope), XDP_SCOPE_GATEWAY },
		{ "--xdp-scope host", F(xdp_scope), XDP_SCOPE_HOST },
		{ "--deny drop --deny close", F(deny.usual), PC_DENY_CLOSE },
#undef F
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o;
		char line[128];

		snprintf(line, sizeof(line), "run --interface eth0 %s",
			 cases[i].line);
		parse_good(&o, OPTIONS_RUN, line);
		if (*((uint8_t *)&o + cases[i].field) != cases[i].want)
			fail_msg("%s", cases[i].line);
		options_fini(&o);
	}
}

static void lists_gather(void **state)
{
	struct policy_options p;
	char text[PREFIX_STRLEN];
	struct options o;

	(void)state;
	parse_good(&o, OPTIONS_RUN,
		   "run --request-interface veth0 --request-interface veth0 "
		   "--gateway-port 80 --gateway-port 65535 --allow 10.0.0.0/8 "
		   "--block 192.0.2.1 --block 2001:db8::/32 --trusted-proxy "
		   "172.17.0.0/16 --client-ip-header X-Real --snapshot k.json");
	assert_int_equal(o.interfaces.n, 0);
	assert_int_equal(o.request_interfaces.n, 1);
	options_policy(&p, &o);
	assert_int_equal(p.n_ports, 2);
	assert_int_equal(p.ports[0], 80);
	assert_int_equal(p.ports[1], 65535);
	assert_int_equal(p.allow.n, 1);
	assert_int_equal(p.block.n, 2);
	assert_string_equal(prefix_print(&p.block.items[1], text),
			    "2001:db8::/32");
	assert_int_equal(p.proxies.n, 1);
	assert_true(p.custom_forwarded);
	assert_true(p.trust_forwarded);
	assert_false(p.monitor);
	assert_string_equal(p.source, "k.json");
	options_fini(&o);
}

static void list_files_gather(void **state)
{
	static const struct {
		unsigned int which;
		const char *verb;
	} verbs[] = {
		{ OPTIONS_RUN, "run --interface e" },
		{ OPTIONS_CHECK, "check-snapshot f" },
		{ OPTIONS_EXPLAIN,
		  "explain --key-stdin --ip ::1 --snapshot f" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		struct options o;
		char line[256];

		snprintf(line, sizeof(line),
			 "%s --block-file a --block-file /b,max=5,factor=0 "
			 "--allow-file a",
			 verbs[i].verb);
		parse_good(&o, verbs[i].which, line);
		assert_int_equal(o.block_files.n, 2);
		assert_string_equal(o.block_files.items[1].path, "/b");
		assert_int_equal(o.block_files.items[1].max, 5);
		assert_int_equal(o.block_files.items[1].factor, 0);
		assert_int_equal(o.allow_files.n, 1);
		assert_int_equal(o.allow_files.items[0].max, 1000000);
		assert_int_equal(o.allow_files.items[0].factor, 10);
		options_fini(&o);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "90", 90000000000 },
		{ "90s", 90000000000 },
		{ "10m", 600000000000 },
		{ "1h", 3600000000000 },
		{ "9223372036", 9223372036000000000 },
		{ "2562047h", 9223369200000000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o;
		char line[128];

		snprintf(line, sizeof(line), "run --interface e --lease %s",
			 cases[i].text);
		parse_good(&o, OPTIONS_RUN, line);
		if (o.lease_ns != cases[i].ns)
			fail_msg("%s", cases[i].text);
		options_fini(&o);
	}
}

static void rates_and_counts(void **state)
{
	struct options o;

	(void)state;
	parse_good(&o, OPTIONS_RUN,
		   "run --interface e --ban-after 20/1m --ban-for 10m "
		   "--ban-max 0 --event-rate 0");
	assert_int_equal(o.ban_after.n, 20);
	assert_true(o.ban_after.window_ns == 60000000000);
	assert_true(o.ban_for_ns == 600000000000);
	assert_true(o.ban_max_ns == 0);
	assert_int_equal(o.event_rate, 0);
	options_fini(&o);
	parse_good(&o, OPTIONS_CAPTURE, "capture --count 5 --for 90s -");
	assert_string_equal(o.capture, "-");
	assert_int_equal(o.capture_count, 5);
	assert_true(o.capture_for_ns == 90000000000);
	options_fini(&o);
	parse_good(&o, OPTIONS_EVENTS, "events -f -j --events here");
	assert_true(o.follow);
	assert_true(o.json);
	assert_string_equal(o.events, "here");
	options_fini(&o);
}

static void explain_and_the_small_verbs(void **state)
{
	struct options o;

	(void)state;
	parse_good(&o, OPTIONS_EXPLAIN,
		   "explain --key-hash " HASH " --ip ::ffff:192.0.2.1");
	assert_string_equal(o.path, "/v1/messages");
	assert_string_equal(o.method, "POST");
	assert_string_equal(o.key_hash, HASH);
	assert_false(o.key_stdin);
	assert_int_equal(o.ip.family, AF_INET);
	options_fini(&o);
	parse_good(&o, OPTIONS_EXPLAIN,
		   "explain --key-stdin --ip ::1 -j --profile seed --snapshot "
		   "x --path=/v1/a%2fb --method GET");
	assert_true(o.key_stdin);
	assert_true(o.json);
	assert_string_equal(o.path, "/v1/a%2fb");
	options_fini(&o);
	parse_good(&o, OPTIONS_CHECK, "check-snapshot -- --odd-name");
	assert_string_equal(o.snapshot, "--odd-name");
	options_fini(&o);
	parse_good(&o, OPTIONS_CHECK, "check-snapshot --json -");
	assert_string_equal(o.snapshot, "-");
	assert_true(o.json);
	options_fini(&o);
	parse_good(&o, OPTIONS_STATUS, "status -j --pin-dir /tmp/x");
	assert_true(o.json);
	assert_string_equal(o.pin_dir, "/tmp/x");
	options_fini(&o);
	parse_good(&o, OPTIONS_DECISIONS, "decisions -f -j --trace x --id y");
	assert_true(o.follow && o.json);
	assert_string_equal(o.trace, "x");
	assert_string_equal(o.id, "y");
	options_fini(&o);
	parse_good(&o, OPTIONS_DECISIONS, "decisions");
	assert_string_equal(o.trace, OPTIONS_TRACE);
	assert_false(o.follow || o.json || o.id);
	options_fini(&o);
	parse_good(&o, OPTIONS_DETACH, "detach");
	options_fini(&o);
}

static void the_verbs_of_bans(void **state)
{
	struct options o;
	char text[PREFIX_STRLEN];

	(void)state;
	parse_good(&o, OPTIONS_BAN,
		   "ban --for 90m 2001:db8::/32 --reason spam --force");
	assert_int_equal(o.targets.n, 1);
	assert_string_equal(prefix_print(&o.targets.items[0], text),
			    "2001:db8::/32");
	assert_true(o.for_ns == 5400000000000);
	assert_string_equal(o.reason, "spam");
	assert_true(o.force);
	assert_string_equal(o.ledger, "/var/lib/portcullis/ledger.db");
	assert_string_equal(o.pin_dir, OPTIONS_PIN_DIR);
	options_fini(&o);
	parse_good(&o, OPTIONS_BAN, "ban 192.0.2.1 --ledger none");
	assert_true(o.for_ns == 0);
	assert_null(o.reason);
	assert_false(o.force);
	assert_string_equal(o.ledger, "none");
	options_fini(&o);
	parse_good(&o, OPTIONS_UNBAN, "unban ::ffff:192.0.2.1 --pin-dir x");
	assert_string_equal(prefix_print(&o.targets.items[0], text),
			    "192.0.2.1/32");
	options_fini(&o);
	parse_good(&o, OPTIONS_BANS, "bans -j --ledger x");
	assert_true(o.json);
	options_fini(&o);
}

/* Flags that mean something else to other verbs, with other defaults. */
static void a_default_of_another_verb_changes_nothing(void **state)
{
	struct options o;

	(void)state;
	parse_good(&o, OPTIONS_RUN, "run --interface a --lease 1h --trace x");
	assert_int_equal(o.lease_ns, 3600000000000);
	assert_string_equal(o.trace, "x");
	options_fini(&o);
	parse_good(&o, OPTIONS_SERVE, "serve --lease 2h --trace y");
	assert_int_equal(o.lease_ns, 7200000000000);
	assert_string_equal(o.trace, "y");
	options_fini(&o);
}

static const struct {
	unsigned int which;
	const char *line;
	const char *says; /* found in what is printed */
} refused[] = {
	{ OPTIONS_RUN, "run", "--interface" },
	{ OPTIONS_RUN, "run --gateway-port 70000",
	  "portcullis: --gateway-port 70000: not a port (1 to 65535)" },
	{ OPTIONS_RUN, "run --gateway-port 0", "not a port" },
	{ OPTIONS_RUN, "run --interface e --ban-after 20",
	  "--ban-after 20: not so many in a time (20/1m)" },
	{ OPTIONS_RUN, "run --interface e --ban-after 0/1m", "not so many" },
	{ OPTIONS_RUN, "run --interface e --ban-after 20/0", "not so many" },
	{ OPTIONS_RUN, "run --interface e --ban-after 20/1d", "not so many" },
	{ OPTIONS_RUN, "run --interface e --ban-after /1m", "not so many" },
	{ OPTIONS_RUN, "run --interface e --ban-for 0",
	  "--ban-for 0: a ban has a length" },
	{ OPTIONS_RUN, "run --interface e --ban-for 25h",
	  "--ban-for is above --ban-max" },
	{ OPTIONS_RUN, "run --interface e --event-rate -1", "not a number" },
	{ OPTIONS_RUN, "run --interface e --event-rate 1000000001",
	  "not a number" },
	{ OPTIONS_CAPTURE, "capture", "a file is needed" },
	{ OPTIONS_CAPTURE, "capture a b", "one file is taken" },
	{ OPTIONS_CAPTURE, "capture --count x a", "not a number" },
	{ OPTIONS_CAPTURE, "capture --count 0 a", "nothing to capture" },
	{ OPTIONS_CAPTURE, "capture --for 0 a", "nothing to capture" },
	{ OPTIONS_EVENTS, "events a", "no arguments but flags" },
	{ OPTIONS_RUN, "run --gateway-port 80x", "not a port" },
	{ OPTIONS_RUN, "run --gateway-port=", "not a port" },
	{ OPTIONS_RUN, "run --gateway-port +80", "not a port" },
	{ OPTIONS_RUN, "run --gateway-port 18446744073709551697",
	  "not a port" },
	{ OPTIONS_RUN, "run --gateway-port", "needs a value" },
	{ OPTIONS_RUN, "run --block 10.1.2.3/8", "10.0.0.0/8" },
	{ OPTIONS_RUN, "run --allow 10.0.0.0/33", "not an address" },
	{ OPTIONS_RUN, "run --lease 1d", "not a duration" },
	{ OPTIONS_RUN, "run --deny refuse",
	  "--deny refuse: not one of reply|close|reset|drop" },
	{ OPTIONS_RUN, "run --deny drop:", "no such reason" },
	{ OPTIONS_RUN, "run --deny :unknown", "not one of reply|" },
	{ OPTIONS_RUN, "run --deny dropped:unknown", "not one of reply|" },
	{ OPTIONS_RUN, "run --deny drop:key-unkempt", "no such reason" },
	{ OPTIONS_RUN, "run --deny drop:key-live",
	  "requests are not refused for that reason" },
	{ OPTIONS_RUN, "run --deny drop:block-list",
	  "requests are not refused for that reason" },
	{ OPTIONS_RUN, "run --unknown-keys drop", "not one of pass|deny" },
	{ OPTIONS_RUN, "run --clock noon", "not a time" },
	{ OPTIONS_RUN, "run --clock 1970-01-01T00:00:00Z", "not a time" },
	{ OPTIONS_RUN, "run --lease 1ms", "not a duration" },
	{ OPTIONS_RUN, "run --lease -1", "not a duration" },
	{ OPTIONS_RUN, "run --lease 2562048h", "too long" },
	{ OPTIONS_RUN, "run --lease 99999999999", "not a duration" },
	{ OPTIONS_RUN, "run --interface a/b", "not an interface name" },
	{ OPTIONS_RUN, "run --interface sixteen-letters-",
	  "not an interface name" },
	{ OPTIONS_RUN, "run --client-ip-header X:Y", "not a header name" },
	{ OPTIONS_RUN, "run --mode audit", "enforce|monitor" },
	{ OPTIONS_RUN, "run --mode enforce|monitor", "not one of" },
	{ OPTIONS_RUN, "run --mode enf", "not one of" },
	{ OPTIONS_RUN, "run --profile v1", "seed|v0.1.179" },
	{ OPTIONS_RUN, "run --pin-dir=", "empty" },
	{ OPTIONS_RUN, "run --inter eth0", "no flag" },
	{ OPTIONS_RUN, "run -j", "no flag" },
	{ OPTIONS_RUN, "run --ip 10.0.0.1", "no flag" },
	{ OPTIONS_RUN, "run eth0", "no arguments" },
	{ OPTIONS_STATUS, "status --snapshot x", "no flag" },
	{ OPTIONS_STATUS, "status -f", "no flag" },
	{ OPTIONS_DECISIONS, "decisions -jf", "no flag" },
	{ OPTIONS_STATUS, "status --json=yes", "takes no value" },
	{ OPTIONS_DETACH, "detach --interface eth0", "no flag" },
	{ OPTIONS_CHECK, "check-snapshot", "file is needed" },
	{ OPTIONS_CHECK, "check-snapshot a b", "one file" },
	{ OPTIONS_EXPLAIN, "explain --ip ::1 --key-stdin --key-hash " HASH,
	  "--key-stdin" },
	{ OPTIONS_EXPLAIN, "explain --ip localhost", "not an IP" },
	{ OPTIONS_EXPLAIN, "explain --path v1", "begins with /" },
	{ OPTIONS_EXPLAIN, "explain --path /v1?key=x", "query" },
	{ OPTIONS_EXPLAIN, "explain --method P(ST", "not a method" },
	{ OPTIONS_EXPLAIN, "explain --ip ::1 --key-stdin --profile seed",
	  "--profile goes with --snapshot" },
	{ OPTIONS_EXPLAIN, "explain --ip ::1 --key-stdin --block-file x",
	  "--block-file goes with --snapshot" },
	{ OPTIONS_RUN, "run --block-file x,max=0", "1 to 10000000" },
	{ OPTIONS_RUN, "run --allow-file x --allow-file x,max=5",
	  "named before" },
	{ OPTIONS_SERVE, "serve --block-file x", "no flag" },
	{ OPTIONS_BAN, "ban", "is needed" },
	{ OPTIONS_BAN, "ban 192.0.2.1 192.0.2.2", "not several" },
	{ OPTIONS_BAN, "ban 192.0.2.1/24",
	  "192.0.2.1/24: host bits are set; did you mean 192.0.2.0/24?" },
	{ OPTIONS_BAN, "ban everybody", "not an address or prefix" },
	{ OPTIONS_BAN, "ban 192.0.2.1 --for 0", "a ban has a length" },
	{ OPTIONS_BAN, "ban 192.0.2.1 --for 1w", "not a duration" },
	{ OPTIONS_BAN, "ban 192.0.2.1 --reason \x1b[2J",
	  "--reason: has control characters" },
	{ OPTIONS_BAN, "ban 192.0.2.1 -j", "no flag" },
	{ OPTIONS_UNBAN, "unban", "is needed" },
	{ OPTIONS_UNBAN, "unban 192.0.2.1 --force", "no flag" },
	{ OPTIONS_BANS, "bans 192.0.2.1", "no arguments" },
};

static void refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct options o = { .lease_ns = 42 };

		if (parse(&o, refused[i].which, refused[i].line) != -EINVAL ||
		    !strstr(said, refused[i].says) ||
		    strncmp(said, "portcullis: ", 12))
			fail_msg("%s: %s", refused[i].line, said);
		assert_int_equal(o.lease_ns, 42);
	}
}

/* Keys have no business in argv; when one is put there it is not repeated. */
static void misplaced_keys_are_not_echoed(void **state)
{
	static const char *const lines[] = {
		"explain --key-hash sk-secret",	 "explain --key-hash=sk-secret",
		"explain --key=sk-secret",	 "explain sk-secret",
		"explain --key-stdin=sk-secret",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct options o;

		assert_int_equal(parse(&o, OPTIONS_EXPLAIN, lines[i]), -EINVAL);
		if (strstr(said, "sk-secret") || !*said)
			fail_msg("%s: %s", lines[i], said);
	}
}

static void help_lists_the_flags_of_the_verb(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, OPTIONS_RUN, "run --help"), 1);
	assert_non_null(strstr(said, "--lease DURATION"));
	assert_non_null(strstr(said, "(default 10m)"));
	assert_null(strstr(said, "--key-stdin"));
	assert_int_equal(parse(&o, OPTIONS_EXPLAIN, "explain --ip ::1 -h"), 1);
	assert_non_null(strstr(said, "--key-stdin"));
	assert_null(strstr(said, "--xdp-mode"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_has_its_defaults),
		cmocka_unit_test(names_are_the_enums),
		cmocka_unit_test(lists_gather),
		cmocka_unit_test(list_files_gather),
		cmocka_unit_test(durations),
		cmocka_unit_test(rates_and_counts),
		cmocka_unit_test(explain_and_the_small_verbs),
		cmocka_unit_test(the_verbs_of_bans),
		cmocka_unit_test(a_default_of_another_verb_changes_nothing),
		cmocka_unit_test(refusals),
		cmocka_unit_test(misplaced_keys_are_not_echoed),
		cmocka_unit_test(help_lists_the_flags_of_the_verb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
