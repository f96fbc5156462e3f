// SPDX-License-Identifier: GPL-2.0-only
#include "directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int directory_make_parent(const char *path, mode_t mode)
{
	char *copy = strdup(path), *p = copy;
	int rc = copy && *copy ? 0 : -ENOMEM;

	while (!rc && (p = strchr(p + 1, '/'))) {
		*p = '\0';
		if (mkdir(copy, mode) && errno != EEXIST)
			rc = -errno;
		*p = '/';
	}
	free(copy);
	return rc;
}
