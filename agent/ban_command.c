// SPDX-License-Identifier: GPL-2.0-only
#include "ban_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ban_list.h"
#include "bans.h"
#include "consent.h"
#include "log.h"
#include "maps.h"
#include "tries.h"
#include "options.h"
#include "timestamp.h"

/* Nobody honest has one of these, but what is told to ban it is wrong. */
static int check_loopback(const struct prefix *p)
{
	static const struct prefix loopback[] = {
		{ AF_INET, 8, { 127 } },
		{ AF_INET6, 128, { [15] = 1 } },
	};

	for (size_t i = 0; i < 2; i++) {
		if (!prefix_contains(p, &loopback[i]) &&
		    !prefix_contains(&loopback[i], p))
			continue;
		log_line("that is, or holds, the loopback address");
		return -EPERM;
	}
	return 0;
}

/* Proxies speak for everybody. */
static int check_proxies(struct maps *m, const struct prefix *p)
{
	struct prefix_list within = { NULL, 0 };
	char text[PREFIX_STRLEN];
	struct pc_rule rule;
	int rc;

	if (!tries_match(m, false, PC_SET_PROXY, p, NULL, &rule)) {
		log_line("that is a trusted proxy's address");
		return -EPERM;
	}
	rc = tries_within(&within, m, PC_SET_PROXY, p);
	if (within.n) {
		log_line("%s is a trusted proxy",
			 prefix_print(&within.items[0], text));
		rc = -EPERM;
	}
	free(within.items);
	return rc;
}

/* Allow entries win, whatever is banned. */
static int check_allowed(struct prefix_list *allow, struct maps *m,
			 const struct prefix *p)
{
	char text[PREFIX_STRLEN];
	struct pc_rule rule;
	int rc;

	if (!tries_match(m, false, PC_SET_ALLOW, p, NULL, &rule)) {
		log_line("an allow entry has all of it: the ban would come to "
			 "nothing");
		return -EPERM;
	}
	rc = tries_within(allow, m, PC_SET_ALLOW, p);
	if (!rc && allow->n)
		log_line("%s stays allowed (and %zu more)",
			 prefix_print(&allow->items[0], text), allow->n - 1);
	return rc;
}

/*
 * The policy in force knows whom it must not lose, and who is allowed: allow is
 * the caller's to free.
 */
static int check_policy(struct prefix_list *allow, const char *pin_dir,
			const struct prefix *p)
{
	struct pc_policy policy;
	struct maps m;
	int rc = maps_open_pinned(&m, pin_dir);

	if (rc)
		return rc == -ENOENT ? 0 : rc == -EPERM ? -EACCES : rc;
	rc = maps_read_policy(&m, &policy);
	if (!rc) {
		if (policy.monitor)
			log_line("monitor mode: its packets are counted, not "
				 "dropped");
		rc = check_proxies(&m, p);
		if (!rc)
			rc = check_allowed(allow, &m, p);
	} else if (rc == -ENOENT) {
		log_line("no policy is in force: bans hold when one is");
	}
	maps_close(&m);
	return rc == -ENOENT ? 0 : rc;
}

/* Whom nobody bans by mistake, this host and session included. */
static int check_target(const struct options *o, const struct prefix *p)
{
	struct prefix_list allow = { NULL, 0 };
	struct consent consent = { 0 };
	int rc = check_loopback(p);

	if (!rc)
		rc = check_policy(&allow, o->pin_dir, p);
	if (!rc)
		rc = consent_open(&consent, o);
	if (!rc)
		rc = consent_ban(&consent, p, &allow);
	consent_close(&consent);
	free(allow.items);
	return rc;
}

static int guard(const struct options *o, const struct prefix *p)
{
	char text[PREFIX_STRLEN];
	int rc = check_target(o, p);

	if (!rc || o->force)
		return 0;
	if (rc == -EPERM)
		log_line("%s not banned; --force bans it all the same",
			 prefix_print(p, text));
	else
		log_line("%s not banned: cannot tell whom it would hit: %s",
			 prefix_print(p, text), strerror(-rc));
	return rc;
}

/* 0 or 1, as the verb ends. */
static int tell_kept(const struct options *o, const struct bans_outcome *out)
{
	const char *where = out->enforced ? "nowhere" : "in the kernel only";

	if (!out->kept)
		return 0;
	if (out->kept == -ENOTSUP) {
		log_line("without a ledger the ban is %s", where);
		return out->enforced ? 1 : 0;
	}
	log_line("ledger %s: %s; the ban is %s", o->ledger,
		 out->error[0] ? out->error : strerror(-out->kept), where);
	return 1;
}

