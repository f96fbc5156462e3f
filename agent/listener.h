/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets the decision service listens on: unix:PATH, ADDR:PORT, [ADDR]:PORT.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

struct listener {
	int fd;	    /* -1: closed */
	char *path; /* of a Unix socket; else NULL */
	ino_t inode;
};

/* Has the text that form?  0, -EINVAL. */
int listener_check(const char *text);

/*
 * Binds; until listener_listen() whoever connects is refused at once, so that
 * no proxy waits for an agent that still loads.  A Unix socket's directory is
 * made, a socket that nobody listens on any more is replaced, and anyone may
 * connect: who may ask is peer.h's.  0 or -errno, logged.
 */
int listener_open(struct listener *out, const char *text);
int listener_listen(const struct listener *l);
/* Removes the Unix socket if it is still ours. */
void listener_close(struct listener *l);

#endif /* LISTENER_H */
