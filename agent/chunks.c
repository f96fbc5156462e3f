// SPDX-License-Identifier: GPL-2.0-only
#include "chunks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK_SIZE ((size_t)PC_CHUNK_LINES * sizeof(struct pc_line))
/* A slot that is not in force keeps no more than so much memory. */
#define SPARE_MAX 8

static size_t chunks_of(uint32_t n_lines)
{
	return (n_lines + PC_CHUNK_LINES - 1) / PC_CHUNK_LINES;
}

/* Inner maps, and the stretch of memory where they are mapped side by side. */
struct chunks {
	int fds[PC_CHUNKS];
	size_t n;
	void *memory;
};

static void chunks_fini(struct chunks *c)
{
	if (c->memory)
		munmap(c->memory, c->n * CHUNK_SIZE);
	for (size_t i = 0; i < c->n; i++) {
		if (c->fds[i] >= 0)
			close(c->fds[i]);
	}
}

static int new_chunk(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "pc_chunk", sizeof(uint32_t),
			       sizeof(struct pc_line), PC_CHUNK_LINES, &opts);

	return fd < 0 ? -errno : fd;
}

/* At one go, in order.  protection: of mmap(). */
static int map_chunks(struct chunks *c, int protection)
{
	char *at;

	if (c->memory)
		munmap(c->memory, c->n * CHUNK_SIZE);
	c->memory = mmap(NULL, c->n * CHUNK_SIZE, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->memory == MAP_FAILED) {
		c->memory = NULL;
		return -errno;
	}
	at = c->memory;
	for (size_t i = 0; i < c->n; i++, at += CHUNK_SIZE) {
		if (mmap(at, CHUNK_SIZE, protection,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, c->fds[i],
			 0) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

static int make(struct chunks *out, uint32_t n_lines)
{
	size_t n = chunks_of(n_lines);

	if (n > PC_CHUNKS)
		return -E2BIG;
	for (; out->n < n; out->n++) {
		out->fds[out->n] = new_chunk();
		if (out->fds[out->n] < 0)
			return out->fds[out->n];
	}
	return 0;
}

static int compare_digest(const void *lines, const struct pc_image *head)
{
	uint8_t digest[sizeof(head->digest)];
	int rc = image_digest(digest, lines, head->n_lines);

	if (rc)
		return rc;
	return memcmp(digest, head->digest, sizeof(digest)) ? -EILSEQ : 0;
}

/* Places of a slot, and what goes there. */
struct batch {
	uint32_t keys[PC_CHUNKS];
	int fds[PC_CHUNKS];
	uint32_t n;
};

static void batch_add(struct batch *b, uint32_t slot, uint32_t place, int fd)
{
	b->keys[b->n] = slot * PC_CHUNKS + place;
	b->fds[b->n++] = fd;
}

/* One call: on 6.8 and newer it waits for running programs only once. */
static int batch_put(struct batch *b, int outer)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	uint32_t n = b->n;

	if (n && bpf_map_update_batch(outer, b->keys, b->fds, &n, &opts))
		return -errno;
	return n == b->n ? 0 : -EIO;
}

/* What a slot has in each place; 0: nothing. */
static void read_ids(uint32_t ids[static PC_CHUNKS], int outer, uint32_t slot)
{
	for (uint32_t i = 0; i < PC_CHUNKS; i++) {
		uint32_t key = slot * PC_CHUNKS + i;

		if (bpf_map_lookup_elem(outer, &key, &ids[i]))
			ids[i] = 0;
	}
}

/* Only a blank chunk is in more places than one. */
static bool is_blank(const uint32_t ids[static PC_CHUNKS], uint32_t place)
{
	return (place && ids[place - 1] == ids[place]) ||
	       (place + 1 < PC_CHUNKS && ids[place + 1] == ids[place]);
}

/*
 * Puts chunks in the first places of a slot, and one blank chunk in all others
 * that are taken: removing each would wait for running programs once a chunk.
 * What a killed run began to clear has holes.
 */
static int put_all(int outer, uint32_t slot, const struct chunks *c)
{
	struct batch b = { .n = 0 };
	uint32_t ids[PC_CHUNKS];
	int blank = -1, rc = 0;

	read_ids(ids, outer, slot);
	for (uint32_t i = 0; i < c->n; i++)
		batch_add(&b, slot, i, c->fds[i]);
	for (uint32_t i = (uint32_t)c->n; i < PC_CHUNKS && !rc; i++) {
		if (!ids[i] || is_blank(ids, i))
			continue;
		if (blank < 0)
			blank = new_chunk();
		rc = blank < 0 ? blank : 0;
		batch_add(&b, slot, i, blank);
	}
	if (!rc)
		rc = batch_put(&b, outer);
	if (blank >= 0)
		close(blank);
	return rc;
}

static int make_mapped(struct chunks *out, uint32_t n_lines)
{
	int rc = make(out, n_lines);

	return !rc && out->n ? map_chunks(out, PROT_READ | PROT_WRITE) : rc;
}

void chunks_free(struct chunks *c)
{
	if (c)
		chunks_fini(c);
	free(c);
}

/* Without memory for spare ones there are none: room is what clearing is for.
 */
struct chunks *chunks_clear(int outer, uint32_t slot, uint32_t n_lines)
{
	struct chunks *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (chunks_of(n_lines) > SPARE_MAX || make_mapped(c, n_lines)) {
		chunks_fini(c);
		*c = (struct chunks){ .n = 0 };
	}
	if (!put_all(outer, slot, c))
		return c;
	chunks_free(c);
	return NULL;
}

/* Into memory that is mapped, and compared as it is read through the maps. */
static int write_image(struct chunks *c, const struct image *im)
{
	int rc;

	if (!im->head.n_lines)
		return 0;
	memcpy(c->memory, im->lines, im->head.n_lines * sizeof(*im->lines));
	rc = map_chunks(c, PROT_READ);
	return rc ? rc : compare_digest(c->memory, &im->head);
}

static bool is_at(int outer, uint32_t key, int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info), id;

	return !bpf_map_lookup_elem(outer, &key, &id) &&
	       !bpf_obj_get_info_by_fd(fd, &info, &size) && info.id == id;
}

/* Somebody may have put others there. */
static bool has_room(const struct chunks *c, int outer, uint32_t slot,
		     uint32_t n_lines)
{
	if (!c || chunks_of(n_lines) > c->n)
		return false;
	for (uint32_t i = 0; i < c->n; i++) {
		if (!is_at(outer, slot * PC_CHUNKS + i, c->fds[i]))
			return false;
	}
	return true;
}

int chunks_put(int outer, uint32_t slot, const struct image *im,
	       struct chunks *spare)
{
	struct chunks c = { .n = 0 };
	int rc;

	if (has_room(spare, outer, slot, im->head.n_lines))
		return write_image(spare, im);
	rc = make_mapped(&c, im->head.n_lines);
	if (!rc)
		rc = write_image(&c, im);
	/* Also over what an interrupted run may have left there. */
	if (!rc)
		rc = put_all(outer, slot, &c);
	chunks_fini(&c);
	return rc;
}

static int open_chunk(int outer, uint32_t key)
{
	uint32_t id;
	int fd;

	if (bpf_map_lookup_elem(outer, &key, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? -errno : fd;
}

int chunks_digest(uint8_t out[static 32], int outer, uint32_t slot,
		  const struct pc_image *head)
{
	struct chunks c = { .n = 0 };
	size_t n = chunks_of(head->n_lines);
	int rc = n > PC_CHUNKS ? -E2BIG : 0;

	for (; !rc && c.n < n; c.n++) {
		c.fds[c.n] =
			open_chunk(outer, slot * PC_CHUNKS + (uint32_t)c.n);
		if (c.fds[c.n] < 0)
			rc = c.fds[c.n];
	}
	if (!rc && c.n)
		rc = map_chunks(&c, PROT_READ);
	if (!rc)
		rc = image_digest(out, c.memory, head->n_lines);
	chunks_fini(&c);
	return rc;
}

/* Lines fetched one by one; the last few stay, as a lookup holds two. */
typedef struct fetch {
	int outer;
	uint32_t slot;
	struct pc_line lines[4];
	unsigned int next;
	int rc; /* why a line could not be had */
} pc_image_lines;

static const struct pc_line *fetch_line(struct fetch *f, uint32_t number)
{
	struct pc_line *line = &f->lines[f->next++ % 4];
	uint32_t index = number % PC_CHUNK_LINES;
	int fd = open_chunk(f->outer, PC_CHUNK_INDEX(f->slot, number));

	if (fd < 0) {
		f->rc = fd;
		return NULL;
	}
	if (bpf_map_lookup_elem(fd, &index, line))
		f->rc = -errno;
	close(fd);
	return f->rc ? NULL : line;
}

static const struct pc_line *pc_image_line(const pc_image_lines *f,
					   uint32_t number)
{
	return fetch_line((struct fetch *)(uintptr_t)f, number);
}

#include "owner.h"

static uint64_t read_half(const uint8_t *bytes)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | bytes[i];
	return n;
}

int chunks_find(uint32_t *owner, int outer, uint32_t slot,
		const struct pc_image *head, const struct prefix *address)
{
	struct fetch f = { .outer = outer, .slot = slot };
	uint64_t hi = read_half(address->addr);
	uint32_t found;

	if (address->family == AF_INET)
		found = pc_image_find4(head, &f, (uint32_t)(hi >> 32));
	else
		found = pc_image_find6(head, &f, hi,
				       read_half(address->addr + 8));
	if (f.rc)
		return f.rc;
	*owner = found;
	return 0;
}
