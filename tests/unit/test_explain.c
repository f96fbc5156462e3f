// SPDX-License-Identifier: GPL-2.0-only
/*
 * explain against pc_verdict(): whatever the facts of a key, the reason is the
 * same, the rows are the table's, and one row at most ends the request.
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
#include "digest.h"
#include "explain.h"
#include "policy.h"
#include "verdict.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NOW_NS ((int64_t)1770120000 * 1000000000)
#define CLIENT "198.51.100.7"

/* One key, whose digest is all zeros, and lists to put addresses on. */
struct fixture {
	struct snapshot s;
	struct entry e;
	struct policy_options opt;
	struct prefix allow, block, proxy;
	char *black[2], *white[2];
	char text[2][64];
};

static void init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->e = (struct entry){
		.key_id = 100,
		.expires_ns = PC_NEVER,
		.balance_nusd = 1,
		.has_user = true,
		.user_active = true,
	};
	f->s.entries = &f->e;
	f->s.n_entries = 1;
	f->opt.profile = PC_PROFILE_V0_1_179;
	f->opt.now_ns = NOW_NS;
}

static void set_list(struct prefix_list *list, struct prefix *p,
		     const char *text)
{
	if (!text)
		return;
	assert_int_equal(prefix_parse_pattern(p, text), 0);
	*list = (struct prefix_list){ p, 1 };
}

static void make(struct explanation *x, const struct fixture *f,
		 const char *method, const char *path)
{
	struct explanation_request req = {
		.path = path ? path : "/v1/messages",
		.method = method ? method : "POST",
		.now_ns = NOW_NS,
	};
	struct evidence e;
	struct policy p;

	assert_int_equal(policy_compile(&p, &f->s, &f->opt), 0);
	evidence_of_policy(&e, &p);
	assert_int_equal(prefix_parse_address(&req.ip, CLIENT), 0);
	assert_int_equal(explanation_make(x, &e, &req), 0);
	policy_fini(&p);
}

static const struct explanation_row *find_row(const struct explanation *x,
					      const char *check)
{
	for (size_t i = 0; i < x->n_rows; i++) {
		if (!strcmp(x->rows[i].check, check))
			return &x->rows[i];
	}
	fail_msg("no row %s", check);
	return NULL;
}

