/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets built from a description, and packets read back.  Deliberately naive:
 * every header is written byte by byte, every checksum is added up here, and
 * nothing is shared with the parser or the writer under test.
 */
#ifndef TESTS_BPF_PACKET_H
#define TESTS_BPF_PACKET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PACKET_MAX 16384
#define PACKET_WINDOW 502
#define PACKET_MAC_CLIENT "\x02\xc1\x02\x03\x04\x05"
#define PACKET_MAC_GATEWAY "\x02\x9a\x0b\x0c\x0d\x0e"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_URG_ 0x20
#define TCP_PSH 0x08
#define TCP_ACK 0x10

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6_ 0x86dd

/* What to build.  Whatever is zero is usual. */
struct shape {
	const char *from; /* IPv4 or IPv6 text, both alike */
	const char *to;
	uint16_t sport;
	uint16_t dport;
	uint32_t seq;
	uint32_t ack;
	uint32_t ts_value; /* with ts_echo: a timestamp option */
	uint32_t ts_echo;
	const void *payload;
	size_t payload_size;
	const uint8_t *extensions; /* IPv6 extension headers, by protocol */
	size_t n_extensions;
	uint16_t ether_type; /* instead of the one that fits */
	uint16_t fragment;   /* flags and offset as in the header */
	uint8_t flags;	     /* TCP_* */
	uint8_t l4_proto;    /* instead of TCP */
	uint8_t n_tags;	     /* VLAN tags; the outer one is 802.1ad if two */
	uint8_t ip_options;  /* words of IPv4 options */
	uint8_t ip_first;    /* instead of version and header length */
	uint8_t reserved;    /* second byte of a fragment header */
	uint8_t ext_words;   /* length field of the other extension headers */
	uint8_t wscale;	     /* a window scale option, unless 0 */
	uint8_t n_sacks;     /* SACK blocks */
	uint16_t window;     /* instead of 502 */
	bool mptcp;	     /* an MP_CAPABLE option */
	bool to_client;	     /* the link's addresses the other way round */
	uint32_t sacks[4][2];
};

struct packet {
	size_t size;
	size_t l3_at;
	size_t l4_at;
	size_t payload_at;
	uint8_t bytes[PACKET_MAX];
};

static inline void packet_put(struct packet *p, const void *bytes, size_t n)
{
	if (p->size + n > sizeof(p->bytes))
		abort();
	if (n)
		memcpy(p->bytes + p->size, bytes, n);
	p->size += n;
}

static inline void packet_put8(struct packet *p, unsigned int v)
{
	uint8_t b = (uint8_t)v;

	packet_put(p, &b, 1);
}

static inline void packet_put16(struct packet *p, unsigned int v)
{
	packet_put8(p, v >> 8 & 255);
	packet_put8(p, v & 255);
}

static inline void packet_put32(struct packet *p, uint32_t v)
{
	packet_put16(p, v >> 16);
	packet_put16(p, v & 0xffff);
}

static inline void packet_zero(struct packet *p, size_t n)
{
	while (n--)
		packet_put8(p, 0);
}

static inline void packet_set16(struct packet *p, size_t at, unsigned int v)
{
	p->bytes[at] = v >> 8 & 255;
	p->bytes[at + 1] = v & 255;
}

