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
#include "spec.h"

#define LIST_ERROR_SIZE 512
/* A version of fewer prefixes may become anything. */
#define LIST_FACTOR_FROM 100

/* A version of a file.  Owns its prefixes: sorted, none twice. */
struct list {
	struct prefix_list prefixes;
	uint8_t digest[32]; /* SHA-256 of the file's bytes */
	size_t n_lines;
};

/*
 * Reads a whole file (row.h has what a line may be).  before: the version in
 * force, or NULL.  Ranges become the fewest prefixes.  0; -errno with the
 * objection in error, which begins with the path and names the line; *out is
 * untouched then.  -EBADMSG: a bad line; -E2BIG: more than spec->max; -ERANGE:
 * beyond spec->factor; -EAGAIN: somebody keeps on writing to it.
 */
int list_load(struct list *out, const struct list_spec *spec,
	      const struct list *before, char error[static LIST_ERROR_SIZE]);
void list_fini(struct list *l);

/* As list_load(), of bytes in memory; for fuzzing, and what it does. */
int list_parse(struct list *out, const char *text, size_t size,
	       const struct list_spec *spec,
	       char error[static LIST_ERROR_SIZE]);

/* Where an address is in a file. */
struct list_place {
	size_t line; /* from 1 */
	struct prefix prefix;
	uint8_t digest[32]; /* of the file as it is now */
};

/*
 * The first of the lines whose prefix, or part of whose range, is the longest
 * that holds the address, in the file as it is now; bad lines hold nothing.
 * 0; -ENODATA: there is none; another -errno with the objection in error.
 */
int list_find(struct list_place *out, const char *path,
	      const struct prefix *address, char error[static LIST_ERROR_SIZE]);

#endif /* LIST_H */
