// SPDX-License-Identifier: GPL-2.0-only
/* Clients counted by the service: who is told of, when, and who is not. */
#include "suspects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define SECOND INT64_C(1000000000)
#define START (1000 * SECOND)

static const struct rate rate = { 5, 60 * (uint64_t)SECOND };

static struct suspects *open_table(void)
{
	struct suspects *s = NULL;

	assert_int_equal(suspects_new(&s, &rate), 0);
	return s;
}

static struct prefix address(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse_address(&p, text), 0);
	return p;
}

static void refuse(struct suspects *s, const char *who, unsigned int n,
		   int64_t now_ns)
{
	struct prefix p = address(who);

	while (n--)
		suspects_count_at(s, &p, PC_R_KEY_DISABLED, now_ns);
}

static bool waits(const struct suspects *s)
{
	struct pollfd fd = { .fd = suspects_fd(s), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void assert_nobody(struct suspects *s)
{
	struct offender o;
	uint64_t dropped;

	assert_false(suspects_take(&o, &dropped, s));
	assert_int_equal(dropped, 0);
	assert_false(waits(s));
}

static void assert_next(struct suspects *s, const char *source, uint32_t count)
{
	char text[PREFIX_STRLEN];
	struct offender o;
	uint64_t dropped;

	assert_true(waits(s));
	assert_true(suspects_take(&o, &dropped, s));
	assert_string_equal(prefix_print(&o.source, text), source);
	assert_int_equal(o.count, count);
	assert_int_equal(o.reason, PC_R_KEY_DISABLED);
	assert_int_equal(dropped, 0);
}

static void the_nth_and_each_nth_is_told(void **state)
{
	struct suspects *s = open_table();

	(void)state;
	refuse(s, "203.0.113.9", 4, START);
	assert_nobody(s);
	refuse(s, "203.0.113.9", 1, START);
	assert_next(s, "203.0.113.9/32", 5);
	assert_nobody(s);
	refuse(s, "203.0.113.9", 9, START);
	assert_next(s, "203.0.113.9/32", 10);
	assert_nobody(s);
	suspects_free(s);
}

static void a_window_that_has_run_out_begins_anew(void **state)
{
	struct suspects *s = open_table();

	(void)state;
	refuse(s, "203.0.113.9", 4, START);
	refuse(s, "203.0.113.9", 4, START + 60 * SECOND);
	assert_nobody(s);
	refuse(s, "203.0.113.9", 1, START + 120 * SECOND - 1);
	assert_next(s, "203.0.113.9/32", 5);
	/* A clock that is behind is no reason to forget. */
	refuse(s, "203.0.113.9", 4, START + 200 * SECOND);
	refuse(s, "203.0.113.9", 1, START + 200 * SECOND);
	assert_next(s, "203.0.113.9/32", 5);
	suspects_free(s);
}

static void clients_are_told_apart_as_the_gateway_does(void **state)
{
	struct suspects *s = open_table();

	(void)state;
	refuse(s, "203.0.113.9", 4, START);
	refuse(s, "203.0.113.8", 4, START);
	assert_nobody(s);
	refuse(s, "2001:db8:1:2::1", 2, START);
	refuse(s, "2001:db8:1:3::1", 4, START);
	refuse(s, "2001:db8:1:2:ffff::2", 3, START);
	assert_next(s, "2001:db8:1:2::/64", 5);
	refuse(s, "::ffff:203.0.113.9", 1, START);
	assert_next(s, "203.0.113.9/32", 5);
	assert_nobody(s);
	suspects_free(s);
}

/* A full table forgets others, and accuses nobody of what others did. */
static void a_spray_of_addresses_accuses_nobody(void **state)
{
	struct suspects *s = open_table();
	struct prefix p = address("10.0.0.0");

	(void)state;
	for (uint32_t i = 0; i < 10 * SUSPECTS_MAX; i++) {
		p.addr[1] = (uint8_t)(i >> 16);
		p.addr[2] = (uint8_t)(i >> 8);
		p.addr[3] = (uint8_t)i;
		suspects_count_at(s, &p, PC_R_KEY_DISABLED, START + i);
	}
	assert_nobody(s);
	refuse(s, "203.0.113.9", 5, START + SECOND);
	assert_next(s, "203.0.113.9/32", 5);
	suspects_free(s);
}

static void who_is_not_taken_in_time_is_counted(void **state)
{
	struct suspects *s = open_table();
	struct offender o;
	uint64_t dropped;

	(void)state;
	for (uint32_t i = 0; i < SUSPECTS_WAITING + 3; i++)
		refuse(s, "203.0.113.9", 5, START);
	assert_true(suspects_take(&o, &dropped, s));
	assert_int_equal(dropped, 3);
	assert_int_equal(o.count, 5);
	for (uint32_t i = 1; i < SUSPECTS_WAITING; i++) {
		assert_true(suspects_take(&o, &dropped, s));
		assert_int_equal(o.count, 5 * (i + 1));
		assert_int_equal(dropped, 0);
	}
	assert_nobody(s);
	suspects_free(s);
}

static void *count_many(void *arg)
{
	for (int i = 0; i < 1000; i++)
		refuse(arg, "203.0.113.9", 5, START);
	return NULL;
}

static void two_threads_lose_nobody(void **state)
{
	struct suspects *s = open_table();
	uint64_t taken = 0, lost = 0, dropped;
	struct offender o;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, count_many, s), 0);
	while (taken + lost < 1000) {
		taken += suspects_take(&o, &dropped, s);
		lost += dropped;
	}
	pthread_join(thread, NULL);
	assert_int_equal(taken + lost, 1000);
	assert_true(taken > 0);
	assert_nobody(s);
	suspects_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_and_each_nth_is_told),
		cmocka_unit_test(a_window_that_has_run_out_begins_anew),
		cmocka_unit_test(clients_are_told_apart_as_the_gateway_does),
		cmocka_unit_test(a_spray_of_addresses_accuses_nobody),
		cmocka_unit_test(who_is_not_taken_in_time_is_counted),
		cmocka_unit_test(two_threads_lose_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
