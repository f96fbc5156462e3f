// SPDX-License-Identifier: GPL-2.0-only
#include "spec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pc_abi.h"

#define FACTOR_MOST 1000000u

_Static_assert(PC_OWNER_FILE + SPEC_FILES_MAX <= PC_OWNER_ALLOW,
	       "each file has an owner of its own");

static int object(char why[static VALUE_WHY_SIZE], const char *what)
{
	snprintf(why, VALUE_WHY_SIZE, "%s", what);
	return -EINVAL;
}

static const char *skip_name(const char *text, const char *name)
{
	size_t size = strlen(name);

	return strncmp(text, name, size) ? NULL : text + size;
}

/* "max=N" or "factor=F", to what ends it. */
static int parse_limit(struct list_spec *spec, const char **text,
		       char why[static VALUE_WHY_SIZE])
{
	const char *max = skip_name(*text, "max=");
	const char *factor = skip_name(*text, "factor=");

	if (max) {
		if (value_number(&spec->max, max, SPEC_MAX_MOST, text) ||
		    !spec->max)
			return object(why, "max= is 1 to 10000000 prefixes");
	} else if (factor) {
		if (value_number(&spec->factor, factor, FACTOR_MOST, text) ||
		    spec->factor == 1)
			return object(why, "factor= is 2 to 1000000, "
					   "or 0 for any");
	} else {
		return object(why, "after the first comma goes max=N or "
				   "factor=F");
	}
	if (**text && **text != ',')
		return object(why, "a limit is a number");
	return 0;
}

/*
 * Who asks later where a list's file is stands elsewhere.  Links stay: what
 * they lead to is swapped.  NULL: errno.
 */
static char *make_absolute(const char *path, size_t size)
{
	char *here, *out = NULL;

	if (*path == '/')
		return strndup(path, size);
	here = getcwd(NULL, 0);
	if (!here)
		return NULL;
	if (asprintf(&out, "%s/%.*s", strcmp(here, "/") ? here : "", (int)size,
		     path) < 0)
		out = NULL;
	free(here);
	return out;
}

static int add(struct list_specs *specs, struct list_spec spec)
{
	struct list_spec *items =
		reallocarray(specs->items, specs->n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	specs->items = items;
	items[specs->n++] = spec;
	return 0;
}

static bool is_named(const struct list_specs *specs, const char *path)
{
	for (size_t i = 0; i < specs->n; i++) {
		if (!strcmp(specs->items[i].path, path))
			return true;
	}
	return false;
}

int spec_value(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	struct list_spec spec = { .max = SPEC_MAX_DEFAULT,
				  .factor = SPEC_FACTOR_DEFAULT };
	struct list_specs *specs = field;
	const char *path = text;
	size_t size = strcspn(text, ",");
	int err = 0;

	(void)choices;
	for (text += size; !err && *text;) {
		text++;
		err = parse_limit(&spec, &text, why);
	}
	if (err)
		return err;
	if (!size)
		return object(why, "no file is named");
	if (specs->n == SPEC_FILES_MAX)
		return object(why, "more than 250 files");
	spec.path = make_absolute(path, size);
	if (!spec.path)
		return object(why, strerror(errno));
	err = is_named(specs, spec.path)
		      ? object(why, "this file was named before")
		      : add(specs, spec);
	if (err)
		free(spec.path);
	return err;
}

void spec_fini(struct list_specs *specs)
{
	for (size_t i = 0; i < specs->n; i++)
		free(specs->items[i].path);
	free(specs->items);
	*specs = (struct list_specs){ NULL, 0 };
}
