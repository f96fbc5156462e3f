// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ends an address is a blank, "#" or ";"; what follows that is the feed's
 * own business, unless it reads like the other half of a range or of a prefix:
 * taking "192.0.2.0 192.0.2.255" for one address would leave 255 out, and
 * nobody would know.
 */
#include "row.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "span.h"
#include "summary.h"

/* What a byte may be in a line; every byte of a large list is looked up. */
#define BLANK 1u
#define COMMENT 2u
#define DASH 4u
#define DIGIT 8u
#define OF_ADDRESS 16u /* or of one mistyped */
#define END (BLANK | COMMENT)

/* More than the longest text of a prefix, with leading zeros to spare. */
#define ATOM_SIZE 64

static const uint8_t classes[256] = {
	[' '] = BLANK,
	['\t'] = BLANK,
	['#'] = COMMENT,
	[';'] = COMMENT,
	['-'] = DASH,
	['.'] = OF_ADDRESS,
	[':'] = OF_ADDRESS,
	['/'] = OF_ADDRESS,
	['0' ... '9'] = DIGIT | OF_ADDRESS,
	['a' ... 'f'] = OF_ADDRESS,
	['A' ... 'F'] = OF_ADDRESS,
};

static bool is_of(char c, uint8_t wanted)
{
	return classes[(uint8_t)c] & wanted;
}

static void skip_blanks(struct span *r)
{
	while (r->size && is_of(*r->text, BLANK)) {
		r->text++;
		r->size--;
	}
}

static struct span take_until(struct span *r, uint8_t enders)
{
	struct span atom = { r->text, 0 };

	while (atom.size < r->size && !is_of(r->text[atom.size], enders))
		atom.size++;
	r->text += atom.size;
	r->size -= atom.size;
	return atom;
}

__attribute__((format(printf, 4, 5))) static int
refuse(char what[static ROW_WHAT_SIZE], const char *from, const char *to,
       const char *format, ...)
{
	char copy[SUMMARY_QUOTE_SIZE], quote[SUMMARY_QUOTE_SIZE];
	size_t size = (size_t)(to - from);
	va_list args;
	int n;

	if (size >= sizeof(copy))
		size = sizeof(copy) - 1;
	memcpy(copy, from, size);
	copy[size] = '\0';
	n = snprintf(what, ROW_WHAT_SIZE, "%s", summary_quote(quote, copy));
	va_start(args, format);
	vsnprintf(what + n, ROW_WHAT_SIZE - (size_t)n, format, args);
	va_end(args);
	return -EBADMSG;
}

/* To text with an end; what is too long is none of ours. */
static const char *copy_atom(char buf[static ATOM_SIZE], struct span atom)
{
	if (atom.size >= ATOM_SIZE)
		atom.size = 0;
	memcpy(buf, atom.text, atom.size);
	buf[atom.size] = '\0';
	return buf;
}

static int parse_address(struct prefix *out, struct span atom)
{
	char buf[ATOM_SIZE];

	return prefix_parse_address(out, copy_atom(buf, atom));
}

static bool is_in_use(const struct prefix *p)
{
	static const struct prefix unused = { AF_INET, 3, { 224 } };

	return !prefix_contains(&unused, p);
}

static int parse_single(struct row *out, struct span atom,
			char what[static ROW_WHAT_SIZE])
{
	char buf[ATOM_SIZE], masked[PREFIX_STRLEN];
	const char *text = copy_atom(buf, atom), *end = atom.text + atom.size;
	struct row row = { .is_range = false };
	int err = prefix_parse_strict(&row.prefix, text);
	bool host_bits = err == -EDOM;

	if (host_bits)
		err = prefix_parse_pattern(&row.prefix, text);
	if (err)
		return refuse(what, atom.text, end,
			      " is not an address, prefix or range");
	if (row.prefix.len < ROW_LEN_MIN && is_in_use(&row.prefix))
		return refuse(what, atom.text, end,
			      " is shorter than /%d: too much for one line",
			      ROW_LEN_MIN);
	if (host_bits)
		return refuse(what, atom.text, end,
			      ": host bits are set; did you mean %s?",
			      prefix_print(&row.prefix, masked));
	*out = row;
	return 1;
}

