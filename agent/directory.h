/* SPDX-License-Identifier: GPL-2.0-only */
/* Directories for files that are to be made. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <sys/types.h>

/* mkdir -p of the directory a file is to lie in.  0, -ENOMEM, -errno. */
int directory_make_parent(const char *path, mode_t mode);

#endif /* DIRECTORY_H */
