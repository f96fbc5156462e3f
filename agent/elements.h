/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A snapshot file taken apart: the lines of NDJSON, or the members of one JSON
 * object.  Holds one element at a time, whatever the size of the file.
 */
#ifndef ELEMENTS_H
#define ELEMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "jsontext.h"
#include "snapshot.h"

struct elements;

struct element {
	size_t line;	      /* where it begins, from 1 */
	const char *name;     /* 64 hex digits; NULL for a line of NDJSON */
	struct jsontext text; /* size 0: the file has ended */
};

int elements_open(struct elements **out, const char *path);
void elements_close(struct elements *e);

/* As stream_modified_ns(). */
int64_t elements_modified_ns(const struct elements *e);

/*
 * *out is valid until the next call.  On failure -errno, "field: what" in what
 * and the line in out->line.
 */
int elements_next(struct elements *e, struct element *out,
		  char what[static SNAPSHOT_WHAT_SIZE]);

#endif /* ELEMENTS_H */
