// SPDX-License-Identifier: GPL-2.0-only
#include "array.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int array_read(void *values, const struct array_part *p)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t *keys = calloc(p->n, sizeof(*keys));
	uint32_t before = p->first - 1, last, n = p->n;
	int rc = keys ? 0 : -ENOMEM;

	if (!rc && bpf_map_lookup_batch(p->fd, p->first ? &before : NULL, &last,
					keys, values, &n, &opts))
		rc = errno == ENOENT ? -ENODATA : -errno;
	for (uint32_t i = 0; i < p->n && !rc; i++)
		rc = n == p->n && keys[i] == p->first + i ? 0 : -ENODATA;
	free(keys);
	return rc;
}

static int write_part(const struct array_part *p, const void *values)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t *keys = calloc(p->n, sizeof(*keys)), n = p->n;
	int rc = keys ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < p->n && !rc; i++)
		keys[i] = p->first + i;
	if (!rc && bpf_map_update_batch(p->fd, keys, values, &n, &opts))
		rc = -errno;
	free(keys);
	return rc;
}

int array_put(const struct array_part *p, const void *values)
{
	void *back = calloc(p->n, p->size);
	int rc = back ? write_part(p, values) : -ENOMEM;

	if (!rc)
		rc = array_read(back, p);
	if (!rc && memcmp(values, back, p->n * p->size))
		rc = -EILSEQ;
	free(back);
	return rc;
}
