// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as lists of prefixes, six bytes a prefix.  At and beside both ends
 * of each one the image must say what the naive matcher says.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

#include "owners.h"
#include "naive/owner.h"

#define SOURCES 5
#define ITEMS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t owners[SOURCES] = { 4, PC_OWNER_ALLOW, 1, 4, 254 };

static void mask(struct prefix *p)
{
	for (unsigned int i = p->len; i < 128; i++)
		p->addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

/* Four bytes of address; in IPv6 anywhere, after and before zeros or ones. */
static struct prefix take(const uint8_t *in)
{
	struct prefix p = { .family = in[0] & 8 ? AF_INET6 : AF_INET };
	unsigned int at = in[0] >> 4;
	uint32_t addr;

	if (p.family == AF_INET6) {
		p.len = in[1] % 129;
		memset(p.addr, in[1] & 128 ? 0xff : 0, sizeof(p.addr));
		memcpy(p.addr + (at < 12 ? at : 12), in + 2, 4);
	} else if (at == 1) {
		/* Of one bucket: 0x0e8b2f51 undoes the hash. */
		addr = htonl((uint32_t)(in[2] << 8 | in[3]) * 0x0e8b2f51u);
		p.len = 32;
		memcpy(p.addr, &addr, sizeof(addr));
	} else {
		p.len = in[1] % 33;
		memcpy(p.addr, in + 2, 4);
	}
	mask(&p);
	return p;
}

static void check(const struct image *im, const struct image_source *sources,
		  struct prefix address)
{
	assert(image_find(im, &address) ==
	       naive_owner(sources, SOURCES, &address));
}

static void check_ends(const struct image *im,
		       const struct image_source *sources,
		       const struct prefix *p)
{
	struct prefix first = naive_first(*p), last = naive_last(*p);

	check(im, sources, first);
	check(im, sources, last);
	check(im, sources, naive_neighbour(first, -1));
	check(im, sources, naive_neighbour(last, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prefix items[SOURCES][ITEMS_MAX];
	struct image_source sources[SOURCES];
	struct image im;

	assert(pc_image_bucket(0xffffu * 0x0e8b2f51u, 1000) == 0);
	for (size_t i = 0; i < SOURCES; i++)
		sources[i] = (struct image_source){ .items = items[i],
						    .owner = owners[i] };
	for (; size >= 6; data += 6, size -= 6) {
		size_t i = (data[0] & 7) % SOURCES;

		if (sources[i].n < ITEMS_MAX)
			items[i][sources[i].n++] = take(data);
	}
	assert(!image_build(&im, sources, SOURCES));
	for (size_t i = 0; i < SOURCES; i++) {
		for (size_t j = 0; j < sources[i].n; j++)
			check_ends(&im, sources, &sources[i].items[j]);
	}
	image_fini(&im);
	return 0;
}
