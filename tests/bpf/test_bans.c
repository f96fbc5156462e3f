// SPDX-License-Identifier: GPL-2.0-only
/*
 * bans.c: what is kept and what the kernel has, brought together, whatever one
 * of them lost; how automatic bans grow.
 */
#include "banned.h"

#include <sys/stat.h>
#include <sys/timex.h>

#include "ban_list.h"
#include "upkeep.h"

static char ledger[96];
static struct bans bans;

static int begin(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", ledger, ends[i]);
		unlink(path);
	}
	bans_close(&bans);
	assert_int_equal(bans_open(&bans, harness.dir, ledger), 0);
	assert_true(bans.has_table);
	return clear_bans(state);
}

static struct bans_outcome ban(const char *text, int64_t expires_ns)
{
	struct ban want = { .prefix = prefix_of(text),
			    .made_ns = bans_now_ns(&bans),
			    .expires_ns = expires_ns };
	struct bans_outcome out;

	assert_int_equal(bans_put(&out, &bans, &want), 0);
	return out;
}

static void assert_done(const struct bans_outcome *out, int64_t expires_ns)
{
	if (out->kept)
		fail_msg("not kept: %s", out->error);
	assert_int_equal(out->enforced, 0);
	assert_true(out->ban.expires_ns == expires_ns);
}

static void it_comes_back_when_the_kernel_lost_it(void **state)
{
	struct bans_outcome out = ban("10.0.0.1", HARNESS_NOW_NS + HOUR_NS);

	(void)state;
	assert_done(&out, HARNESS_NOW_NS + HOUR_NS);
	out = ban("10.0.0.2", HARNESS_NOW_NS + 1);
	assert_done(&out, HARNESS_NOW_NS + 1);
	assert_banned("10.0.0.1");
	assert_int_equal(unban("10.0.0.1"), 0);
	assert_int_equal(unban("10.0.0.2"), 0);
	assert_int_equal(put("10.0.0.3", PC_NEVER), 0);
	assert_passed("10.0.0.1");
	stop_clock(HARNESS_NOW_NS + 2);
	upkeep_restore(&bans);
	assert_banned("10.0.0.1");
	assert_passed("10.0.0.2");
	/* Nobody knows of it, and nobody took it back. */
	assert_banned("10.0.0.3");
	lock();
	assert_int_equal(table.n, 2);
	bantable_unlock(&table);
}

static void a_second_one_extends_and_never_shortens(void **state)
{
	struct bans_outcome out = ban("10.0.0.1", HARNESS_NOW_NS + 10);

	(void)state;
	assert_done(&out, HARNESS_NOW_NS + 10);
	out = ban("10.0.0.1", HARNESS_NOW_NS + 5);
	assert_done(&out, HARNESS_NOW_NS + 10);
	out = ban("10.0.0.1", HARNESS_NOW_NS + 20);
	assert_done(&out, HARNESS_NOW_NS + 20);
	stop_clock(HARNESS_NOW_NS + 20);
	assert_banned("10.0.0.1");
	stop_clock(HARNESS_NOW_NS + 21);
	assert_passed("10.0.0.1");
	/* Of those on disk and in the kernel, too, the later one. */
	stop_clock(HARNESS_NOW_NS);
	assert_int_equal(put("10.0.0.1", HARNESS_NOW_NS + 30), 0);
	upkeep_restore(&bans);
	out = ban("10.0.0.1", HARNESS_NOW_NS + 5);
	assert_done(&out, HARNESS_NOW_NS + 30);
	assert_int_equal(put("10.0.0.1", HARNESS_NOW_NS + 1), 0);
	upkeep_restore(&bans);
	stop_clock(HARNESS_NOW_NS + 30);
	assert_banned("10.0.0.1");
}

