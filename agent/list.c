// SPDX-License-Identifier: GPL-2.0-only
#include "list.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "radix.h"
#include "row.h"

#define PATH_SHOWN 255
#define NUMBER_SHOWN 20
/* How often a file is read that is written to meanwhile. */
#define TRIES 3

_Static_assert(PATH_SHOWN + sizeof(": line : ") + NUMBER_SHOWN +
			       ROW_WHAT_SIZE <=
		       LIST_ERROR_SIZE,
	       "an error is never cut short");

/* A list while it is read. */
struct reading {
	struct list list;
	size_t room;
	const struct list_spec *spec;
	char *error;
};

/* line 0: of the file as a whole. */
__attribute__((format(printf, 5, 6))) static int object(char *error, int err,
							const char *path,
							size_t line,
							const char *format, ...)
{
	int n = snprintf(error, LIST_ERROR_SIZE, "%.*s: ", PATH_SHOWN, path);
	va_list args;

	if (line)
		n += snprintf(error + n, LIST_ERROR_SIZE - (size_t)n,
			      "line %zu: ", line);
	va_start(args, format);
	vsnprintf(error + n, LIST_ERROR_SIZE - (size_t)n, format, args);
	va_end(args);
	return err;
}

static int out_of_memory(struct reading *r)
{
	return object(r->error, -ENOMEM, r->spec->path, 0, "out of memory");
}

static int add(struct reading *r, const struct prefix *p, size_t line)
{
	struct prefix_list *list = &r->list.prefixes;

	if (list->n == r->spec->max)
		return object(r->error, -E2BIG, r->spec->path, line,
			      "more than %llu prefixes; max= allows more",
			      (unsigned long long)r->spec->max);
	if (list->n == r->room) {
		size_t room = r->room ? r->room * 2 : 256;
		struct prefix *items =
			reallocarray(list->items, room, sizeof(*items));

		if (!items)
			return out_of_memory(r);
		list->items = items;
		r->room = room;
	}
	list->items[list->n++] = *p;
	return 0;
}

static int add_row(struct reading *r, struct row *row, size_t line)
{
	struct prefix p;
	int err = 0;

	if (!row->is_range)
		return add(r, &row->prefix, line);
	while (!err && range_take(&p, &row->range))
		err = add(r, &p, line);
	return err;
}

static void drop_doubles(struct prefix_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (!n || prefix_compare(&list->items[n - 1], &list->items[i]))
			list->items[n++] = list->items[i];
	}
	list->n = n;
}

/* Into order, in no more memory than it takes. */
static int finish(struct reading *r)
{
	struct prefix_list *list = &r->list.prefixes;
	struct prefix *items;

	radix_sort(list->items, list->n);
	drop_doubles(list);
	if (!list->n)
		return 0;
	items = reallocarray(list->items, list->n, sizeof(*items));
	if (!items)
		return out_of_memory(r);
	list->items = items;
	return 0;
}

static int read_rows(struct reading *r, struct lines *lines)
{
	char what[ROW_WHAT_SIZE];
	struct span line;
	struct row row;
	int rc, err = 0;

	while (!err && (rc = lines_next(&line, lines)) > 0) {
		rc = row_parse(&row, line.text, line.size, what);
		if (rc < 0)
			err = object(r->error, rc, r->spec->path,
				     lines_number(lines), "%s", what);
		else if (rc)
			err = add_row(r, &row, lines_number(lines));
	}
	if (!err && rc)
		err = object(r->error, rc, r->spec->path,
			     rc == -EBADMSG ? lines_number(lines) : 0, "%s",
			     lines_error(lines));
	return err;
}

static int read_list(struct list *out, struct lines *lines,
		     const struct list_spec *spec, char *error)
{
	struct reading r = { .spec = spec, .error = error };
	int err = read_rows(&r, lines);

	if (!err)
		err = finish(&r);
	if (err) {
		list_fini(&r.list);
		return err;
	}
	lines_digest(r.list.digest, lines);
	r.list.n_lines = lines_number(lines);
	*out = r.list;
	return 0;
}

/* Some feeds end in the middle when their source does. */
static int check_factor(const struct list *now, const struct list *before,
			const struct list_spec *spec, char *error)
{
	size_t n = now->prefixes.n, was = before ? before->prefixes.n : 0;

	if (was < LIST_FACTOR_FROM || !spec->factor ||
	    (n * spec->factor >= was && n <= was * spec->factor))
		return 0;
	return object(error, -ERANGE, spec->path, 0,
		      "%zu prefixes where %zu were: more than factor=%llu "
		      "allows at once",
		      n, was, (unsigned long long)spec->factor);
}

static int load_once(struct list *out, const struct list_spec *spec,
		     char *error)
{
	char what[LINES_WHAT_SIZE];
	struct lines *lines;
	int err = lines_open(&lines, spec->path, what);

	if (err)
		return object(error, err, spec->path, 0, "%s", what);
	err = read_list(out, lines, spec, error);
	lines_close(lines);
	return err;
}

int list_load(struct list *out, const struct list_spec *spec,
	      const struct list *before, char error[static LIST_ERROR_SIZE])
{
	struct list list;
	int err;

	for (int i = 0; i < TRIES; i++) {
		err = load_once(&list, spec, error);
		if (err != -EAGAIN)
			break;
	}
	if (err)
		return err;
	err = check_factor(&list, before, spec, error);
	if (err)
		list_fini(&list);
	else
		*out = list;
	return err;
}

void list_fini(struct list *l)
{
	free(l->prefixes.items);
	memset(l, 0, sizeof(*l));
}

int list_parse(struct list *out, const char *text, size_t size,
	       const struct list_spec *spec, char error[static LIST_ERROR_SIZE])
{
	struct lines *lines;
	int err = lines_open_text(&lines, text, size);

	if (err)
		return object(error, err, spec->path, 0, "%s", strerror(-err));
	err = read_list(out, lines, spec, error);
	lines_close(lines);
	return err;
}

/* The row's prefix that holds the address, if it is longer than the best. */
static void match(struct list_place *best, struct row *row, size_t line,
		  const struct prefix *address)
{
	struct prefix p = row->prefix;

	while (!row->is_range || range_take(&p, &row->range)) {
		if (prefix_contains(&p, address) &&
		    (!best->line || p.len > best->prefix.len)) {
			best->line = line;
			best->prefix = p;
		}
		if (!row->is_range)
			break;
	}
}

int list_find(struct list_place *out, const char *path,
	      const struct prefix *address, char error[static LIST_ERROR_SIZE])
{
	char what[LINES_WHAT_SIZE], bad[ROW_WHAT_SIZE];
	struct list_place best = { 0 };
	struct lines *lines;
	struct span line;
	struct row row;
	int rc = lines_open(&lines, path, what);

	if (rc)
		return object(error, rc, path, 0, "%s", what);
	while ((rc = lines_next(&line, lines)) > 0) {
		if (row_parse(&row, line.text, line.size, bad) > 0)
			match(&best, &row, lines_number(lines), address);
	}
	if (rc)
		rc = object(error, rc, path,
			    rc == -EBADMSG ? lines_number(lines) : 0, "%s",
			    lines_error(lines));
	else if (!best.line)
		rc = -ENODATA;
	if (!rc) {
		lines_digest(best.digest, lines);
		*out = best;
	}
	lines_close(lines);
	return rc;
}
