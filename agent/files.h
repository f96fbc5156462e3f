/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of some files have a new version, by one descriptor to poll: replaced
 * by rename, written in place, reached by symbolic links that are swapped, in
 * directories that vanish and come back.  Tells of changes, reads nothing.
 */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>

struct files;

/* 0, -errno. */
int files_open(struct files **out);
void files_close(struct files *f);

/*
 * The number of a path, from 0, which is watched from now on, whether or not
 * there is such a file: read it afterwards, and no version is missed.  -errno.
 */
int files_watch(struct files *f, const char *path);

/* Readable when files_take() has something to do. */
int files_fd(const struct files *f);

/*
 * True: a burst of changes is over, or a rename after a quiet time was one by
 * itself; ask files_changed() of each.
 */
bool files_take(struct files *f);

/*
 * Has it changed, appeared or gone since the last time this was asked?  A file
 * that is said to have changed may still be what it was.
 */
bool files_changed(struct files *f, size_t number);

/*
 * What was told of has been dealt with.  What came meanwhile is gathered:
 * however long that takes, it is not all that is done.
 */
void files_done(struct files *f);

#endif /* FILES_H */
