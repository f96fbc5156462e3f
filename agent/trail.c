// SPDX-License-Identifier: GPL-2.0-only
#include "trail.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOPS_MAX 40 /* as the kernel has it */

void trail_init(struct trail *t, const char *path)
{
	memset(t, 0, sizeof(*t));
	strcpy(t->dir, *path == '/' ? "/" : ".");
	/* A path that does not fit cannot be opened, either. */
	if (strlen(path) < sizeof(t->rest))
		strcpy(t->rest, path);
}

/* dir and name as a path; false: too long. */
static bool join(char out[static PATH_MAX], const char *dir, const char *name)
{
	const char *slash = strcmp(dir, "/") ? "/" : "";
	int n = snprintf(out, PATH_MAX, "%s%s%s", dir, slash, name);

	return n < PATH_MAX;
}

/* Puts the target of a link before the rest of the way. */
static bool follow(struct trail *t, const char *target)
{
	char rest[PATH_MAX];

	if (++t->hops > HOPS_MAX || !join(rest, target, t->rest))
		return false;
	strcpy(t->rest, rest);
	if (*target == '/')
		strcpy(t->dir, "/");
	return true;
}

/* Behind the name at hand: through it, or where it points. */
static bool enter(struct trail *t)
{
	char target[PATH_MAX];
	ssize_t n = readlink(t->path, target, sizeof(target) - 1);

	if (n < 0) {
		strcpy(t->dir, t->path);
		return true;
	}
	target[n] = '\0';
	return follow(t, target);
}

/* The first component of the rest to name; false: there is none. */
static bool take_name(struct trail *t)
{
	const char *from = t->rest + strspn(t->rest, "/");
	size_t size = strcspn(from, "/");

	if (!size || size >= sizeof(t->name))
		return false;
	memcpy(t->name, from, size);
	t->name[size] = '\0';
	memmove(t->rest, from + size, strlen(from + size) + 1);
	return true;
}

bool trail_next(struct trail *t)
{
	if (*t->name && !enter(t))
		return false;
	while (take_name(t)) {
		if (!join(t->path, t->dir, t->name))
			return false;
		/* dir has no links in it, so that ".." means its parent. */
		if (!strcmp(t->name, ".."))
			strcpy(t->dir, t->path);
		else if (strcmp(t->name, "."))
			return true;
	}
	return false;
}
