/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inotify on every directory that the way to a file leads through: a file is
 * replaced as often by what leads to it, a directory or a symbolic link, as by
 * itself.
 */
#ifndef WAYS_H
#define WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ways;

#define WAYS_ALL SIZE_MAX /* events were lost: any file may have changed */

/* 0, -errno. */
int ways_open(struct ways **out);
void ways_close(struct ways *w);
int ways_fd(const struct ways *w);

/*
 * Watches the way to a file, a number of the caller's, as it is now, in place
 * of what its way was before.  True: some of it is new.
 */
bool ways_walk(struct ways *w, size_t file, const char *path);

/*
 * Takes in some of what has happened, and tells of which files' ways.  A file
 * that was just made is not told of before it has been written.  moved: put
 * there by a rename, as a whole.
 */
void ways_take(struct ways *w, void (*tell)(void *arg, size_t file, bool moved),
	       void *arg);

#endif /* WAYS_H */