static const struct {
	const char *what;
	const char *method, *path, *allow, *block, *proxy;
	const char *black, *white;
	struct entry change; /* what is not 0 here */
	bool custom_forwarded;
	const char *check;
	enum explanation_state state, outcome;
	enum pc_reason reason, gateway;
} situations[] = {
	{ .what = "nothing against it",
	  .check = "balance",
	  .state = EXPLAIN_OK,
	  .outcome = EXPLAIN_PASSES,
	  .reason = PC_R_KEY_LIVE },
	{ .what = "expired",
	  .change.expires_ns = NOW_NS - 1,
	  .check = "expiry",
	  .state = EXPLAIN_REFUSES,
	  .outcome = EXPLAIN_REFUSES,
	  .reason = PC_R_KEY_EXPIRED },
	{ .what = "expired, on an exempt path",
	  .path = "/v1/usage",
	  .change.expires_ns = NOW_NS - 1,
	  .check = "billing-exempt",
	  .state = EXPLAIN_PASSES,
	  .outcome = EXPLAIN_PASSES,
	  .reason = PC_R_KEY_LIVE },
	{ .what = "exempt for GET only",
	  .path = "/v1/images/tasks/1",
	  .change.expires_ns = NOW_NS - 1,
	  .check = "expiry",
	  .state = EXPLAIN_REFUSES,
	  .outcome = EXPLAIN_REFUSES,
	  .reason = PC_R_KEY_EXPIRED },
	{ .what = "and with GET",
	  .method = "GET",
	  .path = "/v1/images/tasks/1",
	  .change.expires_ns = NOW_NS - 1,
	  .check = "billing-exempt",
	  .state = EXPLAIN_PASSES,
	  .outcome = EXPLAIN_PASSES,
	  .reason = PC_R_KEY_LIVE },
	{ .what = "needs a subscription nobody here knows",
	  .change = { .has_group = true,
		      .has_group_id = true,
		      .group_subscription = true },
	  .check = "subscription",
	  .state = EXPLAIN_UNDECIDED,
	  .outcome = EXPLAIN_UNDECIDED,
	  .reason = PC_R_SUBSCRIPTION_UNSURE },
	{ .what = "on its blacklist",
	  .black = "198.51.100.0/24",
	  .check = "address rules",
	  .state = EXPLAIN_REFUSES,
	  .outcome = EXPLAIN_REFUSES,
	  .reason = PC_R_ADDRESS_DENIED },
	{ .what = "not on its whitelist",
	  .white = "192.0.2.0/24",
	  .check = "address rules",
	  .state = EXPLAIN_REFUSES,
	  .outcome = EXPLAIN_REFUSES,
	  .reason = PC_R_ADDRESS_DENIED },
	{ .what = "on its whitelist",
	  .white = "198.51.100.7",
	  .check = "address rules",
	  .state = EXPLAIN_OK,
	  .outcome = EXPLAIN_PASSES,
	  .reason = PC_R_KEY_LIVE },
	{ .what = "rules, but a proxy's address",
	  .black = "198.51.100.0/24",
	  .proxy = "198.51.100.7",
	  .check = "address rules",
	  .state = EXPLAIN_UNDECIDED,
	  .outcome = EXPLAIN_UNDECIDED,
	  .reason = PC_R_ADDRESS_UNSURE },
	{ .what = "rules, but headers only the gateway knows",
	  .black = "198.51.100.0/24",
	  .custom_forwarded = true,
	  .check = "address rules",
	  .state = EXPLAIN_UNDECIDED,
	  .outcome = EXPLAIN_UNDECIDED,
	  .reason = PC_R_ADDRESS_UNSURE },
	{ .what = "a proxy's address matters to rules alone",
	  .proxy = "198.51.100.7",
	  .check = "address rules",
	  .state = EXPLAIN_OK,
	  .outcome = EXPLAIN_PASSES,
	  .reason = PC_R_KEY_LIVE },
	{ .what = "blocked for the whole host",
	  .block = "198.51.0.0/16",
	  .check = "block lists",
	  .state = EXPLAIN_REFUSES,
	  .outcome = EXPLAIN_REFUSES,
	  .reason = PC_R_BLOCK_LIST },
	{ .what = "allow wins over a longer block",
	  .allow = "198.51.0.0/16",
	  .block = "198.51.100.7",
	  .check = "block lists",
	  .state = EXPLAIN_NOT_REACHED,
	  .outcome = EXPLAIN_PASSES,
	  .reason = PC_R_KEY_LIVE },
	{ .what = "allow does not lift the key's rules",
	  .allow = "198.51.0.0/16",
	  .black = "198.51.100.7",
	  .check = "address rules",
	  .state = EXPLAIN_REFUSES,
	  .outcome = EXPLAIN_REFUSES,
	  .reason = PC_R_ADDRESS_DENIED },
	{ .what = "no gateway path",
	  .path = "/api/v1/admin",
	  .check = "path",
	  .state = EXPLAIN_PASSES,
	  .outcome = EXPLAIN_PASSES,
	  .reason = PC_R_OTHER_PATH },
	{ .what = "encoded: the gateway would see it expired",
	  .path = "/v1/%6dessages",
	  .change.expires_ns = NOW_NS - 1,
	  .check = "path",
	  .state = EXPLAIN_UNDECIDED,
	  .outcome = EXPLAIN_UNDECIDED,
	  .reason = PC_R_PATH_UNSURE,
	  .gateway = PC_R_KEY_EXPIRED },
	{ .what = "encoded beyond reading",
	  .path = "/v1/%zz",
	  .check = "path",
	  .state = EXPLAIN_UNDECIDED,
	  .outcome = EXPLAIN_UNDECIDED,
	  .reason = PC_R_PATH_UNSURE },
	{ .what = "a method the kernel does not judge",
	  .method = "PUT",
	  .change.status = PC_STATUS_OTHER,
	  .check = "method",
	  .state = EXPLAIN_UNDECIDED,
	  .outcome = EXPLAIN_UNDECIDED,
	  .reason = PC_R_OTHER_METHOD,
	  .gateway = PC_R_KEY_DISABLED },
	{ .what = "OPTIONS is answered before a key is asked for",
	  .method = "OPTIONS",
	  .change.status = PC_STATUS_OTHER,
	  .check = "method",
	  .state = EXPLAIN_UNDECIDED,
	  .outcome = EXPLAIN_UNDECIDED,
	  .reason = PC_R_OTHER_METHOD },
};

