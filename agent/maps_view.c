// SPDX-License-Identifier: GPL-2.0-only
/* What is asked of the maps: keys, owners, lists, counts.  Writes nothing. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "chunks.h"
#include "hits.h"
#include "maps.h"

#define CHECKS 10 /* policies that may come in between */

static int find_inner(const struct maps *m, int outer, const void *key,
		      void *value)
{
	int fd = maps_open_inner(m, outer), rc = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, key, value))
		rc = -errno;
	close(fd);
	return rc;
}

int maps_find_key(struct maps *m, const struct pc_digest *d, struct pc_key *out)
{
	return find_inner(m, m->keys, d, out);
}

int maps_find_owner(struct maps *m, uint32_t *owner, struct pc_list *list,
		    const struct prefix *address)
{
	uint32_t slot = maps_active_slot(m), index;
	struct pc_policy head;
	int rc = maps_read_policy(m, &head);

	if (!rc)
		rc = chunks_find(owner, m->image, slot, &head.image, address);
	if (rc || *owner >= PC_OWNERS)
		return rc;
	index = PC_LIST_INDEX(slot, *owner);
	return bpf_map_lookup_elem(m->lists, &index, list) ? -errno : 0;
}

int maps_read_list(struct maps *m, uint32_t owner, struct pc_list *out)
{
	uint32_t index = PC_LIST_INDEX(maps_active_slot(m), owner);

	return bpf_map_lookup_elem(m->lists, &index, out) ? -errno : 0;
}

static int compare_image(struct maps *m, const struct pc_policy *head)
{
	uint8_t digest[sizeof(head->image.digest)];
	int rc = chunks_digest(digest, m->image, maps_active_slot(m),
			       &head->image);

	if (rc)
		return rc;
	return memcmp(digest, head->image.digest, sizeof(digest)) ? -EILSEQ : 0;
}

/* It may have been replaced while it was looked at. */
int maps_check_image(struct maps *m, const struct pc_policy *head)
{
	struct pc_policy now = *head;
	int rc = compare_image(m, &now);

	for (int i = 0; rc && i < CHECKS; i++) {
		uint64_t checked = now.generation;

		if (maps_read_policy(m, &now) || now.generation == checked)
			break;
		rc = compare_image(m, &now);
	}
	return rc;
}

int maps_count(struct maps *m, enum pc_reason reason, struct pc_count *out)
{
	struct pc_count sum;
	int rc = hits_sum(&sum, m->counts, reason);

	/* What lists drop is counted by list alone. */
	if (!rc && (reason == PC_R_BLOCK_LIST || reason == PC_R_SNAPSHOT_LIST))
		rc = hits_add_owners(&sum, m->list_hits, reason);
	if (!rc)
		*out = sum;
	return rc;
}

int maps_count_list(struct maps *m, uint32_t owner, struct pc_count *out)
{
	return hits_sum(out, m->list_hits, owner);
}
