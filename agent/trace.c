// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer maps the file, so that what it wrote is there however it ends.  A
 * slot's turn says which record is in it: odd while it is being written, even
 * when it is whole.  The reader takes bytes by pread() and believes none of
 * them: a file cut short under a mapping would kill it.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

#define MAGIC "pctrace1"
#define MAGIC_SIZE 8
/* Of any version. */
#define MAGIC_COMMON 7
/* So many digits of a number fit an id. */
#define NUMBER_MASK ((uint64_t)0xffffffffffffff)
/* A writer that is alive needs a microsecond for a record. */
#define PATIENCE 100
/* Nobody lives to write so many. */
#define WRITTEN_MAX ((uint64_t)1 << 62)

struct slot {
	_Atomic uint64_t turn; /* 2 * index + 1, then 2 * index + 2 */
	struct trace_record record;
};

struct ring {
	char magic[MAGIC_SIZE];
	uint32_t size; /* of this struct */
	uint32_t random;
	_Atomic uint64_t numbered; /* decisions */
	_Atomic uint64_t written;  /* records */
	struct slot slots[TRACE_RECORDS];
};

struct trace {
	int fd;
	struct ring *ring; /* NULL: a reader */
	uint32_t random;
};

static bool is_ours(const char *magic, uint32_t size)
{
	return !memcmp(magic, MAGIC, MAGIC_SIZE) && size == sizeof(struct ring);
}

/* May the file's contents be replaced?  Never a file of somebody else's. */
static int check_file(int fd)
{
	char magic[MAGIC_SIZE] = { 0 };
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EPROTO;
	if (pread(fd, magic, sizeof(magic), 0) < 0)
		return -errno;
	/* Nothing yet, or the writer died before it put its mark. */
	if (!magic[0] && (!st.st_size || st.st_size == sizeof(struct ring)))
		return 0;
	return memcmp(magic, MAGIC, MAGIC_COMMON) ? -EPROTO : 0;
}

/* Makes a file of zeros with every block there: a full disk must show now, not
 * as a SIGBUS later. */
static int empty_file(int fd)
{
	if (ftruncate(fd, 0))
		return -errno;
	return -posix_fallocate(fd, 0, sizeof(struct ring));
}

/* The mark comes last: without it the file is not taken for a ring. */
static int begin_ring(struct ring *ring)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	ring->random = random;
	ring->size = sizeof(*ring);
	atomic_thread_fence(memory_order_release);
	memcpy(ring->magic, MAGIC, MAGIC_SIZE);
	return 0;
}

static bool holds_ring(int fd)
{
	struct {
		char magic[MAGIC_SIZE];
		uint32_t size;
	} head = { 0 };
	struct stat st;

	return !fstat(fd, &st) && st.st_size == sizeof(struct ring) &&
	       pread(fd, &head, sizeof(head), 0) == sizeof(head) &&
	       is_ours(head.magic, head.size);
}

