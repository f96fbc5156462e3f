// SPDX-License-Identifier: GPL-2.0-only
#include "pcap.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define MAGIC_NS 0xa1b23c4d
#define VERSION_MAJOR 2
#define VERSION_MINOR 4
#define LINKTYPE_ETHERNET 1
#define NS_PER_S 1000000000

/* Before each packet's bytes. */
struct record {
	uint32_t time_s;
	uint32_t time_ns;
	uint32_t taken;
	uint32_t size;
};

/* How many packets begin with, and fill, so many bytes of the buffer. */
static uint64_t count_whole(size_t *size, const struct pcap *p, size_t limit)
{
	struct record head;
	uint64_t n = 0;

	*size = 0;
	while (limit - *size >= sizeof(head)) {
		memcpy(&head, p->buffer + *size, sizeof(head));
		if (le32toh(head.taken) > limit - *size - sizeof(head))
			break;
		*size += sizeof(head) + le32toh(head.taken);
		n++;
	}
	return n;
}

/* As much as can be; *done bytes of it are. */
static int write_all(size_t *done, int fd, const void *bytes, size_t size)
{
	*done = 0;
	while (*done < size) {
		ssize_t n =
			write(fd, (const char *)bytes + *done, size - *done);

		if (n < 0 && errno != EINTR)
			return -errno;
		*done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* A pipe's reader has what he has. */
static int take_back(int fd, size_t size)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st))
		return -errno;
	if (!size || !S_ISREG(st.st_mode))
		return 0;
	end = lseek(fd, -(off_t)size, SEEK_CUR);
	return end < 0 || ftruncate(fd, end) ? -errno : 0;
}

int pcap_open(struct pcap *p, int fd, uint32_t snap_size)
{
	const uint32_t head[] = {
		htole32(MAGIC_NS),
		htole32(VERSION_MINOR << 16 | VERSION_MAJOR),
		0, /* times are UTC */
		0, /* and as exact as they look */
		htole32(snap_size),
		htole32(LINKTYPE_ETHERNET),
	};
	size_t done;

	p->fd = fd;
	p->n_written = 0;
	p->n_lost = 0;
	p->used = 0;
	p->err = write_all(&done, fd, head, sizeof(head));
	if (p->err)
		(void)take_back(fd, done);
	return p->err;
}

/* The first error is the one to be told. */
static void give_up(struct pcap *p, size_t done)
{
	uint64_t all, whole;
	size_t size;

	all = count_whole(&size, p, p->used);
	whole = count_whole(&size, p, done);
	p->n_written += whole;
	p->n_lost += all - whole;
	p->used = 0;
	(void)take_back(p->fd, done - size);
}

int pcap_flush(struct pcap *p)
{
	size_t done, size;

	if (p->err)
		return p->err;
	p->err = write_all(&done, p->fd, p->buffer, p->used);
	if (p->err) {
		give_up(p, done);
		return p->err;
	}
	p->n_written += count_whole(&size, p, p->used);
	p->used = 0;
	return 0;
}

int pcap_put(struct pcap *p, const struct pcap_packet *packet)
{
	const struct record head = {
		.time_s = htole32((uint32_t)(packet->time_ns / NS_PER_S)),
		.time_ns = htole32((uint32_t)(packet->time_ns % NS_PER_S)),
		.taken = htole32(packet->taken),
		.size = htole32(packet->size),
	};
	size_t size = sizeof(head) + packet->taken;
	int err = size > sizeof(p->buffer) ? -EMSGSIZE : p->err;

	if (!err && size > sizeof(p->buffer) - p->used)
		err = pcap_flush(p);
	if (err) {
		p->n_lost++;
		return err;
	}
	memcpy(p->buffer + p->used, &head, sizeof(head));
	memcpy(p->buffer + p->used + sizeof(head), packet->bytes,
	       packet->taken);
	p->used += size;
	return 0;
}

int pcap_close(struct pcap *p)
{
	int err = pcap_flush(p);

	if (close(p->fd) && !err)
		err = -errno;
	p->fd = -1;
	return err;
}
