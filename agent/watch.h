/* SPDX-License-Identifier: GPL-2.0-only */
/* What an epoll set reports on: each knows what to do. */
#ifndef WATCH_H
#define WATCH_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct watch {
	/* May free the watch. */
	void (*ready)(struct watch *w);
	uint32_t events; /* what it is ready for, while it is called */
};

#define WATCH_OF(watch, type, member) \
	((type *)(void *)((char *)(watch)-offsetof(type, member)))

static inline int watch_add(int epoll, struct watch *w, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = w };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

#endif /* WATCH_H */
