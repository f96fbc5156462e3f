/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line of a list file: an address, a prefix or a range "a-b", then perhaps
 * text.  Refuses whatever could be read as more than one of these.  Pure.
 */
#ifndef ROW_H
#define ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "prefix.h"
#include "range.h"

#define ROW_WHAT_SIZE 192
/*
 * Shorter prefixes, and ranges of more addresses, are refused: a typing error
 * away from everybody.  Not so in 224.0.0.0/3, from where nobody speaks, which
 * feeds of bogus addresses have as one line.
 */
#define ROW_LEN_MIN 8

struct row {
	bool is_range;
	struct prefix prefix;
	struct range range;
};

/*
 * A line without its end, of no NUL.  1: *out is what it holds; 0: a comment,
 * or blank; -EBADMSG with the objection in what.
 */
int row_parse(struct row *out, const char *text, size_t size,
	      char what[static ROW_WHAT_SIZE]);

#endif /* ROW_H */
