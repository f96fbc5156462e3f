// SPDX-License-Identifier: GPL-2.0-only
#include "ways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "trail.h"

/* Events are read by so many buffers at a time: others want attention, too. */
#define READS_MAX 64

#define NAME_MASK                                                         \
	((uint32_t)(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | \
		    IN_ONLYDIR | IN_MASK_ADD))

/* A name in a directory that the way to a file goes through. */
struct step {
	int wd; /* -1: no longer watched */
	size_t file;
	bool stale;
	char *path;
	const char *name; /* the end of path */
};

struct ways {
	int inotify;
	bool said; /* that something cannot be watched */
	struct step *steps;
	size_t n;
};

static struct step *find_step(const struct ways *w, size_t file, int wd,
			      const char *path)
{
	for (size_t i = 0; i < w->n; i++) {
		struct step *s = &w->steps[i];

		if (s->file == file && s->wd == wd && !strcmp(s->path, path))
			return s;
	}
	return NULL;
}

static int add_step(struct ways *w, size_t file, int wd, const char *path)
{
	struct step *steps = reallocarray(w->steps, w->n + 1, sizeof(*steps));
	char *copy = strdup(path);

	if (steps)
		w->steps = steps;
	if (!steps || !copy) {
		free(copy);
		return -ENOMEM;
	}
	steps[w->n++] = (struct step){
		.wd = wd,
		.file = file,
		.path = copy,
		.name = strrchr(copy, '/') + 1,
	};
	return 0;
}

static bool is_used(const struct ways *w, int wd)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->steps[i].wd == wd)
			return true;
	}
	return false;
}

static void drop_stale(struct ways *w)
{
	size_t i = 0;

	while (i < w->n) {
		struct step old = w->steps[i];

		if (!old.stale) {
			i++;
			continue;
		}
		w->steps[i] = w->steps[--w->n];
		free(old.path);
		/* Its directory may be gone, and the watch with it. */
		if (old.wd >= 0 && !is_used(w, old.wd))
			inotify_rm_watch(w->inotify, old.wd);
	}
}

/* 1: it was not watched before; 0; -errno. */
static int watch_step(struct ways *w, size_t file, const struct trail *t)
{
	uint32_t mask = NAME_MASK;
	struct step *known;
	int wd;

	/* Elsewhere than where a file is, writing is others' business. */
	if (!t->rest[strspn(t->rest, "/")])
		mask |= IN_CLOSE_WRITE;
	wd = inotify_add_watch(w->inotify, t->dir, mask);
	if (wd < 0)
		return -errno;
	known = find_step(w, file, wd, t->path);
	if (known) {
		known->stale = false;
		return 0;
	}
	return add_step(w, file, wd, t->path) ? -ENOMEM : 1;
}

static void say_unwatched(struct ways *w, const char *dir, int err)
{
	if (!w->said)
		log_line("cannot watch %s: %s; changes there are noticed "
			 "seconds late",
			 dir, strerror(err));
	w->said = true;
}

bool ways_walk(struct ways *w, size_t file, const char *path)
{
	bool fresh = false;
	struct trail t;

	for (size_t i = 0; i < w->n; i++)
		w->steps[i].stale = w->steps[i].file == file;
	trail_init(&t, path);
	while (trail_next(&t)) {
		int rc = watch_step(w, file, &t);

		/* Whoever makes it is seen in the directory above. */
		if (rc == -ENOENT || rc == -ENOTDIR)
			break;
		if (rc < 0)
			say_unwatched(w, t.dir, -rc);
		fresh |= rc > 0;
	}
	drop_stale(w);
	return fresh;
}

/* Its being written is told, too. */
static bool is_unwritten(const struct inotify_event *e, const struct step *s)
{
	struct stat st;

	return e->mask & IN_CREATE && !lstat(s->path, &st) &&
	       S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static bool concerns(struct step *s, const struct inotify_event *e)
{
	if (s->wd != e->wd)
		return false;
	/* The directory is gone, or its file system. */
	if (e->mask & IN_IGNORED) {
		s->wd = -1;
		return true;
	}
	return e->len && !strcmp(e->name, s->name) && !is_unwritten(e, s);
}

void ways_take(struct ways *w, void (*tell)(void *arg, size_t file, bool moved),
	       void *arg)
{
	_Alignas(struct inotify_event) char buf[1 << 14];
	ssize_t n;

	for (int i = 0; i < READS_MAX; i++) {
		n = read(w->inotify, buf, sizeof(buf));
		if (n <= 0)
			return;
		for (const char *at = buf; at < buf + n;) {
			const struct inotify_event *e = (const void *)at;

			if (e->mask & IN_Q_OVERFLOW)
				tell(arg, WAYS_ALL, false);
			for (size_t s = 0; s < w->n; s++) {
				if (concerns(&w->steps[s], e))
					tell(arg, w->steps[s].file,
					     e->mask & IN_MOVED_TO);
			}
			at += sizeof(*e) + e->len;
		}
	}
}

int ways_fd(const struct ways *w)
{
	return w->inotify;
}

int ways_open(struct ways **out)
{
	struct ways *w = calloc(1, sizeof(*w));
	int err = 0;

	if (!w)
		return -ENOMEM;
	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify < 0)
		err = -errno;
	if (err)
		free(w);
	else
		*out = w;
	return err;
}

void ways_close(struct ways *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->steps[i].path);
	free(w->steps);
	close(w->inotify);
	free(w);
}
