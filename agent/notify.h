/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The service manager's readiness protocol, sd_notify(3): one datagram a state
 * to $NOTIFY_SOCKET.  Without that variable all of these do nothing.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif /* NOTIFY_H */
