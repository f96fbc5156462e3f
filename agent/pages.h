/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Big arrays, zeroed, on page bounds, of huge pages where there are any: with
 * small ones a third of the time to build an image goes to page faults.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>

/* NULL: no memory, or no size.  Free with pages_free() and the same size. */
void *pages_new(size_t n, size_t size);
void pages_free(void *pages, size_t n, size_t size);

#endif /* PAGES_H */
