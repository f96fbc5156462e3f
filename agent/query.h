/* SPDX-License-Identifier: GPL-2.0-only */
/* A query string as Go's net/url and net/http read it. */
#ifndef QUERY_H
#define QUERY_H

#include <stddef.h>

/*
 * The decoded value of the first pair of that name, in a new string; pairs with
 * ';' or bad escapes are dropped as Go drops them.  *out is NULL when there is
 * none.  0, -ENOMEM.  The caller frees *out.
 */
int query_find(char **out, const char *query, const char *name);

/*
 * Percent-decodes a path as Go does ('+' stays).  New string in *out; -EINVAL
 * for a bad escape, -ENOMEM.
 */
int query_decode_path(char **out, const char *path);

#endif /* QUERY_H */
