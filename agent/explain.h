/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * portcullis explain: what a request of one key from one address meets, by the
 * policy in force or by a snapshot file.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdio.h>

#include "explanation.h"

/* The lines for people; scripts have -j. */
void explain_print(FILE *f, const struct explanation *x);

/*
 * Exit code: 0 the request goes through (in monitor mode, always when decided),
 * 1 it is refused, 2 usage, 3 it cannot be told (the gateway decides, or there
 * is nothing to ask).
 */
int explain_main(int argc, char **argv);

#endif /* EXPLAIN_H */