static int map_ring(struct trace *t)
{
	bool begun = holds_ring(t->fd);
	int err = begun ? 0 : empty_file(t->fd);
	void *p;

	if (err)
		return err;
	p = mmap(NULL, sizeof(struct ring), PROT_READ | PROT_WRITE, MAP_SHARED,
		 t->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	t->ring = p;
	if (!begun)
		err = begin_ring(t->ring);
	t->random = t->ring->random;
	return err;
}

static int take_file(struct trace *t)
{
	int err;

	/* Two writers would give out the same numbers. */
	if (flock(t->fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	err = check_file(t->fd);
	if (!err && fchmod(t->fd, 0600))
		err = -errno;
	return err ? err : map_ring(t);
}

static int open_file(struct trace **out, const char *path, int flags)
{
	struct trace *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	/* Not to wait for the other end of a pipe. */
	t->fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600);
	if (t->fd < 0) {
		err = -errno;
		free(t);
		return err;
	}
	*out = t;
	return 0;
}

int trace_create(struct trace **out, const char *path)
{
	struct trace *t = NULL;
	int err = open_file(&t, path, O_RDWR | O_CREAT | O_NOFOLLOW);

	if (err)
		return err;
	err = take_file(t);
	if (err)
		trace_close(t);
	else
		*out = t;
	return err;
}

int trace_open(struct trace **out, const char *path)
{
	struct trace *t = NULL;
	int err = open_file(&t, path, O_RDONLY);

	if (err)
		return err;
	if (!holds_ring(t->fd) ||
	    pread(t->fd, &t->random, sizeof(t->random),
		  offsetof(struct ring, random)) != sizeof(t->random)) {
		trace_close(t);
		return -EPROTO;
	}
	*out = t;
	return 0;
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	if (t->ring)
		munmap(t->ring, sizeof(*t->ring));
	close(t->fd);
	free(t);
}

uint64_t trace_number(struct trace *t)
{
	return atomic_fetch_add_explicit(&t->ring->numbered, 1,
					 memory_order_relaxed) +
	       1;
}

void trace_write(struct trace *t, const struct trace_record *r)
{
	uint64_t index = atomic_fetch_add_explicit(&t->ring->written, 1,
						   memory_order_relaxed);
	struct slot *s = &t->ring->slots[index % TRACE_RECORDS];

	atomic_store_explicit(&s->turn, 2 * index + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	s->record = *r;
	atomic_store_explicit(&s->turn, 2 * index + 2, memory_order_release);
}

static bool load(const struct trace *t, uint64_t *out, size_t at)
{
	bool read = pread(t->fd, out, sizeof(*out), (off_t)at) == sizeof(*out);

	atomic_thread_fence(memory_order_seq_cst);
	return read;
}

/* 0; -EAGAIN: not written yet; -ESTALE: a newer one is in its place; -EIO. */
static int read_slot(struct trace_record *out, const struct trace *t,
		     uint64_t index)
{
	size_t at = offsetof(struct ring, slots) +
		    index % TRACE_RECORDS * sizeof(struct slot);
	size_t record_at = at + offsetof(struct slot, record);
	uint64_t whole = 2 * index + 2, before, after;
	struct trace_record r;

	if (!load(t, &before, at) ||
	    pread(t->fd, &r, sizeof(r), (off_t)record_at) != sizeof(r))
		return -EIO;
	atomic_thread_fence(memory_order_seq_cst);
	if (!load(t, &after, at))
		return -EIO;
	if (before != whole || after != whole)
		return after > whole ? -ESTALE : -EAGAIN;
	*out = r;
	return 0;
}

/* As read_slot(), giving whoever is at it the time to finish. */
static int read_patiently(struct trace_record *out, const struct trace *t,
			  uint64_t index, unsigned int *patience)
{
	int rc = read_slot(out, t, index);

	while (rc == -EAGAIN && *patience) {
		--*patience;
		sched_yield();
		rc = read_slot(out, t, index);
	}
	return rc;
}

/* Of a file that anybody may have written. */
static void mend(struct trace_record *r)
{
	r->client[TRACE_CLIENT_SIZE - 1] = '\0';
	text_to_ascii(r->client);
}

/* Where reading starts or goes on; what was overwritten is added to lost. */
static uint64_t next_index(uint64_t *lost, uint64_t position, uint64_t written)
{
	uint64_t oldest = written > TRACE_RECORDS ? written - TRACE_RECORDS : 0;
	uint64_t index = position - 1;

	/* Never read before, or the ring has begun anew. */
	if (!position || index > written)
		return oldest;
	if (index >= oldest)
		return index;
	*lost += oldest - index;
	return oldest;
}

/* 0: nothing, or not to be believed. */
static uint64_t load_written(const struct trace *t)
{
	uint64_t written;

	if (!load(t, &written, offsetof(struct ring, written)) ||
	    written > WRITTEN_MAX)
		return 0;
	return written;
}

bool trace_read(struct trace_record *out, uint64_t *lost, struct trace *t,
		uint64_t *position)
{
	unsigned int patience = PATIENCE;
	uint64_t written = load_written(t), index;
	int rc = -EAGAIN;

	*lost = 0;
	index = next_index(lost, *position, written);
	while (index < written) {
		rc = read_patiently(out, t, index, &patience);
		/* The last one may still come; one before it will not: its
		 * writer has died. */
		if (!rc || rc == -EIO ||
		    (rc == -EAGAIN && index + 1 == written))
			break;
		++*lost;
		++index;
		/* The writer is going round. */
		if (rc == -ESTALE) {
			written = load_written(t);
			index = next_index(lost, index + 1, written);
		}
	}
	*position = index + 1 + !rc;
	if (!rc)
		mend(out);
	return !rc;
}

const char *trace_print_id(const struct trace *t, uint64_t number,
			   char buf[static TRACE_ID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	char *to = buf;
	int digits = 8;

	number &= NUMBER_MASK;
	while (number >> 4 * digits)
		digits++;
	/* Every decision has one, and printf takes ten times as long. */
	for (int i = 7; i >= 0; i--)
		*to++ = hex[t->random >> 4 * i & 15];
	*to++ = '-';
	while (digits--)
		*to++ = hex[number >> 4 * digits & 15];
	*to = '\0';
	return buf;
}

static int parse_hex(uint64_t *out, const char *text, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++) {
		int digit = text_hex_digit(text[i]);

		if (digit < 0)
			return -EINVAL;
		value = value << 4 | (uint64_t)digit;
	}
	*out = value;
	return 0;
}

int trace_parse_id(const struct trace *t, uint64_t *out, const char *text)
{
	size_t size = strlen(text);
	uint64_t random, number;

	if (size < 17 || size >= TRACE_ID_SIZE || text[8] != '-')
		return -EINVAL;
	if (parse_hex(&random, text, 8) ||
	    parse_hex(&number, text + 9, size - 9))
		return -EINVAL;
	if (random != t->random)
		return -ENOENT;
	*out = number;
	return 0;
}
