/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interfaces that the operator listed, while they come and go: what comes
 * back is filtered again, before its first packet where it comes back down.
 */
#ifndef LINKS_H
#define LINKS_H

#include "loader.h"
#include "options.h"

struct links;

/*
 * Watches them through an epoll set of struct watch, which has to outlive the
 * watch; options and loader are borrowed.  Programs are attached by
 * interfaces_attach() before.  Works without CAP_SYS_ADMIN.  0 or -errno.
 */
int links_open(struct links **out, int epoll, const struct options *o,
	       const struct loader *l);
/* Filters stay where they are.  NULL is fine. */
void links_close(struct links *l);

#endif /* LINKS_H */
