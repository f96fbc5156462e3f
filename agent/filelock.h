/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SQLite's locks are the process's, and POSIX ends them all when it closes any
 * descriptor of the file.  SQLite minds its own; whoever has another one of a
 * file that a second thread may be at work on closes it here.
 */
#ifndef FILELOCK_H
#define FILELOCK_H

/* Around a connection of a second thread: meanwhile nothing is closed. */
void filelock_hold(void);
void filelock_release(void);

void filelock_close(int fd);

#endif /* FILELOCK_H */
