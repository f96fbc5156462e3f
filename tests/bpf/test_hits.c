// SPDX-License-Identifier: GPL-2.0-only
/*
 * hits.c on real maps: packets are counted for the list that they were in, also
 * when another run gives its number to another list.
 */
#include "expect.h"

#include "request.h"

#define IN_FIRST "192.0.2.1"
#define IN_SECOND "198.51.100.1"
#define LONG_NS UINT64_C(60000000000)
#define SHORT_NS UINT64_C(30000000)

/* Lists of one address each, of these names; the first is in IN_FIRST. */
static int put(const char *first, const char *second, uint64_t confirm_ns)
{
	struct policy_options opt = harness_options();
	struct policy_file files[2] = { { .path = first }, { .path = second } };
	struct snapshot s = { 0 };
	struct prefix items[2];
	struct policy p;
	int rc;

	files[0].prefixes = harness_prefixes(&items[0], IN_FIRST);
	files[1].prefixes = harness_prefixes(&items[1], IN_SECOND);
	opt.files = files;
	opt.n_files = 2;
	assert_int_equal(policy_compile(&p, &s, &opt), 0);
	rc = maps_apply(&harness.maps, &p, confirm_ns);
	policy_fini(&p);
	return rc;
}

static void hit(const char *from)
{
	const struct shape shape = {
		.from = from,
		.to = "10.77.0.1",
		.dport = HARNESS_PORT,
	};

	assert_int_equal(run_shape(harness.xdp, &shape)->retval, XDP_DROP_);
}

static void assert_hits(uint64_t first, uint64_t second)
{
	struct pc_count n[PC_OWNERS];

	assert_int_equal(maps_count_lists(&harness.maps, n), 0);
	assert_int_equal(n[PC_OWNER_FILE].done, first);
	assert_int_equal(n[PC_OWNER_FILE + 1].done, second);
}

static void the_same_lists_go_on_being_counted(void **state)
{
	(void)state;
	assert_int_equal(put("/a", "/b", 0), 0);
	assert_hits(0, 0);
	hit(IN_FIRST);
	hit(IN_SECOND);
	hit(IN_SECOND);
	assert_hits(1, 2);
	assert_int_equal(put("/a", "/b", 0), 0);
	assert_hits(1, 2);
	hit(IN_FIRST);
	assert_hits(2, 2);
}

static void another_list_begins_anew(void **state)
{
	(void)state;
	assert_int_equal(put("/a", "/b", 0), 0);
	hit(IN_FIRST);
	hit(IN_SECOND);
	assert_int_equal(put("/c", "/b", 0), 0);
	assert_hits(0, 3);
	hit(IN_FIRST);
	/* The two change places. */
	assert_int_equal(put("/b", "/c", 0), 0);
	assert_hits(0, 0);
}

/* Both ways that it may go, and by whom. */
static void so_does_one_that_is_back(void **state)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct maps *m = &harness.maps;

	(void)state;
	assert_int_equal(put("/a", "/b", 0), 0);
	hit(IN_FIRST);
	hit(IN_FIRST);
	assert_int_equal(put("/c", "/b", LONG_NS), 0);
	assert_hits(0, 0);
	hit(IN_FIRST);
	hit(IN_SECOND);
	assert_int_equal(maps_confirm(m, true), 0);
	assert_hits(2, 1);
	hit(IN_FIRST);
	assert_int_equal(maps_settle(m), MAPS_ROLLED_BACK);
	assert_hits(3, 1);

	assert_int_equal(put("/c", "/b", SHORT_NS), 0);
	hit(IN_FIRST);
	while (maps_settle(m) == MAPS_PENDING)
		nanosleep(&ms, NULL);
	assert_hits(3, 1);

	assert_int_equal(put("/c", "/b", LONG_NS), 0);
	hit(IN_FIRST);
	assert_int_equal(maps_confirm(m, false), 0);
	assert_int_equal(maps_settle(m), MAPS_CONFIRMED);
	assert_hits(1, 1);
}

/* Whoever reads does not wait for an agent, which may be dead. */
static void so_does_one_that_nobody_has_settled(void **state)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct maps *m = &harness.maps;
	uint64_t until_ms;

	(void)state;
	assert_int_equal(put("/e", "/f", 0), 0);
	hit(IN_FIRST);
	assert_int_equal(put("/g", "/f", SHORT_NS), 0);
	hit(IN_FIRST);
	hit(IN_FIRST);
	hit(IN_SECOND);
	until_ms = pc_active_until_ms(*m->active_word);
	while (clock_boot_ns() / 1000000 <= until_ms)
		nanosleep(&ms, NULL);
	assert_hits(1, 1);
	assert_int_equal(maps_settle(m), MAPS_ROLLED_BACK);
	assert_hits(1, 1);
	hit(IN_FIRST);
	assert_hits(2, 1);
}

/* As when somebody writes it while it is read. */
static void none_is_less_than_nothing(void **state)
{
	struct pc_list list;
	uint32_t index;

	(void)state;
	assert_int_equal(put("/h", "/i", 0), 0);
	index = PC_LIST_INDEX(maps_active_slot(&harness.maps), PC_OWNER_FILE);
	assert_int_equal(bpf_map_lookup_elem(harness.maps.lists, &index, &list),
			 0);
	list.base.done += 5;
	assert_int_equal(
		bpf_map_update_elem(harness.maps.lists, &index, &list, BPF_ANY),
		0);
	hit(IN_SECOND);
	assert_hits(0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_lists_go_on_being_counted),
		cmocka_unit_test(another_list_begins_anew),
		cmocka_unit_test(so_does_one_that_is_back),
		cmocka_unit_test(so_does_one_that_nobody_has_settled),
		cmocka_unit_test(none_is_less_than_nothing),
	};

	if (harness_open())
		return HARNESS_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
