/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is at the other end of a connection to the decision service, and how much
 * of its word is taken.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "prefix.h"
#include "ruleset.h"
#include "value.h"

struct peer_rules {
	uid_t *uids; /* of Unix peers, beside root and ourselves */
	size_t n_uids;
	const struct prefix_list *proxies; /* of TCP peers; borrowed */
};

struct peer {
	bool local;    /* by a Unix socket */
	bool admitted; /* may ask for decisions */
	bool believed; /* may ask for everything, and say who the client is */
	uid_t uid;     /* of a local one; (uid_t)-1: not known */
	char address[PREFIX_STRLEN + 8]; /* "addr:port" or "[addr]:port"; "" */
};

/* users: names or numbers.  0; -ENOENT, logged: no such user; -ENOMEM. */
int peer_rules_init(struct peer_rules *out, const struct text_list *users,
		    const struct prefix_list *proxies);
void peer_rules_fini(struct peer_rules *r);

/* Of a connected socket.  One that cannot be told is not admitted. */
void peer_take(struct peer *out, const struct peer_rules *rules, int fd);

#endif /* PEER_H */
