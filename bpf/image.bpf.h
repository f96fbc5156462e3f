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

#include "image.h"

#endif /* PC_IMAGE_BPF_H */
