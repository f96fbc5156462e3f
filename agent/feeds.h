/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list files of a run, each in the last version that was good.  Whoever
 * makes a policy of them says whether it came into force: if not, they go back.
 */
#ifndef FEEDS_H
#define FEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "files.h"
#include "list.h"
#include "policy.h"
#include "spec.h"

struct feed_version {
	struct list list;
	int64_t loaded_ns; /* Unix time */
};

struct feed {
	const struct list_spec *spec; /* borrowed */
	bool allow;
	size_t watched; /* its number in files */
	struct feed_version now;
	bool fresh; /* now was read since feeds_keep() or feeds_undo() */
	bool owed;  /* the file has a version that feeds_undo() took back */
	struct feed_version before;  /* of a fresh one */
	char error[LIST_ERROR_SIZE]; /* of the last reading; "": none */
};

/* The --block-file ones first, each kind in the order of its flags. */
struct feeds {
	struct feed *items;
	size_t n;
	uint64_t read_ns; /* how long the last reading took */
};

/*
 * Reads them all, watched by files from before that on (NULL: not).  0;
 * -errno, said in the log.  Borrows from both specs.
 */
int feeds_open(struct feeds *out, const struct list_specs *block,
	       const struct list_specs *allow, struct files *files);
void feeds_fini(struct feeds *f);

/*
 * Reads again those that files tells have changed, and those that are owed;
 * files NULL: every one.  One that cannot be read stays what it was, which the
 * log says once.  How many are of other content now: then a policy is to be
 * made, and one of the next two called.
 */
size_t feeds_reload(struct feeds *f, struct files *files);
/* The same of one alone, if it is owed. */
bool feeds_retry(struct feeds *f, size_t number);
void feeds_keep(struct feeds *f);
void feeds_undo(struct feeds *f);

/*
 * As the compiler takes them: a new array of f->n that borrows their prefixes.
 * NULL: out of memory.
 */
struct policy_file *feeds_files(const struct feeds *f);

#endif /* FEEDS_H */
