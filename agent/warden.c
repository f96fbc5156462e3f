// SPDX-License-Identifier: GPL-2.0-only
#include "warden.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "guard.h"
#include "lifewatch.h"
#include "log.h"
#include "tries.h"

/* The set's first prefix within who, or the one that who is in. */
static bool is_in_set(struct maps *m, unsigned int set,
		      const struct prefix *who)
{
	struct prefix_list within = { NULL, 0 };
	struct pc_rule rule;
	bool found;

	/* What cannot be looked at is spared. */
	if (tries_match(m, false, set, who, NULL, &rule) != -ENOENT)
		return true;
	/* A single address has none within, and looking takes long. */
	if (who->family == AF_INET && who->len == 32)
		return false;
	found = tries_within(&within, m, set, who) || within.n;
	free(within.items);
	return found;
}

static bool is_spared(char why[static AUTOBAN_WHY_SIZE],
		      const struct prefix *who, void *arg)
{
	static const struct prefix_list none = { NULL, 0 };
	struct warden *w = arg;
	struct guard_objections g;
	const struct lifelines *lines = NULL;

	why[0] = '\0';
	if (is_in_set(w->maps, PC_SET_ALLOW, who))
		snprintf(why, AUTOBAN_WHY_SIZE, "an allow entry has it");
	else if (is_in_set(w->maps, PC_SET_PROXY, who))
		snprintf(why, AUTOBAN_WHY_SIZE, "it is a trusted proxy");
	else if (!(lines = lifewatch_look(w->lifewatch)))
		snprintf(why, AUTOBAN_WHY_SIZE,
			 "this host's lifelines cannot be told");
	if (*why)
		return true;
	guard_ban(&g, who, lines, &none);
	if (g.n)
		snprintf(why, AUTOBAN_WHY_SIZE, "%.*s", AUTOBAN_WHY_SIZE - 1,
			 g.text[0]);
	return g.n > 0;
}

static int ban(int64_t *until_ns, const struct prefix *who, const char *reason,
	       void *arg)
{
	struct warden *w = arg;
	const struct bans_auto request = {
		.prefix = *who,
		.rule = { w->opt->ban_for_ns, w->opt->ban_max_ns },
		.reason = reason,
	};
	struct ban made;
	int rc = bans_put_auto(&made, w->bans, &request);

	if (!rc)
		*until_ns = made.expires_ns;
	return rc;
}

static void record(const struct eventlog_record *r, void *arg)
{
	struct warden *w = arg;

	events_record(w->events, r);
}

static void take_offender(const struct offender *o, void *arg)
{
	struct warden *w = arg;

	if (w->autoban)
		autoban_offender(o, w->autoban);
}

static int open_autoban(struct warden *w, bool has_service)
{
	const struct options *o = w->opt;
	struct autoban_config cfg = {
		.monitor = o->monitor,
		.rate = o->ban_after,
		.spared = is_spared,
		.ban = ban,
		.record = record,
		.arg = w,
	};
	int rc = lifewatch_open(&w->lifewatch, o, &w->consent->clients);

	if (!rc && has_service)
		rc = suspects_new(&w->suspects, &o->ban_after);
	cfg.suspects = w->suspects;
	return rc ? rc : autoban_new(&w->autoban, &cfg);
}

int warden_open(struct warden *w, bool has_service)
{
	const struct events_config cfg = {
		.pin_dir = w->opt->pin_dir,
		.path = w->opt->events,
		.event_rate = w->opt->event_rate,
		.offender = take_offender,
		.arg = w,
	};
	int rc = events_open(&w->events, &cfg);

	if (!rc && w->opt->ban_after.n)
		rc = open_autoban(w, has_service);
	return rc;
}

int warden_watch(struct warden *w, int epoll)
{
	int rc = events_watch(w->events, epoll);

	if (!rc && w->autoban)
		rc = autoban_watch(w->autoban, epoll);
	return rc;
}

void warden_close(struct warden *w)
{
	events_close(w->events);
	autoban_free(w->autoban);
	suspects_free(w->suspects);
	lifewatch_close(w->lifewatch);
}
