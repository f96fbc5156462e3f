/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a policy holds about keys and addresses, asked the way the kernel asks:
 * of a policy just compiled from a file, or of the maps in force.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <stdbool.h>

#include "pc_abi.h"
#include "policy.h"
#include "prefix.h"
#include "verdict.h"

struct bantable;
struct maps;

struct evidence {
	struct pc_policy head;
	bool lapsed; /* the agent's lease has run out: key denies do not hold */
	/* 0, -ENOENT: no such key, other -errno. */
	int (*find_key)(struct pc_key *out, const struct evidence *e,
			const struct pc_digest *digest);
	/*
	 * The rule of the longest prefix of the set, and that prefix, or the
	 * address where the evidence cannot tell.  0, -ENOENT: no match, other
	 * -errno.
	 */
	int (*match)(struct prefix *matched, struct pc_rule *rule,
		     const struct evidence *e, bool key_rules, unsigned int set,
		     const struct prefix *address);
	/*
	 * Who owns an address in the image, PC_OWNER_*, and what that list is.
	 * 0, other -errno.
	 */
	int (*find_owner)(uint32_t *owner, struct pc_list *list,
			  const struct evidence *e,
			  const struct prefix *address);
	/* The list of that number.  0, other -errno. */
	int (*find_list)(struct pc_list *list, const struct evidence *e,
			 uint32_t number);
	/* 0: banned until then; -ENOENT: not banned; NULL: bans are unknown. */
	int (*find_ban)(int64_t *expires_ns, struct prefix *banned,
			const struct evidence *e, const struct prefix *address);
	const struct policy *policy; /* one of these two is borrowed */
	struct maps *maps;
	const struct bantable *bans; /* with maps */
};

void evidence_of_policy(struct evidence *out, const struct policy *p);
/* 0, -ENOENT: no policy is in force, other -errno. */
int evidence_of_maps(struct evidence *out, struct maps *m,
		     const struct bantable *bans);

/* What match() found; an address without its length. */
const char *evidence_print(const struct prefix *matched,
			   char buf[static PREFIX_STRLEN]);

#define EVIDENCE_PLACE_SIZE 768
/*
 * Where an address is in its owner's list: its name, prefix and, of a file,
 * line, as the file is now.  0 or -errno.
 */
int evidence_place(char out[static EVIDENCE_PLACE_SIZE],
		   const struct evidence *e, uint32_t owner,
		   const struct pc_list *list, const struct prefix *address);

/* The same of an allow entry that match() found. */
int evidence_place_allowed(char out[static EVIDENCE_PLACE_SIZE],
			   const struct evidence *e, const struct pc_rule *rule,
			   const struct prefix *matched,
			   const struct prefix *address);

#define EVIDENCE_WHY_SIZE 80
/*
 * How a key's rules judge the source of a packet that brings no forwarding
 * headers, as pc_request does it, and why in words ("" when there is nothing to
 * say).  0, -errno.
 */
int evidence_judge(enum pc_address *out, char why[static EVIDENCE_WHY_SIZE],
		   const struct evidence *e, const struct pc_key *key,
		   const struct prefix *ip);

#endif /* EVIDENCE_H */
