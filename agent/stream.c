// SPDX-License-Identifier: GPL-2.0-only
/*
 * inflate() by hand and not gzread(): that one ignores what follows a gzip
 * member, and a file that ends in garbage was not written by anyone we know.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "wipe.h"

#define SECOND_NS 1000000000LL
#define GZIP_WINDOW (15 + 16) /* zlib: largest window, gzip wrapper only */

struct stream {
	int fd;
	int err; /* sticky */
	const char *what;
	bool gzip;
	bool in_member; /* gzip: a member has begun and not ended */
	bool file_end;
	struct timespec modified;
	z_stream z; /* next_in and avail_in also hold plain bytes */
	unsigned char in[1 << 16];
};

static int fail(struct stream *s, int err, const char *what)
{
	s->err = err;
	s->what = what;
	return err;
}

/* Tops up s->in; afterwards it is only short if the file ends. */
static int fill(struct stream *s)
{
	memmove(s->in, s->z.next_in, s->z.avail_in);
	s->z.next_in = s->in;
	while (!s->file_end && s->z.avail_in < sizeof(s->in)) {
		ssize_t n = read(s->fd, s->in + s->z.avail_in,
				 sizeof(s->in) - s->z.avail_in);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(s, -errno, strerror(errno));
		s->file_end = n == 0;
		s->z.avail_in += (uInt)n;
	}
	return 0;
}

static bool at_gzip(const struct stream *s)
{
	return s->z.avail_in >= 2 && s->z.next_in[0] == 0x1f &&
	       s->z.next_in[1] == 0x8b;
}

static int begin(struct stream *s, const char *path)
{
	struct stat st;
	int err;

	/* Opening a FIFO would wait for its writer, for ever if need be. */
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	s->modified = st.st_mtim;
	s->z.zalloc = wipe_zalloc;
	s->z.zfree = wipe_zfree;
	s->z.next_in = s->in;
	err = fill(s);
	if (err)
		return err;
	if (at_gzip(s) && inflateInit2(&s->z, GZIP_WINDOW) != Z_OK)
		return -ENOMEM;
	s->gzip = s->in_member = at_gzip(s);
	return 0;
}

int stream_open(struct stream **out, const char *path)
{
	struct stream *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = begin(s, path);
	if (err)
		stream_close(s);
	else
		*out = s;
	return err;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	if (s->gzip)
		inflateEnd(&s->z);
	if (s->fd >= 0)
		close(s->fd);
	wipe_free(s);
}

int64_t stream_modified_ns(const struct stream *s)
{
	int64_t ns;

	/* A file system may hold times that nanoseconds cannot. */
	if (__builtin_mul_overflow(s->modified.tv_sec, SECOND_NS, &ns) ||
	    __builtin_add_overflow(ns, s->modified.tv_nsec, &ns))
		return s->modified.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static void copy_plain(struct stream *s, char *buf, size_t size, size_t *out_n)
{
	size_t n = size < s->z.avail_in ? size : s->z.avail_in;

	memcpy(buf, s->z.next_in, n);
	s->z.next_in += n;
	s->z.avail_in -= (uInt)n;
	*out_n = n;
}

static int inflate_some(struct stream *s, char *buf, size_t size, size_t *out_n)
{
	int status;

	s->z.next_out = (unsigned char *)buf;
	s->z.avail_out = (uInt)size;
	status = inflate(&s->z, Z_NO_FLUSH);
	*out_n = size - s->z.avail_out;

	if (status == Z_MEM_ERROR)
		return fail(s, -ENOMEM, strerror(ENOMEM));
	if (status == Z_STREAM_END)
		s->in_member = false;
	else if (status != Z_OK && status != Z_BUF_ERROR)
		return fail(s, -EBADMSG, "gzip: corrupt");
	return 0;
}

/* More output of the member, or into the next one; 0 bytes at the end. */
static int read_gzip(struct stream *s, char *buf, size_t size, size_t *out_n)
{
	*out_n = 0;
	if (!s->in_member) {
		if (!s->z.avail_in)
			return 0;
		if (!at_gzip(s) || inflateReset(&s->z) != Z_OK)
			return fail(s, -EBADMSG, "gzip: garbage after the end");
		s->in_member = true;
	}
	if (!s->z.avail_in)
		return fail(s, -EBADMSG, "gzip: truncated");
	return inflate_some(s, buf, size, out_n);
}

static int read_some(struct stream *s, char *buf, size_t size, size_t *out_n)
{
	int err = 0;

	*out_n = 0;
	/* Two bytes: a member's magic must not straddle two reads. */
	if (s->z.avail_in < 2)
		err = fill(s);
	if (err)
		return err;
	if (s->gzip)
		return read_gzip(s, buf, size, out_n);
	copy_plain(s, buf, size, out_n);
	return 0;
}

/* Nothing is left to hand out. */
static bool exhausted(const struct stream *s)
{
	return s->file_end && !s->z.avail_in && !s->in_member;
}

int stream_read(struct stream *s, char *buf, size_t size, size_t *out_n)
{
	size_t n = 0, more;

	if (s->err)
		return s->err;
	while (n < size && !s->err && !exhausted(s)) {
		read_some(s, buf + n, size - n, &more);
		n += more;
	}
	*out_n = n;
	return n ? 0 : s->err;
}

const char *stream_error(const struct stream *s)
{
	return s->what;
}
