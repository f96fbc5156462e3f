// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RST that ends a living connection from outside, byte for byte against a
 * packet that is built elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "bpf/packet.h"
#include "reset.h"

#define GATEWAY_END 0xfffffff0u
#define CLIENT_END 0x00000010u
#define SKIPPED 0x100u

struct ends {
	const char *client;
	const char *gateway;
};

static const struct ends ends[] = {
	{ "203.0.113.9", "192.0.2.1" },
	{ "2001:db8:1::9", "2001:db8::1" },
	{ "0.0.0.0", "255.255.255.255" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1" },
};

static bool is_v6(const struct ends *e)
{
	return strchr(e->client, ':') != NULL;
}

static struct pc_flow_key key_of(const struct ends *e)
{
	struct pc_flow_key key = {
		.ifindex = 3,
		.sport = htons(54321),
		.dport = htons(8080),
		.family = is_v6(e) ? 6 : 4,
	};
	int family = is_v6(e) ? AF_INET6 : AF_INET;

	inet_pton(family, e->client, key.saddr);
	inet_pton(family, e->gateway, key.daddr);
	return key;
}

/* As pc_request saw the client's frame: its link header, and a tag beside. */
static struct pc_living living_of(const struct ends *e, unsigned int n_tags)
{
	struct pc_living l = {
		.gateway_end = GATEWAY_END,
		.client_end = CLIENT_END,
		.delta = { .skipped = SKIPPED, .added = 12345 },
	};
	struct shape s = { .from = e->client,
			   .to = e->gateway,
			   .n_tags = (uint8_t)n_tags };
	static struct packet p;

	packet_build(&p, &s);
	memcpy(l.link, p.bytes, p.l3_at);
	l.link_size = (uint8_t)p.l3_at;
	return l;
}

/* In the gateway's numbers: pc_reply translates it like any segment. */
static void a_reset_is_the_gateways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct pc_flow_key key = key_of(&ends[i]);

		for (unsigned int tags = 0; tags < 3; tags++) {
			struct pc_living l = living_of(&ends[i], tags);
			uint8_t frame[RESET_SIZE];
			struct segment g;
			size_t n = reset_build(frame, &key, &l);

			assert_int_equal(segment_read_packet(&g, frame, n), 0);
			assert_memory_equal(g.to_mac, PACKET_MAC_CLIENT, 6);
			assert_memory_equal(g.from_mac, PACKET_MAC_GATEWAY, 6);
			assert_int_equal(g.n_tags, tags);
			assert_string_equal(g.from, ends[i].gateway);
			assert_string_equal(g.to, ends[i].client);
			assert_int_equal(g.sport, 8080);
			assert_int_equal(g.dport, 54321);
			assert_int_equal(g.seq, GATEWAY_END);
			assert_int_equal(g.ack, CLIENT_END - SKIPPED);
			assert_int_equal(g.flags, TCP_RST | TCP_ACK);
			assert_int_equal(g.payload_size, 0);
			assert_int_equal(g.header_size, 20);
			assert_true(g.sums_right);
		}
	}
}

/* As the gateway counts, and nothing before IP. */
static void the_gateways_is_the_clients(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct pc_flow_key key = key_of(&ends[i]);
		struct pc_living l = living_of(&ends[i], 0);
		uint8_t frame[14 + RESET_SIZE] = { 0 };
		struct segment g;
		size_t n = reset_build_gateway(frame + 14, &key, &l);

		memcpy(frame, l.link, 14);
		assert_int_equal(segment_read_packet(&g, frame, 14 + n), 0);
		assert_string_equal(g.from, ends[i].client);
		assert_string_equal(g.to, ends[i].gateway);
		assert_int_equal(g.sport, 54321);
		assert_int_equal(g.dport, 8080);
		assert_int_equal(g.seq, CLIENT_END - SKIPPED);
		assert_int_equal(g.ack, GATEWAY_END);
		assert_int_equal(g.flags, TCP_RST | TCP_ACK);
		assert_int_equal(g.payload_size, 0);
		assert_true(g.sums_right);
	}
}

/* A tag that the device had taken out of the frame goes back in, as the outer
 * one.
 */
static void a_tag_beside_the_frame_goes_back_in(void **state)
{
	static const uint8_t want[] = { 0x81, 0x00, 0x61, 0x23, 0x08, 0x00 };

	(void)state;
	for (unsigned int tags = 0; tags < 3; tags++) {
		struct pc_flow_key key = key_of(&ends[0]);
		struct pc_living l = living_of(&ends[0], tags);
		uint8_t plain[RESET_SIZE], frame[RESET_SIZE];
		size_t n = reset_build(plain, &key, &l);
		struct segment g;

		l.vlan_proto = htons(0x8100);
		l.vlan_tci = 0x6123;
		assert_int_equal(reset_build(frame, &key, &l), n + 4);
		assert_memory_equal(frame, plain, 12);
		assert_memory_equal(frame + 12, want, tags ? 4 : 6);
		assert_memory_equal(frame + 16, plain + 12, n - 12);
		assert_int_equal(segment_read_packet(&g, frame, n + 4), 0);
		assert_int_equal(g.n_tags, tags + 1);
		assert_true(g.sums_right);
	}
}

/* Sums that come out as all ones or nothing are right, too. */
static void every_sum_is_right(void **state)
{
	struct pc_flow_key key = key_of(&ends[0]);
	struct pc_living l = living_of(&ends[0], 0);
	uint8_t frame[RESET_SIZE];
	struct segment g;

	(void)state;
	for (uint32_t i = 0; i < 1u << 16; i++) {
		l.gateway_end = i;
		size_t n = reset_build(frame, &key, &l);

		assert_int_equal(segment_read_packet(&g, frame, n), 0);
		assert_true(g.sums_right);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reset_is_the_gateways),
		cmocka_unit_test(the_gateways_is_the_clients),
		cmocka_unit_test(a_tag_beside_the_frame_goes_back_in),
		cmocka_unit_test(every_sum_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
