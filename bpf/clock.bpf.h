/* SPDX-License-Identifier: GPL-2.0-only */
/* What time it is, for what expires. */
#ifndef PC_CLOCK_BPF_H
#define PC_CLOCK_BPF_H

#include "maps.bpf.h"

/* CLOCK_REALTIME, from a clock a program may read. */
static __always_inline __s64 now_ns(const struct pc_clock *clock)
{
	if (clock->stopped_ns)
		return clock->stopped_ns;
	return bpf_ktime_get_tai_ns() - clock->tai_offset_ns;
}

#endif /* PC_CLOCK_BPF_H */
