/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file of addresses and prefixes, one a line, as Spamhaus, FireHOL, fail2ban
 * and people write them; and the limits within which a new version of it is
 * believed.  All or nothing: one bad line refuses the file.
 */
#ifndef LIST_H
#define LIST_H

#include <stddef.h>
#include <stdint.h>

#include "prefix.h"
#include "ruleset.h"

#define LIST_ERROR_SIZE 256
/* Lengths below this are refused: a typing error away from everybody. */
#define LIST_LEN_MIN 8

/* A --block-file or --allow-file and its limits. */
struct list_spec {
	char *path;
	uint64_t max;	 /* prefixes */
	uint64_t factor; /* by which it may shrink or grow at once; 0: any */
};

struct list_specs {
	struct list_spec *items;
	size_t n;
};

/* A version of a file.  Owns its prefixes: sorted, none twice. */
struct list {
	struct prefix_list prefixes;
	uint8_t digest[32]; /* SHA-256 of the file's bytes */
	size_t n_lines;
};

/*
 * Reads a whole file.  before: the version in force, or NULL.  Ranges "a-b"
 * become the fewest prefixes.  0; -errno with the objection in error, which
 * names path and line; *out is untouched then.
 */
int list_load(struct list *out, const struct list_spec *spec,
	      const struct list *before, char error[static LIST_ERROR_SIZE]);
void list_fini(struct list *l);

/* As list_load(), of bytes in memory; for fuzzing, and what it does. */
int list_parse(struct list *out, const char *text, size_t size,
	       const struct list_spec *spec,
	       char error[static LIST_ERROR_SIZE]);

/*
 * The line of a file, as it is now, whose prefix or range is the longest that
 * holds the address: its number, from 1, and the prefix.  0; -ENOENT: none;
 * -errno.
 */
int list_find(size_t *line, struct prefix *found, const char *path,
	      const struct prefix *address);

#endif /* LIST_H */
