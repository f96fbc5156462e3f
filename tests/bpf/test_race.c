// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments of one connection on two processors at the same time: whoever comes
 * first, what the two ends disagree by and what each is told fit together.
 */
#include "race.h"

/* Each end's FIN is remembered, whatever the other one does. */
static void both_ends_say_fin_at_once(void **state)
{
	struct line l;

	(void)state;
	line_use(PC_DENY_REPLY);
	l = line_open();
	refused(&l, D);
	l.c.s.flags = TCP_FIN | TCP_ACK;
	l.g.s.flags = TCP_FIN | TCP_ACK;
	for (race_begin(); race_goes_on();) {
		struct pc_flow_key key = line_key(&l);
		struct pc_living entry;

		assert_true(line_find(&entry, &l));
		entry.ended = 0;
		assert_int_equal(bpf_map_update_elem(harness.living, &key,
						     &entry, BPF_EXIST),
				 0);
		race_put(0, harness.request, &l.c.s, "");
		race_put(1, harness.reply, &l.g.s, "");
		race_run();
		assert_true(line_find(&entry, &l));
		assert_int_equal(entry.ended,
				 PC_ENDED_CLIENT | PC_ENDED_GATEWAY);
	}
	print_message("%u rounds\n", race.rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_say_fin_at_once),
	};
	int rc;

	if (harness_open())
		return HARNESS_SKIP;
	if (race_open()) {
		printf("1..0 # SKIP needs two processors\n");
		return HARNESS_SKIP;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	race_close();
	return rc;
}
