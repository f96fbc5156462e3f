// SPDX-License-Identifier: GPL-2.0-only
/*
 * One table of flags.  A flag's default is a text that goes through the same
 * parser as the operator's, so what --help shows is what is in force, and a
 * flag's choices are read from the text that --help prints.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>

#include "answer.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define WHY_SIZE 160

struct flag;

/*
 * Stores what text says into a field of struct options.  0; -ENOMEM; -EINVAL
 * with the objection in why, to follow "--flag text: ".
 */
typedef int parse_fn(void *field, const char *text, const struct flag *f,
		     char why[static WHY_SIZE]);

static parse_fn parse_switch, parse_choice, parse_profile, parse_text,
	parse_interface, parse_header, parse_port, parse_prefix, parse_address,
	parse_duration, parse_hash, parse_path, parse_method;

#define POLICY (OPTIONS_RUN | OPTIONS_EXPLAIN | OPTIONS_CHECK)
#define LIVE (OPTIONS_RUN | OPTIONS_EXPLAIN | OPTIONS_STATUS | OPTIONS_DETACH)
#define READ (OPTIONS_EXPLAIN | OPTIONS_CHECK | OPTIONS_STATUS)

static const struct flag {
	const char *name;
	unsigned int verbs;
	const char *value;   /* NULL: takes none; "a|b": enum value 0 or 1 */
	const char *initial; /* parsed when the flag is not given */
	size_t field;
	parse_fn *parse;
	const char *help;
} flags[] = {
#define F(member) offsetof(struct options, member)
	{ "interface", OPTIONS_RUN, "NAME", NULL, F(interfaces),
	  parse_interface, "filter addresses here (repeatable)" },
	{ "request-interface", OPTIONS_RUN, "NAME", NULL, F(request_interfaces),
	  parse_interface,
	  "judge requests here (repeatable; default: lo and every "
	  "--interface)" },
	{ "gateway-port", OPTIONS_RUN, "PORT", "8080", F(ports), parse_port,
	  "TCP port of the gateway (repeatable)" },
	{ "snapshot", OPTIONS_RUN | OPTIONS_EXPLAIN, "FILE", NULL, F(snapshot),
	  parse_text, "auth snapshot (default: none)" },
	{ "profile", POLICY, "seed|v0.1.179", "v0.1.179", F(profile),
	  parse_profile, "the gateway's version" },
	{ "run-mode", POLICY, "standard|simple", "standard", F(run_mode),
	  parse_choice, "the gateway's run mode" },
	{ "deny", OPTIONS_RUN, "reply|close|reset|drop", "reply", F(deny),
	  parse_choice, "what a refused request gets" },
	{ "mode", OPTIONS_RUN, "enforce|monitor", "enforce", F(monitor),
	  parse_choice, "monitor counts and denies nothing" },
	{ "allow", POLICY, "CIDR", NULL, F(allow), parse_prefix,
	  "never drop these addresses (repeatable)" },
	{ "block", POLICY, "CIDR", NULL, F(block), parse_prefix,
	  "drop these addresses (repeatable)" },
	{ "trusted-proxy", POLICY, "CIDR", NULL, F(proxies), parse_prefix,
	  "these speak for other clients (repeatable)" },
	{ "ip-scope", POLICY, "key|consensus|global", "key", F(ip_scope),
	  parse_choice, "whose address rules hold for the whole host" },
	{ "trust-forwarded", OPTIONS_RUN, "off|on", "on", F(trust_forwarded),
	  parse_choice, "the gateway believes forwarding headers" },
	{ "client-ip-header", OPTIONS_RUN, "NAME", NULL, F(client_ip_headers),
	  parse_header, "and this one of its own (repeatable)" },
	{ "xdp-mode", OPTIONS_RUN, "auto|native|generic", "auto", F(xdp_mode),
	  parse_choice, "how the address filter is attached" },
	{ "lease", OPTIONS_RUN, "DURATION", "10m", F(lease_ns), parse_duration,
	  "key denies outlive the agent this long (0: for ever)" },
	{ "key-stdin", OPTIONS_EXPLAIN, NULL, NULL, F(key_stdin), parse_switch,
	  "read the key from standard input" },
	{ "key-hash", OPTIONS_EXPLAIN, "HEX", NULL, F(key_hash), parse_hash,
	  "the key's SHA-256" },
	{ "ip", OPTIONS_EXPLAIN, "ADDR", NULL, F(ip), parse_address,
	  "the client's address" },
	{ "path", OPTIONS_EXPLAIN, "PATH", "/v1/messages", F(path), parse_path,
	  "the request's path" },
	{ "method", OPTIONS_EXPLAIN, "METHOD", "POST", F(method), parse_method,
	  "the request's method" },
	{ "pin-dir", LIVE, "DIR", OPTIONS_PIN_DIR, F(pin_dir), parse_text,
	  "where maps and programs are pinned" },
	{ "json", READ, NULL, NULL, F(json), parse_switch,
	  "print JSON (also -j)" },
#undef F
};

