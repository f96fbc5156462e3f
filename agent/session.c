// SPDX-License-Identifier: GPL-2.0-only
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

#define VARIABLE "SSH_CONNECTION"
/* More clients, ancestors or environment than any session has. */
#define MAX_CLIENTS 8
#define MAX_ANCESTORS 64
#define ENVIRON_SIZE (256 * 1024)
#define PATH_SIZE 64

int session_parse(struct prefix *out, const char *value)
{
	char text[INET6_ADDRSTRLEN];
	size_t n = strcspn(value, " %");

	if (n >= sizeof(text) || !strchr(value, ' '))
		return -EINVAL;
	memcpy(text, value, n);
	text[n] = '\0';
	return prefix_parse_address(out, text);
}

static void add(struct prefix_list *list, const char *value)
{
	struct prefix p;

	if (list->n == MAX_CLIENTS || session_parse(&p, value))
		return;
	for (size_t i = 0; i < list->n; i++) {
		if (!prefix_compare(&list->items[i], &p))
			return;
	}
	list->items[list->n++] = p;
}

/* At most size - 1 bytes of a file, and a NUL.  Their number or -errno. */
static ssize_t read_file(char *buf, size_t size, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t at = 0;
	ssize_t n = fd < 0 ? -errno : 1;

	while (n > 0 && at < size - 1) {
		n = read(fd, buf + at, size - 1 - at);
		if (n < 0)
			n = -errno;
		else
			at += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	buf[at] = '\0';
	return n < 0 ? n : (ssize_t)at;
}

/* 0: there is none, or none that can be told. */
static pid_t parent_of(pid_t pid)
{
	char path[PATH_SIZE], text[512];
	const char *name_end;
	int parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (read_file(text, sizeof(text), path) < 0)
		return 0;
	/* The name is whatever its owner likes. */
	name_end = strrchr(text, ')');
	if (!name_end || sscanf(name_end, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

static void take_environ(struct prefix_list *list, char *buf, pid_t pid)
{
	const char *end, *at = buf;
	char path[PATH_SIZE];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	n = read_file(buf, ENVIRON_SIZE, path);
	if (n < 0 && n != -ENOENT && n != -ESRCH)
		log_line("warning: cannot look for an SSH client in %s: %s",
			 path, strerror((int)-n));
	for (end = buf + (n < 0 ? 0 : n); at < end; at += strlen(at) + 1) {
		if (!strncmp(at, VARIABLE "=", sizeof(VARIABLE)))
			add(list, at + sizeof(VARIABLE));
	}
}

int session_find_clients(struct prefix_list *out)
{
	struct prefix_list list = { calloc(MAX_CLIENTS, sizeof(*list.items)),
				    0 };
	char *buf = malloc(ENVIRON_SIZE);
	const char *own = getenv(VARIABLE);
	pid_t pid = getppid();

	if (!list.items || !buf) {
		free(list.items);
		free(buf);
		return -ENOMEM;
	}
	if (own)
		add(&list, own);
	for (int i = 0; i < MAX_ANCESTORS && pid > 1; i++) {
		take_environ(&list, buf, pid);
		pid = parent_of(pid);
	}
	free(buf);
	*out = list;
	return 0;
}
