// SPDX-License-Identifier: GPL-2.0-only
/*
 * lifewatch.c, in a network namespace of its own: lifelines are read again when
 * they change, and not for each source, nor for each change.
 */
#include "lifewatch.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "clock.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SKIP 77
#define S UINT64_C(1000000000)
#define SOURCES 10000

static struct options opt;
static const struct prefix_list nobody;
static struct lifewatch *w;

/* Of ip by its path: a shell may have a smaller one of its own. */
static void run(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

static int set_up(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET))
		return -1;
	/* No address that comes by itself, later. */
	run("/bin/ip link add name a type veth peer name b && "
	    "/bin/ip link set dev a addrgenmode none && "
	    "/bin/ip link set dev b addrgenmode none && "
	    "/bin/ip link set dev a up && /bin/ip link set dev b up && "
	    "/bin/ip addr add 192.0.2.2/24 dev a");
	return lifewatch_open(&w, &opt, &nobody);
}

static int tear_down(void **state)
{
	(void)state;
	lifewatch_close(w);
	return 0;
}

static bool is_in(const struct lifelines *lines, const char *text)
{
	char buf[PREFIX_STRLEN];

	for (size_t i = 0; i < lines->n; i++) {
		if (!strcmp(prefix_print(&lines->items[i].prefix, buf), text))
			return true;
	}
	return false;
}

static bool has(const char *text)
{
	const struct lifelines *lines = lifewatch_look(w);

	assert_non_null(lines);
	return is_in(lines, text);
}

/* Never are they what they were before. */
static bool comes_to(const char *text, bool want)
{
	uint64_t end_ns = clock_boot_ns() + 5 * S;
	const struct lifelines *lines;

	while (!(lines = lifewatch_look(w))) {
		if (clock_boot_ns() > end_ns)
			return false;
		usleep(10000);
	}
	return is_in(lines, text) == want;
}

static void look_often(void)
{
	for (int i = 0; i < SOURCES; i++)
		assert_non_null(lifewatch_look(w));
}

static void what_changes_is_seen(void **state)
{
	static const struct {
		const char *what, *command, *text;
		bool want;
	} rows[] = {
		{ "a default route", "/bin/ip route add default via 192.0.2.1",
		  "192.0.2.1/32", true },
		{ "another", "/bin/ip route replace default via 192.0.2.3",
		  "192.0.2.3/32", true },
		{ "and not the first", ":", "192.0.2.1/32", false },
		{ "by a next hop object",
		  "/bin/ip nexthop add id 7 via 192.0.2.5 dev a && "
		  "/bin/ip route replace default nhid 7",
		  "192.0.2.5/32", true },
		/* Where no route is told of for it. */
		{ "which is changed",
		  "echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode && "
		  "/bin/ip nexthop replace id 7 via 192.0.2.6 dev a",
		  "192.0.2.6/32", true },
		{ "an address", "/bin/ip addr add 198.51.100.1/32 dev a",
		  "198.51.100.1/32", true },
		{ "an address, IPv6",
		  "/bin/ip addr add 2001:db8::2/64 dev a nodad",
		  "2001:db8::2/128", true },
		{ "a default route, IPv6",
		  "/bin/ip -6 route add default via 2001:db8::1 dev a",
		  "2001:db8::1/128", true },
		{ "an address is gone",
		  "/bin/ip addr del 198.51.100.1/32 dev a", "198.51.100.1/32",
		  false },
	};

	(void)state;
	assert_true(has("192.0.2.2/32"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		run(rows[i].command);
		if (!comes_to(rows[i].text, rows[i].want))
			fail_msg("%s", rows[i].what);
	}
}

static void ten_thousand_sources_are_one_look(void **state)
{
	(void)state;
	look_often();
	assert_int_equal(lifewatch_looks(w), 1);
}

/* Of no default route; more than the socket can hold would be another thing. */
static void other_routes_are_no_change(void **state)
{
	uint64_t looks, begin_ns = clock_boot_ns();

	(void)state;
	look_often();
	looks = lifewatch_looks(w);
	while (clock_boot_ns() - begin_ns < 3 * S / 2) {
		run("/bin/ip route add 203.0.113.0/24 via 192.0.2.1 && "
		    "/bin/ip route del 203.0.113.0/24");
		assert_non_null(lifewatch_look(w));
	}
	assert_int_equal(lifewatch_looks(w), looks);
}

static void a_flapping_route_is_one_look_a_second(void **state)
{
	uint64_t begin_ns = clock_boot_ns(), seconds, n_known = 0;

	(void)state;
	while (clock_boot_ns() - begin_ns < 5 * S / 2) {
		run("/bin/ip route add default via 192.0.2.1 && "
		    "/bin/ip route del default");
		n_known += lifewatch_look(w) != NULL;
	}
	seconds = (clock_boot_ns() - begin_ns) / S;
	assert_true(lifewatch_looks(w) <= seconds + 1);
	assert_true(lifewatch_looks(w) > 1);
	assert_int_equal(n_known, lifewatch_looks(w));
}

static void looks_take_a_small_part_of_the_time(void **state)
{
	static const struct {
		const char *what;
		struct lifewatch_age age;
		uint64_t now_ns;
		bool due;
	} rows[] = {
		{ "nothing new", { 100 * S, 0, false }, 110 * S, false },
		{ "a change", { 100 * S, 0, true }, 110 * S, true },
		{ "a change at once",
		  { 100 * S, 0, true },
		  101 * S - 1,
		  false },
		{ "a change after a second",
		  { 100 * S, 0, true },
		  101 * S,
		  true },
		{ "a look that took two seconds",
		  { 100 * S, 2 * S, true },
		  140 * S - 1,
		  false },
		{ "and its time is over",
		  { 100 * S, 2 * S, true },
		  140 * S,
		  true },
		{ "old", { 100 * S, 0, false }, 160 * S, true },
		{ "old, and took long",
		  { 100 * S, 4 * S, false },
		  160 * S,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (lifewatch_is_due(&rows[i].age, rows[i].now_ns) !=
		    rows[i].due)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_changes_is_seen),
		TEST(ten_thousand_sources_are_one_look),
		TEST(other_routes_are_no_change),
		TEST(a_flapping_route_is_one_look_a_second),
		cmocka_unit_test(looks_take_a_small_part_of_the_time),
	};
#undef TEST

	if (geteuid())
		return SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