static const struct verb {
	unsigned int which;
	const char *operand; /* NULL: takes none */
} verbs[] = {
	{ OPTIONS_RUN, NULL },	   { OPTIONS_EXPLAIN, NULL },
	{ OPTIONS_CHECK, "FILE" }, { OPTIONS_STATUS, NULL },
	{ OPTIONS_DETACH, NULL },
};

static int object(char why[static WHY_SIZE], const char *what)
{
	snprintf(why, WHY_SIZE, "%s", what);
	return -EINVAL;
}

static int set_text(char **field, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

/* Appends a copy; a text already there is not listed twice. */
static int add_text(struct text_list *list, const char *text)
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

static int parse_switch(void *field, const char *text, const struct flag *f,
			char why[static WHY_SIZE])
{
	(void)text, (void)f, (void)why;
	*(bool *)field = true;
	return 0;
}

static int parse_choice(void *field, const char *text, const struct flag *f,
			char why[static WHY_SIZE])
{
	const char *at = f->value;
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
	snprintf(why, WHY_SIZE, "not one of %s", f->value);
	return -EINVAL;
}

static int parse_profile(void *field, const char *text, const struct flag *f,
			 char why[static WHY_SIZE])
{
	if (!profile_parse(field, text))
		return 0;
	snprintf(why, WHY_SIZE, "not one of %s", f->value);
	return -EINVAL;
}

static int parse_text(void *field, const char *text, const struct flag *f,
		      char why[static WHY_SIZE])
{
	(void)f;
	return *text ? set_text(field, text) : object(why, "empty");
}

static int parse_interface(void *field, const char *text, const struct flag *f,
			   char why[static WHY_SIZE])
{
	size_t size = strlen(text);

	(void)f;
	/* The kernel's dev_valid_name(). */
	if (!size || size >= IF_NAMESIZE || !strcmp(text, ".") ||
	    !strcmp(text, "..") || strpbrk(text, "/: \t\n\v\f\r"))
		return object(why, "not an interface name");
	return add_text(field, text);
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

static int parse_header(void *field, const char *text, const struct flag *f,
			char why[static WHY_SIZE])
{
	(void)f;
	return is_token(text) ? add_text(field, text)
			      : object(why, "not a header name");
}

static int parse_method(void *field, const char *text, const struct flag *f,
			char why[static WHY_SIZE])
{
	(void)f;
	return is_token(text) ? set_text(field, text)
			      : object(why, "not a method");
}

static int parse_path(void *field, const char *text, const struct flag *f,
		      char why[static WHY_SIZE])
{
	(void)f;
	if (*text != '/')
		return object(why, "not a path: it begins with /");
	if (strpbrk(text, "?#"))
		return object(why, "a path without a query is wanted");
	return set_text(field, text);
}

/* Decimal digits only, at most max; the rest of the text in *end. */
static int parse_number(uint64_t *out, const char *text, uint64_t max,
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

static int parse_port(void *field, const char *text, const struct flag *f,
		      char why[static WHY_SIZE])
{
	struct port_list *list = field;
	const char *end;
	uint16_t *items;
	uint64_t port;

	(void)f;
	if (parse_number(&port, text, 65535, &end) || *end || !port)
		return object(why, "not a port (1 to 65535)");
	items = reallocarray(list->items, list->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[list->n++] = (uint16_t)port;
	list->items = items;
	return 0;
}

static int parse_duration(void *field, const char *text, const struct flag *f,
			  char why[static WHY_SIZE])
{
	const uint64_t second_ns = 1000000000;
	const char *end;
	uint64_t n, unit = 1;

	(void)f;
	/* INT64_MAX: such a duration is added to clocks that are signed. */
	if (parse_number(&n, text, INT64_MAX / second_ns, &end))
		return object(why, "not a duration (90, 90s, 10m, 1h)");
	if (*end)
		unit = *end == 's'   ? 1
		       : *end == 'm' ? 60
		       : *end == 'h' ? 3600
				     : 0;
	if (!unit || (*end && end[1]))
		return object(why, "not a duration (90, 90s, 10m, 1h)");
	if (n > INT64_MAX / second_ns / unit)
		return object(why, "too long a duration");
	*(uint64_t *)field = n * unit * second_ns;
	return 0;
}

static int parse_prefix(void *field, const char *text, const struct flag *f,
			char why[static WHY_SIZE])
{
	struct prefix_list *list = field;
	char masked[PREFIX_STRLEN];
	struct prefix p, *items;
	int err = prefix_parse_strict(&p, text);

	(void)f;
	if (err == -EDOM && !prefix_parse_pattern(&p, text)) {
		snprintf(why, WHY_SIZE, "host bits are set; did you mean %s?",
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

static int parse_address(void *field, const char *text, const struct flag *f,
			 char why[static WHY_SIZE])
{
	(void)f;
	if (prefix_parse_address(field, text))
		return object(why, "not an IP address");
	return 0;
}

static int parse_hash(void *field, const char *text, const struct flag *f,
		      char why[static WHY_SIZE])
{
	size_t want = 2 * PC_DIGEST_SIZE;

	(void)f;
	if (strlen(text) != want ||
	    strspn(text, "0123456789abcdefABCDEF") != want)
		return object(why, "not a SHA-256 (64 hex digits)");
	return set_text(field, text);
}

static const struct verb *find_verb(unsigned int which)
{
	const struct verb *v = verbs;

	while (v->which != which)
		v++;
	return v;
}

static const struct flag *find_flag(const char *name, size_t size,
				    unsigned int which)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const struct flag *f = &flags[i];

		if (f->verbs & which && strlen(f->name) == size &&
		    !memcmp(f->name, name, size))
			return f;
	}
	return NULL;
}

static void print_help(const char *name, unsigned int which)
{
	const struct verb *v = find_verb(which);

	printf("usage: portcullis %s [flags]%s%s\n\n", name,
	       v->operand ? " " : "", v->operand ? v->operand : "");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const struct flag *f = &flags[i];
		char left[48];

		if (!(f->verbs & which))
			continue;
		snprintf(left, sizeof(left), "--%s %s", f->name,
			 f->value ? f->value : "");
		printf("  %-34s %s", left, f->help);
		if (f->initial)
			printf(" (default %s)", f->initial);
		putchar('\n');
	}
}

/* text is NULL for a flag that takes no value. */
static int apply_flag(struct options *o, const struct flag *f, const char *text)
{
	char why[WHY_SIZE];
	int err = f->parse((char *)o + f->field, text, f, why);

	if (err == -ENOMEM)
		fprintf(stderr, "portcullis: out of memory\n");
	else if (err)
		fprintf(stderr, "portcullis: --%s %s: %s\n", f->name, text,
			why);
	return err;
}

/* An argument's place in argv while it is read. */
struct cursor {
	int argc;
	char **argv;
	int at;
	unsigned int which;
	bool given[ARRAY_SIZE(flags)];
};

static int usage_error(const struct cursor *c, const char *what,
		       const char *arg)
{
	fprintf(stderr, "portcullis: %s%s; see portcullis %s --help\n", what,
		arg, c->argv[0]);
	return -EINVAL;
}

/* "--flag=value" or "--flag value", at c->at. */
static int read_flag(struct options *o, struct cursor *c)
{
	char *arg = c->argv[c->at++];
	size_t size = strcspn(arg + 2, "=");
	const struct flag *f = find_flag(arg + 2, size, c->which);
	const char *text = arg[2 + size] ? arg + 3 + size : NULL;

	if (!f)
		return usage_error(c, "unknown flag ", arg);
	if (!f->value && text)
		return usage_error(c, "no value is taken by ", arg);
	if (f->value && !text) {
		if (c->at == c->argc)
			return usage_error(c, "a value is missing after ", arg);
		text = c->argv[c->at++];
	}
	c->given[f - flags] = true;
	return apply_flag(o, f, text);
}

static int read_operand(struct options *o, struct cursor *c)
{
	const char *arg = c->argv[c->at++];

	if (!find_verb(c->which)->operand || o->snapshot)
		return usage_error(c, "unexpected argument ", arg);
	return set_text(&o->snapshot, arg);
}

/* 1: help was wanted. */
static int read_argv(struct options *o, struct cursor *c)
{
	bool operands = false;
	int err = 0;

	while (!err && c->at < c->argc) {
		const char *arg = c->argv[c->at];

		if (operands || arg[0] != '-' || !arg[1]) {
			err = read_operand(o, c);
		} else if (!strcmp(arg, "--")) {
			operands = true;
			c->at++;
		} else if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
			return 1;
		} else if (!strcmp(arg, "-j") &&
			   find_flag("json", 4, c->which)) {
			o->json = true;
			c->at++;
		} else if (arg[1] != '-') {
			err = usage_error(c, "unknown flag ", arg);
		} else {
			err = read_flag(o, c);
		}
	}
	return err;
}

static int fill_defaults(struct options *o, const struct cursor *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		int err = 0;

		if (flags[i].initial && !c->given[i])
			err = apply_flag(o, &flags[i], flags[i].initial);
		if (err)
			return err;
	}
	return 0;
}

static int finish_run(struct options *o, const struct cursor *c)
{
	int err;

	if (!o->interfaces.n && !o->request_interfaces.n)
		return usage_error(c, "an --interface or --request-interface ",
				   "is needed");
	if (o->request_interfaces.n)
		return 0;
	err = add_text(&o->request_interfaces, "lo");
	for (size_t i = 0; !err && i < o->interfaces.n; i++)
		err = add_text(&o->request_interfaces, o->interfaces.items[i]);
	return err;
}

static int finish(struct options *o, const struct cursor *c)
{
	if (c->which == OPTIONS_RUN)
		return finish_run(o, c);
	if (c->which == OPTIONS_CHECK && !o->snapshot)
		return usage_error(c, "a snapshot is ", "needed");
	if (c->which != OPTIONS_EXPLAIN)
		return 0;
	if (o->key_stdin == !!o->key_hash)
		return usage_error(c, "either --key-stdin or --key-hash ",
				   "is needed");
	if (!o->ip.family)
		return usage_error(c, "--ip is ", "needed");
	return 0;
}

int options_parse(struct options *out, int argc, char **argv,
		  unsigned int which)
{
	struct cursor c = { argc, argv, 1, which, { false } };
	struct options o = { 0 };
	int err = read_argv(&o, &c);

	if (!err)
		err = fill_defaults(&o, &c);
	if (!err)
		err = finish(&o, &c);
	if (err)
		options_fini(&o);
	else
		*out = o;
	if (err == 1)
		print_help(argv[0], which);
	return err;
}

static void text_list_fini(struct text_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
}

void options_fini(struct options *o)
{
	text_list_fini(&o->interfaces);
	text_list_fini(&o->request_interfaces);
	text_list_fini(&o->client_ip_headers);
	free(o->ports.items);
	free(o->allow.items);
	free(o->block.items);
	free(o->proxies.items);
	free(o->snapshot);
	free(o->pin_dir);
	free(o->key_hash);
	free(o->path);
	free(o->method);
	memset(o, 0, sizeof(*o));
}

void options_policy(struct policy_options *out, const struct options *o)
{
	*out = (struct policy_options){
		.profile = o->profile,
		.run_mode = o->run_mode,
		.ip_scope = o->ip_scope,
		.deny = o->deny,
		.monitor = o->monitor,
		.trust_forwarded = o->trust_forwarded,
		.custom_forwarded = o->client_ip_headers.n > 0,
		.allow = o->allow,
		.block = o->block,
		.proxies = o->proxies,
		.ports = o->ports.items,
		.n_ports = o->ports.n,
		.source = o->snapshot ? o->snapshot : "",
	};
}
