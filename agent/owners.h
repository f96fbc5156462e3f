/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's lookup (bpf/owner.h) in an image that is in memory. */
#ifndef OWNERS_H
#define OWNERS_H

#include "image.h"

typedef struct image pc_image_lines;

static inline const struct pc_line *pc_image_line(const pc_image_lines *im,
						  __u32 number)
{
	return number < im->head.n_lines ? &im->lines[number] : NULL;
}

#include "owner.h"

#endif /* OWNERS_H */
