/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets in a file that tcpdump and Wireshark read: classic pcap with
 * nanoseconds, Ethernet.  Forty bytes of format; libpcap, which could write
 * them too, brings seven other libraries along.  What cannot be written ends
 * the file behind the last whole packet.
 */
#ifndef PCAP_H
#define PCAP_H

#include <stddef.h>
#include <stdint.h>

#define PCAP_BUFFER_SIZE 65536

struct pcap_packet {
	int64_t time_ns; /* Unix time */
	uint32_t size;	 /* on the wire */
	uint32_t taken;	 /* of it in bytes; less than the buffer has */
	const void *bytes;
};

struct pcap {
	int fd;
	int err;	    /* the first one; nothing is written after it */
	uint64_t n_written; /* packets, whole */
	uint64_t n_lost;    /* that could not be */
	size_t used;
	uint8_t buffer[PCAP_BUFFER_SIZE];
};

/* Takes the descriptor over and writes the head.  0 or -errno. */
int pcap_open(struct pcap *p, int fd, uint32_t snap_size);
/* 0 or -errno: of this one or of one before it.  It is counted either way. */
int pcap_put(struct pcap *p, const struct pcap_packet *packet);
/* What was put is there.  0 or -errno. */
int pcap_flush(struct pcap *p);
/* 0 or -errno, of the flush it begins with, too. */
int pcap_close(struct pcap *p);

#endif /* PCAP_H */
