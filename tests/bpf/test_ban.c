// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bans in the kernel: who is held, until which nanosecond, in what order with
 * the lists, and what room there is.
 */
#include "banned.h"

#define MANY 10000

static void it_ends_to_the_nanosecond(void **state)
{
	(void)state;
	assert_int_equal(put("203.0.113.9", HARNESS_NOW_NS), 0);
	assert_int_equal(put("2001:db8:1::9", HARNESS_NOW_NS), 0);
	assert_int_equal(put("203.0.113.10", PC_NEVER), 0);
	for (int64_t late = -1; late <= 0; late++) {
		stop_clock(HARNESS_NOW_NS + late);
		assert_banned("203.0.113.9");
		assert_banned("2001:db8:1::9");
		assert_banned("203.0.113.10");
	}
	stop_clock(HARNESS_NOW_NS + 1);
	assert_passed("203.0.113.9");
	assert_passed("2001:db8:1::9");
	assert_banned("203.0.113.10");
	/* The clock jumps back, and so does what is held. */
	stop_clock(HARNESS_NOW_NS);
	assert_banned("203.0.113.9");
	stop_clock(INT64_MAX);
	assert_banned("203.0.113.10");
}

/* By a clock that goes: the distance of TAI to Unix time is taken off. */
static void the_clock_that_goes_is_unix_time(void **state)
{
	(void)state;
	assert_int_equal(put("203.0.113.9", HARNESS_NOW_NS + HOUR_NS), 0);
	harness_set_now(HARNESS_NOW_NS + HOUR_NS - 60 * S_NS, 0);
	assert_banned("203.0.113.9");
	harness_set_now(HARNESS_NOW_NS + HOUR_NS + 1, 0);
	assert_passed("203.0.113.9");
}

static void nested_ones_end_each_at_its_time(void **state)
{
	static const struct {
		const char *prefix, *inside;
	} nest[] = {
		{ "10.0.0.0/8", "10.9.9.9" },
		{ "10.1.0.0/16", "10.1.9.9" },
		{ "10.1.1.0/31", "10.1.1.0" },
		{ "10.1.1.1", "10.1.1.1" },
		{ "2001:db8::/32", "2001:db8:9::9" },
		{ "2001:db8:1::/48", "2001:db8:1:9::9" },
		{ "2001:db8:1::/127", "2001:db8:1::" },
		{ "2001:db8:1::1", "2001:db8:1::1" },
	};
	/* Which of a family ends when. */
	static const int orders[][4] = {
		{ 1, 2, 3, 4 }, { 4, 3, 2, 1 }, { 2, 4, 1, 3 }, { 3, 1, 4, 2 }
	};

	for (size_t o = 0; o < ARRAY_SIZE(orders); o++) {
		clear_bans(state);
		for (size_t i = 0; i < ARRAY_SIZE(nest); i++)
			assert_int_equal(put(nest[i].prefix,
					     HARNESS_NOW_NS + orders[o][i % 4]),
					 0);
		for (int now = 1; now <= 5; now++) {
			int last = 0;

			stop_clock(HARNESS_NOW_NS + now);
			for (size_t i = 0; i < ARRAY_SIZE(nest); i++) {
				if (i % 4 == 0 || last < orders[o][i % 4])
					last = orders[o][i % 4];
				assert_from(nest[i].inside,
					    now <= last ? PC_R_BANNED
							: PC_R_ADDRESS_PASS);
			}
		}
	}
}

/* The address one before or after an end of a prefix; false: there is none. */
static bool step(uint8_t addr[16], size_t size, bool up)
{
	for (size_t i = size; i-- > 0;) {
		addr[i] = (uint8_t)(addr[i] + (up ? 1 : -1));
		if (addr[i] != (up ? 0 : 0xff))
			return true;
	}
	return false;
}

static const char *text_of(int family, const uint8_t addr[16])
{
	static char text[INET6_ADDRSTRLEN];

	inet_ntop(family, addr, text, sizeof(text));
	return text;
}

