// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses and prefixes by Go's rules, because a pattern that the gateway and
 * this filter read differently is a wrong verdict.  Address text is left to
 * inet_pton(), which agrees with net.ParseIP() to the letter; what the two
 * families share in CIDR text, masks and printed form is done here.
 */
#include "prefix.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define V4_BITS 32
#define V6_BITS 128
#define MAPPED_BITS 96 /* ::ffff:0:0/96 */
#define N_GROUPS 8

static const uint8_t mapped_head[12] = { [10] = 0xff, [11] = 0xff };

static unsigned int family_bits(int family)
{
	return family == AF_INET ? V4_BITS : V6_BITS;
}

/* The bits of byte i that a prefix of len bits leaves significant. */
static uint8_t byte_mask(unsigned int len, unsigned int i)
{
	if (len >= (i + 1) * 8)
		return 0xff;
	return len <= i * 8 ? 0 : (uint8_t)(0xff00 >> (len % 8));
}

/* True when a bit beyond len was set. */
static bool mask_host_bits(struct prefix *p)
{
	bool was_set = false;

	for (unsigned int i = p->len / 8; i < sizeof(p->addr); i++) {
		uint8_t mask = byte_mask(p->len, i);

		was_set |= (p->addr[i] & ~mask) != 0;
		p->addr[i] &= mask;
	}
	return was_set;
}

/* Go takes an address or network in ::ffff:0:0/96 for the IPv4 one. */
static void unmap(struct prefix *p)
{
	if (p->family != AF_INET6 || p->len < MAPPED_BITS ||
	    memcmp(p->addr, mapped_head, sizeof(mapped_head)))
		return;
	p->family = AF_INET;
	p->len -= MAPPED_BITS;
	memmove(p->addr, p->addr + sizeof(mapped_head), 4);
	memset(p->addr + 4, 0, sizeof(p->addr) - 4);
}

static int parse_host(struct prefix *out, const char *text, size_t size)
{
	struct prefix p = { .family = AF_INET };
	char host[INET6_ADDRSTRLEN];

	if (size >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, size);
	host[size] = '\0';

	if (strchr(host, ':'))
		p.family = AF_INET6;
	if (inet_pton(p.family, host, p.addr) != 1)
		return -EINVAL;
	p.len = (uint8_t)family_bits(p.family);
	*out = p;
	return 0;
}

/* Digits only, no sign, no blank; any number of leading zeros, as Go has it. */
static int parse_len(uint8_t *out, const char *s, unsigned int max)
{
	unsigned int n = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		n = n * 10 + (unsigned int)(*s - '0');
		if (n > max)
			return -EINVAL;
	}
	*out = (uint8_t)n;
	return 0;
}

static int parse(struct prefix *out, bool *host_bits, const char *text)
{
	const char *slash = strchr(text, '/');
	struct prefix p;
	int err;

	err = parse_host(&p, text,
			 slash ? (size_t)(slash - text) : strlen(text));
	if (!err && slash)
		err = parse_len(&p.len, slash + 1, family_bits(p.family));
	if (err)
		return err;

	*host_bits = mask_host_bits(&p);
	unmap(&p);
	*out = p;
	return 0;
}

int prefix_parse_address(struct prefix *out, const char *text)
{
	bool host_bits;

	if (strchr(text, '/'))
		return -EINVAL;
	return parse(out, &host_bits, text);
}

int prefix_parse_pattern(struct prefix *out, const char *text)
{
	bool host_bits;

	return parse(out, &host_bits, text);
}

int prefix_parse_strict(struct prefix *out, const char *text)
{
	bool host_bits;
	struct prefix p;
	int err = parse(&p, &host_bits, text);

	if (!err && host_bits)
		err = -EDOM;
	if (!err)
		*out = p;
	return err;
}

void prefix_shorten(struct prefix *p, uint8_t len)
{
	p->len = len;
	mask_host_bits(p);
}

