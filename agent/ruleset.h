/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A key's address rules, parsed, and the numbering that lets keys with the same
 * rules share one pair of sets in the kernel.  Pure.
 */
#ifndef RULESET_H
#define RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prefix.h"

struct prefix_list {
	struct prefix *items;
	size_t n;
};

/* Lists are sorted, without duplicates and without nested prefixes. */
struct ruleset {
	struct prefix_list black;
	struct prefix_list white;
	bool has_white; /* a white list of no valid pattern refuses everyone */
};

/* Patterns that match nothing because they do not parse. */
struct ruleset_waste {
	size_t n;
	const char *first; /* borrowed; NULL when n is 0 */
};

/*
 * An entry's lists (NULL-ended, or NULL) to rules, and the patterns that came
 * to nothing.  Free with ruleset_fini().  0, -ENOMEM.
 */
int ruleset_parse(struct ruleset *out, struct ruleset_waste *waste,
		  uint8_t profile, char *const *blacklist,
		  char *const *whitelist);
void ruleset_fini(struct ruleset *r);
/* Is there anyone whom the rules refuse? */
bool ruleset_refuses(const struct ruleset *r);

/* Patterns, NULL-ended or NULL, to a list as above; adds to *waste. */
int ruleset_parse_list(struct prefix_list *out, struct ruleset_waste *waste,
		       uint8_t profile, char *const *patterns);

/* The rule sets of a policy, numbered from 1. */
struct rulesets;

struct rulesets *rulesets_new(void); /* NULL: out of memory */
void rulesets_free(struct rulesets *all);
/*
 * The number of the set that equals *r, which is taken over and emptied in any
 * case.  0, -ENOMEM.
 */
int rulesets_intern(uint32_t *number, struct rulesets *all, struct ruleset *r);
uint32_t rulesets_count(const struct rulesets *all);
/* Borrowed; number is 1 to rulesets_count(). */
const struct ruleset *rulesets_find(const struct rulesets *all,
				    uint32_t number);

#endif /* RULESET_H */
