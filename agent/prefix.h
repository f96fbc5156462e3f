/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IP addresses and prefixes as the gateway reads them (Go's net package):
 * parse, print, compare.  Pure values, no I/O.
 */
#ifndef PREFIX_H
#define PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREFIX_STRLEN 50 /* longest v6 text, slash, three digits, NUL */

/*
 * An address is a prefix of full length.  A v4-mapped IPv6 address or a mapped
 * prefix of 96 bits or more is stored as IPv4; bits beyond len are zero.
 */
struct prefix {
	uint8_t family;	  /* AF_INET or AF_INET6 */
	uint8_t len;	  /* significant bits of addr */
	uint8_t addr[16]; /* network order; IPv4 uses the first four bytes */
};

/*
 * Go's net.ParseIP: four decimal octets without leading zeros, or IPv6 text in
 * any of its forms; no zone, no port, no blanks.  -EINVAL otherwise.
 */
int prefix_parse_address(struct prefix *out, const char *text);

/*
 * A rule pattern: an address, or Go's net.ParseCIDR (host bits are masked off,
 * "/024" is 24, a mapped CIDR of 96 or more is the IPv4 one, one below 96 is
 * IPv6).  -EINVAL otherwise.
 */
int prefix_parse_pattern(struct prefix *out, const char *text);

/*
 * An operator's prefix: as a pattern, but one with host bits set is -EDOM: the
 * two readings of 10.0.0.1/8 differ by sixteen million addresses.
 */
int prefix_parse_strict(struct prefix *out, const char *text);

/* "192.0.2.0/24"; the address as Go's IP.String() prints it (RFC 5952). */
const char *prefix_print(const struct prefix *p,
			 char buf[static PREFIX_STRLEN]);
/* Without the length. */
const char *prefix_print_address(const struct prefix *p,
				 char buf[static PREFIX_STRLEN]);

/* The prefix of len bits, no more than it has, that it lies in. */
void prefix_shorten(struct prefix *p, uint8_t len);

/* Families never contain each other. */
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);
/* Total order: family, address, length. */
int prefix_compare(const struct prefix *a, const struct prefix *b);

/* The gateway's: 10/8, 172.16/12, 192.168/16, 127/8, ::1, fc00::/7. */
bool prefix_is_private(const struct prefix *address);

#endif /* PREFIX_H */
