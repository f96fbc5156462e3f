// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flag values, one parser a kind.  Each says what it objects to and leaves the
 * field as it was; the flag's name and the value are the caller's to print.
 */
#include "value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>

#include "answer.h"
#include "ban.h"
#include "digest.h"
#include "listener.h"
#include "money.h"
#include "policy.h"
#include "prefix.h"
#include "timestamp.h"

static int object(char why[static VALUE_WHY_SIZE], const char *what)
{
	snprintf(why, VALUE_WHY_SIZE, "%s", what);
	return -EINVAL;
}

int value_set_text(char **field, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

int value_add_text(struct text_list *list, const char *text)
{
	char **items;

	for (size_t i = 0; i < list->n; i++) {
		if (!strcmp(list->items[i], text))
			return 0;
	}
	items = reallocarray(list->items, list->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->n] = strdup(text);
	if (!items[list->n])
		return -ENOMEM;
	list->n++;
	return 0;
}

int value_switch(void *field, const char *text, const char *choices,
		 char why[static VALUE_WHY_SIZE])
{
	(void)text, (void)choices, (void)why;
	*(bool *)field = true;
	return 0;
}

int value_choice(void *field, const char *text, const char *choices,
		 char why[static VALUE_WHY_SIZE])
{
	const char *at = choices;
	size_t size = strlen(text);

	for (uint8_t i = 0;; i++) {
		size_t len = strcspn(at, "|");

		if (len == size && !memcmp(at, text, size)) {
			*(uint8_t *)field = i;
			return 0;
		}
		if (!at[len])
			break;
		at += len + 1;
	}
	snprintf(why, VALUE_WHY_SIZE, "not one of %s", choices);
	return -EINVAL;
}

/* The reason of a denial by its name, or by the one it goes by. */
static int parse_reason(enum pc_reason *out, const char *text,
			char why[static VALUE_WHY_SIZE])
{
	enum pc_reason r = 0;

	if (!strcmp(text, "unknown"))
		text = reason_name(PC_R_KEY_INVALID);
	while (r < PC_R_MAX && strcmp(text, reason_name(r)))
		r++;
	if (r == PC_R_MAX)
		return object(why, "no such reason; see portcullis reasons");
	if (reason_class(r) != PC_CLASS_DENY)
		return object(why, "requests are not refused for that reason");
	*out = r;
	return 0;
}

int value_deny(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	struct deny_actions *deny = field;
	const char *colon = strchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : strlen(text);
	char actions[64], action[16];
	enum pc_reason reason;
	uint8_t which;
	int err;

	snprintf(actions, sizeof(actions), "%.*s", (int)strcspn(choices, "["),
		 choices);
	/* One cut short is none of them. */
	snprintf(action, sizeof(action), "%.*s",
		 size < sizeof(action) ? (int)size : 0, text);
	err = value_choice(&which, action, actions, why);
	if (!err && colon)
		err = parse_reason(&reason, colon + 1, why);
	if (err)
		return err;
	if (colon)
		deny->of[reason] = which + 1;
	else
		deny->usual = which;
	return 0;
}

int value_time(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	int64_t ns;

	(void)choices;
	if (timestamp_parse(&ns, text, strlen(text)) || ns <= 0)
		return object(why, "not a time (2026-02-03T12:00:00Z)");
	*(int64_t *)field = ns;
	return 0;
}

int value_profile(void *field, const char *text, const char *choices,
		  char why[static VALUE_WHY_SIZE])
{
	if (!profile_parse(field, text))
		return 0;
	snprintf(why, VALUE_WHY_SIZE, "not one of %s", choices);
	return -EINVAL;
}

int value_text(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	(void)choices;
	return *text ? value_set_text(field, text) : object(why, "empty");
}

int value_interface(void *field, const char *text, const char *choices,
		    char why[static VALUE_WHY_SIZE])
{
	size_t size = strlen(text);

	(void)choices;
	/* The kernel's dev_valid_name(). */
	if (!size || size >= IF_NAMESIZE || !strcmp(text, ".") ||
	    !strcmp(text, "..") || strpbrk(text, "/: \t\n\v\f\r"))
		return object(why, "not an interface name");
	return value_add_text(field, text);
}

/* An RFC 9110 token: what methods and header names are made of. */
static bool is_token(const char *text)
{
	const char *c = text;

	while (isalnum((unsigned char)*c) ||
	       (*c && strchr("!#$%&'*+-.^_`|~", *c)))
		c++;
	return c != text && !*c;
}

int value_header(void *field, const char *text, const char *choices,
		 char why[static VALUE_WHY_SIZE])
{
	(void)choices;
	return is_token(text) ? value_add_text(field, text)
			      : object(why, "not a header name");
}

int value_method(void *field, const char *text, const char *choices,
		 char why[static VALUE_WHY_SIZE])
{
	(void)choices;
	return is_token(text) ? value_set_text(field, text)
			      : object(why, "not a method");
}

int value_path(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	(void)choices;
	if (*text != '/')
		return object(why, "not a path: it begins with /");
	if (strpbrk(text, "?#"))
		return object(why, "a path without a query is wanted");
	return value_set_text(field, text);
}

int value_number(uint64_t *out, const char *text, uint64_t max,
		 const char **end)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	for (; isdigit((unsigned char)*text); text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (n > (max - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	*out = n;
	*end = text;
	return 0;
}

int value_port(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	struct port_list *list = field;
	const char *end;
	uint16_t *items;
	uint64_t port;

	(void)choices;
	if (value_number(&port, text, 65535, &end) || *end || !port)
		return object(why, "not a port (1 to 65535)");
	items = reallocarray(list->items, list->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[list->n++] = (uint16_t)port;
	list->items = items;
	return 0;
}

/* "90", "90s", "10m" or "1h"; the objection, or NULL. */
static const char *parse_duration(uint64_t *out, const char *text)
{
	const uint64_t second_ns = 1000000000;
	const char *end;
	uint64_t n, unit = 1;

	/* INT64_MAX: such a duration is added to clocks that are signed. */
	if (value_number(&n, text, INT64_MAX / second_ns, &end))
		return "not a duration (90, 90s, 10m, 1h)";
	if (*end)
		unit = *end == 's'   ? 1
		       : *end == 'm' ? 60
		       : *end == 'h' ? 3600
				     : 0;
	if (!unit || (*end && end[1]))
		return "not a duration (90, 90s, 10m, 1h)";
	if (n > INT64_MAX / second_ns / unit)
		return "too long a duration";
	*out = n * unit * second_ns;
	return NULL;
}

int value_duration(void *field, const char *text, const char *choices,
		   char why[static VALUE_WHY_SIZE])
{
	const char *objection = parse_duration(field, text);

	(void)choices;
	return objection ? object(why, objection) : 0;
}

int value_count(void *field, const char *text, const char *choices,
		char why[static VALUE_WHY_SIZE])
{
	const char *end;
	uint64_t n;

	(void)choices;
	if (value_number(&n, text, VALUE_COUNT_MAX, &end) || *end)
		return object(why, "not a number (0 to 1000000000)");
	*(uint64_t *)field = n;
	return 0;
}

int value_rate(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	struct rate *rate = field;
	uint64_t n, window_ns;
	const char *end;

	(void)choices;
	if (value_number(&n, text, VALUE_COUNT_MAX, &end) || *end != '/' ||
	    parse_duration(&window_ns, end + 1) || !n || !window_ns)
		return object(why, "not so many in a time (20/1m)");
	rate->n = (uint32_t)n;
	rate->window_ns = window_ns;
	return 0;
}

int value_prefix(void *field, const char *text, const char *choices,
		 char why[static VALUE_WHY_SIZE])
{
	struct prefix_list *list = field;
	char masked[PREFIX_STRLEN];
	struct prefix p, *items;
	int err = prefix_parse_strict(&p, text);

	(void)choices;
	if (err == -EDOM && !prefix_parse_pattern(&p, text)) {
		snprintf(why, VALUE_WHY_SIZE,
			 "host bits are set; did you mean %s?",
			 prefix_print(&p, masked));
		return -EINVAL;
	}
	if (err)
		return object(why, "not an address or prefix");
	items = reallocarray(list->items, list->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[list->n++] = p;
	list->items = items;
	return 0;
}

int value_address(void *field, const char *text, const char *choices,
		  char why[static VALUE_WHY_SIZE])
{
	(void)choices;
	if (prefix_parse_address(field, text))
		return object(why, "not an IP address");
	return 0;
}

int value_hash(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	struct pc_digest d;

	(void)choices;
	if (digest_parse(&d, text, strlen(text)))
		return object(why, "not a SHA-256 (64 hex digits)");
	return value_set_text(field, text);
}

int value_listen(void *field, const char *text, const char *choices,
		 char why[static VALUE_WHY_SIZE])
{
	(void)choices;
	if (strcmp(text, "none") && listener_check(text))
		return object(why, "neither unix:PATH, ADDR:PORT nor none");
	return value_add_text(field, text);
}

int value_user(void *field, const char *text, const char *choices,
	       char why[static VALUE_WHY_SIZE])
{
	(void)choices;
	return *text ? value_add_text(field, text) : object(why, "empty");
}

int value_stale(void *field, const char *text, const char *choices,
		char why[static VALUE_WHY_SIZE])
{
	struct stale_policies *policies = field;
	const char *colon = strchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : strlen(text);
	char names[64], name[16];
	uint8_t which;
	int err;

	snprintf(names, sizeof(names), "%.*s", (int)strcspn(choices, "["),
		 choices);
	snprintf(name, sizeof(name), "%.*s",
		 size < sizeof(name) ? (int)size : 0, text);
	if (colon && strcmp(colon, ":snapshot") && strcmp(colon, ":ledger"))
		return object(why, "neither :snapshot nor :ledger");
	err = value_choice(&which, name, names, why);
	if (err)
		return err;
	if (!colon || colon[1] == 's')
		policies->snapshot = which;
	if (!colon || colon[1] == 'l')
		policies->ledger = which;
	return 0;
}

int value_reason(void *field, const char *text, const char *choices,
		 char why[static VALUE_WHY_SIZE])
{
	const char *objection = ban_check_reason(text);

	(void)choices;
	return objection ? object(why, objection) : value_set_text(field, text);
}

int value_money(void *field, const char *text, const char *choices,
		char why[static VALUE_WHY_SIZE])
{
	int64_t nusd;

	(void)choices;
	if (money_parse(&nusd, text, strlen(text)) || nusd <= 0 ||
	    nusd == INT64_MAX)
		return object(why, "not an amount in USD (5, 0.25)");
	*(int64_t *)field = nusd;
	return 0;
}

void value_free_texts(struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){ NULL, 0 };
}
