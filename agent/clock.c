// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"

#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define SETTLING_NS (600ULL * NS_PER_S)
/* 2025: no host that runs this has seen an earlier day. */
#define OLDEST_NS (1735689600 * NS_PER_S)

static int64_t read_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

uint64_t clock_boot_ns(void)
{
	return (uint64_t)read_ns(CLOCK_BOOTTIME);
}

/* Where nobody ever sets it nobody ever says that it is right. */
bool clock_is_credible(int64_t now_ns, uint64_t boot_ns, bool is_set)
{
	return now_ns >= OLDEST_NS && (is_set || boot_ns >= SETTLING_NS);
}

bool clock_is_settled(void)
{
	struct timex tx = { 0 };
	int state = adjtimex(&tx);

	return clock_is_credible(clock_now_ns(), clock_boot_ns(),
				 state >= 0 && state != TIME_ERROR);
}

void clock_take(struct pc_clock *out, uint64_t lease_ns)
{
	uint64_t boot = clock_boot_ns();
	struct timex tx = { 0 };

	/* The offset is a whole number of seconds that the kernel is told, not
	 * the difference of two clocks read one after the other.
	 */
	adjtimex(&tx);
	out->stopped_ns = 0;
	out->draining = 0;
	out->tai_offset_ns = (int64_t)tx.tai * NS_PER_S;
	out->lease_ns = lease_ns ? boot + lease_ns : 0;
	out->heartbeat_ns = boot;
	out->agent_pid = (uint64_t)getpid();
}
