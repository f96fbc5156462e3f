/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our places at the clsact hooks of TC, which are early, and have numbers that
 * nobody picks by chance.  The qdisc is made where there is none, and left to
 * whoever else may use it.
 */
#ifndef HOOK_H
#define HOOK_H

#include <stdbool.h>

enum hook {
	HOOK_ADDRESS, /* ingress, before the next */
	HOOK_REQUEST, /* ingress */
	HOOK_REPLY,   /* egress */
	HOOK_MAX
};

/* Is the place free?  -EBUSY: somebody else is in it; logged by name. */
int hook_check(const char *pin_dir, enum hook h, int ifindex, const char *name);

/* Is one of our programs there? */
bool hook_is_ours(const char *pin_dir, enum hook h, int ifindex);

/* Puts a program there, in the place of an earlier one of ours without a gap.
 * 0 or -errno, logged.
 */
int hook_put(enum hook h, int prog_fd, int ifindex, const char *name);

/* Takes ours away; nothing there is fine.  0 or -errno, logged. */
int hook_remove(const char *pin_dir, enum hook h, int ifindex,
		const char *name);

#endif /* HOOK_H */
