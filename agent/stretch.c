// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps over what the layout (bpf/owner.h) says has one owner: a /16 or
 * /24 that is nobody's or somebody's as a whole, a stretch of the IPv6 tree.
 * Elsewhere a step is one address.
 */
#include "stretch.h"

#include <stddef.h>
#include <sys/socket.h>

#include "owners.h"

bool stretch_is_denied(uint32_t owner)
{
	return owner != PC_OWNER_NONE && owner != PC_OWNER_ALLOW &&
	       owner < PC_OWNERS;
}

static unsigned int width(const struct prefix *p)
{
	return p->family == AF_INET ? 32 : 128;
}

/* An address of either family in host order. */
static unsigned __int128 to_number(const struct prefix *p)
{
	unsigned __int128 n = 0;

	for (unsigned int i = 0; i < width(p) / 8; i++)
		n = n << 8 | p->addr[i];
	return n;
}

static struct prefix to_address(uint8_t family, unsigned __int128 n)
{
	struct prefix p = { .family = family };

	p.len = (uint8_t)width(&p);
	for (unsigned int i = p.len / 8; i--; n >>= 8)
		p.addr[i] = (uint8_t)n;
	return p;
}

/* The last address that is sure to have the same owner. */
static unsigned __int128 last4(const struct image *im, uint32_t addr)
{
	uint32_t part = pc_nets_part(addr), bit = pc_nets_bit(addr);
	const struct pc_index *x = pc_image_index(im, addr);
	enum pc_net net = pc_image_net(&im->head, addr);
	const struct pc_nets *nets;

	if (net == PC_NET_FEW)
		return addr;
	if (!net || !x || x->at < PC_OWNERS)
		return addr | 0xffff;
	nets = (const void *)pc_image_line(im, x->at);
	if (!nets || nets->few[part] >> bit & 1)
		return addr;
	if (nets->worded[part] >> bit & 1 &&
	    pc_image_word(im, x, nets, addr) >= PC_OWNERS)
		return addr;
	return addr | 0xff;
}

static unsigned __int128 end_of(const struct pc_end *e)
{
	return (unsigned __int128)e->hi << 64 | e->lo;
}

/* Its stretch's. */
static unsigned __int128 last6(const struct image *im, unsigned __int128 addr)
{
	unsigned __int128 last = ~(unsigned __int128)0;
	uint64_t at = 0;

	for (uint32_t l = 0; l < im->head.n_levels && l < PC_LEVELS; l++) {
		const struct pc_ends *e = (const void *)pc_image_line(
			im, im->head.level_at[l] + (uint32_t)at);
		uint32_t n = 0;

		if (!e)
			break;
		while (n < PC_ENDS - 1 && end_of(&e->end[n]) < addr)
			n++;
		last = end_of(&e->end[n]);
		at = at * PC_ENDS + n;
	}
	return last;
}

bool stretch_find_denied(struct prefix *address, uint32_t *owner,
			 const struct image *im, const struct prefix *within)
{
	unsigned int free_bits = width(within) - within->len;
	unsigned __int128 at = to_number(within), last;
	unsigned __int128 end =
		at |
		(free_bits ? ~(unsigned __int128)0 >> (128 - free_bits) : 0);

	for (;;) {
		struct prefix here = to_address(within->family, at);
		uint32_t whose = image_find(im, &here);

		if (stretch_is_denied(whose)) {
			*address = here;
			*owner = whose;
			return true;
		}
		last = within->family == AF_INET ? last4(im, (uint32_t)at)
						 : last6(im, at);
		if (last >= end)
			return false;
		at = last + 1;
	}
}
