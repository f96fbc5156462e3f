// SPDX-License-Identifier: GPL-2.0-only
#include "reset.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>

#define TTL 64

static uint32_t sum_add(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The client's link header, answered: addresses change places. */
static size_t build_link(uint8_t *buf, const struct pc_living *l)
{
	size_t size = l->link_size, rest = size - 2 * ETH_ALEN;
	uint8_t *p = buf + 2 * ETH_ALEN;

	memcpy(buf, l->link + ETH_ALEN, ETH_ALEN);
	memcpy(buf + ETH_ALEN, l->link, ETH_ALEN);
	if (l->vlan_proto) {
		uint16_t tci = htons(l->vlan_tci);

		memcpy(p, &l->vlan_proto, 2);
		memcpy(p + 2, &tci, 2);
		p += 4;
	}
	memcpy(p, l->link + 2 * ETH_ALEN, rest);
	return (size_t)(p + rest - buf);
}

/* From one end to the other, in the gateway's numbers. */
struct reset {
	const uint8_t *from;
	const uint8_t *to;
	__be16 sport;
	__be16 dport;
	uint32_t seq;
	uint32_t ack;
	bool is_v6;
};

static struct reset reset_to_client(const struct pc_flow_key *key,
				    const struct pc_living *l)
{
	return (struct reset){
		.from = key->daddr,
		.to = key->saddr,
		.sport = key->dport,
		.dport = key->sport,
		.seq = l->gateway_end,
		.ack = l->client_end - l->delta.skipped,
		.is_v6 = key->family == 6,
	};
}

static struct reset reset_to_gateway(const struct pc_flow_key *key,
				     const struct pc_living *l)
{
	return (struct reset){
		.from = key->saddr,
		.to = key->daddr,
		.sport = key->sport,
		.dport = key->dport,
		.seq = l->client_end - l->delta.skipped,
		.ack = l->gateway_end,
		.is_v6 = key->family == 6,
	};
}

static size_t build_ip4(uint8_t *buf, const struct reset *r)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(ip) + sizeof(struct tcphdr)),
		.frag_off = htons(IP_DF),
		.ttl = TTL,
		.protocol = IPPROTO_TCP,
	};

	memcpy(&ip.saddr, r->from, 4);
	memcpy(&ip.daddr, r->to, 4);
	ip.check = sum_fold(sum_add(0, &ip, sizeof(ip)));
	memcpy(buf, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t build_ip6(uint8_t *buf, const struct reset *r)
{
	struct ip6_hdr ip = { 0 };

	ip.ip6_flow = htonl(6u << 28);
	ip.ip6_plen = htons(sizeof(struct tcphdr));
	ip.ip6_nxt = IPPROTO_TCP;
	ip.ip6_hlim = TTL;
	memcpy(&ip.ip6_src, r->from, 16);
	memcpy(&ip.ip6_dst, r->to, 16);
	memcpy(buf, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t build_tcp(uint8_t *buf, const struct reset *r)
{
	size_t address = r->is_v6 ? 16 : 4;
	struct tcphdr tcp = {
		.source = r->sport,
		.dest = r->dport,
		.seq = htonl(r->seq),
		.ack_seq = htonl(r->ack),
		.doff = sizeof(tcp) / 4,
		.rst = 1,
		.ack = 1,
	};
	uint32_t sum = IPPROTO_TCP + sizeof(tcp);

	sum = sum_add(sum, r->from, address);
	sum = sum_add(sum, r->to, address);
	tcp.check = sum_fold(sum_add(sum, &tcp, sizeof(tcp)));
	memcpy(buf, &tcp, sizeof(tcp));
	return sizeof(tcp);
}

static size_t build_packet(uint8_t *buf, const struct reset *r)
{
	size_t n = r->is_v6 ? build_ip6(buf, r) : build_ip4(buf, r);

	return n + build_tcp(buf + n, r);
}

size_t reset_build(uint8_t buf[static RESET_SIZE],
		   const struct pc_flow_key *key, const struct pc_living *l)
{
	struct reset r = reset_to_client(key, l);
	size_t n = build_link(buf, l);

	return n + build_packet(buf + n, &r);
}

size_t reset_build_gateway(uint8_t buf[static RESET_SIZE],
			   const struct pc_flow_key *key,
			   const struct pc_living *l)
{
	struct reset r = reset_to_gateway(key, l);

	return build_packet(buf, &r);
}
