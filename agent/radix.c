// SPDX-License-Identifier: GPL-2.0-only
/*
 * McIlroy's American flag sort, from the most significant byte on.  A list may
 * be written by an enemy: no input is worse than a pass for each byte of a
 * prefix.
 */
#include "radix.h"

#include <sys/socket.h>

#define N_BYTES 18 /* family, address, length */
#define FEW 24

/* Byte i of what prefix_compare() goes by. */
static uint8_t byte_of(const struct prefix *p, unsigned int i)
{
	if (!i)
		return p->family != AF_INET;
	return i <= sizeof(p->addr) ? p->addr[i - 1] : p->len;
}

static void sort_few(struct prefix *items, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct prefix p = items[i];
		size_t at = i;

		for (; at && prefix_compare(&items[at - 1], &p) > 0; at--)
			items[at] = items[at - 1];
		items[at] = p;
	}
}

/* Each item to the pile of its byte: next is where it goes on, end where not.
 */
static void deal(struct prefix *items, unsigned int byte, size_t next[256],
		 const size_t end[256])
{
	for (unsigned int pile = 0; pile < 256; pile++) {
		while (next[pile] < end[pile]) {
			struct prefix p = items[next[pile]], swap;
			uint8_t to;

			while ((to = byte_of(&p, byte)) != pile) {
				swap = items[next[to]];
				items[next[to]++] = p;
				p = swap;
			}
			items[next[pile]++] = p;
		}
	}
}

static void sort(struct prefix *items, size_t n, unsigned int byte)
{
	size_t next[256], end[256] = { 0 }, at = 0;

	if (n <= FEW) {
		sort_few(items, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		end[byte_of(&items[i], byte)]++;
	for (unsigned int i = 0; i < 256; i++) {
		next[i] = at;
		at += end[i];
		end[i] = at;
	}
	deal(items, byte, next, end);
	if (byte + 1 == N_BYTES)
		return;
	for (unsigned int i = 0; i < 256; i++) {
		at = i ? end[i - 1] : 0;
		if (end[i] - at > 1)
			sort(items + at, end[i] - at, byte + 1);
	}
}

void radix_sort(struct prefix *items, size_t n)
{
	size_t i = 1;

	while (i < n && prefix_compare(&items[i - 1], &items[i]) <= 0)
		i++;
	/* Most feeds come in order. */
	if (i < n)
		sort(items, n, 0);
}
