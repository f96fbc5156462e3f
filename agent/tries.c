// SPDX-License-Identifier: GPL-2.0-only
#include "tries.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int find_in(const struct maps *m, int outer, const void *key,
		   void *value)
{
	int fd = maps_open_inner(m, outer), rc = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, key, value))
		rc = -errno;
	close(fd);
	return rc;
}

/* Tries do not say which prefix matched, so they are looked through. */
static int find_longest(struct maps *m, int outer, __be32 scope,
			struct prefix *matched)
{
	int fd = maps_open_inner(m, outer), best = -1, rc;
	struct prefix address = *matched, p;
	struct pc_prefix_key key;

	if (fd < 0)
		return fd;
	rc = bpf_map_get_next_key(fd, NULL, &key);
	for (; !rc; rc = bpf_map_get_next_key(fd, &key, &key)) {
		p = (struct prefix){ .family = address.family,
				     .len = (uint8_t)(key.len - PC_SCOPE_LEN) };
		memcpy(p.addr, key.addr, sizeof(p.addr));
		if (key.scope != scope || !prefix_contains(&p, &address) ||
		    p.len < best)
			continue;
		best = p.len;
		*matched = p;
	}
	rc = errno == ENOENT ? 0 : -errno;
	close(fd);
	return rc;
}

int tries_match(struct maps *m, bool key_rules, unsigned int set,
		const struct prefix *addr, struct prefix *matched,
		struct pc_rule *out)
{
	struct pc_prefix_key key = {
		.len = PC_SCOPE_LEN + addr->len,
		.scope = htonl(PC_SCOPE(set, addr->family == AF_INET6)),
	};
	int rc;

	memcpy(key.addr, addr->addr, sizeof(key.addr));
	rc = find_in(m, key_rules ? m->key_rules : m->prefixes, &key, out);
	if (!rc && matched) {
		*matched = *addr;
		rc = find_longest(m, key_rules ? m->key_rules : m->prefixes,
				  key.scope, matched);
	}
	return rc;
}

static int add_prefix(struct prefix_list *list, const struct prefix *p)
{
	struct prefix *items =
		reallocarray(list->items, list->n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	items[list->n++] = *p;
	list->items = items;
	return 0;
}

int tries_within(struct prefix_list *out, struct maps *m, unsigned int set,
		 const struct prefix *outer)
{
	const __be32 scope = htonl(PC_SCOPE(set, outer->family == AF_INET6));
	struct pc_prefix_key key, *at = NULL;
	int fd = maps_open_inner(m, m->prefixes), rc = 0;
	struct prefix_list list = { NULL, 0 };

	if (fd < 0)
		return fd;
	for (; !rc && !bpf_map_get_next_key(fd, at, &key); at = &key) {
		struct prefix p = { .family = outer->family,
				    .len = (uint8_t)(key.len - PC_SCOPE_LEN) };

		memcpy(p.addr, key.addr, sizeof(p.addr));
		if (key.scope == scope && prefix_contains(outer, &p))
			rc = add_prefix(&list, &p);
	}
	if (!rc && errno != ENOENT)
		rc = -errno;
	close(fd);
	if (rc)
		free(list.items);
	else
		*out = list;
	return rc;
}
