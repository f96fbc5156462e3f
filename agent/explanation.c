// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walks the checks one by one.  Those on a key are bpf/verdict.h's own table
 * and pc_check(), so what is explained is what the kernel does.
 */
#include "explanation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "digest.h"
#include "path.h"
#include "query.h"
#include "timestamp.h"
#include "verdict.h"
#include "text.h"

/* An explanation in the making. */
struct walk {
	struct explanation *x;
	const struct evidence *e;
	const struct explanation_request *req;
	struct pc_key key;
	struct pc_question q;
	char address[PREFIX_STRLEN];
	char address_why[EVIDENCE_WHY_SIZE];
	uint32_t path_flags;
	bool allowed; /* an entry spares the address */
	bool over;    /* something has ended the request */
};

/* How each check is shown: its name, and its input by fact set or clear. */
static const struct {
	const char *name;
	uint32_t fact;
	const char *set, *clear;
} shown[PC_C_MAX] = {
	[PC_C_STATUS_OTHER] = { "status known", 0, NULL, NULL },
	[PC_C_STATUS_INACTIVE] = { "status active", 0, NULL, NULL },
	[PC_C_STATUS_EXHAUSTED] = { "status exhausted", 0, NULL, NULL },
	[PC_C_STATUS_EXPIRED] = { "status expired", 0, NULL, NULL },
	[PC_C_EXPIRY] = { "expiry", 0, NULL, NULL },
	[PC_C_QUOTA] = { "quota", PC_F_QUOTA_REACHED, "reached", "some left" },
	[PC_C_ADDRESS] = { "address rules", 0, NULL, NULL },
	[PC_C_USER_EXISTS] = { "user", PC_F_USER_MISSING, "missing",
			       "present" },
	[PC_C_USER_ACTIVE] = { "user status", PC_F_USER_INACTIVE, "not active",
			       "active" },
	[PC_C_GROUP_EXISTS] = { "group", PC_F_GROUP_DELETED, "deleted",
				"not deleted" },
	[PC_C_GROUP_ACTIVE] = { "group status", PC_F_GROUP_INACTIVE,
				"not active", "active" },
	[PC_C_GROUP_ALLOWED] = { "group access", PC_F_GROUP_FORBIDDEN,
				 "exclusive, user not in it", "open to user" },
	[PC_C_RUN_MODE] = { "run mode", 0, NULL, NULL },
	[PC_C_EXEMPT] = { "billing-exempt", 0, NULL, NULL },
	[PC_C_SUBSCRIPTION_EXISTS] = { "subscription", PC_F_SUBSCRIPTION,
				       "needed", "not needed" },
	[PC_C_SUBSCRIPTION_VALID] = { "subscription state", PC_F_SUBSCRIPTION,
				      "needed", "not needed" },
	[PC_C_SUBSCRIPTION_LIMIT] = { "subscription use", PC_F_SUBSCRIPTION,
				      "needed", "not needed" },
	[PC_C_BALANCE] = { "balance", PC_F_BALANCE_EMPTY, "empty",
			   "above zero" },
};

static enum explanation_state state_of(enum pc_reason reason)
{
	if (reason == PC_R_KEY_LIVE || reason == PC_R_OTHER_PATH ||
	    reason == PC_R_ADDRESS_PASS || reason == PC_R_ALLOW_LIST)
		return EXPLAIN_PASSES;
	if (reason_class(reason) == PC_CLASS_DENY ||
	    reason_class(reason) == PC_CLASS_DROP)
		return EXPLAIN_REFUSES;
	return EXPLAIN_UNDECIDED;
}

/* A row that has nothing against the request, until end() says otherwise. */
static struct explanation_row *add_row(struct walk *w, bool request_plane,
				       const char *check)
{
	struct explanation_row *row = &w->x->rows[w->x->n_rows++];

	row->request_plane = request_plane;
	row->check = check;
	row->state = w->over ? EXPLAIN_NOT_REACHED : EXPLAIN_OK;
	return row;
}

/* The request ends at this row. */
static void end(struct walk *w, struct explanation_row *row,
		enum pc_reason reason)
{
	row->state = state_of(reason);
	w->over = true;
	w->x->gateway = reason;
	if (w->x->reason == PC_R_KEY_LIVE)
		w->x->reason = reason;
}

