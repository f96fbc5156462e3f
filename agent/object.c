// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors name the field and what was wrong with it, and never quote the value
 * unless it is a time: a snapshot holds e-mail addresses, and jansson's own
 * messages quote whatever stands near the mistake.
 */
#include "object.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "money.h"
#include "snapshot.h"
#include "timestamp.h"

#define QUOTE_MAX 40

int object_refuse(const struct object *o, const char *name, const char *text)
{
	snprintf(o->what, SNAPSHOT_WHAT_SIZE, "%s%s: %s", o->path, name, text);
	return -EBADMSG;
}

static const char *decode_fault(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_stack_overflow:
		return "nested too deeply";
	case json_error_premature_end_of_input:
		return "ends too early";
	case json_error_end_of_input_expected:
		return "text after the value";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "NUL character";
	case json_error_duplicate_key:
		return "a name appears twice";
	case json_error_numeric_overflow:
		return "number out of range";
	default:
		return "syntax error";
	}
}

int object_parse(struct object *o, struct jsontext text)
{
	json_error_t error;

	o->text = text;
	o->owned = json_loadb(text.at, text.size,
			      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	o->json = o->owned;
	if (!o->json && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	if (!o->json) {
		snprintf(o->what, SNAPSHOT_WHAT_SIZE, "json: %s at byte %d",
			 decode_fault(&error), error.position);
		return -EBADMSG;
	}
	if (json_is_object(o->json))
		return 0;
	object_fini(o);
	snprintf(o->what, SNAPSHOT_WHAT_SIZE, "json: not an object");
	return -EBADMSG;
}

void object_fini(struct object *o)
{
	json_decref(o->owned);
	o->owned = NULL;
	o->json = NULL;
}

/* NULL when absent or null. */
static json_t *find(const struct object *o, const char *name)
{
	json_t *value = json_object_get(o->json, name);

	return json_is_null(value) ? NULL : value;
}

bool object_has(const struct object *o, const char *name)
{
	return json_object_get(o->json, name) != NULL;
}

int object_object(struct object *out, const struct object *o, const char *name,
		  const char *path)
{
	json_t *value = find(o, name);
	struct object child = { value, NULL, { "", 0 }, path, o->what };

	if (value && !json_is_object(value))
		return object_refuse(o, name, "not an object");
	jsontext_find(&child.text, o->text, name);
	*out = child;
	return 0;
}

int object_string(const char **out, const struct object *o, const char *name)
{
	const json_t *value = find(o, name);

	if (value && !json_is_string(value))
		return object_refuse(o, name, "not a string");
	if (value)
		*out = json_string_value(value);
	return 0;
}

int object_integer(int64_t *out, bool *out_present, const struct object *o,
		   const char *name)
{
	const json_t *value = find(o, name);

	if (value && !json_is_integer(value))
		return object_refuse(o, name, "not an integer");
	if (out_present)
		*out_present = value != NULL;
	if (value)
		*out = json_integer_value(value);
	return 0;
}

int object_flag(bool *out, const struct object *o, const char *name)
{
	const json_t *value = find(o, name);

	if (value && !json_is_boolean(value))
		return object_refuse(o, name, "not true or false");
	if (value)
		*out = json_is_true(value);
	return 0;
}

/* Printable ASCII as it is, up to QUOTE_MAX bytes, the rest as '?'. */
static void quote(char out[static QUOTE_MAX + 1], const char *text)
{
	size_t n = strnlen(text, QUOTE_MAX);

	for (size_t i = 0; i < n; i++)
		out[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
	out[n] = '\0';
}

int object_time(int64_t *out_ns, const struct object *o, const char *name)
{
	const json_t *value = find(o, name);
	char quoted[QUOTE_MAX + 1], text[QUOTE_MAX + 32];

	if (!value)
		return 0;
	if (!json_is_string(value))
		return object_refuse(o, name, "not a string");
	if (!timestamp_parse(out_ns, json_string_value(value),
			     json_string_length(value)))
		return 0;
	quote(quoted, json_string_value(value));
	snprintf(text, sizeof(text), "\"%s\" is not a time", quoted);
	return object_refuse(o, name, text);
}

/*
 * The shortest decimal that reads back as the same double, which is also what
 * Go's encoder prints.  The agent never leaves the C locale.
 */
static void print_shortest(char *buf, size_t size, double number)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, size, "%.*g", digits, number);
		if (strtod(buf, NULL) == number)
			return;
	}
}

/*
 * jansson keeps fractions as doubles, which hold 15 digits where Postgres'
 * numeric(20,8) has 20.  So a fraction is read from the text of the record; the
 * decoded value only vouches for its type.
 */
static struct jsontext number_text(const struct object *o, const char *name,
				   const json_t *value, char *buf, size_t size)
{
	struct jsontext text;

	if (json_is_integer(value))
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
	else if (jsontext_find(&text, o->text, name))
		return text;
	else
		print_shortest(buf, size, json_real_value(value));
	return (struct jsontext){ buf, strlen(buf) };
}

static int amount(int64_t *out, const struct object *o, const char *name,
		  int (*parse)(int64_t *, const char *, size_t))
{
	const json_t *value = find(o, name);
	struct jsontext text;
	char buf[32];

	if (!value)
		return 0;
	if (!json_is_number(value))
		return object_refuse(o, name, "not a number");
	text = number_text(o, name, value, buf, sizeof(buf));
	if (parse(out, text.at, text.size))
		return object_refuse(o, name, "not an amount");
	return 0;
}

int object_amount(int64_t *out_nusd, const struct object *o, const char *name)
{
	return amount(out_nusd, o, name, money_parse);
}

int object_used(int64_t *out_nusd, const struct object *o, const char *name)
{
	return amount(out_nusd, o, name, money_parse_used);
}

/* The bytes of all strings with their NULs; false if one is not a string. */
static bool measure(const json_t *list, size_t *out_size)
{
	const json_t *item;
	size_t i, size = 0;

	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return false;
		size += json_string_length(item) + 1;
	}
	*out_size = size;
	return true;
}

int object_strings(char ***out, const struct object *o, const char *name)
{
	const json_t *list = find(o, name), *item;
	size_t i, size = 0, n = json_array_size(list);
	char **strings, *at;

	if (list && !measure(list, &size))
		return object_refuse(o, name, "not a list of strings");
	if (!n)
		return 0;
	strings = malloc((n + 1) * sizeof(*strings) + size);
	if (!strings)
		return -ENOMEM;

	at = (char *)(strings + n + 1);
	json_array_foreach(list, i, item)
	{
		size = json_string_length(item) + 1;
		memcpy(at, json_string_value(item), size);
		strings[i] = at;
		at += size;
	}
	strings[n] = NULL;
	*out = strings;
	return 0;
}

int object_holds(bool *out, const struct object *o, const char *name, int64_t n)
{
	const json_t *list = find(o, name), *item;
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return object_refuse(o, name, "not a list of integers");
	json_array_foreach(list, i, item)
	{
		if (!json_is_integer(item))
			return object_refuse(o, name, "not a list of integers");
		*out |= json_integer_value(item) == n;
	}
	return 0;
}
