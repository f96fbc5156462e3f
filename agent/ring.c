// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer maps the file, so that what it wrote is there however it ends.  A
 * slot's turn says which record is in it: odd while it is being written, even
 * when it is whole.  The reader takes bytes by pread() and believes none of
 * them: a file cut short under a mapping would kill it.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"

/* A writer that is alive needs a microsecond for a record. */
#define PATIENCE 100
/* Nobody lives to write so many. */
#define WRITTEN_MAX ((uint64_t)1 << 62)

struct slot {
	_Atomic uint64_t turn; /* 2 * index + 1, then 2 * index + 2 */
	unsigned char record[];
};

/* How the file begins; the slots follow. */
struct head {
	char magic[RING_MAGIC_SIZE];
	uint32_t size; /* of the file */
	uint32_t random;
	_Atomic uint64_t numbered;
	_Atomic uint64_t written; /* records */
};

struct ring {
	const struct ring_kind *kind;
	int fd;
	struct head *head; /* mapped, with the slots; NULL: a reader */
	uint32_t random;
};

static size_t slot_size(const struct ring_kind *k)
{
	return sizeof(struct slot) + k->record_size;
}

static size_t slot_at(const struct ring_kind *k, uint64_t index)
{
	return sizeof(struct head) + index % k->n_records * slot_size(k);
}

static size_t file_size(const struct ring_kind *k)
{
	return sizeof(struct head) + k->n_records * slot_size(k);
}

