// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two kinds of evidence.  Over a compiled policy the lookups are plain
 * walks: one question is asked a run, and a walk cannot share a bug with a
 * trie.
 */
#include "evidence.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bantable.h"
#include "clock.h"
#include "list.h"
#include "maps.h"
#include "tries.h"

static int find_in_policy(struct pc_key *out, const struct evidence *e,
			  const struct pc_digest *digest)
{
	for (size_t i = 0; i < e->policy->n_keys; i++) {
		const struct policy_key *k = &e->policy->keys[i];

		if (!memcmp(&k->digest, digest, sizeof(*digest))) {
			*out = k->value;
			return 0;
		}
	}
	return -ENOENT;
}

static struct prefix prefix_of(const struct pc_prefix_key *key)
{
	struct prefix p = {
		.family = ntohl(key->scope) & 1 ? AF_INET6 : AF_INET,
		.len = (uint8_t)(key->len - PC_SCOPE_LEN),
	};

	memcpy(p.addr, key->addr, sizeof(p.addr));
	return p;
}

static int match_in_policy(struct prefix *matched, struct pc_rule *rule,
			   const struct evidence *e, bool key_rules,
			   unsigned int set, const struct prefix *address)
{
	const struct policy *p = e->policy;
	const struct policy_prefix *items =
		key_rules ? p->key_rules : p->prefixes;
	size_t n = key_rules ? p->n_key_rules : p->n_prefixes;
	int err = -ENOENT;

	for (size_t i = 0; i < n; i++) {
		struct prefix candidate = prefix_of(&items[i].key);

		if (ntohl(items[i].key.scope) >> 1 != set ||
		    !prefix_contains(&candidate, address))
			continue;
		if (!err && candidate.len < matched->len)
			continue;
		*matched = candidate;
		*rule = items[i].value;
		err = 0;
	}
	return err;
}

static int find_owner_in_policy(uint32_t *owner, struct pc_list *list,
				const struct evidence *e,
				const struct prefix *address)
{
	*owner = image_find(&e->policy->image, address);
	if (*owner < PC_OWNERS)
		*list = e->policy->lists[*owner];
	return 0;
}

static int find_list_in_policy(struct pc_list *list, const struct evidence *e,
			       uint32_t number)
{
	if (number >= PC_OWNERS)
		return -ENOENT;
	*list = e->policy->lists[number];
	return 0;
}

void evidence_of_policy(struct evidence *out, const struct policy *p)
{
	*out = (struct evidence){
		.head = p->head,
		.find_key = find_in_policy,
		.match = match_in_policy,
		.find_owner = find_owner_in_policy,
		.find_list = find_list_in_policy,
		.policy = p,
	};
}

static int find_in_maps(struct pc_key *out, const struct evidence *e,
			const struct pc_digest *digest)
{
	return maps_find_key(e->maps, digest, out);
}

static int match_in_maps(struct prefix *matched, struct pc_rule *rule,
			 const struct evidence *e, bool key_rules,
			 unsigned int set, const struct prefix *address)
{
	return tries_match(e->maps, key_rules, set, address, matched, rule);
}

static int find_owner_in_maps(uint32_t *owner, struct pc_list *list,
			      const struct evidence *e,
			      const struct prefix *address)
{
	return maps_find_owner(e->maps, owner, list, address);
}

static int find_list_in_maps(struct pc_list *list, const struct evidence *e,
			     uint32_t number)
{
	return number < PC_OWNERS ? maps_read_list(e->maps, number, list)
				  : -ENOENT;
}

/* Any length counts, as long as it is not over. */
static int find_ban_in_maps(int64_t *expires_ns, struct prefix *banned,
			    const struct evidence *e,
			    const struct prefix *address)
{
	struct pc_ban ban;

	for (int len = address->len; len >= 0; len--) {
		struct prefix p = *address;
		int err;

		prefix_shorten(&p, (uint8_t)len);
		err = bantable_find(&ban, e->bans, &p);
		if (err == -ENOENT ||
		    (!err && ban.expires_ns < bantable_now_ns(e->bans)))
			continue;
		*expires_ns = ban.expires_ns;
		*banned = p;
		return err;
	}
	return -ENOENT;
}

/* The lease counts time asleep too, as CLOCK_BOOTTIME does. */
static bool has_lapsed(const struct pc_clock *clock)
{
	return clock->lease_ns && clock_boot_ns() > clock->lease_ns;
}

int evidence_of_maps(struct evidence *out, struct maps *m,
		     const struct bantable *bans)
{
	struct evidence e = {
		.find_key = find_in_maps,
		.match = match_in_maps,
		.find_owner = find_owner_in_maps,
		.find_list = find_list_in_maps,
		.find_ban = find_ban_in_maps,
		.bans = bans,
		.maps = m,
	};
	struct pc_clock clock;
	int err = maps_read_policy(m, &e.head);

	if (!err)
		err = maps_clock(m, &clock);
	if (err)
		return err;
	e.lapsed = has_lapsed(&clock);
	*out = e;
	return 0;
}

const char *evidence_print(const struct prefix *matched,
			   char buf[static PREFIX_STRLEN])
{
	if (matched->len == (matched->family == AF_INET ? 32 : 128))
		return prefix_print_address(matched, buf);
	return prefix_print(matched, buf);
}

