// SPDX-License-Identifier: GPL-2.0-only
#include "autoban.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "answer.h"
#include "clock.h"
#include "log.h"
#include "timestamp.h"
#include "watch.h"

#define NS_PER_S 1000000000
/* The loop has other things to do, however many wait. */
#define TURN_NS 50000000

struct autoban {
	struct watch watch;
	struct autoban_config cfg;
	/* Whom the last line was about: who goes on is not told of again. */
	struct prefix said;
	uint64_t second;
	unsigned int n_lines; /* in it */
	uint64_t n_unsaid;    /* since a line was said */
	uint64_t n_dropped;   /* not said yet */
	struct autoban_lines lines;
};

int autoban_new(struct autoban **out, const struct autoban_config *cfg)
{
	struct autoban *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	*out = a;
	return 0;
}

void autoban_free(struct autoban *a)
{
	free(a);
}

static bool within(const struct prefix *who, const char *text)
{
	struct prefix p;

	return !prefix_parse_pattern(&p, text) && prefix_contains(&p, who);
}

/* What no client has, whatever anybody says. */
static const char *is_nobody(const struct prefix *who)
{
	if (within(who, "127.0.0.0/8"))
		return "a loopback address";
	if (within(who, "0.0.0.0/8") || within(who, "224.0.0.0/3"))
		return "no address of a host";
	/* Its /64 has ::1, and the IPv4 addresses in IPv6 clothes. */
	if (who->family == AF_INET6 && within(who, "::/64"))
		return "a loopback address";
	if (within(who, "fe80::/10") || within(who, "ff00::/8"))
		return "an address of a link";
	return NULL;
}

static bool is_spared(char why[static AUTOBAN_WHY_SIZE],
		      const struct autoban *a, const struct prefix *who)
{
	const char *nobody = is_nobody(who);

	if (!nobody)
		return a->cfg.spared(why, who, a->cfg.arg);
	snprintf(why, AUTOBAN_WHY_SIZE, "%s", nobody);
	return true;
}

/* A source, and what is to be said of it. */
struct verdict {
	const struct offender *offender;
	enum eventlog_kind kind;
	bool would;
	int64_t until_ns;
	const char *text;
};

static void record(const struct autoban *a, const struct verdict *v)
{
	struct eventlog_record r = {
		.kind = (uint8_t)v->kind,
		.time_ns = clock_now_ns(),
		.until_ns = v->until_ns,
		.count = v->offender->count,
		.reason = v->offender->reason,
		.would = v->would,
		.source = v->offender->source,
	};

	snprintf(r.text, sizeof(r.text), "%s", v->text);
	a->cfg.record(&r, a->cfg.arg);
}

static bool may_say(struct autoban *a)
{
	uint64_t second = clock_boot_ns() / NS_PER_S;

	if (second != a->second) {
		a->second = second;
		a->n_lines = 0;
	}
	if (a->n_lines++ >= AUTOBAN_LINES_MAX) {
		a->n_unsaid++;
		a->lines.unsaid++;
		return false;
	}
	if (a->n_unsaid)
		log_line("bans and the like that were not logged: %" PRIu64,
			 a->n_unsaid);
	a->n_unsaid = 0;
	a->lines.said++;
	return true;
}

static void say(struct autoban *a, const struct prefix *who, const char *what,
		const char *text)
{
	char address[PREFIX_STRLEN];

	if (!prefix_compare(&a->said, who))
		return;
	a->said = *who;
	if (!may_say(a))
		return;
	log_line("%s %s: %s", prefix_print(who, address), what, text);
}

static void ban(struct autoban *a, struct verdict *v)
{
	const struct prefix *who = &v->offender->source;
	char until[TIMESTAMP_STRLEN], what[64] = "banned for ever";
	int rc = a->cfg.ban(&v->until_ns, who, v->text, a->cfg.arg);

	if (rc == -EALREADY)
		return;
	if (rc) {
		say(a, who, "cannot be banned", strerror(-rc));
		return;
	}
	if (v->until_ns != PC_NEVER)
		snprintf(what, sizeof(what), "banned until %s",
			 timestamp_print(v->until_ns, until));
	/* Each ban is news. */
	a->said = (struct prefix){ 0 };
	say(a, who, what, v->text);
	a->said = (struct prefix){ 0 };
	record(a, v);
}

void autoban_offender(const struct offender *o, void *arg)
{
	struct autoban *a = arg;
	char why[AUTOBAN_WHY_SIZE] = "", text[AUTOBAN_WHY_SIZE];
	struct verdict v = { .offender = o, .kind = EVENTLOG_BAN };

	snprintf(text, sizeof(text),
		 "%u requests refused in %" PRIu64 " s, the last for %s",
		 o->count, (a->cfg.rate.window_ns + NS_PER_S - 1) / NS_PER_S,
		 o->reason < PC_R_MAX ? reason_name(o->reason) : "?");
	v.text = text;
	if (is_spared(why, a, &o->source)) {
		v.kind = EVENTLOG_SPARED;
		v.text = why;
		say(a, &o->source, "is not banned", why);
		record(a, &v);
	} else if (a->cfg.monitor) {
		v.would = true;
		say(a, &o->source, "would be banned", text);
		record(a, &v);
	} else {
		ban(a, &v);
	}
}

struct autoban_lines autoban_lines(const struct autoban *a)
{
	return a->lines;
}

void autoban_take(struct autoban *a)
{
	uint64_t end_ns = clock_boot_ns() + TURN_NS;
	struct offender o;
	uint64_t dropped;
	bool any;

	do {
		any = suspects_take(&o, &dropped, a->cfg.suspects);
		a->n_dropped += dropped;
		if (any)
			autoban_offender(&o, a);
	} while (any && clock_boot_ns() < end_ns);
	if (!a->n_dropped || !may_say(a))
		return;
	log_line("too many clients to ban at once: %" PRIu64
		 " were not looked at",
		 a->n_dropped);
	a->n_dropped = 0;
}

static void ready(struct watch *w)
{
	autoban_take(WATCH_OF(w, struct autoban, watch));
}

int autoban_watch(struct autoban *a, int epoll)
{
	a->watch.ready = ready;
	if (!a->cfg.suspects)
		return 0;
	return watch_add(epoll, &a->watch, suspects_fd(a->cfg.suspects),
			 EPOLLIN);
}
