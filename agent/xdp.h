/* SPDX-License-Identifier: GPL-2.0-only */
/* The one XDP program an interface can have, behind a link pinned by us. */
#ifndef XDP_H
#define XDP_H

#include <stdint.h>

enum xdp_kind {
	XDP_KIND_NONE,
	XDP_KIND_NATIVE,
	XDP_KIND_GENERIC
};

#define XDP_WHY_SIZE 160

/* Whoever's program is there. */
int xdp_query(uint32_t *prog_id, enum xdp_kind *kind, int ifindex);

/* -EBUSY: somebody else's program is there; logged by name. */
int xdp_check(const char *pin_dir, int ifindex, const char *name);

/* What of ours is attached. */
enum xdp_kind xdp_find(const char *pin_dir, int ifindex);

/*
 * Puts the program behind the link that an earlier run has pinned.  -ENOENT:
 * there is none, or it is not of this interface any more.
 */
int xdp_adopt(const char *pin_dir, int prog_fd, int ifindex);

/* Where no program is. */
int xdp_put(const char *pin_dir, enum xdp_kind kind, int prog_fd, int ifindex);

/* Why xdp_put() has failed with rc, in the kernel's own words if it has any. */
void xdp_explain(char why[static XDP_WHY_SIZE], int rc, enum xdp_kind kind,
		 int prog_fd, int ifindex);

/* Takes ours away; nothing there is fine.  0 or -errno, logged. */
int xdp_remove(const char *pin_dir, int ifindex, const char *name);

#endif /* XDP_H */
