/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel programs could and could not tell of, over all processors. */
#ifndef GATE_H
#define GATE_H

#include "pc_abi.h"

/* A descriptor, or -errno; -ENOENT: no filter is installed. */
int gate_open(const char *pin_dir);
/* The counters, added up; the other fields are 0.  0 or -errno. */
int gate_read(struct pc_event_gate *out, int fd);

#endif /* GATE_H */
