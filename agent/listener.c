// SPDX-License-Identifier: GPL-2.0-only
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "directory.h"
#include "log.h"

#define UNIX "unix:"
#define BACKLOG 4096
#define HOST_SIZE 64

struct place {
	socklen_t size;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un path;
	};
};

static int parse_path(struct place *out, const char *path)
{
	size_t n = strlen(path);

	if (*path != '/' || n >= sizeof(out->path.sun_path))
		return -EINVAL;
	out->path.sun_family = AF_UNIX;
	memcpy(out->path.sun_path, path, n + 1);
	out->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return 0;
}

/* Decimal, 1 to 65535. */
static int parse_port(in_port_t *out, const char *text)
{
	unsigned int n = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned int)(*text - '0');
		if (n > 65535)
			return -EINVAL;
	}
	*out = htons((in_port_t)n);
	return n ? 0 : -EINVAL;
}

static int parse_address(struct place *out, const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool v6 = text[0] == '[';
	char host[HOST_SIZE];
	in_port_t port;

	if (!n || n >= sizeof(host) || parse_port(&port, colon + 1))
		return -EINVAL;
	if (v6 && text[n - 1] != ']')
		return -EINVAL;
	memcpy(host, text + v6, n - 2 * v6);
	host[n - 2 * v6] = '\0';
	if (v6) {
		out->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						 .sin6_port = port };
		out->size = sizeof(out->v6);
		return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1
			       ? 0
			       : -EINVAL;
	}
	out->v4 =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
	out->size = sizeof(out->v4);
	return inet_pton(AF_INET, host, &out->v4.sin_addr) == 1 ? 0 : -EINVAL;
}

static int parse(struct place *out, const char *text)
{
	memset(out, 0, sizeof(*out));
	if (!strncmp(text, UNIX, strlen(UNIX)))
		return parse_path(out, text + strlen(UNIX));
	return parse_address(out, text);
}

int listener_check(const char *text)
{
	struct place place;

	return parse(&place, text);
}

/* Takes away a socket that nobody listens on; whatever else is there stays. */
static int clear_path(const struct place *place)
{
	const char *path = place->path.sun_path;
	struct stat st;
	int fd, rc = 0;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: its backlog is full, so there is one who listens. */
	if (!connect(fd, &place->any, place->size) || errno == EAGAIN)
		rc = -EADDRINUSE;
	else if (errno != ECONNREFUSED)
		rc = -errno;
	else if (unlink(path))
		rc = -errno;
	close(fd);
	return rc;
}

static int bind_path(struct listener *l, const struct place *place)
{
	const char *path = place->path.sun_path;
	struct stat st;

	if (bind(l->fd, &place->any, place->size))
		return -errno;
	l->path = strdup(path);
	if (!l->path)
		return -ENOMEM;
	if (chmod(path, 0666) || stat(path, &st))
		return -errno;
	l->inode = st.st_ino;
	return 0;
}

static int bind_address(const struct listener *l, const struct place *place)
{
	const int one = 1;

	if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		return -errno;
	/* Each address family for itself, as it was written. */
	if (place->any.sa_family == AF_INET6 &&
	    setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
		return -errno;
	return bind(l->fd, &place->any, place->size) ? -errno : 0;
}

static int open_place(struct listener *l, const struct place *place)
{
	bool by_path = place->any.sa_family == AF_UNIX;
	int rc = 0;

	if (by_path) {
		rc = directory_make_parent(place->path.sun_path, 0755);
		if (!rc)
			rc = clear_path(place);
	}
	if (rc)
		return rc;
	l->fd = socket(place->any.sa_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	return by_path ? bind_path(l, place) : bind_address(l, place);
}

int listener_open(struct listener *out, const char *text)
{
	struct listener l = { .fd = -1 };
	struct place place;
	int rc = parse(&place, text);

	if (!rc)
		rc = open_place(&l, &place);
	if (!rc) {
		*out = l;
		return 0;
	}
	log_line("cannot listen on %s: %s", text,
		 rc == -EADDRINUSE ? "another process listens there"
		 : rc == -EEXIST   ? "something that is no socket is there"
				   : strerror(-rc));
	listener_close(&l);
	return rc;
}

int listener_listen(const struct listener *l)
{
	return listen(l->fd, BACKLOG) ? -errno : 0;
}

void listener_close(struct listener *l)
{
	struct stat st;

	if (l->path && l->inode && !lstat(l->path, &st) &&
	    st.st_ino == l->inode)
		unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	*l = (struct listener){ .fd = -1 };
}