static void first_failing_check_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		const char *lists[] = { situations[i].black,
					situations[i].white };
		enum pc_reason gateway = situations[i].gateway;
		struct explanation x;
		struct fixture f;

		init(&f);
		f.e.status = situations[i].change.status;
		if (situations[i].change.expires_ns)
			f.e.expires_ns = situations[i].change.expires_ns;
		f.e.has_group = situations[i].change.has_group;
		f.e.has_group_id = situations[i].change.has_group_id;
		f.e.group_subscription =
			situations[i].change.group_subscription;
		for (int l = 0; l < 2; l++) {
			if (!lists[l])
				continue;
			snprintf(f.text[l], sizeof(f.text[l]), "%s", lists[l]);
			(l ? f.white : f.black)[0] = f.text[l];
			*(l ? &f.e.whitelist : &f.e.blacklist) =
				l ? f.white : f.black;
		}
		set_list(&f.opt.allow, &f.allow, situations[i].allow);
		set_list(&f.opt.block, &f.block, situations[i].block);
		set_list(&f.opt.proxies, &f.proxy, situations[i].proxy);
		f.opt.trust_forwarded = true;
		f.opt.custom_forwarded = situations[i].custom_forwarded;
		make(&x, &f, situations[i].method, situations[i].path);
		if (!gateway)
			gateway = situations[i].reason;
		if (x.reason != situations[i].reason || x.gateway != gateway ||
		    explanation_outcome(&x) != situations[i].outcome ||
		    find_row(&x, situations[i].check)->state !=
			    situations[i].state)
			fail_msg("%s: %s, %s", situations[i].what,
				 reason_name(x.reason), reason_name(x.gateway));
	}
}

static void an_unknown_key_is_the_gateways(void **state)
{
	struct explanation x;
	struct fixture f;

	(void)state;
	init(&f);
	f.e.digest.bytes[31] = 1;
	make(&x, &f, NULL, NULL);
	assert_int_equal(x.reason, PC_R_KEY_UNKNOWN);
	assert_int_equal(explanation_outcome(&x), EXPLAIN_UNDECIDED);
}

static void an_unknown_key_is_refused_where_all_are_known(void **state)
{
	struct explanation x;
	struct fixture f;

	(void)state;
	init(&f);
	f.e.digest.bytes[31] = 1;
	f.s.complete = true;
	f.opt.deny_unknown = true;
	f.opt.deny_of[PC_R_KEY_INVALID] = 1 + PC_DENY_DROP;
	make(&x, &f, NULL, NULL);
	assert_int_equal(x.reason, PC_R_KEY_INVALID);
	assert_int_equal(explanation_outcome(&x), EXPLAIN_REFUSES);
	assert_int_equal(x.deny, PC_DENY_DROP);
	make(&x, &f, "POST", "/v1/nowhere");
	assert_int_equal(x.reason, PC_R_ROUTE_UNSURE);
	assert_int_equal(x.gateway, PC_R_KEY_INVALID);
}

/* Evidence that holds one key of any kind; no address matches. */
static struct pc_key random_key;

static int give_random_key(struct pc_key *out, const struct evidence *e,
			   const struct pc_digest *digest)
{
	(void)e, (void)digest;
	*out = random_key;
	return 0;
}

static int match_nothing(struct prefix *matched, struct pc_rule *rule,
			 const struct evidence *e, bool key_rules,
			 unsigned int set, const struct prefix *address)
{
	(void)matched, (void)rule, (void)e, (void)key_rules, (void)set;
	(void)address;
	return -ENOENT;
}

static int own_nothing(uint32_t *owner, struct pc_list *list,
		       const struct evidence *e, const struct prefix *address)
{
	(void)list, (void)e, (void)address;
	*owner = PC_OWNER_NONE;
	return 0;
}

static size_t count_checks(const struct explanation *x)
{
	const uint8_t *checks = pc_checks[x->profile][x->variant];
	size_t n = 0;

	while (n < PC_CHECKS && checks[n] != PC_C_END)
		n++;
	return n;
}