/* Only the kernel's way ends at this row; the gateway looks further. */
static void leave(struct walk *w, struct explanation_row *row,
		  enum pc_reason reason)
{
	row->state = state_of(reason);
	if (w->x->reason == PC_R_KEY_LIVE)
		w->x->reason = reason;
}

static int add_allow(struct walk *w)
{
	struct explanation_row *row = add_row(w, false, "allow list");
	struct prefix matched;
	struct pc_rule rule;
	int err;

	snprintf(row->input, sizeof(row->input), "%s", w->address);
	err = w->e->match(&matched, &rule, w->e, false, PC_SET_ALLOW,
			  &w->req->ip);
	if (err == -ENOENT)
		snprintf(row->note, sizeof(row->note), "no match");
	w->allowed = !err;
	if (!err)
		err = evidence_place_allowed(row->note, w->e, &rule, &matched,
					     &w->req->ip);
	return err == -ENOENT ? 0 : err;
}

/* A row that an allow entry leaves unasked. */
static struct explanation_row *add_drop(struct walk *w, const char *check)
{
	struct explanation_row *row = add_row(w, false, check);

	if (w->allowed)
		row->state = EXPLAIN_NOT_REACHED;
	if (row->state == EXPLAIN_OK)
		snprintf(row->input, sizeof(row->input), "%s", w->address);
	return row;
}

static int add_ban(struct walk *w)
{
	struct explanation_row *row = add_drop(w, "bans");
	char text[PREFIX_STRLEN], until[TIMESTAMP_STRLEN];
	int64_t expires_ns;
	struct prefix banned;
	int err;

	if (row->state != EXPLAIN_OK)
		return 0;
	err = w->e->find_ban(&expires_ns, &banned, w->e, &w->req->ip);
	if (err == -ENOENT) {
		snprintf(row->note, sizeof(row->note), "no match");
		return 0;
	}
	if (err)
		return err;
	snprintf(row->note, sizeof(row->note), "has %s, %s%s",
		 evidence_print(&banned, text),
		 expires_ns == PC_NEVER ? "for ever" : "until ",
		 expires_ns == PC_NEVER ? ""
					: timestamp_print(expires_ns, until));
	end(w, row, PC_R_BANNED);
	return 0;
}

static int add_block(struct walk *w)
{
	struct explanation_row *row = add_drop(w, "block lists");
	struct pc_list list;
	uint32_t owner;
	int err;

	if (row->state != EXPLAIN_OK)
		return 0;
	err = w->e->find_owner(&owner, &list, w->e, &w->req->ip);
	if (err)
		return err;
	if (owner == PC_OWNER_NONE || owner >= PC_OWNER_ALLOW) {
		snprintf(row->note, sizeof(row->note), "%s",
			 owner < PC_OWNERS ? "no match"
					   : "the image is damaged");
		return 0;
	}
	err = evidence_place(row->note, w->e, owner, &list, &w->req->ip);
	end(w, row,
	    owner == PC_OWNER_SNAPSHOT || owner == PC_OWNER_IP_SCOPE
		    ? PC_R_SNAPSHOT_LIST
		    : PC_R_BLOCK_LIST);
	return err;
}

/* Allow wins over everything, so a hit there leaves the rest unasked. */
static int walk_address_plane(struct walk *w)
{
	int err = add_allow(w);

	if (!err && w->e->find_ban)
		err = add_ban(w);
	return err ? err : add_block(w);
}

/* A policy out of a file has no agent that could be gone. */
static void walk_lease(struct walk *w)
{
	struct explanation_row *row;

	if (!w->e->maps)
		return;
	row = add_row(w, true, "lease");
	if (w->over)
		return;
	snprintf(row->input, sizeof(row->input), "%s",
		 w->e->lapsed ? "lapsed: the agent is gone" : "held");
	if (w->e->lapsed)
		end(w, row, PC_R_LEASE_LAPSED);
}

/* The kernel judges GET and POST; OPTIONS the gateway answers unasked. */
static void walk_method(struct walk *w)
{
	struct explanation_row *row = add_row(w, true, "method");
	const char *method = w->req->method;

	if (w->over)
		return;
	snprintf(row->input, sizeof(row->input), "%s", method);
	text_to_ascii(row->input);
	if (!strcmp(method, "OPTIONS"))
		end(w, row, PC_R_OTHER_METHOD);
	else if (strcmp(method, "GET") && strcmp(method, "POST"))
		leave(w, row, PC_R_OTHER_METHOD);
}

