/* SPDX-License-Identifier: GPL-2.0-only */
/* Amounts: int64 nano-USD, never a float. */
#ifndef MONEY_H
#define MONEY_H

#include <stddef.h>
#include <stdint.h>

/*
 * A JSON number's text ("12", "-0.5", "1e-7", "2.50E+1") to nano-USD.  Exact to
 * the nano-dollar; a rest below it is rounded away from zero, so that a
 * positive amount never becomes zero; beyond int64 it saturates.
 *
 * -EINVAL: not a JSON number.
 */
int money_parse(int64_t *out_nusd, const char *text, size_t size);

/*
 * The same, but the rest is dropped.  For what has been used: with use rounded
 * down and quota rounded up, rounding never makes a use reach a quota that it
 * has not reached.
 */
int money_parse_used(int64_t *out_nusd, const char *text, size_t size);

/* Held at the ends of int64. */
int64_t money_add(int64_t a_nusd, int64_t b_nusd);
int64_t money_sub(int64_t a_nusd, int64_t b_nusd);

#endif /* MONEY_H */
