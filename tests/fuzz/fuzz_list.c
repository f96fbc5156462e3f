// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a list file.  What is taken holds no more than it may, and
 * printed, it is read again as the same; without its last line it is still
 * good, for lines know nothing of each other.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "list.h"

#define MAX 4096

static char path[] = "x";
static const struct list_spec spec = { path, MAX, 0 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_prefix(const struct prefix *p)
{
	unsigned int bits = p->family == AF_INET ? 32 : 128;

	assert(p->family == AF_INET || p->family == AF_INET6);
	assert(p->len <= bits);
	assert(p->len >= 8 ||
	       (p->family == AF_INET && p->len >= 3 && p->addr[0] >= 224));
	for (unsigned int i = p->len; i < 128; i++)
		assert(!(p->addr[i / 8] >> (7 - i % 8) & 1));
}

static void check_printed(const struct list *list)
{
	char error[LIST_ERROR_SIZE], buf[PREFIX_STRLEN];
	size_t n = list->prefixes.n, size = 0;
	char *text = malloc(n * PREFIX_STRLEN + 1);
	struct list again;

	assert(text);
	for (size_t i = 0; i < n; i++)
		size += (size_t)sprintf(
			text + size, "%s\n",
			prefix_print(&list->prefixes.items[i], buf));
	assert(!list_parse(&again, text, size, &spec, error));
	assert(again.prefixes.n == n && again.n_lines == n);
	for (size_t i = 0; i < n; i++)
		assert(!prefix_compare(&again.prefixes.items[i],
				       &list->prefixes.items[i]));
	list_fini(&again);
	free(text);
}

static void check_head(const char *text, size_t size)
{
	char error[LIST_ERROR_SIZE];
	struct list head;

	if (size && text[size - 1] == '\n')
		size--;
	while (size && text[size - 1] != '\n')
		size--;
	assert(!list_parse(&head, text, size, &spec, error));
	list_fini(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[LIST_ERROR_SIZE] = "", *text = malloc(size + 1);
	struct list list;
	int rc;

	assert(text);
	memcpy(text, data, size);
	rc = list_parse(&list, text, size, &spec, error);
	if (rc) {
		assert(rc == -EBADMSG || rc == -E2BIG);
		assert(!strncmp(error, "x: line ", 8));
	} else {
		assert(list.prefixes.n <= MAX);
		for (size_t i = 0; i < list.prefixes.n; i++) {
			const struct prefix *p = &list.prefixes.items[i];

			check_prefix(p);
			assert(!i || prefix_compare(p - 1, p) < 0);
		}
		check_printed(&list);
		check_head(text, size);
		list_fini(&list);
	}
	free(text);
	return 0;
}
