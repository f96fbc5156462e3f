/* SPDX-License-Identifier: GPL-2.0-only */
/* Directories for files that are to be made. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <sys/types.h>

/* mkdir -p of the directory a file is to lie in.  0, -ENOMEM, -errno. */
int directory_make_parent(const char *path, mode_t mode);

/*
 * Opens the directory a file is to lie in; *name is the file's, in path.
 * -ENOTUNIQ: others than root and this user can put a file of theirs there, or
 * take ours away, which those of a sticky directory cannot.  Or -errno.
 */
int directory_open_parent(int *out, const char **name, const char *path);

#endif /* DIRECTORY_H */
