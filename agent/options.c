// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads arguments by the table of flags.  A flag's default is a text that goes
 * through the same parser as the operator's, so what --help shows is what is in
 * force, and a flag's choices are read from the text that --help prints.
 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flags.h"
#include "log.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct verb {
	unsigned int which;
	const char *operand; /* NULL: takes none */
} verbs[] = {
	{ OPTIONS_RUN, NULL },	     { OPTIONS_EXPLAIN, NULL },
	{ OPTIONS_CHECK, "FILE" },   { OPTIONS_STATUS, NULL },
	{ OPTIONS_DETACH, NULL },    { OPTIONS_SERVE, NULL },
	{ OPTIONS_DECISIONS, NULL }, { OPTIONS_EVENTS, NULL },
	{ OPTIONS_CAPTURE, "FILE" }, { OPTIONS_BAN, "PREFIX" },
	{ OPTIONS_UNBAN, "PREFIX" }, { OPTIONS_BANS, NULL },
	{ OPTIONS_CONFIRM, NULL },
};

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
	for (size_t i = 0; i < n_flags; i++) {
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
	for (size_t i = 0; i < n_flags; i++) {
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
	char why[VALUE_WHY_SIZE];
	int err = f->parse((char *)o + f->field, text, f->value, why);
	/* Whoever mistakes it for --key must not find the key in a log, and
	 * what a terminal would obey does not reach one.
	 */
	bool secret = f->parse == value_hash || f->parse == value_reason;

	if (err == -EINVAL)
		log_line("--%s%s%s: %s", f->name, secret ? "" : " ",
			 secret ? "" : text, why);
	return err;
}

/* An argument's place in argv while it is read. */
struct cursor {
	int argc;
	char **argv;
	int at;
	unsigned int which;
	bool given[FLAGS_MAX];
};

static int usage_error(const struct cursor *c, const char *what)
{
	log_line("%s; see portcullis %s --help", what, c->argv[0]);
	return -EINVAL;
}

/* The flag without its value, which may be a key put where none belongs. */
static int flag_error(const struct cursor *c, const char *arg, const char *what)
{
	log_line("%.*s %s; see portcullis %s --help", (int)strcspn(arg, "="),
		 arg, what, c->argv[0]);
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
		return flag_error(c, arg, "is no flag of this command");
	if (!f->value && text)
		return flag_error(c, arg, "takes no value");
	if (f->value && !text) {
		if (c->at == c->argc)
			return flag_error(c, arg, "needs a value");
		text = c->argv[c->at++];
	}
	c->given[f - flags] = true;
	return apply_flag(o, f, text);
}

/* "-j", at c->at. */
static int read_letter(struct options *o, struct cursor *c)
{
	static const struct {
		char letter[3];
		const char *name;
	} letters[] = { { "-j", "json" }, { "-f", "follow" } };
	const char *arg = c->argv[c->at++];

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++) {
		const char *name = letters[i].name;
		const struct flag *f = find_flag(name, strlen(name), c->which);

		if (f && !strcmp(arg, letters[i].letter))
			return apply_flag(o, f, NULL);
	}
	return flag_error(c, arg, "is no flag of this command");
}

static int read_target(struct options *o, const struct cursor *c,
		       const char *arg)
{
	char why[VALUE_WHY_SIZE];
	int err;

	if (o->targets.n)
		return usage_error(c, "one prefix is taken, not several");
	err = value_prefix(&o->targets, arg, NULL, why);
	if (err == -EINVAL)
		log_line("%s: %s", arg, why);
	return err;
}

static int read_operand(struct options *o, struct cursor *c)
{
	const char *arg = c->argv[c->at++];
	char **field;

	if (!find_verb(c->which)->operand)
		return usage_error(c, "no arguments but flags are taken");
	if (c->which & (OPTIONS_BAN | OPTIONS_UNBAN))
		return read_target(o, c, arg);
	field = c->which == OPTIONS_CAPTURE ? &o->capture : &o->snapshot;
	if (*field)
		return usage_error(c, "one file is taken, not several");
	return value_set_text(field, arg);
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
		} else if (arg[1] != '-') {
			err = read_letter(o, c);
		} else {
			err = read_flag(o, c);
		}
	}
	return err;
}

/* A row of other verbs, where this one has a row of its own for the flag. */
static bool is_others(const struct flag *f, unsigned int which)
{
	return !(f->verbs & which) &&
	       find_flag(f->name, strlen(f->name), which);
}

static int fill_defaults(struct options *o, const struct cursor *c)
{
	for (size_t i = 0; i < n_flags; i++) {
		int err = 0;

		if (flags[i].initial && !c->given[i] &&
		    !is_others(&flags[i], c->which))
			err = apply_flag(o, &flags[i], flags[i].initial);
		if (err)
			return err;
	}
	return 0;
}

static int finish_bans(const struct options *o, const struct cursor *c)
{
	if (!o->ban_for_ns)
		return usage_error(c, "--ban-for 0: a ban has a length");
	if (o->ban_max_ns && o->ban_for_ns > o->ban_max_ns)
		return usage_error(c, "--ban-for is above --ban-max");
	return 0;
}

