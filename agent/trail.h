/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way to a file: each directory that is looked into and the name that is
 * looked for there, symbolic links followed as the kernel follows them.
 */
#ifndef TRAIL_H
#define TRAIL_H

#include <limits.h>
#include <stdbool.h>

struct trail {
	char dir[PATH_MAX]; /* without symbolic links */
	char name[NAME_MAX + 1];
	char path[PATH_MAX]; /* dir and name */
	char rest[PATH_MAX]; /* after name */
	unsigned int hops;
};

void trail_init(struct trail *t, const char *path);

/*
 * The next dir and name.  What the one before is, a link or a directory, is
 * looked at in here, and so after the caller has dealt with it.  False: the
 * end of the way, or of what can be followed.
 */
bool trail_next(struct trail *t);

#endif /* TRAIL_H */
