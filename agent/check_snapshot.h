/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis check-snapshot: compile a file as run would, and change nothing.
 */
#ifndef CHECK_SNAPSHOT_H
#define CHECK_SNAPSHOT_H

#include <stdint.h>

#include "options.h"
#include "policy.h"

/*
 * The policy that o->snapshot and the operator's lists make at now_ns (Unix
 * time).  0; -errno: what is wrong was said on stderr.
 */
int check_snapshot_compile(struct policy *out, const struct options *o,
			   int64_t now_ns);

/* Exit code: 0 good, 1 unreadable or bad, 2 usage. */
int check_snapshot_main(int argc, char **argv);

#endif /* CHECK_SNAPSHOT_H */
