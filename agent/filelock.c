// SPDX-License-Identifier: GPL-2.0-only
#include "filelock.h"

#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

void filelock_hold(void)
{
	pthread_mutex_lock(&held);
}

void filelock_release(void)
{
	pthread_mutex_unlock(&held);
}

void filelock_close(int fd)
{
	filelock_hold();
	close(fd);
	filelock_release();
}