static void assert_edges(const struct prefix *p)
{
	size_t size = p->family == AF_INET ? 4 : 16;
	uint8_t first[16], last[16];

	memcpy(first, p->addr, sizeof(first));
	memcpy(last, p->addr, sizeof(last));
	for (size_t bit = p->len; bit < size * 8; bit++)
		last[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	assert_banned(text_of(p->family, first));
	assert_banned(text_of(p->family, last));
	if (step(first, size, false))
		assert_passed(text_of(p->family, first));
	if (step(last, size, true))
		assert_passed(text_of(p->family, last));
}

static void every_length_holds_what_it_holds(void **state)
{
	static const char *const from[] = { "198.51.100.201",
					    "2001:db8:a5a5:5a5a:c3c3::7b" };

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(from); f++) {
		struct prefix p = prefix_of(from[f]);

		for (int len = p.len; len >= 0; len--) {
			p.len = (uint8_t)len;
			if (len < (f ? 128 : 32))
				p.addr[len / 8] &= (uint8_t) ~(0x80 >> len % 8);
			lock();
			assert_int_equal(bantable_put(&table, &p, 0, PC_NEVER),
					 0);
			bantable_unlock(&table);
			assert_edges(&p);
			lock();
			assert_int_equal(bantable_remove(&table, &p), 0);
			bantable_unlock(&table);
			assert_passed(from[f]);
		}
	}
}

static void assert_many_lengths(const char *net, int max)
{
	struct prefix p = prefix_of(net);

	for (int i = 0; i < (int)PC_BAN_LENS; i++) {
		p.len = (uint8_t)(max - i);
		lock();
		assert_int_equal(bantable_put(&table, &p, 0, PC_NEVER), 0);
		bantable_unlock(&table);
	}
	lock();
	p.len = (uint8_t)(max - PC_BAN_LENS);
	assert_int_equal(bantable_put(&table, &p, 0, PC_NEVER), -E2BIG);
	/* A length that another one leaves is there to be had. */
	p.len = (uint8_t)(max - 3);
	assert_int_equal(bantable_remove(&table, &p), 0);
	p.len = (uint8_t)(max - PC_BAN_LENS);
	assert_int_equal(bantable_put(&table, &p, 0, PC_NEVER), 0);
	bantable_unlock(&table);
}

static void there_is_room_for_sixteen_lengths_of_each_family(void **state)
{
	(void)state;
	assert_many_lengths("10.0.0.0", 32);
	assert_many_lengths("2001:db8::", 128);
	assert_banned("10.0.0.0");
	assert_banned("10.0.255.255");
	assert_passed("10.1.0.0");
	assert_banned("2001:db8::");
	assert_banned("2001:db8::ffff");
	assert_passed("2001:db8::1:0");
}

static void families_never_mix(void **state)
{
	/* Bytes that agree as far as the shorter family reaches. */
	(void)state;
	assert_int_equal(put("0.0.0.0/0", PC_NEVER), 0);
	assert_banned("32.1.13.184");
	assert_passed("2001:db8::9");
	assert_int_equal(unban("0.0.0.0/0"), 0);
	assert_int_equal(put("::/0", PC_NEVER), 0);
	assert_passed("32.1.13.184");
	assert_banned("2001:db8::9");
	/* An IPv4 address in IPv6 clothes is the IPv4 one. */
	assert_passed("::ffff:32.1.13.184");
	assert_int_equal(put("::ffff:32.1.13.184", PC_NEVER), 0);
	assert_banned("32.1.13.184");
	assert_banned("::ffff:32.1.13.184");
	assert_int_equal(unban("32.1.13.184"), 0);
	assert_passed("32.1.13.184");
}

static void thousands_end_at_once(void **state)
{
	char from[32];

	(void)state;
	lock();
	for (int i = 0; i < MANY; i++) {
		struct prefix p = { AF_INET,
				    32,
				    { 10, 1, (uint8_t)(i >> 8), (uint8_t)i } };

		assert_int_equal(bantable_put(&table, &p, 0, HARNESS_NOW_NS),
				 0);
	}
	bantable_unlock(&table);
	for (int late = 0; late <= 1; late++) {
		stop_clock(HARNESS_NOW_NS + late);
		for (int i = 0; i < MANY; i++) {
			snprintf(from, sizeof(from), "10.1.%d.%d", i >> 8,
				 i & 255);
			assert_from(from,
				    late ? PC_R_ADDRESS_PASS : PC_R_BANNED);
		}
		lock();
		assert_int_equal(bantable_sweep(&table, HARNESS_NOW_NS + late),
				 0);
		assert_int_equal(table.n, late ? 0 : MANY);
		bantable_unlock(&table);
	}
	assert_int_equal(table.lens->n[0], 0);
}