static int tell_enforced(const struct bans_outcome *out)
{
	switch (out->enforced) {
	case 0:
		return 0;
	case -ENODEV:
		if (!out->kept)
			log_line("no filter is installed: bans hold when "
				 "portcullis runs");
		return 0;
	case -ENOSPC:
		log_line("the kernel has room for %u bans: %zu not enforced",
			 PC_BANS_MAX, out->n_waiting);
		return 1;
	case -E2BIG:
		log_line("the kernel has room for bans of %u lengths: "
			 "%zu not enforced",
			 PC_BAN_LENS, out->n_waiting);
		return 1;
	default:
		log_line("not enforced: %s", strerror(-out->enforced));
		return 1;
	}
}

static int tell_ban(const struct options *o, const struct bans_outcome *out)
{
	char prefix[PREFIX_STRLEN], expires[TIMESTAMP_STRLEN];
	int rc = tell_kept(o, out);

	rc |= tell_enforced(out);
	if (out->kept && out->enforced)
		return 1;
	prefix_print(&out->ban.prefix, prefix);
	timestamp_print(out->ban.expires_ns, expires);
	if (out->ban.expires_ns == PC_NEVER)
		printf("%s banned for ever\n", prefix);
	else
		printf("%s banned until %s\n", prefix, expires);
	return rc;
}

static int ban(const struct options *o, struct bans *b)
{
	struct ban want = { .prefix = o->targets.items[0],
			    .made_ns = bans_now_ns(b),
			    .made_by = BAN_BY_OPERATOR };
	struct bans_outcome out;
	int rc;

	want.expires_ns = ban_end_ns(want.made_ns, o->for_ns);
	if (o->reason)
		strncat(want.reason, o->reason, sizeof(want.reason) - 1);
	rc = bans_put(&out, b, &want);
	if (!rc)
		return tell_ban(o, &out);
	log_line("not banned: %s", strerror(-rc));
	return 1;
}

int ban_command_ban(int argc, char **argv)
{
	struct options o;
	struct bans b;
	int rc = options_parse(&o, argc, argv, OPTIONS_BAN);

	if (rc)
		return rc == 1 ? 0 : 2;
	rc = guard(&o, &o.targets.items[0]);
	if (!rc) {
		rc = bans_open(&b, o.pin_dir, o.ledger);
		if (rc)
			log_line("not banned: %s", strerror(-rc));
	}
	if (!rc) {
		rc = ban(&o, &b);
		bans_close(&b);
	}
	options_fini(&o);
	return rc ? 1 : 0;
}

/* Others may hold it still. */
static void tell_wider(struct bans *b, const struct prefix *p)
{
	char text[PREFIX_STRLEN];
	struct ban_list l;

	if (ban_list_read(&l, b))
		return;
	for (size_t i = 0; i < l.n; i++) {
		if (prefix_contains(&l.items[i].ban.prefix, p))
			log_line("%s is banned still",
				 prefix_print(&l.items[i].ban.prefix, text));
	}
	ban_list_fini(&l);
}

static int tell_unban(const struct options *o, const struct bans_outcome *out)
{
	char text[PREFIX_STRLEN];
	int rc = 0;

	prefix_print(&out->ban.prefix, text);
	if (out->kept && out->kept != -ENOTSUP) {
		log_line("ledger %s: %s; a ban that is kept there comes back",
			 o->ledger,
			 out->error[0] ? out->error : strerror(-out->kept));
		rc = 1;
	}
	if (out->enforced && out->enforced != -ENODEV) {
		log_line("%s is enforced still: %s", text,
			 strerror(-out->enforced));
		rc = 1;
	}
	if (!rc)
		printf("%s not banned any more\n", text);
	return rc;
}

static int unban(const struct options *o, struct bans *b)
{
	const struct prefix *p = &o->targets.items[0];
	char text[PREFIX_STRLEN];
	struct bans_outcome out;
	int rc = bans_remove(&out, b, p);

	if (!rc)
		rc = tell_unban(o, &out);
	else if (rc == -ENOENT)
		log_line("%s is not banned by that name",
			 prefix_print(p, text));
	else
		log_line("not changed: %s", strerror(-rc));
	tell_wider(b, p);
	return rc;
}

int ban_command_unban(int argc, char **argv)
{
	struct options o;
	struct bans b;
	int rc = options_parse(&o, argc, argv, OPTIONS_UNBAN);

	if (rc)
		return rc == 1 ? 0 : 2;
	rc = bans_open(&b, o.pin_dir, o.ledger);
	if (rc) {
		log_line("not changed: %s", strerror(-rc));
	} else {
		rc = unban(&o, &b);
		bans_close(&b);
	}
	options_fini(&o);
	return rc ? 1 : 0;
}
