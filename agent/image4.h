/* SPDX-License-Identifier: GPL-2.0-only */
/* The IPv4 part of an image: first what it takes, then its lines. */
#ifndef IMAGE4_H
#define IMAGE4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cover.h"
#include "pc_abi.h"

/* Addresses of one owner: within one /24, or /24s as a whole. */
struct image4_piece {
	uint32_t first;
	uint32_t last;
	uint8_t owner;
	bool few; /* all of its /24 is in buckets */
};

/* What a /16 takes. */
struct image4_net {
	uint8_t kind;	  /* enum pc_net */
	uint8_t owner;	  /* of all of it; 0: it has a block */
	uint16_t n_words; /* in its block */
};

struct image4 {
	struct image4_piece *pieces; /* in order */
	size_t n;
	size_t size;
	struct image4_net *nets; /* of all /16s */
	uint8_t *fill;		 /* places taken in each bucket */
	uint32_t n_buckets;
	size_t n_block_lines;
	size_t n_leaves; /* with their lines of owners */
};

/* From a cover of IPv4.  Free with image4_fini().  0, -ENOMEM. */
int image4_init(struct image4 *out, struct cover *c);
void image4_fini(struct image4 *im);

/* Lines; 0: no address has an owner. */
size_t image4_size(const struct image4 *im);
/* Once, into so many lines from line 0 on, all of them 0. */
void image4_write(struct image4 *im, struct pc_image *head,
		  struct pc_line *lines);

#endif /* IMAGE4_H */