static void allow_beats_a_ban_whatever_the_lengths(void **state)
{
	(void)state;
	use_lists("10.1.2.0/24 2001:db8:5::/48 198.51.100.7", "198.51.100.7",
		  false);
	assert_int_equal(put("10.0.0.0/8", PC_NEVER), 0);
	assert_int_equal(put("2001:db8:5:6::1", PC_NEVER), 0);
	assert_int_equal(put("198.51.100.7", PC_NEVER), 0);
	assert_from("10.1.2.3", PC_R_ALLOW_LIST);
	assert_banned("10.1.3.3");
	assert_from("2001:db8:5:6::1", PC_R_ALLOW_LIST);
	assert_from("198.51.100.7", PC_R_ALLOW_LIST);
}

static struct pc_count hits_of(const char *text)
{
	struct prefix p = prefix_of(text);
	struct pc_count n;
	struct pc_ban ban;

	assert_int_equal(bantable_find(&ban, &table, &p), 0);
	assert_int_equal(bantable_hits(&n, &table, &ban), 0);
	return n;
}

static void a_ban_is_counted_before_a_list(void **state)
{
	(void)state;
	use_lists("", "10.1.2.3 10.1.2.4", false);
	assert_int_equal(put("10.1.2.3", HARNESS_NOW_NS), 0);
	assert_banned("10.1.2.3");
	assert_from("10.1.2.4", PC_R_BLOCK_LIST);
	assert_true(hits_of("10.1.2.3").done == 1);
	stop_clock(HARNESS_NOW_NS + 1);
	assert_from("10.1.2.3", PC_R_BLOCK_LIST);
	assert_true(hits_of("10.1.2.3").done == 1);
}

static void hits_go_on_when_it_is_extended(void **state)
{
	(void)state;
	assert_int_equal(put("10.1.2.3", HARNESS_NOW_NS), 0);
	assert_int_equal(put("10.1.2.4", HARNESS_NOW_NS), 0);
	for (int i = 0; i < 3; i++)
		assert_banned("10.1.2.3");
	assert_banned("10.1.2.4");
	assert_int_equal(put("10.1.2.3", HARNESS_NOW_NS + 1), 0);
	stop_clock(HARNESS_NOW_NS + 1);
	assert_banned("10.1.2.3");
	assert_passed("10.1.2.4");
	assert_true(hits_of("10.1.2.3").done == 4);
	assert_true(hits_of("10.1.2.4").done == 1);
	/* Whoever comes next begins at nothing. */
	assert_int_equal(unban("10.1.2.3"), 0);
	assert_int_equal(put("10.9.9.9", PC_NEVER), 0);
	assert_true(hits_of("10.9.9.9").done == 0);
	use_lists("", "", true);
	assert_true(run_from("10.9.9.9")->would);
	assert_true(hits_of("10.9.9.9").done == 0);
	assert_true(hits_of("10.9.9.9").would == 1);
}

static void monitor_mode_counts_and_passes(void **state)
{
	const struct outcome *o;

	(void)state;
	use_lists("", "", true);
	assert_int_equal(put("10.1.2.3", PC_NEVER), 0);
	o = run_from("10.1.2.3");
	assert_reason(o, PC_R_BANNED, "monitor");
	assert_true(o->would);
	assert_int_equal(o->retval, XDP_PASS_);
}