struct run {
	unsigned int start;
	unsigned int n;
};

/* The first of the longest runs of two or more zero groups; n is 0 if none. */
static struct run longest_zeros(const unsigned int group[static N_GROUPS])
{
	struct run best = { N_GROUPS, 0 };
	unsigned int n = 0;

	for (unsigned int i = 0; i < N_GROUPS; i++) {
		n = group[i] ? 0 : n + 1;
		if (n >= 2 && n > best.n)
			best = (struct run){ i + 1 - n, n };
	}
	return best;
}

/*
 * Not inet_ntop(): glibc prints ::102:304 as ::1.2.3.4, and Go does not.
 */
static void print_v6(const uint8_t addr[static 16], char *buf, size_t size)
{
	unsigned int group[N_GROUPS];
	struct run zeros;
	size_t at = 0;

	for (unsigned int i = 0; i < N_GROUPS; i++)
		group[i] = (unsigned int)addr[2 * i] << 8 | addr[2 * i + 1];
	zeros = longest_zeros(group);

	for (unsigned int i = 0; i < N_GROUPS; i++) {
		const char *colon = i && i != zeros.start + zeros.n ? ":" : "";

		if (zeros.n && i == zeros.start) {
			at += (size_t)snprintf(buf + at, size - at, "::");
			i += zeros.n - 1;
			continue;
		}
		at += (size_t)snprintf(buf + at, size - at, "%s%x", colon,
				       group[i]);
	}
}

/* Every decision on IPv4 prints one, and printf takes ten times as long. */
static void print_v4(const uint8_t addr[4], char *to)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*to++ = '.';
		if (addr[i] >= 100)
			*to++ = (char)('0' + addr[i] / 100);
		if (addr[i] >= 10)
			*to++ = (char)('0' + addr[i] / 10 % 10);
		*to++ = (char)('0' + addr[i] % 10);
	}
	*to = '\0';
}

const char *prefix_print_address(const struct prefix *p,
				 char buf[static PREFIX_STRLEN])
{
	if (p->family == AF_INET)
		print_v4(p->addr, buf);
	else
		print_v6(p->addr, buf, PREFIX_STRLEN);
	return buf;
}

const char *prefix_print(const struct prefix *p, char buf[static PREFIX_STRLEN])
{
	size_t at = strlen(prefix_print_address(p, buf));

	snprintf(buf + at, PREFIX_STRLEN - at, "/%u", p->len);
	return buf;
}

bool prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
	unsigned int whole = outer->len / 8;
	uint8_t mask = byte_mask(outer->len, whole);

	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	if (memcmp(outer->addr, inner->addr, whole))
		return false;
	return !mask || !((outer->addr[whole] ^ inner->addr[whole]) & mask);
}

/* memcmp() of 16 bytes; lists are sorted by it, and a call takes longer. */
static int compare_addr(const uint8_t a[static 16], const uint8_t b[static 16])
{
	uint64_t x, y;

	for (size_t i = 0; i < 16; i += sizeof(x)) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		if (x != y)
			return be64toh(x) < be64toh(y) ? -1 : 1;
	}
	return 0;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order;

	/* AF_INET sorts first whatever the numbers of the two families. */
	order = (a->family != AF_INET) - (b->family != AF_INET);
	if (!order)
		order = compare_addr(a->addr, b->addr);
	if (!order)
		order = (int)a->len - (int)b->len;
	return order;
}

bool prefix_is_private(const struct prefix *address)
{
	static const struct prefix nets[] = {
		{ AF_INET, 8, { 10 } },		 { AF_INET, 12, { 172, 16 } },
		{ AF_INET, 16, { 192, 168 } },	 { AF_INET, 8, { 127 } },
		{ AF_INET6, 128, { [15] = 1 } }, { AF_INET6, 7, { 0xfc } },
	};

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		if (prefix_contains(&nets[i], address))
			return true;
	}
	return false;
}
