/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses to block, and to send from: a file of them, one a line, or so many
 * made up, always the same.
 */
#ifndef TESTS_BENCH_SOURCES_H
#define TESTS_BENCH_SOURCES_H

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_BITS (1u << 29) /* bytes of a bit for each address */

/* splitmix64 */
static inline uint64_t sources_random(void)
{
	static uint64_t state;
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Unicast, neither "this network" nor loopback. */
static inline int sources_usable(uint32_t addr)
{
	uint32_t first = addr >> 24;

	return first >= 1 && first <= 223 && first != 10 && first != 127;
}

/* Different ones, in no order, network byte order.  Free it. */
static inline uint32_t *sources_make(size_t n)
{
	uint8_t *taken = calloc(SOURCES_BITS, 1);
	uint32_t *out = calloc(n, sizeof(*out));

	if (!taken || !out)
		abort();
	for (size_t i = 0; i < n;) {
		uint32_t addr = (uint32_t)sources_random();

		if (!sources_usable(addr) || taken[addr / 8] >> addr % 8 & 1)
			continue;
		taken[addr / 8] |= (uint8_t)(1 << addr % 8);
		out[i++] = htonl(addr);
	}
	free(taken);
	return out;
}

/* What a file has, up to n; their number into *n. */
static inline uint32_t *sources_read(const char *path, size_t *n)
{
	uint32_t *out = calloc(*n, sizeof(*out));
	FILE *f = fopen(path, "r");
	char line[64];
	size_t i = 0;

	if (!f || !out) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	while (i < *n && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "/\n")] = 0;
		if (inet_pton(AF_INET, line, &out[i]) == 1)
			i++;
	}
	fclose(f);
	*n = i;
	return out;
}

#endif /* TESTS_BENCH_SOURCES_H */