static void classify(struct walk *w, const char *path)
{
	uint8_t look[PC_PATH_LOOK] = { 0 };
	uint32_t flags;
	size_t size = strlen(path);

	memcpy(look, path, size < sizeof(look) ? size : sizeof(look));
	flags = pc_path_classify(look, (uint32_t)size, w->x->profile);
	w->path_flags = flags;
	w->x->variant =
		flags & PC_P_GOOGLE ? PC_VARIANT_GOOGLE : PC_VARIANT_MAIN;
	w->q.exempt = flags & PC_P_EXEMPT || (flags & PC_P_EXEMPT_GET &&
					      !strcmp(w->req->method, "GET"));
}

/* As target.h has it: escapes, dots, empty segments are for the gateway. */
static bool path_unsure(const char *path)
{
	size_t n = strlen(path);

	return strchr(path, '%') || strstr(path, "/.") || strstr(path, "//") ||
	       (n > 1 && path[n - 1] == '/');
}

static int walk_path(struct walk *w)
{
	struct explanation_row *row = add_row(w, true, "path");
	bool unsure = path_unsure(w->req->path);
	char *path;
	int err = query_decode_path(&path, w->req->path);

	snprintf(row->input, sizeof(row->input), "%s", w->req->path);
	text_to_ascii(row->input);
	if (err == -EINVAL && !w->over)
		end(w, row, PC_R_PATH_UNSURE);
	if (err)
		return err == -EINVAL ? 0 : err;
	classify(w, path);
	free(path);
	if (w->over)
		return 0;
	snprintf(row->note, sizeof(row->note), "%s%s",
		 w->path_flags & PC_P_GUARDED ? "guarded" : "not guarded",
		 unsure ? "; not as the gateway may read it" : "");
	if (unsure)
		leave(w, row, PC_R_PATH_UNSURE);
	if (!(w->path_flags & PC_P_GUARDED))
		end(w, row, PC_R_OTHER_PATH);
	return 0;
}

/* No such key; is it known that there is none? */
static void walk_unknown(struct walk *w, struct explanation_row *row)
{
	bool get = !strcmp(w->req->method, "GET");
	uint8_t look[PC_PATH_LOOK] = { 0 };
	size_t size = strlen(w->req->path);

	snprintf(row->note, sizeof(row->note), "unknown");
	memcpy(look, w->req->path, size < sizeof(look) ? size : sizeof(look));
	if (w->e->lapsed) {
		end(w, row, PC_R_LEASE_LAPSED);
	} else if (w->q.now_ns >= w->e->head.complete_until_ns) {
		end(w, row, PC_R_KEY_UNKNOWN);
	} else {
		if (!pc_path_routed(look, (uint32_t)size, w->x->profile, get))
			leave(w, row, PC_R_ROUTE_UNSURE);
		end(w, row, PC_R_KEY_INVALID);
	}
}

static int walk_credential(struct walk *w)
{
	struct explanation_row *row = add_row(w, true, "credential");
	char hex[DIGEST_STRLEN];
	int err;

	if (w->over)
		return 0;
	snprintf(row->input, sizeof(row->input), "key %.8s...",
		 digest_print(&w->req->digest, hex));
	err = w->e->find_key(&w->key, w->e, &w->req->digest);
	if (err && err != -ENOENT)
		return err;
	if (err) {
		walk_unknown(w, row);
		return 0;
	}
	snprintf(row->note, sizeof(row->note), "known, id %lld",
		 (long long)w->key.key_id);
	return 0;
}

/* Asked before the checks are walked, for they take it as given. */
static int walk_address(struct walk *w)
{
	enum pc_address address;
	int err;

	if (w->over)
		return 0;
	err = evidence_judge(&address, w->address_why, w->e, &w->key,
			     &w->req->ip);
	if (!err)
		w->q.address = address;
	return err;
}

