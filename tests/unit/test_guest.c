// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "guest.h"

#define SECOND 1000000000LL
#define N 4

static const struct prefix_list no_proxies;
static const struct peer_rules rules = { .proxies = &no_proxies };

static struct {
	struct guests all;
	struct guest *guests[N];
	int ours[N], theirs[N];
} house;

static void open_house(size_t limit)
{
	guests_init(&house.all, limit);
	house.all.now_ns = SECOND;
	for (int i = 0; i < N; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		house.ours[i] = pair[0];
		house.theirs[i] = pair[1];
	}
}

static void enter(int i)
{
	house.guests[i] = guests_enter(&house.all, house.ours[i], &rules);
	assert_non_null(house.guests[i]);
}

static void close_house(int n)
{
	for (int i = 0; i < N; i++) {
		if (i < n)
			guests_leave(house.guests[i]);
		close(house.ours[i]);
		close(house.theirs[i]);
	}
	assert_int_equal(house.all.n, 0);
}

/* Has it been shut down?  Then its peer reads an end. */
static bool gone(int i)
{
	char byte;

	return recv(house.theirs[i], &byte, 1, MSG_DONTWAIT) == 0;
}

static void who_reads_too_long_goes(void **state)
{
	(void)state;
	open_house(N);
	enter(0);
	enter(1);
	guests_busy(house.guests[1]);
	house.all.now_ns += 10 * SECOND;
	guests_tick(&house.all);
	assert_false(gone(0));
	house.all.now_ns += 1;
	guests_tick(&house.all);
	assert_true(gone(0));
	assert_false(gone(1));
	assert_int_equal(house.all.too_slow, 1);
	close_house(2);
}

static void who_idles_may_stay_longer(void **state)
{
	(void)state;
	open_house(N);
	enter(0);
	guests_idle(house.guests[0]);
	house.all.now_ns += 130 * SECOND;
	guests_tick(&house.all);
	assert_false(gone(0));
	/* A request begins: that is to be done in ten seconds. */
	guests_reading(house.guests[0]);
	house.all.now_ns += 10 * SECOND + 1;
	guests_tick(&house.all);
	assert_true(gone(0));
	close_house(1);
}

static void one_too_many_costs_the_oldest_that_asked_nothing(void **state)
{
	(void)state;
	open_house(3);
	for (int i = 0; i < 3; i++)
		enter(i);
	guests_idle(house.guests[0]);
	enter(3);
	assert_false(gone(0));
	assert_true(gone(1));
	assert_false(gone(2));
	assert_int_equal(house.all.evicted, 1);
	/* It is not ended twice, and nothing brings it back. */
	guests_idle(house.guests[1]);
	assert_int_equal(house.guests[1]->state, GUEST_LEAVING);
	close_house(4);
}

/* Who was shut down is still somebody to be let out at the end. */
static void who_leaves_is_found(void **state)
{
	(void)state;
	open_house(N);
	enter(0);
	house.all.now_ns += 11 * SECOND;
	guests_tick(&house.all);
	assert_true(gone(0));
	assert_ptr_equal(guests_any(&house.all), house.guests[0]);
	close_house(1);
	assert_null(guests_any(&house.all));
}

static void who_is_waited_on_is_never_ended(void **state)
{
	(void)state;
	open_house(1);
	enter(0);
	guests_busy(house.guests[0]);
	enter(1);
	assert_false(gone(0));
	house.all.now_ns += 1000 * SECOND;
	guests_tick(&house.all);
	assert_false(gone(0));
	close_house(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_reads_too_long_goes),
		cmocka_unit_test(who_idles_may_stay_longer),
		cmocka_unit_test(
			one_too_many_costs_the_oldest_that_asked_nothing),
		cmocka_unit_test(who_leaves_is_found),
		cmocka_unit_test(who_is_waited_on_is_never_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
