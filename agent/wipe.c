// SPDX-License-Identifier: GPL-2.0-only
#include "wipe.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void wipe_free(void *block)
{
	if (block)
		explicit_bzero(block, malloc_usable_size(block));
	free(block);
}

void wipe_json(void)
{
	json_set_alloc_funcs(malloc, wipe_free);
}

void *wipe_zalloc(void *unused, unsigned int n, unsigned int size)
{
	(void)unused;
	return calloc(n, size);
}

void wipe_zfree(void *unused, void *block)
{
	(void)unused;
	wipe_free(block);
}
