/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of records in a file that one process writes and many read, also after
 * the writer has died.  What a reader was too slow for is overwritten, and
 * counted.  Records are of one size and hold no pointers.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_MAGIC_SIZE 8

/* What is in a file; all of it lives as long as the ring. */
struct ring_kind {
	/* Its first byte is not 0; all but the last one are the same for every
	 * version of the kind.
	 */
	char magic[RING_MAGIC_SIZE + 1];
	uint32_t record_size; /* a multiple of 8 */
	uint32_t n_records;
};

struct ring;

/*
 * Creates the file, mode 0600, or takes it over and goes on behind its records.
 * It is mapped, so nobody else is to be able to cut it short: 0; -EBUSY: a
 * writer has it; -EPROTO: not such a file; -EPERM: another user's; -EMLINK: it
 * has other names; -ELOOP: a symbolic link; -ENOTUNIQ: see
 * directory_open_parent(); -errno.
 */
int ring_create(struct ring **out, const char *path,
		const struct ring_kind *kind);
/* What ring_create() returned, in words. */
const char *ring_strerror(int err);
/* Read-only.  -ENOENT; -EPROTO: not such a file. */
int ring_open(struct ring **out, const char *path,
	      const struct ring_kind *kind);
void ring_close(struct ring *r);

/* Drawn when the file was made. */
uint32_t ring_random(const struct ring *r);
/* 1, 2, ..., for whatever the writer numbers.  From any thread. */
uint64_t ring_number(struct ring *r);
/* From any thread. */
void ring_write(struct ring *r, const void *record);

/*
 * The record after a position (0: the oldest there is), which is moved on.
 * False: none yet, and *record is anything.  lost: how many before it were
 * overwritten, or left half written, since the last call.  Anybody may have
 * written its bytes.
 */
bool ring_read(void *record, uint64_t *lost, struct ring *r,
	       uint64_t *position);

#endif /* RING_H */
