// SPDX-License-Identifier: GPL-2.0-only
/* From offenders to bans: who is, who never is, and what is told of it. */
#include "autoban.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "clock.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define UNTIL INT64_C(1770123600000000000)

/* What autoban asked for. */
static struct {
	const char *spare; /* this prefix is spared */
	int ban_rc;
	unsigned int n_asked;
	unsigned int n_banned;
	char banned[PREFIX_STRLEN];
	char reason[AUTOBAN_WHY_SIZE];
	unsigned int n_records;
	struct eventlog_record record;
	struct suspects *more; /* each ban takes long, and brings another */
} seen;

#define MORE_MAX 2000

static void bring_another(void)
{
	struct prefix who;

	usleep(1000);
	assert_int_equal(prefix_parse_address(&who, "203.0.113.8"), 0);
	suspects_count(seen.more, &who, PC_R_KEY_EXPIRED);
}

static bool spared(char why[static AUTOBAN_WHY_SIZE], const struct prefix *who,
		   void *arg)
{
	char text[PREFIX_STRLEN];

	assert_ptr_equal(arg, &seen);
	seen.n_asked++;
	if (!seen.spare || strcmp(seen.spare, prefix_print(who, text)))
		return false;
	strcpy(why, "is allowed");
	return true;
}

static int ban(int64_t *until_ns, const struct prefix *who, const char *reason,
	       void *arg)
{
	assert_ptr_equal(arg, &seen);
	seen.n_banned++;
	prefix_print(who, seen.banned);
	snprintf(seen.reason, sizeof(seen.reason), "%s", reason);
	if (!seen.ban_rc)
		*until_ns = UNTIL;
	if (seen.more && seen.n_banned < MORE_MAX)
		bring_another();
	return seen.ban_rc;
}

static void record(const struct eventlog_record *r, void *arg)
{
	assert_ptr_equal(arg, &seen);
	seen.n_records++;
	seen.record = *r;
}

static struct autoban *open_with(bool monitor, struct suspects *suspects)
{
	const struct autoban_config cfg = {
		.monitor = monitor,
		.rate = { 20, 60000000000 },
		.suspects = suspects,
		.spared = spared,
		.ban = ban,
		.record = record,
		.arg = &seen,
	};
	struct autoban *a = NULL;

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(autoban_new(&a, &cfg), 0);
	return a;
}

static void offend(struct autoban *a, const char *source)
{
	struct offender o = { .count = 20, .reason = PC_R_KEY_DISABLED };

	assert_int_equal(prefix_parse_pattern(&o.source, source), 0);
	autoban_offender(&o, a);
}

static void an_offender_is_banned(void **state)
{
	struct autoban *a = open_with(false, NULL);

	(void)state;
	offend(a, "203.0.113.9");
	assert_int_equal(seen.n_asked, 1);
	assert_int_equal(seen.n_banned, 1);
	assert_string_equal(seen.banned, "203.0.113.9/32");
	assert_string_equal(seen.reason,
			    "20 requests refused in 60 s, the last for "
			    "key-disabled");
	assert_int_equal(seen.n_records, 1);
	assert_int_equal(seen.record.kind, EVENTLOG_BAN);
	assert_int_equal(seen.record.would, 0);
	assert_int_equal(seen.record.count, 20);
	assert_int_equal(seen.record.reason, PC_R_KEY_DISABLED);
	assert_true(seen.record.until_ns == UNTIL);
	offend(a, "2001:db8:1:2::/64");
	assert_string_equal(seen.banned, "2001:db8:1:2::/64");
	assert_int_equal(seen.n_records, 2);
	autoban_free(a);
}

static void who_is_spared_is_not_banned(void **state)
{
	struct autoban *a = open_with(false, NULL);

	(void)state;
	seen.spare = "203.0.113.9/32";
	offend(a, "203.0.113.9");
	assert_int_equal(seen.n_banned, 0);
	assert_int_equal(seen.n_records, 1);
	assert_int_equal(seen.record.kind, EVENTLOG_SPARED);
	assert_string_equal(seen.record.text, "is allowed");
	offend(a, "203.0.113.8");
	assert_int_equal(seen.n_banned, 1);
	autoban_free(a);
}

