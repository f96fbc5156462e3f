/* SPDX-License-Identifier: GPL-2.0-only */
/* The IPv6 part of an image: a search tree over a cover. */
#ifndef IMAGE6_H
#define IMAGE6_H

#include <stddef.h>

#include "cover.h"
#include "pc_abi.h"

struct image6 {
	size_t n; /* stretches; 0: no address has an owner */
	size_t n_levels;
	size_t level_size[PC_LEVELS]; /* in lines, the root's first */
};

/* From a cover of IPv6.  0, -E2BIG. */
int image6_init(struct image6 *out, struct cover *c);

/* Lines; 0: no address has an owner. */
size_t image6_size(const struct image6 *im);
/* Into so many lines from line at on, all of them 0. */
void image6_write(const struct image6 *im, struct cover *c,
		  struct pc_image *head, struct pc_line *lines, size_t at);

#endif /* IMAGE6_H */
