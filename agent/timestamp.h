/* SPDX-License-Identifier: GPL-2.0-only */
/* Points in time as the gateway writes them: RFC 3339 with nanoseconds. */
#ifndef TIMESTAMP_H
#define TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

#define TIMESTAMP_STRLEN 36

/*
 * RFC3339Nano text to Unix nanoseconds, as strict as Go's time.Parse: offset or
 * Z required, real calendar dates only, fraction of 1 to 9 digits (more digits
 * are truncated).  Times outside int64 nanoseconds saturate one short of the
 * ends (PC_NEVER is never returned).  -EINVAL: not a time.
 */
int timestamp_parse(int64_t *out_ns, const char *text, size_t size);
/* "2026-02-03T12:00:00.5Z", always UTC. */
const char *timestamp_print(int64_t ns, char buf[static TIMESTAMP_STRLEN]);

#endif /* TIMESTAMP_H */
