/* SPDX-License-Identifier: GPL-2.0-only */
/* Who is banned, with or without an agent; portcullis bans. */
#ifndef BAN_LIST_H
#define BAN_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bans.h"

struct ban_list_item {
	struct ban ban; /* prefix and end alone, where it is not kept */
	bool kept;
	bool enforced;
	struct pc_count hits;
};

struct ban_list {
	struct ban_list_item *items; /* sorted */
	size_t n;
	int64_t now_ns;
	char error[BANSTORE_ERROR_SIZE]; /* why none is told of as kept; "" */
};

/* Those in force, now.  Free with ban_list_fini().  0 or -errno. */
int ban_list_read(struct ban_list *out, struct bans *b);
void ban_list_fini(struct ban_list *l);

int ban_list_main(int argc, char **argv);

#endif /* BAN_LIST_H */