static void what_is_over_leaves_the_kernel(void **state)
{
	(void)state;
	ban("10.0.0.1", HARNESS_NOW_NS);
	ban("10.0.0.2", HARNESS_NOW_NS + HOUR_NS);
	stop_clock(HARNESS_NOW_NS + 1);
	upkeep_restore(&bans);
	lock();
	assert_int_equal(table.n, 1);
	bantable_unlock(&table);
	/* The clock jumped, and jumps back. */
	stop_clock(HARNESS_NOW_NS);
	upkeep_restore(&bans);
	assert_banned("10.0.0.1");
}

/* Of a host that came up minutes ago nobody knows yet, unless somebody says so.
 * What was there before goes back.
 */
static void say_clock_is_set(struct timex *before)
{
	struct timex set = { .modes = ADJ_STATUS | ADJ_MAXERROR };

	*before = (struct timex){ 0 };
	assert_true(adjtimex(before) >= 0);
	set.status = before->status & ~STA_UNSYNC;
	assert_true(adjtimex(&set) >= 0);
	before->modes = set.modes;
}

/* Made while the clock was a year ahead, found when it is right again. */
static void a_wrong_clock_makes_no_ban_longer(void **state)
{
	const int64_t later_ns = HARNESS_NOW_NS + 365 * 24 * HOUR_NS;
	struct prefix p = prefix_of("10.0.0.3");
	struct bans_outcome out;
	struct timex clock;

	(void)state;
	say_clock_is_set(&clock);
	stop_clock(later_ns);
	ban("10.0.0.1", later_ns + HOUR_NS);
	ban("10.0.0.2", PC_NEVER);
	ban("10.0.0.4", later_ns + HOUR_NS);
	/* No ledger has this one. */
	lock();
	assert_int_equal(bantable_put(&table, &p, later_ns, later_ns + HOUR_NS),
			 0);
	bantable_unlock(&table);
	stop_clock(HARNESS_NOW_NS);
	/* Nor does it make another one longer. */
	out = ban("10.0.0.4", HARNESS_NOW_NS + S_NS);
	assert_true(out.ban.expires_ns == HARNESS_NOW_NS + HOUR_NS);
	upkeep_restore(&bans);
	stop_clock(HARNESS_NOW_NS + HOUR_NS);
	assert_banned("10.0.0.1");
	assert_banned("10.0.0.2");
	assert_banned("10.0.0.3");
	stop_clock(HARNESS_NOW_NS + HOUR_NS + 1);
	assert_passed("10.0.0.1");
	assert_banned("10.0.0.2");
	assert_passed("10.0.0.3");
	assert_passed("10.0.0.4");
	/* Not even on disk. */
	upkeep_restore(&bans);
	assert_passed("10.0.0.1");
	stop_clock(later_ns);
	upkeep_restore(&bans);
	assert_passed("10.0.0.1");
	assert_banned("10.0.0.2");
	assert_true(adjtimex(&clock) >= 0);
}

static void it_is_taken_back_for_good(void **state)
{
	struct prefix p = prefix_of("10.0.0.1"), other = prefix_of("10.0.0.2");
	struct bans_outcome out;

	(void)state;
	ban("10.0.0.1", PC_NEVER);
	assert_int_equal(bans_remove(&out, &bans, &other), -ENOENT);
	assert_int_equal(bans_remove(&out, &bans, &p), 0);
	assert_int_equal(out.kept, 0);
	assert_int_equal(out.enforced, 0);
	assert_passed("10.0.0.1");
	upkeep_restore(&bans);
	assert_passed("10.0.0.1");
	assert_int_equal(bans_remove(&out, &bans, &p), -ENOENT);
	/* The kernel's alone, and the ledger's alone. */
	assert_int_equal(put("10.0.0.1", PC_NEVER), 0);
	assert_int_equal(bans_remove(&out, &bans, &p), 0);
	assert_passed("10.0.0.1");
	ban("10.0.0.1", PC_NEVER);
	assert_int_equal(unban("10.0.0.1"), 0);
	assert_int_equal(bans_remove(&out, &bans, &p), 0);
	upkeep_restore(&bans);
	assert_passed("10.0.0.1");
	/* One that is over is none. */
	ban("10.0.0.1", HARNESS_NOW_NS);
	stop_clock(HARNESS_NOW_NS + 1);
	upkeep_restore(&bans);
	assert_int_equal(bans_remove(&out, &bans, &p), -ENOENT);
}

