/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets of an address, against bans that are put and removed one by one. */
#ifndef TESTS_BPF_BANNED_H
#define TESTS_BPF_BANNED_H

#include "bantable.h"
#include "expect.h"

#define GATEWAY "192.0.2.1"
#define GATEWAY6 "2001:db8::1"
#define S_NS ((int64_t)1000000000)
#define HOUR_NS (3600 * S_NS)

static struct bantable table;

/* The programs' clock stands still at this time. */
static inline void stop_clock(int64_t now_ns)
{
	struct pc_clock clock;

	clock_take(&clock, 0);
	clock.stopped_ns = now_ns;
	maps_set_clock(&harness.maps, &clock);
}

static inline void use_lists(const char *allow, const char *block, bool monitor)
{
	struct policy_options opt = harness_options();
	struct prefix allowed[8], blocked[8];
	struct snapshot s = { 0 };

	opt.monitor = monitor;
	opt.allow = harness_prefixes(allowed, allow);
	opt.block = harness_prefixes(blocked, block);
	harness_apply(&opt, &s);
}

static inline struct prefix prefix_of(const char *text)
{
	struct prefix p;

	if (prefix_parse_strict(&p, text))
		fail_msg("%s is no prefix", text);
	return p;
}

static inline void lock(void)
{
	assert_int_equal(bantable_lock(&table, 1000), 0);
}

static inline int put(const char *text, int64_t expires_ns)
{
	struct prefix p = prefix_of(text);
	int rc;

	lock();
	rc = bantable_put(&table, &p, 0, expires_ns);
	bantable_unlock(&table);
	return rc;
}

static inline int unban(const char *text)
{
	struct prefix p = prefix_of(text);
	int rc;

	lock();
	rc = bantable_remove(&table, &p);
	bantable_unlock(&table);
	return rc;
}

/* No bans, whatever the test before left. */
static inline int clear_bans(void **state)
{
	(void)state;
	lock();
	for (size_t i = 0; i < table.n_entries; i++)
		table.entries[i].ban.expires_ns = 0;
	assert_int_equal(bantable_sweep(&table, 1), 0);
	assert_int_equal(table.n, 0);
	bantable_unlock(&table);
	stop_clock(HARNESS_NOW_NS);
	use_lists("", "", false);
	return 0;
}

static inline const struct outcome *run_from(const char *from)
{
	struct shape s = {
		.from = from,
		.to = strchr(from, ':') ? GATEWAY6 : GATEWAY,
		.sport = 40000,
		.dport = HARNESS_PORT,
		.flags = TCP_SYN,
	};

	return run_shape(harness.xdp, &s);
}

static inline void check_from(const char *from, enum pc_reason want,
			      const char *file, int line)
{
	const struct outcome *o = run_from(from);
	bool drop = reason_class(want) == PC_CLASS_DROP;

	check_reason(o, want, from, file, line);
	if (o->retval != (drop ? XDP_DROP_ : XDP_PASS_) || o->would) {
		print_error("%s: returned %u\n", from, o->retval);
		_fail(file, line);
	}
}

#define assert_banned(from) check_from(from, PC_R_BANNED, __FILE__, __LINE__)
#define assert_passed(from) \
	check_from(from, PC_R_ADDRESS_PASS, __FILE__, __LINE__)
#define assert_from(from, want) check_from(from, want, __FILE__, __LINE__)

#endif /* TESTS_BPF_BANNED_H */
