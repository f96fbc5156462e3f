// SPDX-License-Identifier: GPL-2.0-only
/* Straight from the kernel, which zeroes what it gives. */
#include "pages.h"

#include <sys/mman.h>

void *pages_new(size_t n, size_t size)
{
	void *pages;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || !bytes)
		return NULL;
	pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	madvise(pages, bytes, MADV_HUGEPAGE);
	return pages;
}

void pages_free(void *pages, size_t n, size_t size)
{
	if (pages)
		munmap(pages, n * size);
}
