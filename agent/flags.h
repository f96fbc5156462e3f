/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of flags, for options.c to read arguments and print help by. */
#ifndef FLAGS_H
#define FLAGS_H

#include <stddef.h>

#include "options.h"
#include "value.h"

/* The verbs that compile a policy. */
#define FLAGS_POLICY (OPTIONS_RUN | OPTIONS_EXPLAIN | OPTIONS_CHECK)

struct flag {
	const char *name;
	unsigned int verbs;  /* OPTIONS_* */
	const char *value;   /* NULL: takes none; "a|b": enum value 0 or 1 */
	const char *initial; /* parsed when the flag is not given */
	size_t field;	     /* offset in struct options */
	value_fn *parse;
	const char *help;
};

#define FLAGS_MAX 96

extern const struct flag flags[];
extern const size_t n_flags; /* at most FLAGS_MAX */

#endif /* FLAGS_H */
