// SPDX-License-Identifier: GPL-2.0-only
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

static int find_user(uid_t *out, const char *text)
{
	const struct passwd *pw = getpwnam(text);
	unsigned long long n;
	char *end;

	if (pw) {
		*out = pw->pw_uid;
		return 0;
	}
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || n >= (uid_t)-1) {
		log_line("--socket-peer %s: no such user", text);
		return -ENOENT;
	}
	*out = (uid_t)n;
	return 0;
}

int peer_rules_init(struct peer_rules *out, const struct text_list *users,
		    const struct prefix_list *proxies)
{
	struct peer_rules r = { .proxies = proxies };
	int rc = 0;

	r.uids = calloc(users->n + 1, sizeof(*r.uids));
	if (!r.uids)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < users->n; i++)
		rc = find_user(&r.uids[r.n_uids++], users->items[i]);
	if (rc)
		peer_rules_fini(&r);
	else
		*out = r;
	return rc;
}

void peer_rules_fini(struct peer_rules *r)
{
	free(r->uids);
	*r = (struct peer_rules){ .n_uids = 0 };
}

static bool user_admitted(const struct peer_rules *rules, uid_t uid)
{
	if (uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < rules->n_uids; i++) {
		if (rules->uids[i] == uid)
			return true;
	}
	return false;
}

static void take_local(struct peer *p, const struct peer_rules *rules, int fd)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	p->local = true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) ||
	    cred.uid == (uid_t)-1)
		return;
	p->uid = cred.uid;
	p->admitted = user_admitted(rules, cred.uid);
	p->believed = p->admitted;
}

static bool is_proxy(const struct peer_rules *rules, const struct prefix *addr)
{
	for (size_t i = 0; i < rules->proxies->n; i++) {
		if (prefix_contains(&rules->proxies->items[i], addr))
			return true;
	}
	return false;
}

static void take_remote(struct peer *p, const struct peer_rules *rules,
			const struct sockaddr_storage *sa)
{
	bool v6 = sa->ss_family == AF_INET6;
	const void *addr =
		v6 ? (const void *)&(
			     (const struct sockaddr_in6 *)(const void *)sa)
				->sin6_addr
		   : &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
	in_port_t port = ((const struct sockaddr_in *)(const void *)sa)
				 ->sin_port; /* the same place in both */
	struct prefix prefix;
	char text[INET6_ADDRSTRLEN];

	if (!inet_ntop(sa->ss_family, addr, text, sizeof(text)) ||
	    prefix_parse_address(&prefix, text))
		return;
	snprintf(p->address, sizeof(p->address), v6 ? "[%s]:%u" : "%s:%u", text,
		 ntohs(port));
	p->admitted = true;
	p->believed = is_proxy(rules, &prefix);
}

void peer_take(struct peer *out, const struct peer_rules *rules, int fd)
{
	struct peer p = { .uid = (uid_t)-1 };
	struct sockaddr_storage sa = { 0 };
	socklen_t size = sizeof(sa);

	if (getpeername(fd, (struct sockaddr *)&sa, &size))
		size = 0;
	if (size && sa.ss_family == AF_UNIX)
		take_local(&p, rules, fd);
	else if (size)
		take_remote(&p, rules, &sa);
	*out = p;
}
