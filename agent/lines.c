// SPDX-License-Identifier: GPL-2.0-only
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

#define BOM "\xef\xbb\xbf"

struct lines {
	int fd; /* -1: bytes in memory */
	struct stat before;
	EVP_MD_CTX *sha;
	uint8_t digest[32];
	const char *at; /* what was not handed out */
	size_t left;
	uint64_t total; /* bytes read from the file */
	bool ended;	/* nothing comes after what is left */
	size_t number;
	char what[LINES_WHAT_SIZE];
	char buf[1 << 16];
};

_Static_assert(sizeof(((struct lines *)0)->buf) >= 2 * LINES_LINE_MAX,
	       "a line and its end fit");

static int fail(struct lines *l, int err, const char *what)
{
	snprintf(l->what, sizeof(l->what), "%s", what);
	return err;
}

static int add_to_digest(struct lines *l, const void *bytes, size_t size)
{
	if (EVP_DigestUpdate(l->sha, bytes, size) != 1)
		return fail(l, -EIO, "cannot compute its digest");
	return 0;
}

static int new_lines(struct lines **out)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->fd = -1;
	l->at = l->buf;
	l->sha = EVP_MD_CTX_new();
	if (!l->sha || EVP_DigestInit_ex(l->sha, EVP_sha256(), NULL) != 1) {
		lines_close(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

static int check_file(struct lines *l, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return fail(l, -EISDIR, "it is a directory");
	if (!S_ISREG(st->st_mode))
		return fail(l, -EINVAL, "it is not a regular file");
	if (st->st_size > LINES_FILE_MAX)
		return fail(l, -EFBIG, "it is larger than 512 MiB");
	return 0;
}

/* Looked at before it is opened: opening a device can do things. */
static int open_file(struct lines *l, const char *path)
{
	struct stat st;
	int err;

	if (stat(path, &st))
		return fail(l, -errno, strerror(errno));
	err = check_file(l, &st);
	if (err)
		return err;
	l->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (l->fd < 0 || fstat(l->fd, &l->before))
		return fail(l, -errno, strerror(errno));
	return check_file(l, &l->before);
}

int lines_open(struct lines **out, const char *path,
	       char what[static LINES_WHAT_SIZE])
{
	struct lines *l;
	int err = new_lines(&l);

	if (err) {
		snprintf(what, LINES_WHAT_SIZE, "%s", strerror(-err));
		return err;
	}
	err = open_file(l, path);
	if (err) {
		memcpy(what, l->what, LINES_WHAT_SIZE);
		lines_close(l);
		return err;
	}
	*out = l;
	return 0;
}

int lines_open_text(struct lines **out, const char *text, size_t size)
{
	struct lines *l;
	int err = new_lines(&l);

	if (err)
		return err;
	l->at = text;
	l->left = size;
	l->ended = true;
	err = add_to_digest(l, text, size);
	if (err)
		lines_close(l);
	else
		*out = l;
	return err;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	EVP_MD_CTX_free(l->sha);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static int check_unchanged(struct lines *l)
{
	struct stat now;

	if (fstat(l->fd, &now))
		return fail(l, -errno, strerror(errno));
	if ((uint64_t)now.st_size != l->total ||
	    !same_time(now.st_mtim, l->before.st_mtim) ||
	    !same_time(now.st_ctim, l->before.st_ctim))
		return fail(l, -EAGAIN, "it was written to while it was read");
	return 0;
}

/* One read to the end of the buffer. */
static int fill(struct lines *l)
{
	size_t room;
	ssize_t n;

	memmove(l->buf, l->at, l->left);
	l->at = l->buf;
	room = sizeof(l->buf) - l->left;
	do {
		n = read(l->fd, l->buf + l->left, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(l, -errno, strerror(errno));
	l->total += (size_t)n;
	if (l->total > LINES_FILE_MAX)
		return fail(l, -EFBIG, "it is larger than 512 MiB");
	l->ended = !n;
	if (l->ended)
		return check_unchanged(l);
	if (add_to_digest(l, l->buf + l->left, (size_t)n))
		return -EIO;
	l->left += (size_t)n;
	return 0;
}

/* Up to the line feed, which is taken off with it. */
static int cut(struct span *line, struct lines *l)
{
	const char *end;
	int err;

	for (;;) {
		end = memchr(l->at, '\n', l->left);
		if (end || l->ended || l->left > LINES_LINE_MAX + 1)
			break;
		err = fill(l);
		if (err)
			return err;
	}
	if (!end && !l->left)
		return 0;
	l->number++;
	line->text = l->at;
	line->size = end ? (size_t)(end - l->at) : l->left;
	l->at += line->size + !!end;
	l->left -= line->size + !!end;
	/* One more: it may be a CR. */
	if (line->size > LINES_LINE_MAX + 1)
		return fail(l, -EBADMSG, "longer than 4096 bytes");
	return 1;
}

/* A CR alone ends lines on old systems: all of such a file is one comment. */
static int check_line(struct lines *l, const struct span *line)
{
	if (line->size > LINES_LINE_MAX)
		return fail(l, -EBADMSG, "longer than 4096 bytes");
	if (memchr(line->text, '\0', line->size))
		return fail(l, -EBADMSG, "a NUL byte: this is no text file");
	if (memchr(line->text, '\r', line->size))
		return fail(l, -EBADMSG,
			    "a carriage return that does not end the line");
	return 0;
}

int lines_next(struct span *line, struct lines *l)
{
	struct span s;
	int rc = cut(&s, l);

	if (!rc && EVP_DigestFinal_ex(l->sha, l->digest, NULL) != 1)
		rc = fail(l, -EIO, "cannot compute its digest");
	if (rc <= 0)
		return rc;
	if (l->number == 1 && s.size >= strlen(BOM) &&
	    !memcmp(s.text, BOM, strlen(BOM))) {
		s.text += strlen(BOM);
		s.size -= strlen(BOM);
	}
	while (s.size && s.text[s.size - 1] == '\r')
		s.size--;
	rc = check_line(l, &s);
	if (rc)
		return rc;
	*line = s;
	return 1;
}

size_t lines_number(const struct lines *l)
{
	return l->number;
}

const char *lines_error(const struct lines *l)
{
	return l->what;
}

void lines_digest(uint8_t out[static 32], const struct lines *l)
{
	memcpy(out, l->digest, sizeof(l->digest));
}
