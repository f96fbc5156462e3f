/* SPDX-License-Identifier: GPL-2.0-only */
/* Stretches of an array map, at one call each: there are hundreds of elements.
 */
#ifndef ARRAY_H
#define ARRAY_H

#include <stddef.h>
#include <stdint.h>

struct array_part {
	int fd;
	uint32_t first;
	uint32_t n;
	size_t size; /* of a value; a multiple of 8, as the kernel has it */
};

/* 0; -ENODATA: the array has not so many; -errno. */
int array_read(void *values, const struct array_part *p);

/*
 * Writes, and compares what is there afterwards.  0; -EILSEQ: it is something
 * else; -errno.
 */
int array_put(const struct array_part *p, const void *values);

#endif /* ARRAY_H */