static void check_rows(const struct explanation *x)
{
	size_t n_key_rows = 0;
	bool over = false;

	for (size_t i = 0; i < x->n_rows; i++) {
		enum explanation_state s = x->rows[i].state;

		assert_int_equal(over, s == EXPLAIN_NOT_REACHED);
		over = over || s != EXPLAIN_OK;
		n_key_rows += x->rows[i].request_plane;
	}
	/* Method, path and credential come before the checks on a key. */
	assert_int_equal(n_key_rows, count_checks(x) + 3);
	assert_true(x->n_rows <= ARRAY_SIZE(x->rows));
}

static void reason_is_always_the_verdicts(void **state)
{
	static const char *const paths[] = { "/v1/messages", "/v1beta/models/m",
					     "/v1/usage" };
	struct explanation_request req = { .now_ns = NOW_NS, .method = "POST" };

	(void)state;
	srand(3);
	prefix_parse_address(&req.ip, CLIENT);
	for (int round = 0; round < 20000; round++) {
		struct evidence e = {
			.head.profile = rand() & 1,
			.head.run_mode = rand() & 1,
			.find_key = give_random_key,
			.match = match_nothing,
			.find_owner = own_nothing,
		};
		size_t path = (size_t)rand() % ARRAY_SIZE(paths);
		struct pc_question q = {
			.now_ns = NOW_NS,
			.profile = e.head.profile,
			.run_mode = e.head.run_mode,
			.variant = path == 1,
			.exempt = path == 2 && e.head.profile,
			.address = PC_ADDRESS_ALLOWED,
		};
		struct explanation x;

		/* Each fact is rare, so that every check gets its turn. */
		random_key = (struct pc_key){
			.status = rand() % 3 ? 0 : (uint8_t)(rand() % 4),
			.facts = (uint16_t)(rand() & rand() & rand() & 0x1ff),
			.expires_ns = rand() % 4 ? PC_NEVER : NOW_NS - 1,
			.rule_set = rand() % 2,
		};
		if (random_key.rule_set && random_key.facts & PC_F_WHITELIST)
			q.address = PC_ADDRESS_REFUSED;
		req.path = paths[path];
		assert_int_equal(explanation_make(&x, &e, &req), 0);
		assert_int_equal(x.reason, pc_verdict(&random_key, &q));
		assert_int_equal(x.gateway, x.reason);
		check_rows(&x);
	}
}

static void text_has_no_whole_hash(void **state)
{
	char hex[DIGEST_STRLEN], *text = NULL;
	struct explanation x;
	struct fixture f;
	size_t size;
	FILE *out;

	(void)state;
	init(&f);
	f.e.status = PC_STATUS_EXHAUSTED;
	make(&x, &f, NULL, "/v1/responses");
	out = open_memstream(&text, &size);
	explain_print(out, &x);
	fclose(out);
	digest_print(&f.e.digest, hex);
	hex[9] = '\0';
	assert_null(strstr(text, hex));
	hex[8] = '\0';
	assert_non_null(strstr(text, hex));
	assert_non_null(strstr(text, "verdict: refused, key-exhausted: 429 "
				     "insufficient_quota\n"));
	/* Not to be taken for all that is used. */
	assert_non_null(strstr(text, "use: as the snapshot has it"));
	free(text);
}

/* The file of the exit code test: a dead key's hash is filled in. */
static void write_snapshot(char *path, const char *key)
{
	char hex[DIGEST_STRLEN];
	struct pc_digest d;
	FILE *f = fdopen(mkstemp(path), "w");

	assert_non_null(f);
	assert_int_equal(digest_key(&d, key, strlen(key)), 0);
	fprintf(f,
		"{\"key_hash\":\"%s\",\"not_found\":false,\"snapshot\":{"
		"\"api_key_id\":1,\"user_id\":1,\"status\":\"inactive\","
		"\"quota\":0,\"quota_used\":0,\"user\":{\"id\":1,\"status\":"
		"\"active\",\"role\":\"user\",\"balance\":1,\"concurrency\":1"
		"}}}\n",
		digest_print(&d, hex));
	fclose(f);
}

/* Runs explain with input on standard input, its output thrown away. */
static int run(char **argv, const char *input)
{
	int saved[3], argc = 0, code;
	FILE *in = tmpfile(), *out = tmpfile();

	while (argv[argc])
		argc++;
	fputs(input, in);
	rewind(in);
	fflush(stdout);
	for (int fd = 0; fd < 3; fd++) {
		saved[fd] = dup(fd);
		dup2(fileno(fd ? out : in), fd);
	}
	code = explain_main(argc, argv);
	fflush(stdout);
	for (int fd = 0; fd < 3; fd++) {
		dup2(saved[fd], fd);
		close(saved[fd]);
	}
	fclose(in);
	fclose(out);
	return code;
}