static const char *print_input(const struct walk *w, uint32_t check,
			       char buf[static TIMESTAMP_STRLEN])
{
	static const char *const statuses[] = { "active", "disabled", "expired",
						"exhausted" };

	switch (check) {
	case PC_C_STATUS_OTHER:
	case PC_C_STATUS_INACTIVE:
	case PC_C_STATUS_EXHAUSTED:
	case PC_C_STATUS_EXPIRED:
		return w->key.status < 4 ? statuses[w->key.status] : "?";
	case PC_C_EXPIRY:
		return w->key.expires_ns == PC_NEVER
			       ? "never"
			       : timestamp_print(w->key.expires_ns, buf);
	case PC_C_ADDRESS:
		if (!w->key.rule_set)
			return "none";
		snprintf(buf, TIMESTAMP_STRLEN, "rule set %u", w->key.rule_set);
		return buf;
	case PC_C_RUN_MODE:
		return explanation_run_mode_name(w->q.run_mode);
	case PC_C_BALANCE:
		if (w->key.facts & PC_F_SUBSCRIPTION)
			return "not looked at: subscription";
		break;
	case PC_C_EXEMPT:
		return w->q.exempt ? "yes" : "no";
	}
	return w->key.facts & shown[check].fact ? shown[check].set
						: shown[check].clear;
}

static void note_check(const struct walk *w, struct explanation_row *row,
		       uint32_t check)
{
	char now[TIMESTAMP_STRLEN];

	if (check == PC_C_EXPIRY && row->state == EXPLAIN_REFUSES)
		snprintf(row->note, sizeof(row->note), "now %s",
			 timestamp_print(w->q.now_ns, now));
	else if (check == PC_C_ADDRESS)
		snprintf(row->note, sizeof(row->note), "%s", w->address_why);
	else if (row->state == EXPLAIN_UNDECIDED)
		snprintf(row->note, sizeof(row->note),
			 "the kernel knows no subscriptions");
}

static void walk_checks(struct walk *w)
{
	const uint8_t *checks =
		pc_checks[w->x->profile % PC_PROFILE_MAX][w->x->variant];

	for (int i = 0; i < PC_CHECKS && checks[i] != PC_C_END; i++) {
		struct explanation_row *row =
			add_row(w, true, shown[checks[i]].name);
		char buf[TIMESTAMP_STRLEN];
		uint32_t reason;

		if (w->over)
			continue;
		reason = pc_check(checks[i], &w->key, &w->q);
		snprintf(row->input, sizeof(row->input), "%s",
			 print_input(w, checks[i], buf));
		if (reason != PC_NEXT)
			end(w, row, reason);
		note_check(w, row, checks[i]);
	}
}

int explanation_make(struct explanation *out, const struct evidence *e,
		     const struct explanation_request *req)
{
	struct explanation x = {
		.profile = e->head.profile,
		.run_mode = e->head.run_mode,
		.monitor = e->head.monitor,
		.by_maps = e->maps != NULL,
		.reason = PC_R_KEY_LIVE,
		.gateway = PC_R_KEY_LIVE,
	};
	struct walk w = { .x = &x, .e = e, .req = req };
	int err;

	prefix_print_address(&req->ip, w.address);
	w.q.now_ns = req->now_ns;
	w.q.profile = x.profile;
	w.q.run_mode = x.run_mode;
	err = walk_address_plane(&w);
	if (err || req->address_only) {
		if (!err && !w.over)
			x.reason =
				w.allowed ? PC_R_ALLOW_LIST : PC_R_ADDRESS_PASS;
		x.gateway = x.reason;
		x.address_only = true;
		if (!err)
			*out = x;
		return err;
	}
	walk_method(&w);
	err = walk_path(&w);
	if (!err)
		err = walk_credential(&w);
	if (!err)
		err = walk_address(&w);
	if (err)
		return err;
	walk_lease(&w);
	walk_checks(&w);
	x.dialect =
		answer_dialect(x.profile, x.variant, w.path_flags, x.gateway);
	x.deny = e->head.deny[x.reason];
	*out = x;
	return 0;
}

enum explanation_state explanation_outcome(const struct explanation *x)
{
	return state_of(x->reason);
}

const char *explanation_state_name(enum explanation_state state)
{
	static const char *const names[] = {
		[EXPLAIN_OK] = "ok",
		[EXPLAIN_REFUSES] = "refuses",
		[EXPLAIN_PASSES] = "passes",
		[EXPLAIN_UNDECIDED] = "undecided",
		[EXPLAIN_NOT_REACHED] = "not reached",
	};

	return names[state];
}

const char *explanation_run_mode_name(uint8_t run_mode)
{
	return run_mode == PC_RUN_SIMPLE ? "simple" : "standard";
}
