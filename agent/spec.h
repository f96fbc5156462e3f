/* SPDX-License-Identifier: GPL-2.0-only */
/* A --block-file or --allow-file as the command line names it, and its limits.
 */
#ifndef SPEC_H
#define SPEC_H

#include <stddef.h>
#include <stdint.h>

#include "value.h"

#define SPEC_MAX_DEFAULT 1000000u
#define SPEC_FACTOR_DEFAULT 10u
/* Prefixes of one file, files of one flag (PC_OWNER_FILE has 251 numbers). */
#define SPEC_MAX_MOST 10000000u
#define SPEC_FILES_MAX 250u

struct list_spec {
	char *path;	 /* absolute */
	uint64_t max;	 /* prefixes */
	uint64_t factor; /* by which it may shrink or grow at once; 0: any */
};

struct list_specs {
	struct list_spec *items;
	size_t n;
};

/* struct list_specs: "FILE[,max=N][,factor=F]".  A path has no comma. */
value_fn spec_value;
void spec_fini(struct list_specs *specs);

#endif /* SPEC_H */
