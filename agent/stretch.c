// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps over what the layout (bpf/owner.h) says is alike: a /16 or /24 of which
 * the index denies nothing, a stretch of the IPv6 tree.  All buckets are looked
 * through once, unless the addresses are few: then each is asked for.  So what
 * this takes does not depend on how many addresses a prefix has.
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

/* Whoever has all of a leaf; PC_OWNERS: there are several. */
static uint32_t leaf_owner(const struct image *im, uint32_t at)
{
	const struct pc_line *leaf = pc_image_line(im, at);

	if (!leaf || leaf->word[PC_LEAF_OWNERS] >= PC_OWNERS)
		return PC_OWNERS;
	return leaf->word[PC_LEAF_OWNERS];
}

/*
 * The last address up to which the index denies no other than this one, unless
 * it denies all.
 */
static uint32_t last4(const struct image *im, uint32_t addr)
{
	uint32_t part = pc_nets_part(addr), word;
	const struct pc_index *x = pc_image_index(im, addr);
	const struct pc_nets *nets;

	if (!pc_image_net(&im->head, addr) || !x || x->at < PC_OWNERS)
		return addr | 0xffff;
	nets = (const void *)pc_image_line(im, x->at);
	if (!nets)
		return addr;
	if (!(nets->worded[part] >> pc_nets_bit(addr) & 1))
		return addr | 0xff;
	word = pc_image_word(im, x, nets, addr);
	if (word >= PC_OWNERS)
		word = leaf_owner(im, word);
	return word == PC_OWNERS || stretch_is_denied(word) ? addr
							    : addr | 0xff;
}

/* The first address from one to another that the index denies. */
static bool find_in_index(uint32_t *out, const struct image *im, uint32_t from,
			  uint32_t to)
{
	for (;;) {
		uint32_t last;

		if (stretch_is_denied(pc_image_indexed(im, from))) {
			*out = from;
			return true;
		}
		last = last4(im, from);
		if (last >= to)
			return false;
		from = last + 1;
	}
}

/* They are in no order. */
static bool find_in_buckets(uint32_t *out, const struct image *im,
			    uint32_t from, uint32_t to)
{
	bool found = false;

	for (uint32_t i = 0; i < im->head.n_buckets; i++) {
		const struct pc_bucket *b =
			(const void *)pc_image_line(im, im->head.bucket_at + i);

		for (uint32_t j = 0; b && j < PC_BUCKET_SIZE; j++) {
			if (b->addr[j] < from || b->addr[j] > to ||
			    !stretch_is_denied(b->owner[j]))
				continue;
			to = b->addr[j];
			found = true;
		}
	}
	if (found)
		*out = to;
	return found;
}

static bool find_one_by_one(uint32_t *out, const struct image *im,
			    uint32_t from, uint32_t to)
{
	for (uint32_t n = to - from;; n--, from++) {
		if (stretch_is_denied(pc_image_find4(&im->head, im, from))) {
			*out = from;
			return true;
		}
		if (!n)
			return false;
	}
}

static bool find_denied4(uint32_t *out, const struct image *im, uint32_t from,
			 uint32_t to)
{
	bool found;

	/* The next line costs a tenth of any other. */
	if (to - from <= im->head.n_buckets / 16)
		return find_one_by_one(out, im, from, to);
	found = find_in_buckets(&to, im, from, to);
	if (found)
		*out = to;
	return find_in_index(out, im, from, to) || found;
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

static bool find_denied6(unsigned __int128 *out, const struct image *im,
			 unsigned __int128 from, unsigned __int128 to)
{
	for (;;) {
		struct prefix here = to_address(AF_INET6, from);
		unsigned __int128 last;

		if (stretch_is_denied(image_find(im, &here))) {
			*out = from;
			return true;
		}
		last = last6(im, from);
		if (last >= to)
			return false;
		from = last + 1;
	}
}

bool stretch_find_denied(struct prefix *address, uint32_t *owner,
			 const struct image *im, const struct prefix *within)
{
	unsigned int free_bits = width(within) - within->len;
	unsigned __int128 from = to_number(within), to = from;
	uint32_t found4;
	bool found;

	if (free_bits)
		to |= ~(unsigned __int128)0 >> (128 - free_bits);
	if (within->family == AF_INET) {
		found = find_denied4(&found4, im, (uint32_t)from, (uint32_t)to);
		from = found ? found4 : from;
	} else {
		found = find_denied6(&from, im, from, to);
	}
	if (!found)
		return false;
	*address = to_address(within->family, from);
	*owner = image_find(im, address);
	return true;
}
