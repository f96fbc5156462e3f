// SPDX-License-Identifier: GPL-2.0-only
#include "range.h"

#include <errno.h>
#include <sys/socket.h>

static unsigned int family_bits(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

/* All ones in the lowest n bits. */
static unsigned __int128 ones(unsigned int n)
{
	return n ? ~(unsigned __int128)0 >> (128 - n) : 0;
}

static unsigned __int128 number_of(const struct prefix *address)
{
	unsigned __int128 n = 0;

	for (unsigned int i = 0; i < family_bits(address->family) / 8; i++)
		n = n << 8 | address->addr[i];
	return n;
}

int range_init(struct range *out, const struct prefix *first,
	       const struct prefix *last)
{
	struct range r = {
		.first = number_of(first),
		.last = number_of(last),
		.family = first->family,
	};

	if (first->family != last->family || r.last < r.first)
		return -EINVAL;
	*out = r;
	return 0;
}

bool range_exceeds(const struct range *r, unsigned int len)
{
	return !r->empty &&
	       r->last - r->first > ones(family_bits(r->family) - len);
}

/* How many bits of host the largest prefix has that begins at first. */
static unsigned int host_bits(const struct range *r)
{
	unsigned int n = 0, bits = family_bits(r->family);

	while (n < bits && !(r->first & ones(n + 1)) &&
	       ones(n + 1) <= r->last - r->first)
		n++;
	return n;
}

bool range_take(struct prefix *out, struct range *r)
{
	unsigned int bits = family_bits(r->family), host;
	struct prefix p = { .family = r->family };

	if (r->empty)
		return false;
	host = host_bits(r);
	p.len = (uint8_t)(bits - host);
	for (unsigned int i = 0; i < bits / 8; i++)
		p.addr[i] = (uint8_t)(r->first >> (bits - 8 - 8 * i));
	/* The last address may have no successor. */
	r->empty = r->last - r->first == ones(host);
	r->first += ones(host) + 1;
	*out = p;
	return true;
}