static void fill(int64_t expires_ns)
{
	struct prefix p = { AF_INET6, 128, { 0x20, 1 } };

	lock();
	while (table.n < PC_BANS_MAX) {
		p.addr[13] = (uint8_t)(table.n >> 16);
		p.addr[14] = (uint8_t)(table.n >> 8);
		p.addr[15] = (uint8_t)table.n;
		assert_int_equal(bantable_put(&table, &p, 0, expires_ns), 0);
	}
	bantable_unlock(&table);
}

static void those_without_room_are_counted_and_wait(void **state)
{
	struct bans_outcome out;

	(void)state;
	fill(HARNESS_NOW_NS);
	out = ban("10.0.0.1", PC_NEVER);
	assert_int_equal(out.kept, 0);
	assert_int_equal(out.enforced, -ENOSPC);
	assert_int_equal(out.n_waiting, 1);
	out = ban("10.0.0.2", HARNESS_NOW_NS + HOUR_NS);
	assert_int_equal(out.enforced, -ENOSPC);
	assert_int_equal(out.n_waiting, 2);
	assert_passed("10.0.0.1");
	upkeep_restore(&bans);
	assert_int_equal(bans.upkeep.n_waiting, 2);
	stop_clock(HARNESS_NOW_NS + 1);
	/* Without an agent the next ban itself makes room. */
	out = ban("10.0.0.3", PC_NEVER);
	assert_done(&out, PC_NEVER);
	assert_banned("10.0.0.3");
	upkeep_restore(&bans);
	assert_int_equal(bans.upkeep.n_waiting, 0);
	assert_banned("10.0.0.1");
	assert_banned("10.0.0.2");
}

/* As the agent's loop does, ten seconds later. */
static void tick(void)
{
	bans.upkeep.due_ns = 0;
	bans.upkeep.rested_ns = 0;
	upkeep_tick(&bans);
}

static void the_ledger_is_read_only_for_a_reason(void **state)
{
	uint64_t n;

	(void)state;
	ban("10.0.0.1", HARNESS_NOW_NS + HOUR_NS);
	tick();
	n = bans.upkeep.n_reads;
	assert_int_equal(n, 1);
	for (int i = 0; i < 5; i++)
		tick();
	ban("10.0.0.2", HARNESS_NOW_NS);
	tick();
	/* What is over is no reason. */
	stop_clock(HARNESS_NOW_NS + 1);
	tick();
	assert_int_equal(bans.upkeep.n_reads, n);
	/* Somebody was killed between the ledger and the table. */
	lock();
	assert_int_equal(bantable_owe(&table), 0);
	assert_int_equal(bantable_owe(&table), 1);
	bantable_unlock(&table);
	assert_int_equal(unban("10.0.0.1"), 0);
	tick();
	assert_int_equal(bans.upkeep.n_reads, n + 1);
	assert_banned("10.0.0.1");
	tick();
	assert_int_equal(bans.upkeep.n_reads, n + 1);
	/* The clock was a day ahead, which ended a ban. */
	stop_clock(HARNESS_NOW_NS + 24 * HOUR_NS);
	tick();
	stop_clock(HARNESS_NOW_NS);
	assert_passed("10.0.0.1");
	tick();
	assert_int_equal(bans.upkeep.n_reads, n + 2);
	assert_banned("10.0.0.1");
}

