/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis decisions: shows the recent denials of the decision service. */
#ifndef DECISIONS_H
#define DECISIONS_H

#include <stddef.h>

#include "trace.h"

#define DECISIONS_LINE_SIZE 512

/* One denial without newline, for people and for programs. */
const char *decisions_print(const struct trace *t, const struct trace_record *r,
			    char buf[static DECISIONS_LINE_SIZE]);
const char *decisions_print_json(const struct trace *t,
				 const struct trace_record *r,
				 char buf[static DECISIONS_LINE_SIZE]);

int decisions_main(int argc, char **argv);

#endif /* DECISIONS_H */
