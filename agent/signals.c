// SPDX-License-Identifier: GPL-2.0-only
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* Whoever read our log may leave. */
	if (sigprocmask(SIG_BLOCK, &set, NULL) ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

unsigned int signals_take(int fd)
{
	struct signalfd_siginfo info;
	unsigned int what = 0;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		what |= info.ssi_signo == SIGHUP ? SIGNALS_RELOAD
						 : SIGNALS_LEAVE;
	return what;
}