/* Of a full table, at one moment: those that wait come in, and no other. */
static void room_is_given_to_those_that_wait(void **state)
{
	struct bans_outcome out;
	uint64_t n;

	(void)state;
	tick();
	fill(HARNESS_NOW_NS + 5);
	out = ban("10.0.0.1", PC_NEVER);
	assert_int_equal(out.enforced, -ENOSPC);
	out = ban("10.0.0.2", HARNESS_NOW_NS + 5);
	assert_int_equal(out.n_waiting, 2);
	tick();
	n = bans.upkeep.n_reads;
	assert_int_equal(bans.upkeep.n_waiting, 2);
	/* No room, nothing new: nothing is read. */
	for (int i = 0; i < 5; i++)
		tick();
	assert_int_equal(bans.upkeep.n_reads, n);
	stop_clock(HARNESS_NOW_NS + 5);
	tick();
	assert_passed("10.0.0.1");
	assert_banned("2001::1");
	assert_int_equal(bans.upkeep.n_reads, n);
	stop_clock(HARNESS_NOW_NS + 6);
	assert_passed("2001::1");
	tick();
	assert_int_equal(bans.upkeep.n_reads, n + 1);
	assert_int_equal(bans.upkeep.n_waiting, 0);
	assert_banned("10.0.0.1");
	assert_passed("10.0.0.2");
	lock();
	assert_int_equal(table.n, 1);
	bantable_unlock(&table);
}

/* A ban without room is one that the agent has not heard of. */
static void one_without_room_is_found_by_an_agent(void **state)
{
	struct bans_outcome out;

	(void)state;
	tick();
	fill(HARNESS_NOW_NS);
	out = ban("10.0.0.1", PC_NEVER);
	assert_int_equal(out.enforced, -ENOSPC);
	stop_clock(HARNESS_NOW_NS + 1);
	tick();
	assert_banned("10.0.0.1");
	lock();
	assert_false(bantable_owes(&table));
	bantable_unlock(&table);
}

static int ban_auto(struct ban *out, const char *text, const char *reason)
{
	const struct bans_auto a = { .prefix = prefix_of(text),
				     .rule = { HOUR_NS, 3 * HOUR_NS },
				     .reason = reason };

	return bans_put_auto(out, &bans, &a);
}

static void lengths_without_room_wait(void **state)
{
	struct bans_outcome out;
	struct ban b;
	char text[32];

	(void)state;
	for (unsigned int i = 0; i < PC_BAN_LENS; i++) {
		snprintf(text, sizeof(text), "10.0.0.0/%u", 32 - i);
		out = ban(text, HARNESS_NOW_NS + i);
		assert_done(&out, HARNESS_NOW_NS + i);
	}
	tick();
	assert_int_equal(ban_auto(&b, "10.0.0.0/16", "many"), -E2BIG);
	out = ban("10.0.0.0/16", PC_NEVER);
	assert_int_equal(out.enforced, -E2BIG);
	assert_int_equal(out.n_waiting, 1);
	lock();
	assert_int_equal(bantable_settle(&table), 0);
	bantable_unlock(&table);
	tick();
	assert_int_equal(bans.upkeep.n_waiting, 1);
	stop_clock(HARNESS_NOW_NS + 1);
	tick();
	stop_clock(HARNESS_NOW_NS + 1000);
	assert_banned("10.0.255.255");
}

static void automatic_ones_grow(void **state)
{
	static const int hours[] = { 1, 2, 3, 3 };
	int64_t now_ns = HARNESS_NOW_NS;
	struct ban b;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hours); i++) {
		assert_int_equal(ban_auto(&b, "10.0.0.1", "many"), 0);
		assert_true(b.expires_ns == now_ns + hours[i] * HOUR_NS);
		assert_int_equal(b.times, i + 1);
		assert_string_equal(b.reason, "many");
		assert_banned("10.0.0.1");
		/* What was under way when it came makes it no longer. */
		assert_int_equal(ban_auto(&b, "10.0.0.1", "more"), -EALREADY);
		assert_true(b.expires_ns == now_ns + hours[i] * HOUR_NS);
		now_ns = b.expires_ns + 1;
		stop_clock(now_ns);
		assert_passed("10.0.0.1");
		upkeep_restore(&bans);
	}
	assert_int_equal(ban_auto(&b, "10.0.0.2", "many"), 0);
	assert_true(b.expires_ns == now_ns + HOUR_NS);
}