static void exit_codes(void **state)
{
	static const struct {
		const char *what, *input, *path;
		int code;
	} cases[] = {
		{ "refused", "sk-dead\n", "/v1/messages", 1 },
		{ "without a line end", "sk-dead", "/v1/messages", 1 },
		{ "one line is read", "sk-dead\nsk-other\n", "/v1/messages",
		  1 },
		{ "not the gateway's path", "sk-dead\n", "/", 0 },
		{ "unknown key", "sk-other\n", "/v1/messages", 3 },
		{ "blanks are part of a key", "sk-dead \n", "/v1/messages", 3 },
		{ "no key", "\n", "/v1/messages", 2 },
		{ "nothing at all", "", "/v1/messages", 2 },
	};
	char file[] = "/tmp/test_explain.XXXXXX";

	(void)state;
	write_snapshot(file, "sk-dead");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[64];
		char *argv[] = { (char[]){ "explain" },
				 (char[]){ "--key-stdin" },
				 (char[]){ "--ip=192.0.2.1" },
				 (char[]){ "--path" },
				 path,
				 (char[]){ "--snapshot" },
				 file,
				 NULL };
		int code;

		snprintf(path, sizeof(path), "%s", cases[i].path);
		code = run(argv, cases[i].input);
		if (code != cases[i].code)
			fail_msg("%s: %d", cases[i].what, code);
	}
	unlink(file);
}

static void a_key_may_be_4096_bytes_and_no_more(void **state)
{
	char file[] = "/tmp/test_explain.XXXXXX", key[4098];
	char *argv[] = { (char[]){ "explain" },
			 (char[]){ "--key-stdin" },
			 (char[]){ "--ip=192.0.2.1" },
			 (char[]){ "--snapshot" },
			 file,
			 NULL };

	(void)state;
	memset(key, 'k', sizeof(key));
	key[4096] = '\0';
	write_snapshot(file, key);
	assert_int_equal(run(argv, key), 1);
	key[4096] = '\n';
	key[4097] = '\0';
	assert_int_equal(run(argv, key), 1);
	key[4096] = 'k';
	assert_int_equal(run(argv, key), 2);
	unlink(file);
	/* And a file that is not there decides nothing. */
	assert_int_equal(run(argv, "sk-dead"), 3);
}

/* The longest of all lists is not the one that decides: the first list is. */
static void the_prefix_is_the_deciding_lists(void **state)
{
	static const struct {
		const char *what, *block;
		char *snapshot[2];
		const char *note;
	} cases[] = {
		{ "one list",
		  "198.51.100.0/24",
		  { NULL },
		  "--block has 198.51.100.0/24" },
		{ "the other",
		  NULL,
		  { "198.51.100.0/24" },
		  "the snapshot has 198.51.100.0/24" },
		{ "another's is longer",
		  "198.51.100.0/24",
		  { CLIENT },
		  "--block has 198.51.100.0/24" },
		{ "another's is shorter",
		  CLIENT,
		  { "198.51.100.0/24" },
		  "--block has " CLIENT },
		{ "both", CLIENT, { CLIENT }, "--block has " CLIENT },
		{ "all there is",
		  "0.0.0.0/0",
		  { CLIENT },
		  "--block has 0.0.0.0/0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;
		const struct explanation_row *row;
		struct explanation x;

		init(&f);
		set_list(&f.opt.block, &f.block, cases[i].block);
		memcpy(f.black, cases[i].snapshot, sizeof(f.black));
		f.s.ip_blacklist = f.black;
		make(&x, &f, NULL, NULL);
		row = find_row(&x, "block lists");
		if (row && strcmp(row->note, cases[i].note))
			fail_msg("%s: %s", cases[i].what, row->note);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_prefix_is_the_deciding_lists),
		cmocka_unit_test(first_failing_check_is_named),
		cmocka_unit_test(an_unknown_key_is_the_gateways),
		cmocka_unit_test(an_unknown_key_is_refused_where_all_are_known),
		cmocka_unit_test(reason_is_always_the_verdicts),
		cmocka_unit_test(text_has_no_whole_hash),
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(a_key_may_be_4096_bytes_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
