/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One JSON object, decoded, and its members by name and type.
 *
 * Every reader leaves *out alone when the member is absent or null, and refuses
 * any other type than its own with -EBADMSG and "field: what" in o->what.
 */
#ifndef OBJECT_H
#define OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "jsontext.h"

struct object {
	const json_t *json;   /* NULL: no such object */
	json_t *owned;	      /* json, if object_parse() decoded it */
	struct jsontext text; /* what json was decoded from; empty if unknown */
	const char *path;     /* before a member's name in errors */
	char *what;	      /* SNAPSHOT_WHAT_SIZE bytes */
};

/* o->path and o->what are the caller's to set; free with object_fini(). */
int object_parse(struct object *o, struct jsontext text);
void object_fini(struct object *o);

/* Always -EBADMSG. */
int object_refuse(const struct object *o, const char *name, const char *text);

bool object_has(const struct object *o, const char *name);

/* out->json is NULL when absent and borrowed from o otherwise. */
int object_object(struct object *out, const struct object *o, const char *name,
		  const char *path);
/* Borrowed from o. */
int object_string(const char **out, const struct object *o, const char *name);
/* out_present may be NULL. */
int object_integer(int64_t *out, bool *out_present, const struct object *o,
		   const char *name);
int object_flag(bool *out, const struct object *o, const char *name);
int object_time(int64_t *out_ns, const struct object *o, const char *name);
/* Exact; money_parse() says how it is rounded. */
int object_amount(int64_t *out_nusd, const struct object *o, const char *name);
/* By money_parse_used(). */
int object_used(int64_t *out_nusd, const struct object *o, const char *name);
/* NULL-ended, one allocation for the caller to free; NULL when empty. */
int object_strings(char ***out, const struct object *o, const char *name);
/* Whether a list of integers holds n. */
int object_holds(bool *out, const struct object *o, const char *name,
		 int64_t n);

#endif /* OBJECT_H */
