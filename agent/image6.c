// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last level is the cover's stretches as they come; the others follow from
 * it.  The last stretch ends at all ones, which nothing is beyond: so no search
 * ever leaves the lines that are in use.
 */
#include "image6.h"

#include <errno.h>
#include <string.h>

#include "owners.h"

static size_t lines_for(size_t n, size_t of_a_line)
{
	return (n + of_a_line - 1) / of_a_line;
}

/* The cover has one stretch at least: with one only, all belongs to it. */
static size_t count_stretches(struct cover *c)
{
	struct cover_stretch s;
	bool is_owned = false;
	size_t n = 0;

	cover_rewind(c);
	for (; cover_next(&s, c); n++)
		is_owned |= s.owner != PC_OWNER_NONE;
	return is_owned ? n : 0;
}

int image6_init(struct image6 *out, struct cover *c)
{
	struct image6 im = { .n = count_stretches(c) };
	size_t size[PC_LEVELS], n = im.n;

	while (n > 1 || (n && !im.n_levels)) {
		if (im.n_levels == PC_LEVELS)
			return -E2BIG;
		n = lines_for(n, PC_ENDS);
		size[im.n_levels++] = n;
	}
	for (size_t l = 0; l < im.n_levels; l++)
		im.level_size[l] = size[im.n_levels - 1 - l];
	*out = im;
	return 0;
}

size_t image6_size(const struct image6 *im)
{
	size_t size = lines_for(im->n, sizeof(struct pc_line));

	for (size_t l = 0; l < im->n_levels; l++)
		size += im->level_size[l];
	return size;
}

static struct pc_end *end_of(struct pc_line *level, size_t i)
{
	struct pc_ends *line = (void *)&level[i / PC_ENDS];

	return &line->end[i % PC_ENDS];
}

static void write_stretches(struct cover *c, struct pc_line *level,
			    uint8_t *owners)
{
	struct cover_stretch s;

	cover_rewind(c);
	for (size_t i = 0; cover_next(&s, c); i++) {
		*end_of(level, i) = (struct pc_end){
			.hi = (uint64_t)(s.last >> 64),
			.lo = (uint64_t)s.last,
		};
		owners[i] = s.owner;
	}
}

void image6_write(const struct image6 *im, struct cover *c,
		  struct pc_image *head, struct pc_line *lines, size_t at)
{
	if (!im->n)
		return;
	head->n_levels = (uint32_t)im->n_levels;
	for (size_t l = 0; l < im->n_levels; l++) {
		head->level_at[l] = (uint32_t)at;
		at += im->level_size[l];
	}
	head->owner_at = (uint32_t)at;
	/* All ones, where nothing else comes. */
	memset(&lines[head->level_at[0]], 0xff,
	       (at - head->level_at[0]) * sizeof(*lines));
	write_stretches(c, &lines[head->level_at[im->n_levels - 1]],
			(uint8_t *)&lines[at]);
	for (size_t l = im->n_levels - 1; l; l--) {
		struct pc_line *below = &lines[head->level_at[l]];
		struct pc_line *above = &lines[head->level_at[l - 1]];

		for (size_t i = 0; i < im->level_size[l]; i++)
			*end_of(above, i) = *end_of(below, i * PC_ENDS + 3);
	}
}