/* May the file's contents be replaced?  Never a file of somebody else's. */
static int check_file(const struct ring *r)
{
	char magic[RING_MAGIC_SIZE] = { 0 };
	struct stat st;

	if (fstat(r->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EPROTO;
	if (st.st_uid != geteuid())
		return -EPERM;
	if (st.st_nlink != 1)
		return -EMLINK;
	if (pread(r->fd, magic, sizeof(magic), 0) < 0)
		return -errno;
	/* Nothing yet, or the writer died before it put its mark. */
	if (!magic[0] &&
	    (!st.st_size || (size_t)st.st_size == file_size(r->kind)))
		return 0;
	return memcmp(magic, r->kind->magic, RING_MAGIC_SIZE - 1) ? -EPROTO : 0;
}

/* Makes a file of zeros with every block there: a full disk must show now, not
 * as a SIGBUS later. */
static int empty_file(const struct ring *r)
{
	if (ftruncate(r->fd, 0))
		return -errno;
	return -posix_fallocate(r->fd, 0, (off_t)file_size(r->kind));
}

/* The mark comes last: without it the file is not taken for a ring. */
static int begin_ring(const struct ring *r)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	r->head->random = random;
	r->head->size = (uint32_t)file_size(r->kind);
	atomic_thread_fence(memory_order_release);
	memcpy(r->head->magic, r->kind->magic, RING_MAGIC_SIZE);
	return 0;
}

static bool holds_ring(const struct ring *r)
{
	struct {
		char magic[RING_MAGIC_SIZE];
		uint32_t size;
	} head = { 0 };
	struct stat st;

	return !fstat(r->fd, &st) && (size_t)st.st_size == file_size(r->kind) &&
	       pread(r->fd, &head, sizeof(head), 0) == sizeof(head) &&
	       !memcmp(head.magic, r->kind->magic, RING_MAGIC_SIZE) &&
	       head.size == file_size(r->kind);
}

static int map_ring(struct ring *r)
{
	bool begun = holds_ring(r);
	int err = begun ? 0 : empty_file(r);
	void *p;

	if (err)
		return err;
	p = mmap(NULL, file_size(r->kind), PROT_READ | PROT_WRITE, MAP_SHARED,
		 r->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->head = p;
	if (!begun)
		err = begin_ring(r);
	r->random = r->head->random;
	return err;
}

static int take_file(struct ring *r)
{
	int err;

	/* Two writers would give out the same numbers. */
	if (flock(r->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	err = check_file(r);
	if (!err && fchmod(r->fd, 0600))
		err = -errno;
	return err ? err : map_ring(r);
}

/* fd: a file, which is the ring's from here on, or -errno. */
static int take_fd(struct ring **out, int fd, const struct ring_kind *kind)
{
	struct ring *r = fd < 0 ? NULL : calloc(1, sizeof(*r));

	if (!r) {
		if (fd >= 0)
			close(fd);
		return fd < 0 ? fd : -ENOMEM;
	}
	r->kind = kind;
	r->fd = fd;
	*out = r;
	return 0;
}

/*
 * In a directory that was looked at, not by a path that may lead elsewhere by
 * now.  Not to wait for the other end of a pipe.
 */
static int open_own(const char *path)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	const char *name = NULL;
	int dir, fd, rc = directory_open_parent(&dir, &name, path);

	if (rc)
		return rc;
	/* Sticky ones may refuse to create what is there, for its owner. */
	fd = openat(dir, name, flags);
	if (fd < 0 && errno == ENOENT)
		fd = openat(dir, name, flags | O_CREAT, 0600);
	rc = fd < 0 ? -errno : fd;
	close(dir);
	return rc;
}

int ring_create(struct ring **out, const char *path,
		const struct ring_kind *kind)
{
	struct ring *r = NULL;
	int err = take_fd(&r, open_own(path), kind);

	if (err)
		return err;
	err = take_file(r);
	if (err)
		ring_close(r);
	else
		*out = r;
	return err;
}

const char *ring_strerror(int err)
{
	switch (err) {
	case -EBUSY:
		return "another process writes it";
	case -EPROTO:
		return "something else is there";
	case -EPERM:
		return "it is another user's file";
	case -EMLINK:
		return "the file has other names, hard links";
	case -ELOOP:
		return "it is a symbolic link";
	case -ENOTUNIQ:
		return "others than root can write to its directory, or own it";
	default:
		return strerror(-err);
	}
}

int ring_open(struct ring **out, const char *path, const struct ring_kind *kind)
{
	struct ring *r = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = take_fd(&r, fd < 0 ? -errno : fd, kind);

	if (err)
		return err;
	if (!holds_ring(r) ||
	    pread(r->fd, &r->random, sizeof(r->random),
		  offsetof(struct head, random)) != sizeof(r->random)) {
		ring_close(r);
		return -EPROTO;
	}
	*out = r;
	return 0;
}

void ring_close(struct ring *r)
{
	if (!r)
		return;
	if (r->head)
		munmap(r->head, file_size(r->kind));
	close(r->fd);
	free(r);
}

uint32_t ring_random(const struct ring *r)
{
	return r->random;
}

uint64_t ring_number(struct ring *r)
{
	return atomic_fetch_add_explicit(&r->head->numbered, 1,
					 memory_order_relaxed) +
	       1;
}

void ring_write(struct ring *r, const void *record)
{
	uint64_t index = atomic_fetch_add_explicit(&r->head->written, 1,
						   memory_order_relaxed);
	struct slot *s = (void *)((char *)r->head + slot_at(r->kind, index));

	atomic_store_explicit(&s->turn, 2 * index + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	memcpy(s->record, record, r->kind->record_size);
	atomic_store_explicit(&s->turn, 2 * index + 2, memory_order_release);
}

static bool load(const struct ring *r, uint64_t *out, size_t at)
{
	bool read = pread(r->fd, out, sizeof(*out), (off_t)at) == sizeof(*out);

	atomic_thread_fence(memory_order_seq_cst);
	return read;
}

/* 0; -EAGAIN: not written yet; -ESTALE: a newer one is in its place; -EIO. */
static int read_slot(void *out, const struct ring *r, uint64_t index)
{
	size_t at = slot_at(r->kind, index), size = r->kind->record_size;
	uint64_t whole = 2 * index + 2, before, after;

	if (!load(r, &before, at) ||
	    pread(r->fd, out, size, (off_t)(at + sizeof(struct slot))) !=
		    (ssize_t)size)
		return -EIO;
	atomic_thread_fence(memory_order_seq_cst);
	if (!load(r, &after, at))
		return -EIO;
	if (before != whole || after != whole)
		return after > whole ? -ESTALE : -EAGAIN;
	return 0;
}

/* As read_slot(), giving whoever is at it the time to finish. */
static int read_patiently(void *out, const struct ring *r, uint64_t index,
			  unsigned int *patience)
{
	int rc = read_slot(out, r, index);

	while (rc == -EAGAIN && *patience) {
		--*patience;
		sched_yield();
		rc = read_slot(out, r, index);
	}
	return rc;
}

/* Where reading starts or goes on; what was overwritten is added to lost. */
static uint64_t next_index(uint64_t *lost, const struct ring *r,
			   uint64_t position, uint64_t written)
{
	uint32_t n = r->kind->n_records;
	uint64_t oldest = written > n ? written - n : 0, index = position - 1;

	/* Never read before, or the ring has begun anew. */
	if (!position || index > written)
		return oldest;
	if (index >= oldest)
		return index;
	*lost += oldest - index;
	return oldest;
}

/* 0: nothing, or not to be believed. */
static uint64_t load_written(const struct ring *r)
{
	uint64_t written;

	if (!load(r, &written, offsetof(struct head, written)) ||
	    written > WRITTEN_MAX)
		return 0;
	return written;
}

bool ring_read(void *record, uint64_t *lost, struct ring *r, uint64_t *position)
{
	unsigned int patience = PATIENCE;
	uint64_t written = load_written(r), index;
	int rc = -EAGAIN;

	*lost = 0;
	index = next_index(lost, r, *position, written);
	while (index < written) {
		rc = read_patiently(record, r, index, &patience);
		/* The last one may still come; one before it will not: its
		 * writer has died. */
		if (!rc || rc == -EIO ||
		    (rc == -EAGAIN && index + 1 == written))
			break;
		++*lost;
		++index;
		/* The writer is going round. */
		if (rc == -ESTALE) {
			written = load_written(r);
			index = next_index(lost, r, index + 1, written);
		}
	}
	*position = index + 1 + !rc;
	return !rc;
}
