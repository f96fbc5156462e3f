/* SPDX-License-Identifier: GPL-2.0-only */
/* The image, as programs reach its lines: by slot. */
#ifndef PC_IMAGE_BPF_H
#define PC_IMAGE_BPF_H

#include "maps.bpf.h"

typedef __u32 pc_image_lines; /* the slot */

static __always_inline const struct pc_line *
pc_image_line(const pc_image_lines *slot, __u32 number)
{
	__u32 chunk = PC_CHUNK_INDEX(*slot, number);
	__u32 index = number % PC_CHUNK_LINES;
	void *lines = bpf_map_lookup_elem(&pc_image, &chunk);

	return lines ? bpf_map_lookup_elem(lines, &index) : NULL;
}

#include "owner.h"

/*
 * Not static: the verifier looks at such a function by itself, and its levels
 * need not be followed again for each shape of a packet.
 */
__noinline __u32 image_find6(const struct pc_image *im, __u32 slot, __u64 hi,
			     __u64 lo)
{
	return im ? pc_image_find6(im, &slot, hi, lo) : PC_OWNER_DAMAGED;
}

#endif /* PC_IMAGE_BPF_H */
