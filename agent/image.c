// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both families' parts in one row of lines, and the digest of it.  An image has
 * no pointers and is the same for the same lists, whenever it is built.
 */
#include "image.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cover.h"
#include "digest.h"
#include "image4.h"
#include "image6.h"
#include "owners.h"
#include "pages.h"

#define LINES_MAX ((size_t)PC_CHUNKS * PC_CHUNK_LINES)

/* What both families come to. */
struct parts {
	struct image4 v4;
	struct image6 v6;
	struct cover cover6; /* is written from */
	bool over_half4;
};

static int parts_init(struct parts *p, const struct image_source *sources,
		      size_t n_sources)
{
	struct cover c;
	int err = cover_init(&c, sources, n_sources, AF_INET);

	if (err)
		return err;
	err = image4_init(&p->v4, &c);
	p->over_half4 = c.over_half;
	cover_fini(&c);
	if (!err)
		err = cover_init(&p->cover6, sources, n_sources, AF_INET6);
	if (!err)
		err = image6_init(&p->v6, &p->cover6);
	return err;
}

static void parts_fini(struct parts *p)
{
	cover_fini(&p->cover6);
	image4_fini(&p->v4);
}

static int write_parts(struct image *out, struct parts *p)
{
	size_t n4 = image4_size(&p->v4), n = n4 + image6_size(&p->v6);
	struct image im = { .head.n_lines = (uint32_t)n };
	int err;

	if (n > LINES_MAX)
		return -E2BIG;
	if (n)
		im.lines = pages_new(n, sizeof(*im.lines));
	if (n && !im.lines)
		return -ENOMEM;
	image4_write(&p->v4, &im.head, im.lines);
	image6_write(&p->v6, &p->cover6, &im.head, im.lines, n4);
	im.over_half4 = p->over_half4;
	im.over_half6 = p->cover6.over_half;
	err = image_digest(im.head.digest, im.lines, n);
	if (err)
		image_fini(&im);
	else
		*out = im;
	return err;
}

int image_build(struct image *out, const struct image_source *sources,
		size_t n_sources)
{
	struct parts p = { 0 };
	int err = parts_init(&p, sources, n_sources);

	if (!err)
		err = write_parts(out, &p);
	parts_fini(&p);
	return err;
}

void image_fini(struct image *im)
{
	pages_free(im->lines, im->head.n_lines, sizeof(*im->lines));
	*im = (struct image){ 0 };
}

uint32_t image_find(const struct image *im, const struct prefix *address)
{
	uint64_t part[2];

	memcpy(part, address->addr, sizeof(part));
	if (address->family == AF_INET)
		return pc_image_find4(&im->head, im,
				      (uint32_t)(be64toh(part[0]) >> 32));
	return pc_image_find6(&im->head, im, be64toh(part[0]),
			      be64toh(part[1]));
}

int image_digest(uint8_t out[static 32], const struct pc_line *lines,
		 size_t n_lines)
{
	struct pc_digest d;
	int err = digest_key(&d, lines, n_lines * sizeof(*lines));

	if (!err)
		memcpy(out, d.bytes, sizeof(d.bytes));
	return err;
}
