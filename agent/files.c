// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes are told by inotify and gathered until they have been over for a
 * moment; what a rename put in place after a quiet time is told of at once, for
 * it is whole.  What inotify cannot see (a mount, a network file system, a
 * directory that may not be read) is found by a look every few seconds.
 */
#include "files.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "ways.h"

#define SECOND_NS 1000000000ULL
/* A burst of changes is over after so long without one, or in any case. */
#define QUIET_NS 50000000ULL
#define BURST_NS SECOND_NS
#define LOOK_NS (5 * SECOND_NS)

/* What tells versions of a file apart without reading them. */
struct version {
	int err; /* of stat(); then the rest is 0 */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified;
	struct timespec changed;
};

struct file {
	char *path;
	bool dirty;   /* in the burst that goes on */
	bool changed; /* to be told when asked */
	struct version taken;
	struct version seen; /* by the last look */
};

struct files {
	int epoll;
	int timer;
	struct ways *ways; /* NULL: there is no inotify to be had */
	uint64_t burst_ns; /* when it is over in any case; 0: there is none */
	uint64_t ended_ns; /* when the last one was over, and dealt with */
	bool told;	   /* of a change, since events were last taken in */
	bool whole;	   /* all of those were renames */
	struct file *items;
	size_t n;
};

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_version(const struct version *a, const struct version *b)
{
	return a->err == b->err && a->dev == b->dev && a->ino == b->ino &&
	       a->size == b->size && same_time(a->modified, b->modified) &&
	       same_time(a->changed, b->changed);
}

static struct version version_of(const char *path)
{
	struct version v = { 0 };
	struct stat st;

	if (stat(path, &st)) {
		v.err = errno;
		return v;
	}
	v.dev = st.st_dev;
	v.ino = st.st_ino;
	v.size = st.st_size;
	v.modified = st.st_mtim;
	v.changed = st.st_ctim;
	return v;
}

static void set_timer(struct files *f, uint64_t at_ns)
{
	struct itimerspec at = {
		.it_value.tv_sec = (time_t)(at_ns / SECOND_NS),
		.it_value.tv_nsec = (long)(at_ns % SECOND_NS),
	};

	if (timerfd_settime(f->timer, TFD_TIMER_ABSTIME, &at, NULL))
		log_line("cannot set the timer of files: %s", strerror(errno));
}

/* One more change: the burst goes on for a while, but not for ever. */
static void extend_burst(struct files *f)
{
	uint64_t now = clock_boot_ns(), at = now + QUIET_NS;

	if (!f->burst_ns)
		f->burst_ns = now + BURST_NS;
	set_timer(f, at < f->burst_ns ? at : f->burst_ns);
}

static void end_burst(struct files *f)
{
	f->burst_ns = 0;
	set_timer(f, clock_boot_ns() + LOOK_NS);
}

static void soil(void *arg, size_t number, bool moved)
{
	struct files *f = arg;

	f->whole &= moved;
	for (size_t i = 0; i < f->n; i++)
		f->items[i].dirty |= number == WAYS_ALL || number == i;
	f->told = true;
}

/*
 * What inotify missed.  Not before two looks have seen the same: nobody tells
 * when its writer is done.
 */
static void look(struct files *f)
{
	bool any = false;

	for (size_t i = 0; i < f->n; i++) {
		struct file *file = &f->items[i];
		struct version now = version_of(file->path);

		if (same_version(&now, &file->seen) &&
		    !same_version(&now, &file->taken))
			any = file->dirty = true;
		file->seen = now;
	}
	if (any)
		extend_burst(f);
	else
		end_burst(f);
}

/* False: in a directory just found, a file may just be being written. */
static bool settle(struct files *f)
{
	bool fresh = false;

	for (size_t i = 0; f->ways && i < f->n; i++) {
		if (f->items[i].dirty)
			fresh |= ways_walk(f->ways, i, f->items[i].path);
	}
	if (fresh && clock_boot_ns() < f->burst_ns) {
		extend_burst(f);
		return false;
	}
	for (size_t i = 0; i < f->n; i++) {
		struct file *file = &f->items[i];

		if (!file->dirty)
			continue;
		file->dirty = false;
		file->changed = true;
		file->taken = file->seen = version_of(file->path);
	}
	f->ended_ns = clock_boot_ns();
	end_burst(f);
	return true;
}

/* A file that is written in place may be closed several times before it is all
 * there, and one that is gone may be about to come back.
 */
static bool may_end_at_once(const struct files *f)
{
	return f->whole && !f->burst_ns &&
	       clock_boot_ns() - f->ended_ns >= QUIET_NS;
}

bool files_take(struct files *f)
{
	uint64_t expired;
	bool at_once;

	f->told = false;
	f->whole = true;
	if (f->ways)
		ways_take(f->ways, soil, f);
	at_once = f->told && may_end_at_once(f);
	if (f->told)
		extend_burst(f);
	if (at_once)
		return settle(f);
	if (read(f->timer, &expired, sizeof(expired)) != sizeof(expired))
		return false;
	if (f->burst_ns)
		return settle(f);
	look(f);
	return false;
}

bool files_changed(struct files *f, size_t number)
{
	bool changed = f->items[number].changed;

	f->items[number].changed = false;
	return changed;
}

void files_done(struct files *f)
{
	f->ended_ns = clock_boot_ns();
}

int files_watch(struct files *f, const char *path)
{
	struct file *items = reallocarray(f->items, f->n + 1, sizeof(*items));
	struct file file = { .path = strdup(path) };

	if (items)
		f->items = items;
	if (!items || !file.path) {
		free(file.path);
		return -ENOMEM;
	}
	if (f->ways)
		ways_walk(f->ways, f->n, path);
	file.taken = file.seen = version_of(path);
	items[f->n] = file;
	return (int)f->n++;
}

int files_fd(const struct files *f)
{
	return f->epoll;
}

static int add_to_epoll(struct files *f, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int files_open(struct files **out)
{
	struct files *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return -ENOMEM;
	f->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	rc = f->timer < 0 || f->epoll < 0 ? -errno : add_to_epoll(f, f->timer);
	if (rc) {
		files_close(f);
		return rc;
	}
	rc = ways_open(&f->ways);
	if (!rc)
		rc = add_to_epoll(f, ways_fd(f->ways));
	if (rc)
		log_line("no inotify: %s; changes of files are noticed "
			 "seconds late",
			 strerror(-rc));
	end_burst(f);
	*out = f;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void files_close(struct files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->items[i].path);
	free(f->items);
	ways_close(f->ways);
	close_fd(f->timer);
	close_fd(f->epoll);
	free(f);
}
