// SPDX-License-Identifier: GPL-2.0-only
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool is_ours_alone(const struct stat *st)
{
	if (st->st_uid && st->st_uid != geteuid())
		return false;
	return !(st->st_mode & (S_IWGRP | S_IWOTH)) || (st->st_mode & S_ISVTX);
}

int directory_open_parent(int *out, const char **name, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent =
		slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = parent ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int rc = fd < 0 ? -errno : 0;
	struct stat st;

	free(parent);
	if (!rc && fstat(fd, &st))
		rc = -errno;
	if (!rc && !is_ours_alone(&st))
		rc = -ENOTUNIQ;
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*out = fd;
	*name = slash ? slash + 1 : path;
	return 0;
}
