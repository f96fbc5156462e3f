// SPDX-License-Identifier: GPL-2.0-only
/* Members that must be there: object.h's readers, less their leniency. */
#include "field.h"

#include <string.h>

#define SECONDS_MAX 9e9 /* int64_t nanoseconds hold a little more */

static int need(const struct object *o, const char *name)
{
	const json_t *value = json_object_get(o->json, name);

	return !value || json_is_null(value) ? object_refuse(o, name, "missing")
					     : 0;
}

int field_string(const char **out, const struct object *o, const char *name)
{
	int err = need(o, name);

	return err ? err : object_string(out, o, name);
}

int field_flag(bool *out, const struct object *o, const char *name)
{
	int err = need(o, name);

	return err ? err : object_flag(out, o, name);
}

int field_time(int64_t *out, const struct object *o, const char *name)
{
	int err = need(o, name);

	return err ? err : object_time(out, o, name);
}

int field_object(struct object *out, const struct object *o, const char *name,
		 const char *path)
{
	int err = need(o, name);

	return err ? err : object_object(out, o, name, path);
}

int field_array(json_t **out, const struct object *o, const char *name)
{
	json_t *value = json_object_get(o->json, name);
	int err = need(o, name);

	if (err)
		return err;
	if (!json_is_array(value))
		return object_refuse(o, name, "not an array");
	*out = value;
	return 0;
}

int field_strings(char ***out, const struct object *o, const char *name)
{
	if (!object_has(o, name))
		return object_refuse(o, name, "missing");
	return object_strings(out, o, name);
}

int field_count(uint32_t *out, const struct object *o, const char *name)
{
	int64_t n = 0;
	int err = need(o, name);

	if (!err)
		err = object_integer(&n, NULL, o, name);
	if (!err && (n < 0 || n > UINT32_MAX))
		err = object_refuse(o, name, "out of range");
	if (!err)
		*out = (uint32_t)n;
	return err;
}

int field_seconds(int64_t *out_ns, const struct object *o, const char *name)
{
	const json_t *value = json_object_get(o->json, name);
	int err = need(o, name);
	double seconds;

	if (err)
		return err;
	if (!json_is_number(value))
		return object_refuse(o, name, "not a number");
	seconds = json_number_value(value);
	if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX)
		return object_refuse(o, name, "out of range");
	*out_ns = (int64_t)(seconds * 1e9 + (seconds < 0 ? -0.5 : 0.5));
	return 0;
}

int field_name(unsigned int *out, const struct object *o, const char *name,
	       const char *const *names, size_t n)
{
	const char *text = NULL;
	int err = field_string(&text, o, name);

	if (err)
		return err;
	for (unsigned int i = 0; i < n; i++) {
		if (!strcmp(text, names[i])) {
			*out = i;
			return 0;
		}
	}
	return object_refuse(o, name, "none of the known values");
}
