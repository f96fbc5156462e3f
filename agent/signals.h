/* SPDX-License-Identifier: GPL-2.0-only */
/* What the operator tells a daemon by signals. */
#ifndef SIGNALS_H
#define SIGNALS_H

#define SIGNALS_RELOAD 0x1u
#define SIGNALS_LEAVE 0x2u

/*
 * Signals arrive as bytes to read, so that nothing is ever half-done by one.
 * To be called before any thread is made.  A descriptor to poll, or -errno.
 */
int signals_open(void);
/*
 * Takes all that wait, as SIGNALS_*: many SIGHUPs are one reload, and none of
 * them keeps a SIGTERM waiting.
 */
unsigned int signals_take(int fd);

#endif /* SIGNALS_H */