/* Not looked at again for each of those that want to be banned. */
static void a_full_table_is_left_alone_for_a_second(void **state)
{
	uint64_t begin_ns;
	struct ban b;

	(void)state;
	fill(HARNESS_NOW_NS);
	assert_int_equal(ban_auto(&b, "10.0.0.1", "many"), -ENOSPC);
	begin_ns = clock_boot_ns();
	stop_clock(HARNESS_NOW_NS + 1);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(ban_auto(&b, "10.0.0.1", "many"), -ENOSPC);
	assert_true(clock_boot_ns() - begin_ns < 1000000000);
	while (clock_boot_ns() - begin_ns < 1000000000)
		usleep(10000);
	assert_int_equal(ban_auto(&b, "10.0.0.1", "many"), 0);
	assert_banned("10.0.0.1");
}

/* The operator's word and the count of offences are kept apart. */
static void an_operators_ban_is_no_offence(void **state)
{
	struct bans_outcome out;
	struct ban b;

	(void)state;
	ban("10.0.0.1", HARNESS_NOW_NS);
	assert_int_equal(ban_auto(&b, "10.0.0.1", "many"), -EALREADY);
	stop_clock(HARNESS_NOW_NS + 1);
	assert_int_equal(ban_auto(&b, "10.0.0.1", "many"), 0);
	assert_int_equal(b.times, 1);
	assert_true(b.expires_ns == HARNESS_NOW_NS + 1 + HOUR_NS);
	out = ban("10.0.0.1", PC_NEVER);
	assert_done(&out, PC_NEVER);
	assert_int_equal(out.ban.times, 1);
	assert_string_equal(out.ban.reason, "many");
	assert_int_equal(out.ban.made_by, BAN_BY_OPERATOR);
}

/* It is a directory: nothing can be kept there. */
static void it_is_enforced_where_it_cannot_be_kept(void **state)
{
	struct bans_outcome out;
	struct ban b;

	(void)state;
	assert_int_equal(mkdir(ledger, 0700), 0);
	out = ban("10.0.0.1", PC_NEVER);
	assert_int_equal(out.enforced, 0);
	assert_int_not_equal(out.kept, 0);
	assert_true(out.error[0]);
	assert_banned("10.0.0.1");
	assert_int_equal(ban_auto(&b, "10.0.0.2", "many"), 0);
	assert_banned("10.0.0.2");
	upkeep_restore(&bans);
	assert_banned("10.0.0.1");
	rmdir(ledger);
}

static void without_a_ledger_the_kernel_has_them(void **state)
{
	struct bans_outcome out;
	struct prefix p = prefix_of("10.0.0.1");
	struct ban b;

	(void)state;
	bans_close(&bans);
	assert_int_equal(bans_open(&bans, harness.dir, "none"), 0);
	out = ban("10.0.0.1", PC_NEVER);
	assert_int_equal(out.enforced, 0);
	assert_int_equal(out.kept, -ENOTSUP);
	assert_int_equal(ban_auto(&b, "10.0.0.2", "many"), 0);
	upkeep_restore(&bans);
	assert_banned("10.0.0.1");
	assert_banned("10.0.0.2");
	assert_int_equal(bans_remove(&out, &bans, &p), 0);
	assert_int_equal(bans_remove(&out, &bans, &p), -ENOENT);
	assert_passed("10.0.0.1");
}

static void without_a_filter_they_are_kept(void **state)
{
	struct bans_outcome out;

	(void)state;
	bans_close(&bans);
	assert_int_equal(bans_open(&bans, "/nowhere", ledger), 0);
	out = ban("10.0.0.1", PC_NEVER);
	assert_int_equal(out.kept, 0);
	assert_int_equal(out.enforced, -ENODEV);
	bans_close(&bans);
	assert_int_equal(bans_open(&bans, harness.dir, ledger), 0);
	upkeep_restore(&bans);
	assert_banned("10.0.0.1");
}

