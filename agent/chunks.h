/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An image in the kernel: the inner maps of pc_image, PC_CHUNKS of a slot, each
 * a mapped array of one size.  Written at the speed of memory, and read back.
 */
#ifndef CHUNKS_H
#define CHUNKS_H

#include <stdint.h>

#include "image.h"
#include "pc_abi.h"
#include "prefix.h"

/* Blank chunks that are in a slot, mapped. */
struct chunks;

/*
 * Empties a slot; if an image of so many lines is a small one, such has room in
 * spare chunks there.  NULL: what the slot had may still be in it.
 */
struct chunks *chunks_clear(int outer, uint32_t slot, uint32_t n_lines);
void chunks_free(struct chunks *c);

/*
 * Writes an image into a slot that no program reads, and compares the digest of
 * what can be read back: into spare, what chunks_clear() returned of the slot,
 * which waits for nobody, if it has room, else (NULL: always) into new inner
 * maps, and what the slot had before is gone.  spare is of no more use then.
 * 0; -EILSEQ: what was read back is not what was written; -errno.
 */
int chunks_put(int outer, uint32_t slot, const struct image *im,
	       struct chunks *spare);

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
