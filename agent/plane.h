/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What status says of the address plane: the lists in force with what they
 * dropped, whether the image is whole, what waits to be confirmed, the bans.
 */
#ifndef PLANE_H
#define PLANE_H

#include <jansson.h>
#include <stdint.h>

#include "maps.h"
#include "pc_abi.h"

struct plane {
	struct pc_list lists[PC_OWNERS];
	struct pc_count hits[PC_OWNERS];
	int image;	     /* 0: whole; -EILSEQ: damaged; -errno: not known */
	uint64_t pending_ns; /* the policy goes then, unless confirmed; 0: no */
	size_t n_bans;	     /* in the kernel */
	size_t n_bytes;	     /* of the image */
};

/* 0 or -errno. */
int plane_read(struct plane *out, struct maps *m, const char *pin_dir,
	       const struct pc_policy *head);

void plane_print(const struct plane *p);
/* After the counters: the lists, one a line. */
void plane_print_lists(const struct plane *p);

/* New references; NULL: out of memory. */
json_t *plane_json(const struct plane *p);

#endif /* PLANE_H */
