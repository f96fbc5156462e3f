/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Members of a JSON object that must be there.  object.h takes an absent member
 * or null for an empty one; here either is -EBADMSG and "field: missing".
 */
#ifndef FIELD_H
#define FIELD_H

#include "object.h"

int field_string(const char **out, const struct object *o, const char *name);
int field_flag(bool *out, const struct object *o, const char *name);
int field_time(int64_t *out_ns, const struct object *o, const char *name);
int field_object(struct object *out, const struct object *o, const char *name,
		 const char *path);
/* Borrowed from o. */
int field_array(json_t **out, const struct object *o, const char *name);
/* As object_strings(), null being the way Go writes an empty list. */
int field_strings(char ***out, const struct object *o, const char *name);
int field_count(uint32_t *out, const struct object *o, const char *name);
/* Whole or fractional seconds. */
int field_seconds(int64_t *out_ns, const struct object *o, const char *name);
/* The index of a text among n names. */
int field_name(unsigned int *out, const struct object *o, const char *name,
	       const char *const *names, size_t n);

#endif /* FIELD_H */