static int finish_run(struct options *o, const struct cursor *c)
{
	int err = finish_bans(o, c);

	if (err)
		return err;
	if (!o->interfaces.n && !o->request_interfaces.n)
		return usage_error(c, "an --interface or a "
				      "--request-interface is needed");
	if (o->request_interfaces.n)
		return 0;
	err = value_add_text(&o->request_interfaces, "lo");
	for (size_t i = 0; !err && i < o->interfaces.n; i++)
		err = value_add_text(&o->request_interfaces,
				     o->interfaces.items[i]);
	return err;
}

/* The policy in force was compiled with flags of its own. */
static int refuse_policy_flags(const struct cursor *c)
{
	for (size_t i = 0; i < n_flags; i++) {
		if (c->given[i] &&
		    (flags[i].verbs & FLAGS_POLICY) == FLAGS_POLICY) {
			log_line("--%s goes with --snapshot; the policy in "
				 "force has its own",
				 flags[i].name);
			return -EINVAL;
		}
	}
	return 0;
}

static int finish_explain(struct options *o, const struct cursor *c)
{
	if (o->key_stdin && o->key_hash)
		return usage_error(c, "--key-stdin or --key-hash, not both");
	if (!o->ip.family)
		return usage_error(c, "--ip is needed");
	return o->snapshot ? 0 : refuse_policy_flags(c);
}

/* "none" stands alone and leaves nothing. */
static int finish_listen(struct options *o, const struct cursor *c)
{
	for (size_t i = 0; i < o->listen.n; i++) {
		if (strcmp(o->listen.items[i], "none"))
			continue;
		if (o->listen.n > 1)
			return usage_error(c, "--listen none stands alone");
		value_free_texts(&o->listen);
	}
	if (!o->listen.n && c->which == OPTIONS_SERVE)
		return usage_error(c, "a --listen is needed");
	if (o->hold_default_nusd > o->hold_max_nusd)
		return usage_error(c, "--hold-default is above --hold-max");
	return 0;
}

static int finish_ban(const struct options *o, const struct cursor *c)
{
	const struct flag *f = find_flag("for", 3, OPTIONS_BAN);

	if (!o->targets.n)
		return usage_error(c, "an address or a prefix is needed");
	if (c->given[f - flags] && !o->for_ns)
		return usage_error(c, "--for 0: a ban has a length");
	return 0;
}

/* Without either it goes on until it is ended; 0 is no way to say so. */
static int finish_capture(const struct options *o, const struct cursor *c)
{
	const struct flag *count = find_flag("count", 5, OPTIONS_CAPTURE);
	const struct flag *length = find_flag("for", 3, OPTIONS_CAPTURE);

	if (!o->capture)
		return usage_error(c, "a file is needed; - is standard output");
	if (c->given[count - flags] && !o->capture_count)
		return usage_error(c, "--count 0: nothing to capture");
	if (c->given[length - flags] && !o->capture_for_ns)
		return usage_error(c, "--for 0: nothing to capture");
	return 0;
}

static int finish(struct options *o, const struct cursor *c)
{
	int err = 0;

	if (c->which & (OPTIONS_BAN | OPTIONS_UNBAN))
		return finish_ban(o, c);

	if (c->which & (OPTIONS_RUN | OPTIONS_SERVE))
		err = finish_listen(o, c);
	if (err)
		return err;
	if (c->which == OPTIONS_RUN)
		return finish_run(o, c);
	if (c->which == OPTIONS_CHECK && !o->snapshot)
		return usage_error(c, "a snapshot file is needed");
	if (c->which == OPTIONS_CAPTURE)
		return finish_capture(o, c);
	return c->which == OPTIONS_EXPLAIN ? finish_explain(o, c) : 0;
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
	if (err == -ENOMEM)
		log_line("out of memory");
	return err;
}

void options_fini(struct options *o)
{
	value_free_texts(&o->interfaces);
	value_free_texts(&o->request_interfaces);
	value_free_texts(&o->client_ip_headers);
	value_free_texts(&o->listen);
	value_free_texts(&o->socket_peers);
	free(o->ledger);
	free(o->trace);
	free(o->events);
	free(o->capture);
	free(o->ports.items);
	free(o->allow.items);
	free(o->block.items);
	spec_fini(&o->allow_files);
	spec_fini(&o->block_files);
	free(o->proxies.items);
	free(o->gateways.items);
	free(o->snapshot);
	free(o->pin_dir);
	free(o->key_hash);
	free(o->path);
	free(o->method);
	free(o->id);
	free(o->targets.items);
	free(o->reason);
	memset(o, 0, sizeof(*o));
}

void options_policy(struct policy_options *out, const struct options *o)
{
	*out = (struct policy_options){
		.profile = o->profile,
		.run_mode = o->run_mode,
		.ip_scope = o->ip_scope,
		.deny = o->deny.usual,
		.deny_unknown = o->deny_unknown,
		.lease_ns = o->lease_ns,
		.monitor = o->monitor,
		.offend_after = (uint32_t)o->ban_after.n,
		.offend_window_ns = o->ban_after.window_ns,
		.whole_host = o->xdp_scope == XDP_SCOPE_HOST,
		.trust_forwarded = o->trust_forwarded,
		.custom_forwarded = o->client_ip_headers.n > 0,
		.allow = o->allow,
		.block = o->block,
		.proxies = o->proxies,
		.gateways = o->gateways,
		.ports = o->ports.items,
		.n_ports = o->ports.n,
		.source = o->snapshot ? o->snapshot : "",
	};
	memcpy(out->deny_of, o->deny.of, sizeof(out->deny_of));
}
