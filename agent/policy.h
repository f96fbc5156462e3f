/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy compiler: a snapshot and the operator's lists to the exact
 * contents of one generation of maps.  Pure: no I/O, no BPF, no clock.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"
#include "pc_abi.h"
#include "ruleset.h"
#include "snapshot.h"
#include "summary.h"

/* More keys, or prefixes in one map, than any host should hold. */
#define POLICY_MAX 4000000u

enum ip_scope {
	IP_SCOPE_KEY,
	IP_SCOPE_CONSENSUS,
	IP_SCOPE_GLOBAL
};

/* A list file, as it was read. */
struct policy_file {
	const char *path;
	bool allow;
	struct prefix_list prefixes;
	uint8_t digest[32]; /* SHA-256 of its bytes */
	int64_t loaded_ns;  /* Unix time */
};

/* What the operator asked for; borrowed by policy_compile(). */
struct policy_options {
	uint8_t profile;  /* enum pc_profile */
	uint8_t run_mode; /* enum pc_run_mode */
	uint8_t ip_scope; /* enum ip_scope */
	uint8_t deny;	  /* enum pc_deny, for every reason ... */
	/* ... but those with 1 + enum pc_deny of their own here */
	uint8_t deny_of[PC_R_MAX];
	bool deny_unknown; /* a complete snapshot's word on unknown keys holds
			    */
	uint64_t lease_ns; /* ... this long; 0: until the next snapshot */
	bool monitor;
	bool whole_host; /* addresses are judged whatever the port */
	bool trust_forwarded;
	bool custom_forwarded;
	struct prefix_list allow;
	struct prefix_list block;
	const struct policy_file *files;
	size_t n_files; /* at most 250 that are no allow files */
	struct prefix_list proxies;
	struct prefix_list
		gateways; /* where the gateway listens, from outside */
	const uint16_t *ports;
	size_t n_ports;
	const char *source;    /* name of the snapshot, for status */
	uint32_t offend_after; /* refusals in the window; 0: not counted */
	uint64_t offend_window_ns;
	int64_t now_ns; /* Unix time: for loaded_ns and the summary */
	uint64_t generation;
};

/* Where a host-wide prefix came from: pc_rule.source in pc_prefixes. */
enum policy_source {
	POLICY_OPERATOR, /* a flag */
	POLICY_SNAPSHOT, /* the snapshot's header */
	POLICY_IP_SCOPE	 /* the rules of keys */
};
/* Above it, of an --allow-file: the number in pc_lists that has its name. */
#define POLICY_LIST_SHIFT 8

struct policy_key {
	struct pc_digest digest;
	struct pc_key value;
};

struct policy_prefix {
	struct pc_prefix_key key;
	struct pc_rule value;
};

/*
 * What a policy takes of a snapshot beside its keys: with other lists it makes
 * another policy, for the same keys.
 */
struct policy_base {
	struct prefix_list allow; /* of the header */
	struct prefix_list block;
	struct prefix_list wide; /* what --ip-scope drops */
	int64_t made_ns;	 /* Unix time; 0: there is none */
	int64_t complete_until_ns;
	size_t n_keys;
	size_t n_rule_prefixes;
	struct policy_summary summary; /* without the lists */
};

struct policy {
	struct pc_policy head;
	struct policy_base base; /* empty if keys_stay */
	/* Not compiled: keys and their rules are those that are in force. */
	bool keys_stay;
	struct policy_key *keys;
	size_t n_keys;
	struct policy_prefix *key_rules; /* pc_key_rules, unique keys */
	size_t n_key_rules;
	struct policy_prefix *prefixes; /* pc_prefixes, unique keys */
	size_t n_prefixes;
	struct image image;
	struct pc_list *lists; /* PC_OWNERS of them */
	/* One slot's part of pc_answers: index PC_ANSWER_INDEX(0, …). */
	struct pc_answer *answers;
	struct policy_summary summary;
};

/* 0, -ENOMEM, -EIO, -E2BIG (more prefixes or keys than the maps can ever hold).
 */
int policy_compile(struct policy *out, const struct snapshot *s,
		   const struct policy_options *opt);
void policy_fini(struct policy *p);

/* The same with other lists, while the keys in force are those of the base. */
int policy_renew(struct policy *out, const struct policy_base *base,
		 const struct policy_options *opt);
/*
 * False where it must be made anew: a key that was expired may be alive again
 * when the clock has gone back, and --ip-scope goes by the live ones.
 */
bool policy_base_holds(const struct policy_base *base, int64_t now_ns);
void policy_base_fini(struct policy_base *base);

/* An element of a trie: what a hit means, and who says so. */
struct policy_prefix policy_prefix_of(uint32_t set, const struct prefix *p,
				      enum pc_reason reason, uint32_t source);

/* The text of policy->summary, as check-snapshot prints it; a new string. */
char *policy_print(const struct policy *p);

#endif /* POLICY_H */