/* A file's line, as the file is now. */
static void place_in_file(char out[static EVIDENCE_PLACE_SIZE],
			  const struct pc_list *list,
			  const struct prefix *address)
{
	char text[PREFIX_STRLEN], error[LIST_ERROR_SIZE];
	struct list_place at;
	bool changed;
	int err;

	if (list->name[0] != '/') {
		snprintf(out, EVIDENCE_PLACE_SIZE,
			 "%s (a path of more than %d characters: its line "
			 "cannot be told)",
			 list->name, PC_LIST_NAME_SIZE - 1);
		return;
	}
	err = list_find(&at, list->name, address, error);
	if (err) {
		snprintf(out, EVIDENCE_PLACE_SIZE, "%s (as it was loaded; %s)",
			 list->name,
			 err == -ENODATA ? "the file has changed" : error);
		return;
	}
	changed = memcmp(at.digest, list->digest, sizeof(at.digest)) != 0;
	snprintf(out, EVIDENCE_PLACE_SIZE, "%s line %zu: %s%s", list->name,
		 at.line, evidence_print(&at.prefix, text),
		 changed ? " (the file has changed since it was loaded)" : "");
}

static uint32_t source_of(uint32_t owner)
{
	if (owner == PC_OWNER_OPERATOR)
		return POLICY_OPERATOR;
	return owner == PC_OWNER_SNAPSHOT ? POLICY_SNAPSHOT : POLICY_IP_SCOPE;
}

/* The longest prefix of one list; longer ones of others are in the same set. */
static int match_of_owner(struct prefix *matched, const struct evidence *e,
			  uint32_t owner, const struct prefix *address)
{
	struct prefix rest = *address;
	struct pc_rule rule;
	int err;

	while (!(err = e->match(matched, &rule, e, false, PC_SET_DENY,
				&rest)) &&
	       rule.source != source_of(owner)) {
		if (!matched->len)
			return -ENOENT;
		prefix_shorten(&rest, (uint8_t)(matched->len - 1));
	}
	return err;
}

int evidence_place(char out[static EVIDENCE_PLACE_SIZE],
		   const struct evidence *e, uint32_t owner,
		   const struct pc_list *list, const struct prefix *address)
{
	char text[PREFIX_STRLEN];
	struct prefix matched;
	int err;

	if (owner >= PC_OWNER_FILE) {
		place_in_file(out, list, address);
		return 0;
	}
	err = match_of_owner(&matched, e, owner, address);
	snprintf(out, EVIDENCE_PLACE_SIZE, "%s%s%s", list->name,
		 err ? "" : " has ", err ? "" : evidence_print(&matched, text));
	/* Of a long list only the name is known. */
	return err == -ENOENT ? 0 : err;
}

int evidence_place_allowed(char out[static EVIDENCE_PLACE_SIZE],
			   const struct evidence *e, const struct pc_rule *rule,
			   const struct prefix *matched,
			   const struct prefix *address)
{
	uint32_t number = rule->source >> POLICY_LIST_SHIFT;
	uint8_t from = (uint8_t)rule->source;
	char text[PREFIX_STRLEN];
	struct pc_list list;

	if (number) {
		int err = e->find_list(&list, e, number);

		if (!err)
			place_in_file(out, &list, address);
		return err;
	}
	snprintf(out, EVIDENCE_PLACE_SIZE, "%s has %s",
		 from == POLICY_SNAPSHOT ? "the snapshot" : "--allow",
		 evidence_print(matched, text));
	return 0;
}

/* Words the judgement; matched is NULL when no prefix led to it. */
static void say(char why[static EVIDENCE_WHY_SIZE], const char *what,
		const struct prefix *matched)
{
	char text[PREFIX_STRLEN];

	snprintf(why, EVIDENCE_WHY_SIZE, "%s%s", what,
		 matched ? evidence_print(matched, text) : "");
}

/* Is the packet's source the client?  1, 0 with why, or -errno. */
static int is_certain(char why[static EVIDENCE_WHY_SIZE],
		      const struct evidence *e, const struct prefix *ip)
{
	struct prefix matched;
	struct pc_rule rule;
	int err;

	if (e->head.trust_forwarded && e->head.custom_forwarded) {
		say(why, "a header of the gateway's own may name another",
		    NULL);
		return 0;
	}
	err = e->match(&matched, &rule, e, false, PC_SET_PROXY, ip);
	if (!err)
		say(why, "speaks for others: trusted proxy ", &matched);
	return err == -ENOENT ? 1 : err;
}

int evidence_judge(enum pc_address *out, char why[static EVIDENCE_WHY_SIZE],
		   const struct evidence *e, const struct pc_key *key,
		   const struct prefix *ip)
{
	struct prefix matched;
	struct pc_rule rule;
	int err;

	why[0] = '\0';
	*out = PC_ADDRESS_ALLOWED;
	if (!key->rule_set)
		return 0;
	err = is_certain(why, e, ip);
	if (!err)
		*out = PC_ADDRESS_UNSURE;
	if (err <= 0)
		return err;
	err = e->match(&matched, &rule, e, true, PC_BLACK_SET(key->rule_set),
		       ip);
	if (!err) {
		*out = PC_ADDRESS_REFUSED;
		say(why, "blacklist has ", &matched);
	}
	if (err != -ENOENT || !(key->facts & PC_F_WHITELIST))
		return err == -ENOENT ? 0 : err;
	err = e->match(&matched, &rule, e, true, PC_WHITE_SET(key->rule_set),
		       ip);
	if (!err) {
		say(why, "whitelist has ", &matched);
	} else if (err == -ENOENT) {
		*out = PC_ADDRESS_REFUSED;
		say(why, "not in the whitelist", NULL);
	}
	return err == -ENOENT ? 0 : err;
}
