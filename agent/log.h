/* SPDX-License-Identifier: GPL-2.0-only */
/* One line on standard error per thing an operator should know. */
#ifndef LOG_H
#define LOG_H

/* "portcullis: ", the text, a line end.  Never pass a key or an address list.
 */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* LOG_H */