/* The Internet's sum of bytes, added to an earlier one; not yet folded. */
static inline uint32_t packet_sum(uint32_t sum, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* The sum of a TCP segment with its pseudo-header: 0xffff when it is right. */
static inline uint32_t packet_sum_l4(const uint8_t *addresses, size_t n,
				     const uint8_t *l4, size_t size)
{
	uint8_t rest[] = { size >> 8 & 255, size & 255, 0, IPPROTO_TCP };
	uint32_t sum = packet_sum(0, addresses, n);

	return packet_sum(packet_sum(sum, rest, sizeof(rest)), l4, size);
}

static inline void packet_put_link(struct packet *p, const struct shape *s,
				   bool is_v6)
{
	packet_put(p, s->to_client ? PACKET_MAC_CLIENT : PACKET_MAC_GATEWAY, 6);
	packet_put(p, s->to_client ? PACKET_MAC_GATEWAY : PACKET_MAC_CLIENT, 6);
	for (unsigned int i = 0; i < s->n_tags; i++) {
		packet_put16(p, !i && s->n_tags > 1 ? 0x88a8 : 0x8100);
		packet_put16(p, 100 + i);
	}
	packet_put16(p, s->ether_type ? s->ether_type
			: is_v6	      ? ETHERTYPE_IPV6_
				      : ETHERTYPE_IPV4);
	p->l3_at = p->size;
}

static inline void packet_put_address(struct packet *p, int family,
				      const char *text)
{
	uint8_t addr[16];

	if (inet_pton(family, text, addr) != 1)
		abort();
	packet_put(p, addr, family == AF_INET ? 4 : 16);
}

static inline void packet_put_ip4(struct packet *p, const struct shape *s)
{
	packet_put8(p, s->ip_first ? s->ip_first : 0x45 + s->ip_options);
	packet_put8(p, 0);
	packet_put16(p, 0); /* total length: later */
	packet_put16(p, 0x1234);
	packet_put16(p, s->fragment);
	packet_put8(p, 57);
	packet_put8(p, s->l4_proto ? s->l4_proto : IPPROTO_TCP);
	packet_put16(p, 0); /* checksum: later */
	packet_put_address(p, AF_INET, s->from);
	packet_put_address(p, AF_INET, s->to);
	for (size_t i = 0; i < s->ip_options; i++)
		packet_put32(p, 0x01010101);
}

static inline void packet_put_ip6(struct packet *p, const struct shape *s)
{
	uint8_t last = s->l4_proto ? s->l4_proto : IPPROTO_TCP;

	packet_put8(p, s->ip_first ? s->ip_first : 0x60);
	packet_zero(p, 3);
	packet_put16(p, 0); /* payload length: later */
	packet_put8(p, s->n_extensions ? s->extensions[0] : last);
	packet_put8(p, 57);
	packet_put_address(p, AF_INET6, s->from);
	packet_put_address(p, AF_INET6, s->to);
	for (size_t i = 0; i < s->n_extensions; i++) {
		bool fragment = s->extensions[i] == IPPROTO_FRAGMENT;
		bool more = i + 1 < s->n_extensions;

		packet_put8(p, more ? s->extensions[i + 1] : last);
		packet_put8(p, fragment ? s->reserved : s->ext_words);
		packet_put16(p, fragment ? s->fragment : 0);
		packet_zero(p, 4 + (fragment ? 0 : 8 * (size_t)s->ext_words));
	}
}

static inline bool shape_has_ts(const struct shape *s)
{
	return s->ts_value || s->ts_echo;
}

static inline unsigned int shape_option_words(const struct shape *s)
{
	return 3u * shape_has_ts(s) + s->mptcp + !!s->wscale +
	       (s->n_sacks ? 1 + 2u * s->n_sacks : 0);
}

static inline void packet_put_options(struct packet *p, const struct shape *s)
{
	if (s->mptcp)
		packet_put32(p, 0x1e040100);
	if (s->wscale)
		packet_put32(p, 0x01030300u + s->wscale);
	if (shape_has_ts(s)) {
		packet_put32(p, 0x0101080a);
		packet_put32(p, s->ts_value);
		packet_put32(p, s->ts_echo);
	}
	if (s->n_sacks)
		packet_put32(p, 0x01010502u + 8u * s->n_sacks);
	for (unsigned int i = 0; i < s->n_sacks; i++) {
		packet_put32(p, s->sacks[i][0]);
		packet_put32(p, s->sacks[i][1]);
	}
}

static inline void packet_put_l4(struct packet *p, const struct shape *s)
{

	p->l4_at = p->size;
	packet_put16(p, s->sport);
	packet_put16(p, s->dport);
	if (s->l4_proto && s->l4_proto != IPPROTO_TCP) {
		packet_put16(p, 8 + (unsigned int)s->payload_size);
		packet_put16(p, 0);
		return;
	}
	packet_put32(p, s->seq);
	packet_put32(p, s->ack);
	packet_put8(p, (5 + shape_option_words(s)) << 4);
	packet_put8(p, s->flags);
	packet_put16(p, s->window ? s->window : PACKET_WINDOW);
	packet_put32(p, 0); /* checksum and urgent pointer */
	packet_put_options(p, s);
}

/* Lengths and checksums, once everything is in its place. */
static inline void packet_finish(struct packet *p, const struct shape *s,
				 bool is_v6)
{
	uint8_t *ip = p->bytes + p->l3_at, *l4 = p->bytes + p->l4_at;
	size_t l4_size = p->size - p->l4_at;
	uint32_t sum;

	if (is_v6) {
		packet_set16(p, p->l3_at + 4,
			     (unsigned int)(p->size - p->l3_at - 40));
	} else {
		packet_set16(p, p->l3_at + 2,
			     (unsigned int)(p->size - p->l3_at));
		sum = packet_sum(0, ip, p->l4_at - p->l3_at);
		packet_set16(p, p->l3_at + 10, ~sum & 0xffff);
	}
	if (s->l4_proto && s->l4_proto != IPPROTO_TCP)
		return;
	sum = packet_sum_l4(ip + (is_v6 ? 8 : 12), is_v6 ? 32 : 8, l4, l4_size);
	packet_set16(p, p->l4_at + 16, ~sum & 0xffff);
}

static inline void packet_build(struct packet *p, const struct shape *s)
{
	bool is_v6 = strchr(s->from, ':') != NULL;

	p->size = 0;
	packet_put_link(p, s, is_v6);
	if (is_v6)
		packet_put_ip6(p, s);
	else
		packet_put_ip4(p, s);
	packet_put_l4(p, s);
	p->payload_at = p->size;
	packet_put(p, s->payload, s->payload_size);
	packet_finish(p, s, is_v6);
}

/* A TCP segment as it was found on the wire. */
struct segment {
	uint8_t to_mac[6];
	uint8_t from_mac[6];
	unsigned int n_tags;
	char from[INET6_ADDRSTRLEN];
	char to[INET6_ADDRSTRLEN];
	uint16_t sport;
	uint16_t dport;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
	uint16_t window;
	size_t header_size; /* TCP's */
	bool has_ts;
	uint32_t ts_value;
	uint32_t ts_echo;
	bool sums_right; /* IPv4 header and TCP */
	const uint8_t *payload;
	size_t payload_size;
};

static inline unsigned int packet_get16(const uint8_t *b)
{
	return (unsigned int)b[0] << 8 | b[1];
}

static inline uint32_t packet_get32(const uint8_t *b)
{
	return (uint32_t)packet_get16(b) << 16 | packet_get16(b + 2);
}

static inline int segment_read_tcp(struct segment *out, const uint8_t *l4,
				   size_t size)
{
	size_t header = size >= 20 ? (size_t)(l4[12] >> 4) * 4 : 0;

	if (header < 20 || header > size)
		return -1;
	out->sport = (uint16_t)packet_get16(l4);
	out->dport = (uint16_t)packet_get16(l4 + 2);
	out->seq = packet_get32(l4 + 4);
	out->ack = packet_get32(l4 + 8);
	out->header_size = header;
	out->flags = l4[13];
	out->window = (uint16_t)packet_get16(l4 + 14);
	out->has_ts = header >= 32 && packet_get32(l4 + 20) == 0x0101080a;
	if (out->has_ts) {
		out->ts_value = packet_get32(l4 + 24);
		out->ts_echo = packet_get32(l4 + 28);
	}
	out->payload = l4 + header;
	out->payload_size = size - header;
	return 0;
}

static inline int segment_read_ip4(struct segment *out, const uint8_t *ip,
				   size_t size)
{
	if (size < 20 || ip[0] != 0x45 || packet_get16(ip + 2) != size ||
	    ip[9] != IPPROTO_TCP)
		return -1;
	inet_ntop(AF_INET, ip + 12, out->from, sizeof(out->from));
	inet_ntop(AF_INET, ip + 16, out->to, sizeof(out->to));
	out->sums_right =
		packet_sum(0, ip, 20) == 0xffff &&
		packet_sum_l4(ip + 12, 8, ip + 20, size - 20) == 0xffff;
	return segment_read_tcp(out, ip + 20, size - 20);
}

static inline int segment_read_ip6(struct segment *out, const uint8_t *ip,
				   size_t size)
{
	if (size < 40 || ip[0] >> 4 != 6 || packet_get16(ip + 4) != size - 40 ||
	    ip[6] != IPPROTO_TCP)
		return -1;
	inet_ntop(AF_INET6, ip + 8, out->from, sizeof(out->from));
	inet_ntop(AF_INET6, ip + 24, out->to, sizeof(out->to));
	out->sums_right =
		packet_sum_l4(ip + 8, 32, ip + 40, size - 40) == 0xffff;
	return segment_read_tcp(out, ip + 40, size - 40);
}

/* 0, or -1 where the bytes are no TCP segment of exactly that size. */
static inline int segment_read_packet(struct segment *out, const uint8_t *b,
				      size_t size)
{
	size_t at = 14;

	memset(out, 0, sizeof(*out));
	if (size < 14)
		return -1;
	memcpy(out->to_mac, b, 6);
	memcpy(out->from_mac, b + 6, 6);
	while (at + 4 <= size && (packet_get16(b + at - 2) == 0x8100 ||
				  packet_get16(b + at - 2) == 0x88a8)) {
		out->n_tags++;
		at += 4;
	}
	switch (packet_get16(b + at - 2)) {
	case ETHERTYPE_IPV4:
		return segment_read_ip4(out, b + at, size - at);
	case ETHERTYPE_IPV6_:
		return segment_read_ip6(out, b + at, size - at);
	default:
		return -1;
	}
}

#endif /* TESTS_BPF_PACKET_H */
