/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the operator wants the filter: attached there, and nowhere else. */
#ifndef INTERFACES_H
#define INTERFACES_H

#include <stdbool.h>

#include "attach.h"
#include "loader.h"
#include "options.h"

/* Is the place free on every interface?  Asked before anything is changed. */
int interfaces_check(const struct options *o);
int interfaces_attach(const struct options *o, const struct loader *l);

/* What there is to do at an interface; bits. */
#define INTERFACES_ADDRESSES 1u
#define INTERFACES_REQUESTS 2u

/* All of duties that is not there yet.  0 or -errno, logged. */
int interfaces_put(const struct options *o, const struct loader *l,
		   unsigned int duties, int ifindex, const char *name);
/* Which of duties are not there? */
unsigned int interfaces_lack(const struct options *o, unsigned int duties,
			     int ifindex);

/* Takes away what an earlier run attached where this one was not told to. */
int interfaces_prune(const struct options *o);

/*
 * Takes away what is attached where nothing was before, of which attach_list()
 * told then.
 */
int interfaces_restore(const struct options *o, const struct attachment *before,
		       size_t n);

/* By number: an interface has several names. */
bool interfaces_listed(const struct text_list *list, int ifindex);

#endif /* INTERFACES_H */
