// SPDX-License-Identifier: GPL-2.0-only
/* Log lines go out in one write each, so that they never interleave. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 1024

void log_line(const char *fmt, ...)
{
	char line[LINE_SIZE] = "portcullis: ";
	size_t at = strlen(line);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	at = strlen(line);
	line[at++] = '\n';
	/* Nobody is left to tell when standard error is gone. */
	if (write(STDERR_FILENO, line, at) < 0)
		return;
}
