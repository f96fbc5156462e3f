/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An image in the kernel: the inner maps of pc_image, PC_CHUNKS of a slot, each
 * a mapped array of one size.  Written at the speed of memory, read back, and
 * put into the slot all at once.
 */
#ifndef CHUNKS_H
#define CHUNKS_H

#include <stdint.h>

#include "image.h"
#include "pc_abi.h"
#include "prefix.h"

/*
 * Makes new inner maps of the image's lines, compares the digest of what can be
 * read back, and puts them into a slot of the outer map; what the slot had
 * before is gone.  0; -EILSEQ: what was read back is not what was written;
 * -errno.
 */
int chunks_put(int outer, uint32_t slot, const struct image *im);

/* Empties a slot.  0 or -errno. */
int chunks_clear(int outer, uint32_t slot);

/*
 * The owner of an address as the programs find it, by the slot's own lines.
 * 0 or -errno.
 */
int chunks_find(uint32_t *owner, int outer, uint32_t slot,
		const struct pc_image *head, const struct prefix *address);

/* SHA-256 of the lines that a slot has: head->digest, if it is whole. */
int chunks_digest(uint8_t out[static 32], int outer, uint32_t slot,
		  const struct pc_image *head);

#endif /* CHUNKS_H */