static void a_full_table_takes_no_more(void **state)
{
	struct prefix p = { AF_INET6, 128, { 0x20, 1 } };

	(void)state;
	lock();
	for (uint32_t i = 0; i < PC_BANS_MAX; i++) {
		p.addr[14] = (uint8_t)(i >> 8);
		p.addr[15] = (uint8_t)i;
		assert_int_equal(
			bantable_put(&table, &p, 0, HARNESS_NOW_NS + (i >= 2)),
			0);
	}
	p.addr[2] = 1;
	assert_int_equal(bantable_put(&table, &p, 0, PC_NEVER), -ENOSPC);
	/* Those that are there can be extended all the same. */
	p = prefix_of("2001::ffff");
	assert_int_equal(bantable_put(&table, &p, 0, HARNESS_NOW_NS + 2), 0);
	bantable_unlock(&table);
	assert_banned("2001::ffff");
	assert_banned("2001::1");
	assert_passed("2001:100::ffff");

	lock();
	assert_int_equal(bantable_sweep(&table, HARNESS_NOW_NS + 1), 0);
	assert_int_equal(table.n, PC_BANS_MAX - 2);
	p = prefix_of("2001:100::ffff");
	assert_int_equal(bantable_put(&table, &p, 0, PC_NEVER), 0);
	p = prefix_of("10.0.0.1");
	assert_int_equal(bantable_put(&table, &p, 0, PC_NEVER), 0);
	p = prefix_of("10.0.0.2");
	assert_int_equal(bantable_put(&table, &p, 0, PC_NEVER), -ENOSPC);
	bantable_unlock(&table);
	assert_banned("2001:100::ffff");
	assert_banned("10.0.0.1");
	assert_passed("10.0.0.2");
	assert_passed("2001::1");
	assert_banned("2001::2");
}

static void one_is_removed_and_no_other(void **state)
{
	(void)state;
	assert_int_equal(put("10.0.0.0/24", PC_NEVER), 0);
	assert_int_equal(put("10.0.0.1", PC_NEVER), 0);
	assert_int_equal(put("10.0.0.2", PC_NEVER), 0);
	assert_int_equal(put("10.0.1.1", PC_NEVER), 0);
	assert_int_equal(unban("10.0.0.0/25"), -ENOENT);
	assert_int_equal(unban("10.0.0.0/24"), 0);
	assert_int_equal(unban("10.0.0.0/24"), -ENOENT);
	assert_banned("10.0.0.1");
	assert_passed("10.0.0.3");
	assert_int_equal(unban("10.0.0.1"), 0);
	assert_passed("10.0.0.1");
	assert_banned("10.0.0.2");
	assert_banned("10.0.1.1");
}

/* A command was killed between a length and its first ban. */
static void what_a_kill_left_is_put_right(void **state)
{
	(void)state;
	assert_int_equal(put("10.0.0.1", PC_NEVER), 0);
	for (uint32_t i = 1; i < PC_BAN_LENS; i++)
		table.lens->place[0][i] = 1 + i;
	table.lens->n[0] = PC_BAN_LENS;
	assert_int_equal(put("10.2.0.0/17", PC_NEVER), 0);
	assert_banned("10.2.0.1");
	assert_banned("10.0.0.1");
	assert_int_equal(table.lens->n[0], 2);
}

static void only_one_changes_them_at_a_time(void **state)
{
	struct bantable other;

	(void)state;
	assert_int_equal(bantable_open(&other, harness.dir), 0);
	lock();
	assert_int_equal(bantable_lock(&other, 10), -EBUSY);
	bantable_unlock(&table);
	assert_int_equal(bantable_lock(&other, 10), 0);
	assert_int_equal(bantable_lock(&table, 0), -EBUSY);
	bantable_unlock(&other);
	bantable_close(&other);
	assert_int_equal(bantable_open(&other, "/nowhere"), -ENOENT);
}

/* The other program, for generic mode. */
static void the_generic_program_judges_alike(void **state)
{
	int driver = harness.xdp;

	harness.xdp = loader_xdp_generic_fd(harness.loader);
	it_ends_to_the_nanosecond(state);
	harness.xdp = driver;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, clear_bans)
	const struct CMUnitTest tests[] = {
		TEST(it_ends_to_the_nanosecond),
		TEST(the_clock_that_goes_is_unix_time),
		TEST(nested_ones_end_each_at_its_time),
		TEST(every_length_holds_what_it_holds),
		TEST(there_is_room_for_sixteen_lengths_of_each_family),
		TEST(families_never_mix),
		TEST(thousands_end_at_once),
		TEST(allow_beats_a_ban_whatever_the_lengths),
		TEST(a_ban_is_counted_before_a_list),
		TEST(hits_go_on_when_it_is_extended),
		TEST(monitor_mode_counts_and_passes),
		TEST(a_full_table_takes_no_more),
		TEST(one_is_removed_and_no_other),
		TEST(what_a_kill_left_is_put_right),
		TEST(only_one_changes_them_at_a_time),
		TEST(the_generic_program_judges_alike),
	};
#undef TEST

	if (harness_open())
		return HARNESS_SKIP;
	if (bantable_open(&table, harness.dir))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
