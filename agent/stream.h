/* SPDX-License-Identifier: GPL-2.0-only */
/* A file's bytes in order, plain or gzip (told by its first two bytes). */
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <stdint.h>

struct stream;

/* -errno; a directory is -EISDIR. */
int stream_open(struct stream **out, const char *path);
void stream_close(struct stream *s);

/* When the file was last written, as of opening it (Unix time). */
int64_t stream_modified_ns(const struct stream *s);

/*
 * Fills buf; fewer than size bytes mean that the end, or an error, comes next.
 * An error is returned once the bytes before it have been handed out: -EBADMSG
 * for bad gzip, which stream_error() then words, else -errno.
 */
int stream_read(struct stream *s, char *buf, size_t size, size_t *out_n);
const char *stream_error(const struct stream *s);

#endif /* STREAM_H */
