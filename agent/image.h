/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The builder of images: lists of prefixes to the very lines that the kernel
 * programs read (bpf/owner.h has the layout).  Pure: no I/O, no BPF, no clock.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"
#include "prefix.h"

/* One list.  Borrowed; any order, nested and repeated prefixes are fine. */
struct image_source {
	const struct prefix *items;
	size_t n;
	uint8_t owner; /* PC_OWNER_*, never NONE */
};

struct image {
	struct pc_image head;
	struct pc_line *lines; /* head.n_lines of them; NULL: none */
	/* Owned by a list, not spared by an allow entry. */
	bool over_half4; /* more than half of all IPv4 addresses */
	bool over_half6;
};

/*
 * An address belongs to the first source that has it, whatever the lengths,
 * unless a source of PC_OWNER_ALLOW has it, too: then to that one.  What only
 * an allow source has belongs to nobody.  Free with image_fini().  0, -ENOMEM,
 * -EIO, -E2BIG: more lines than a slot has.
 */
int image_build(struct image *out, const struct image_source *sources,
		size_t n_sources);
void image_fini(struct image *im);

/* The owner of an address (a prefix of full length): PC_OWNER_*; PC_OWNERS
 * where the lines are not those that were built.
 */
uint32_t image_find(const struct image *im, const struct prefix *address);

/* SHA-256 of lines, as head.digest has it.  0, -ENOMEM, -EIO. */
int image_digest(uint8_t out[static 32], const struct pc_line *lines,
		 size_t n_lines);

#endif /* IMAGE_H */
