/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is to be said of a compiled policy: counts, and warnings about content
 * that is legal but hardly meant.  Pure; holds no key, no full hash, no e-mail
 * address.
 */
#ifndef SUMMARY_H
#define SUMMARY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <jansson.h>

#include "pc_abi.h"
#include "ruleset.h"

/* One warning is kept of each kind. */
enum warning_kind {
	WARNING_PATTERN,    /* matches nothing: it does not parse */
	WARNING_WHITELIST,  /* refuses everyone: none of it parses */
	WARNING_BLACKLIST,  /* refuses a whole family */
	WARNING_USER,	    /* an entry without its user */
	WARNING_DUPLICATE,  /* one key id, several entries */
	WARNING_AGE,	    /* a snapshot older than a day */
	WARNING_COMPLETE,   /* --unknown-keys deny does not hold */
	WARNING_HOST_WIDE,  /* --ip-scope drops for the whole host */
	WARNING_EVERYTHING, /* --ip-scope would drop a whole family */
	WARNING_MAX
};

struct policy_warning {
	enum warning_kind kind;
	char text[200]; /* the first of its kind */
	size_t count;	/* how many there were */
};

/* What check-snapshot and the agent's log say of a policy. */
struct policy_summary {
	size_t n_entries;
	size_t n_not_found;
	size_t n_live;		  /* pass for every guarded path at now_ns */
	size_t refused[PC_R_MAX]; /* by first reason at now_ns, address aside */
	size_t n_with_rules;
	size_t n_rule_sets;
	size_t n_rule_prefixes;
	size_t n_prefixes[PC_SET_MAX]; /* by enum pc_set */
	size_t n_blocked;	       /* prefixes of all lists in the image */
	struct policy_warning warnings[WARNING_MAX];
	size_t n_warnings;
};

/* Counts a warning; only the first of a kind is worded. */
void summary_warn(struct policy_summary *s, enum warning_kind kind,
		  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Warnings about one key's rules. */
void summary_warn_rules(struct policy_summary *s, long long key_id,
			const struct ruleset *r,
			const struct ruleset_waste *waste);

#define SUMMARY_QUOTE_SIZE 44
/* Hostile text in quotes: printable ASCII, at most 40 of it.  Returns buf. */
const char *summary_quote(char buf[static SUMMARY_QUOTE_SIZE],
			  const char *text);

/* One fact a line, labels first: stable for scripts. */
void summary_print(FILE *f, const struct policy_summary *s);
/* A new reference; NULL: out of memory. */
json_t *summary_json(const struct policy_summary *s);

#endif /* SUMMARY_H */
