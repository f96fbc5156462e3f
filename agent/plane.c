// SPDX-License-Identifier: GPL-2.0-only
#include "plane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bantable.h"
#include "text.h"
#include "timestamp.h"

#define NS_PER_S 1000000000
#define MIB (1024.0 * 1024.0)

static int count_bans(size_t *out, const char *pin_dir)
{
	struct bantable *t = calloc(1, sizeof(*t));
	int rc = t ? bantable_open(t, pin_dir) : -ENOMEM;

	if (!rc) {
		rc = bantable_count(out, t);
		bantable_close(t);
	}
	free(t);
	return rc;
}

static int read_lists(struct plane *out, struct maps *m)
{
	int rc = 0;

	for (uint32_t i = 0; i < PC_OWNERS && !rc; i++)
		rc = maps_read_list(m, i, &out->lists[i]);
	return rc ? rc : maps_count_lists(m, out->hits);
}

int plane_read(struct plane *out, struct maps *m, const char *pin_dir,
	       const struct pc_policy *head)
{
	int rc = read_lists(out, m);

	out->image = maps_check_image(m, head);
	out->n_bytes = (head->image.n_lines + PC_CHUNK_LINES - 1) /
		       PC_CHUNK_LINES * PC_CHUNK_LINES * sizeof(struct pc_line);
	out->pending_ns = maps_pending_ns(m);
	return rc ? rc : count_bans(&out->n_bans, pin_dir);
}

static const char *image_state(const struct plane *p)
{
	if (p->image == -EILSEQ)
		return "DAMAGED: load the policy again";
	return p->image ? strerror(-p->image) : "intact";
}

void plane_print(const struct plane *p)
{
	if (p->pending_ns)
		printf("approval    WAITS: portcullis confirm within %llu s, "
		       "or the policy before is back\n",
		       (unsigned long long)(p->pending_ns / NS_PER_S));
	printf("image       %.1f MiB, %s\n", (double)p->n_bytes / MIB,
	       image_state(p));
	printf("bans        %zu\n", p->n_bans);
}

void plane_print_lists(const struct plane *p)
{
	bool any = false;

	for (int i = 0; i < (int)PC_OWNERS; i++) {
		const struct pc_list *l = &p->lists[i];
		const struct pc_count *n = &p->hits[i];

		if (!l->n_prefixes && !n->done && !n->would)
			continue;
		if (!any)
			printf("\n%-40s %10s %12s %12s\n", "list", "prefixes",
			       "packets", "would have");
		any = true;
		printf("%-40s %10llu %12llu %12llu\n", l->name,
		       (unsigned long long)l->n_prefixes,
		       (unsigned long long)n->done,
		       (unsigned long long)n->would);
	}
}

static json_t *list_json(const struct pc_list *l, const struct pc_count *n)
{
	char when[TIMESTAMP_STRLEN];

	return json_pack("{s:o, s:I, s:s, s:I, s:I}", "name",
			 text_json(l->name), "prefixes",
			 (json_int_t)l->n_prefixes, "loaded",
			 timestamp_print(l->loaded_ns, when), "done",
			 (json_int_t)n->done, "would", (json_int_t)n->would);
}

json_t *plane_json(const struct plane *p)
{
	json_t *lists = json_array();

	for (int i = 0; i < (int)PC_OWNERS; i++) {
		if (*p->lists[i].name)
			json_array_append_new(
				lists, list_json(&p->lists[i], &p->hits[i]));
	}
	return json_pack("{s:o, s:{s:b, s:s, s:I}, s:f, s:I}", "lists", lists,
			 "image", "intact", !p->image, "state", image_state(p),
			 "bytes", (json_int_t)p->n_bytes, "confirm_s",
			 (double)p->pending_ns / NS_PER_S, "bans",
			 (json_int_t)p->n_bans);
}