/* Somebody holds the lock: the agent's loop does not wait for him. */
static void the_agent_waits_for_nobody(void **state)
{
	struct ban b;

	(void)state;
	ban("10.0.0.1", PC_NEVER);
	assert_int_equal(unban("10.0.0.1"), 0);
	lock();
	upkeep_restore(&bans);
	assert_passed("10.0.0.1");
	assert_int_equal(ban_auto(&b, "10.0.0.2", "many"), -EBUSY);
	bantable_unlock(&table);
	upkeep_restore(&bans);
	assert_banned("10.0.0.1");
}

static void the_list_has_both(void **state)
{
	static const struct {
		const char *prefix;
		bool kept, enforced;
		uint64_t hits;
	} want[] = {
		{ "10.0.0.1/32", true, true, 2 },
		{ "10.0.0.2/32", true, false, 0 },
		{ "10.0.0.3/32", false, true, 0 },
		{ "2001:db8::/48", true, true, 1 },
	};
	struct ban_list l;
	char text[PREFIX_STRLEN];

	(void)state;
	ban("2001:db8::/48", PC_NEVER);
	ban("10.0.0.2", PC_NEVER);
	ban("10.0.0.1", HARNESS_NOW_NS);
	ban("10.0.0.4", HARNESS_NOW_NS - 1);
	assert_int_equal(unban("10.0.0.2"), 0);
	assert_int_equal(put("10.0.0.3", PC_NEVER), 0);
	assert_int_equal(put("10.0.0.5", HARNESS_NOW_NS - 1), 0);
	assert_banned("10.0.0.1");
	assert_banned("10.0.0.1");
	assert_banned("2001:db8::1");
	assert_int_equal(ban_list_read(&l, &bans), 0);
	assert_string_equal(l.error, "");
	assert_int_equal(l.n, ARRAY_SIZE(want));
	for (size_t i = 0; i < l.n; i++) {
		assert_string_equal(prefix_print(&l.items[i].ban.prefix, text),
				    want[i].prefix);
		assert_int_equal(l.items[i].kept, want[i].kept);
		assert_int_equal(l.items[i].enforced, want[i].enforced);
		assert_int_equal(l.items[i].hits.done, want[i].hits);
	}
	ban_list_fini(&l);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(it_comes_back_when_the_kernel_lost_it),
		TEST(a_second_one_extends_and_never_shortens),
		TEST(what_is_over_leaves_the_kernel),
		TEST(a_wrong_clock_makes_no_ban_longer),
		TEST(it_is_taken_back_for_good),
		TEST(those_without_room_are_counted_and_wait),
		TEST(the_ledger_is_read_only_for_a_reason),
		TEST(room_is_given_to_those_that_wait),
		TEST(one_without_room_is_found_by_an_agent),
		TEST(lengths_without_room_wait),
		TEST(automatic_ones_grow),
		TEST(a_full_table_is_left_alone_for_a_second),
		TEST(an_operators_ban_is_no_offence),
		TEST(it_is_enforced_where_it_cannot_be_kept),
		TEST(without_a_ledger_the_kernel_has_them),
		TEST(without_a_filter_they_are_kept),
		TEST(the_agent_waits_for_nobody),
		TEST(the_list_has_both),
	};
#undef TEST
	char dir[] = "/tmp/portcullis-test-XXXXXX";
	int rc;

	if (harness_open())
		return HARNESS_SKIP;
	if (bantable_open(&table, harness.dir) || !mkdtemp(dir))
		return 1;
	snprintf(ledger, sizeof(ledger), "%s/ledger.db", dir);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	begin(NULL);
	rmdir(dir);
	return rc;
}
