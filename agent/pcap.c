// SPDX-License-Identifier: GPL-2.0-only
#include "pcap.h"

#include <endian.h>
#include <errno.h>

#define MAGIC_NS 0xa1b23c4d
#define VERSION_MAJOR 2
#define VERSION_MINOR 4
#define LINKTYPE_ETHERNET 1
#define NS_PER_S 1000000000

int pcap_begin(FILE *f, uint32_t snap_size)
{
	const uint32_t head[] = {
		htole32(MAGIC_NS),
		htole32(VERSION_MINOR << 16 | VERSION_MAJOR),
		0, /* times are UTC */
		0, /* and as exact as they look */
		htole32(snap_size),
		htole32(LINKTYPE_ETHERNET),
	};

	return fwrite(head, sizeof(head), 1, f) == 1 ? 0 : -EIO;
}

int pcap_put(FILE *f, const struct pcap_packet *p)
{
	const uint32_t head[] = {
		htole32((uint32_t)(p->time_ns / NS_PER_S)),
		htole32((uint32_t)(p->time_ns % NS_PER_S)),
		htole32(p->taken),
		htole32(p->size),
	};

	if (fwrite(head, sizeof(head), 1, f) != 1)
		return -EIO;
	return fwrite(p->bytes, 1, p->taken, f) == p->taken ? 0 : -EIO;
}