/* A prefix of IPv6 cannot be what prefix.h has as all of IPv4. */
static bool has_mapped(const struct range *r)
{
	const unsigned __int128 mapped = (unsigned __int128)0xffff << 32;

	return r->family == AF_INET6 && r->first <= mapped && mapped <= r->last;
}

/* from and to: the text of both addresses and what is between them. */
static int parse_range(struct row *out, struct span first, struct span last,
		       char what[static ROW_WHAT_SIZE])
{
	const char *from = first.text, *to = last.text + last.size;
	struct row row = { .is_range = true };
	struct prefix a, b;

	if (parse_address(&a, first) || parse_address(&b, last))
		return refuse(what, from, to, " is not a range of addresses");
	if (a.family != b.family)
		return refuse(what, from, to,
			      " goes from one address family to the other");
	if (range_init(&row.range, &a, &b))
		return refuse(what, from, to, " ends before it begins");
	if (has_mapped(&row.range) ||
	    (range_exceeds(&row.range, ROW_LEN_MIN) && is_in_use(&a)))
		return refuse(what, from, to,
			      " is more than a /%d: too much for one line",
			      ROW_LEN_MIN);
	*out = row;
	return 1;
}

/* Could this be an address, typing errors included?  "2026-01-31" cannot. */
static bool looks_like_address(struct span atom)
{
	bool digit = false;

	for (size_t i = 0; i < atom.size; i++) {
		if (!is_of(atom.text[i], OF_ADDRESS))
			return false;
		digit |= is_of(atom.text[i], DIGIT);
	}
	return digit;
}

/* U+2010 to U+2015, U+2212: what word processors make of a dash. */
static void skip_typeset_dash(struct span *r)
{
	const uint8_t *c = (const uint8_t *)r->text;

	if (r->size < 3 || c[0] != 0xe2 ||
	    !((c[1] == 0x80 && c[2] >= 0x90 && c[2] <= 0x95) ||
	      (c[1] == 0x88 && c[2] == 0x92)))
		return;
	r->text += 3;
	r->size -= 3;
	skip_blanks(r);
}

/* The text behind an address and a blank. */
static int check_trailer(const struct row *row, const char *from,
			 struct span rest, char what[static ROW_WHAT_SIZE])
{
	struct span atom;
	struct prefix p;

	skip_typeset_dash(&rest);
	atom = take_until(&rest, END);
	if (!atom.size)
		return 1;
	if (*atom.text == '/')
		return refuse(what, from, atom.text + atom.size,
			      ": a blank before the /");
	if (!parse_address(&p, atom) && p.family == row->prefix.family &&
	    prefix_compare(&p, &row->prefix))
		return refuse(what, from, atom.text + atom.size,
			      ": two addresses; a range is written a-b");
	return 1;
}

int row_parse(struct row *out, const char *text, size_t size,
	      char what[static ROW_WHAT_SIZE])
{
	struct span rest = { text, size }, atom, first, tail;
	struct row row;
	bool glued;
	int rc;

	skip_blanks(&rest);
	if (!rest.size || is_of(*rest.text, COMMENT))
		return 0;

	tail = rest;
	first = take_until(&tail, END | DASH);
	glued = tail.size && *tail.text == '-';
	skip_blanks(&tail);
	if (tail.size && *tail.text == '-') {
		tail.text++;
		tail.size--;
		skip_blanks(&tail);
		atom = take_until(&tail, END);
		if (atom.size && (glued ? !parse_address(&row.prefix, first)
					: looks_like_address(atom)))
			return parse_range(out, first, atom, what);
	}

	atom = take_until(&rest, END);
	rc = parse_single(&row, atom, what);
	skip_blanks(&rest);
	if (rc > 0)
		rc = check_trailer(&row, atom.text, rest, what);
	if (rc > 0)
		*out = row;
	return rc;
}
