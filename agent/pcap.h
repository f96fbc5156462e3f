/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets in a file that tcpdump and Wireshark read: classic pcap with
 * nanoseconds, Ethernet.  Forty bytes of format; libpcap, which could write
 * them too, brings seven other libraries along.
 */
#ifndef PCAP_H
#define PCAP_H

#include <stdint.h>
#include <stdio.h>

struct pcap_packet {
	int64_t time_ns; /* Unix time */
	uint32_t size;	 /* on the wire */
	uint32_t taken;	 /* of it in bytes */
	const void *bytes;
};

/* 0 or -EIO, as whatever follows on the stream. */
int pcap_begin(FILE *f, uint32_t snap_size);
int pcap_put(FILE *f, const struct pcap_packet *p);

#endif /* PCAP_H */