/* Each is banned and recorded; the log has a few a second. */
static void many_sources_do_not_fill_the_log(void **state)
{
	struct autoban *a = open_with(false, NULL);
	uint64_t begin_ns = clock_boot_ns(), seconds;
	struct autoban_lines lines;
	char source[32];

	(void)state;
	for (unsigned int i = 0; i < MORE_MAX; i++) {
		snprintf(source, sizeof(source), "203.0.%u.%u", 112 + i / 256,
			 i % 256);
		offend(a, source);
	}
	seconds = (clock_boot_ns() - begin_ns) / 1000000000 + 2;
	assert_int_equal(seen.n_banned, MORE_MAX);
	assert_int_equal(seen.n_records, MORE_MAX);
	lines = autoban_lines(a);
	assert_int_equal(lines.said + lines.unsaid, MORE_MAX);
	assert_true(lines.said >= AUTOBAN_LINES_MAX);
	assert_true(lines.said <= seconds * AUTOBAN_LINES_MAX);
	assert_true(lines.unsaid > 0);
	autoban_free(a);
}

/* Who goes on is told of once, spared or not. */
static void one_who_goes_on_is_one_line(void **state)
{
	struct autoban *a = open_with(true, NULL);

	(void)state;
	for (int i = 0; i < 5; i++)
		offend(a, "203.0.113.9");
	assert_int_equal(seen.n_records, 5);
	assert_int_equal(autoban_lines(a).said, 1);
	assert_int_equal(autoban_lines(a).unsaid, 0);
	autoban_free(a);
}

static void nobody_bans_a_loopback_address(void **state)
{
	static const char *const never[] = {
		"127.0.0.1", "127.9.9.9",	"::/64",     "0.0.0.0",
		"224.0.0.1", "255.255.255.255", "fe80::/64", "ff02::/64",
	};
	struct autoban *a = open_with(false, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		offend(a, never[i]);
		if (seen.n_banned)
			fail_msg("%s", never[i]);
		assert_int_equal(seen.record.kind, EVENTLOG_SPARED);
	}
	autoban_free(a);
}

static void monitor_mode_only_says_whom(void **state)
{
	struct autoban *a = open_with(true, NULL);

	(void)state;
	offend(a, "203.0.113.9");
	assert_int_equal(seen.n_asked, 1);
	assert_int_equal(seen.n_banned, 0);
	assert_int_equal(seen.n_records, 1);
	assert_int_equal(seen.record.kind, EVENTLOG_BAN);
	assert_int_equal(seen.record.would, 1);
	autoban_free(a);
}

static void what_failed_is_no_ban(void **state)
{
	struct autoban *a = open_with(false, NULL);

	(void)state;
	seen.ban_rc = -EALREADY;
	offend(a, "203.0.113.9");
	seen.ban_rc = -EIO;
	offend(a, "203.0.113.9");
	assert_int_equal(seen.n_banned, 2);
	assert_int_equal(seen.n_records, 0);
	seen.ban_rc = 0;
	offend(a, "203.0.113.9");
	assert_int_equal(seen.n_records, 1);
	autoban_free(a);
}

static void the_services_suspects_are_banned(void **state)
{
	const struct rate rate = { 2, 60000000000 };
	struct suspects *s = NULL;
	struct autoban *a;
	struct prefix who;

	(void)state;
	assert_int_equal(suspects_new(&s, &rate), 0);
	a = open_with(false, s);
	assert_int_equal(prefix_parse_address(&who, "203.0.113.9"), 0);
	suspects_count(s, &who, PC_R_KEY_EXPIRED);
	autoban_take(a);
	assert_int_equal(seen.n_banned, 0);
	suspects_count(s, &who, PC_R_KEY_EXPIRED);
	autoban_take(a);
	assert_int_equal(seen.n_banned, 1);
	assert_int_equal(seen.record.count, 2);
	assert_int_equal(seen.record.reason, PC_R_KEY_EXPIRED);
	autoban_free(a);
	suspects_free(s);
}

static int eventfd_readable(const struct suspects *s)
{
	struct pollfd fd = { .fd = suspects_fd(s), .events = POLLIN };

	return poll(&fd, 1, 0);
}

static void many_suspects_do_not_keep_the_loop(void **state)
{
	const struct rate rate = { 1, 60000000000 };
	struct suspects *s = NULL;
	struct autoban *a;

	(void)state;
	assert_int_equal(suspects_new(&s, &rate), 0);
	a = open_with(false, s);
	seen.more = s;
	bring_another();
	autoban_take(a);
	assert_in_range(seen.n_banned, 1, MORE_MAX - 1);
	assert_int_equal(eventfd_readable(s), 1);
	autoban_free(a);
	suspects_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offender_is_banned),
		cmocka_unit_test(who_is_spared_is_not_banned),
		cmocka_unit_test(many_sources_do_not_fill_the_log),
		cmocka_unit_test(one_who_goes_on_is_one_line),
		cmocka_unit_test(nobody_bans_a_loopback_address),
		cmocka_unit_test(monitor_mode_only_says_whom),
		cmocka_unit_test(what_failed_is_no_ban),
		cmocka_unit_test(the_services_suspects_are_banned),
		cmocka_unit_test(many_suspects_do_not_keep_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
