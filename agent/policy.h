/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy compiler: a snapshot and the operator's lists to the exact contents
 * of one generation of maps.  Pure: no I/O, no BPF, no clock.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"
#include "prefix.h"
#include "snapshot.h"

enum ip_scope { IP_SCOPE_KEY, IP_SCOPE_CONSENSUS, IP_SCOPE_GLOBAL };

struct prefix_list {
	struct prefix *items;
	size_t n;
};

/* What the operator asked for; borrowed by policy_compile(). */
struct policy_options {
	uint8_t profile;  /* enum pc_profile */
	uint8_t run_mode; /* enum pc_run_mode */
	uint8_t ip_scope; /* enum ip_scope */
	uint8_t deny;	  /* enum pc_deny, for every reason */
	bool monitor;
	bool trust_forwarded;
	bool custom_forwarded;
	struct prefix_list allow;
	struct prefix_list block;
	struct prefix_list proxies;
	const uint16_t *ports;
	size_t n_ports;
	const char *source; /* name of the snapshot, for status */
	int64_t now_ns;	    /* Unix time: for loaded_ns and the summary */
	uint64_t generation;
};

struct policy_key {
	struct pc_digest digest;
	struct pc_key value;
};

struct policy_prefix {
	struct pc_prefix_key key;
	struct pc_rule value;
};

struct policy_warning {
	char text[200]; /* never holds a key, a full hash or an e-mail address */
	size_t count;	/* how often this kind occurred; text is the first */
};

/* What check-snapshot and the agent's log say of a policy. */
struct policy_summary {
	size_t n_entries;
	size_t n_not_found;
	size_t n_live; /* pass for every guarded path at now_ns */
	size_t refused[PC_R_MAX]; /* by first reason at now_ns, address aside */
	size_t n_with_rules;
	struct policy_warning warnings[8];
	size_t n_warnings;
};

struct policy {
	struct pc_policy head;
	struct policy_key *keys;
	size_t n_keys;
	struct policy_prefix *key_rules; /* pc_key_rules, unique keys */
	size_t n_key_rules;
	struct policy_prefix *prefixes; /* pc_prefixes, unique keys */
	size_t n_prefixes;
	/* One slot's part of pc_answers: index PC_ANSWER_INDEX(0, …). */
	struct pc_answer *answers;
	struct policy_summary summary;
};

/* 0, -ENOMEM, -E2BIG (more prefixes or keys than the maps can ever hold). */
int policy_compile(struct policy *out, const struct snapshot *s,
		   const struct policy_options *opt);
void policy_fini(struct policy *p);

/* The text of policy->summary, as check-snapshot prints it; a new string. */
char *policy_print(const struct policy *p);

#endif /* POLICY_H */
