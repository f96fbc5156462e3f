/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lines of a text file, in flat memory, and the digest of its bytes.  What
 * is no regular file is never waited for; a file that was written to meanwhile
 * is not taken for a version of itself.
 */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <stdint.h>

#include "span.h"

#define LINES_LINE_MAX 4096u	    /* bytes of a line */
#define LINES_FILE_MAX (512u << 20) /* bytes of a file */
#define LINES_WHAT_SIZE 128

struct lines;

/* 0; -errno with the objection in what. */
int lines_open(struct lines **out, const char *path,
	       char what[static LINES_WHAT_SIZE]);
/* Of bytes in memory, borrowed.  0, -ENOMEM. */
int lines_open_text(struct lines **out, const char *text, size_t size);
void lines_close(struct lines *l);

/*
 * 1: the next line, which holds until the next call, without its end (LF or
 * CR LF) and without a UTF-8 byte order mark before the first; 0: there are no
 * more; -EBADMSG: it is too long or no text; -EAGAIN: the file was written to
 * while it was read; -errno.
 */
int lines_next(struct span *line, struct lines *l);
/* The number of that line, from 1; of the one that was objected to. */
size_t lines_number(const struct lines *l);
/* What lines_next() objected to. */
const char *lines_error(const struct lines *l);
/* SHA-256 of all bytes, once lines_next() has returned 0. */
void lines_digest(uint8_t out[static 32], const struct lines *l);

#endif /* LINES_H */
