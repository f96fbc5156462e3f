/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the operator wants the filter: attached there, and nowhere else. */
#ifndef INTERFACES_H
#define INTERFACES_H

#include <stdbool.h>

#include "loader.h"
#include "options.h"

/* Is the place free on every interface?  Asked before anything is changed. */
int interfaces_check(const struct options *o);
int interfaces_attach(const struct options *o, const struct loader *l);
/* Takes away what an earlier run attached where this one was not told to. */
int interfaces_prune(const struct options *o);

/* By number: an interface has several names. */
bool interfaces_listed(const struct text_list *list, int ifindex);

#endif /* INTERFACES_H */
