// SPDX-License-Identifier: GPL-2.0-only
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "host.h"
#include "keys.h"
#include "log.h"
#include "notify.h"
#include "options.h"
#include "service.h"
#include "signals.h"
#include "snapshot.h"

struct server {
	struct options opt;
	struct service *service;
	int signals;
};

static int load(struct server *s)
{
	const struct options *o = &s->opt;
	int64_t now_ns = o->clock_ns ? o->clock_ns : clock_now_ns();
	char error[SNAPSHOT_ERROR_SIZE] = "";
	struct snapshot snap = { 0 };
	int64_t until_ns;
	size_t n;
	int rc;

	if (!o->snapshot)
		return 0;
	rc = snapshot_load(&snap, o->snapshot, error);
	if (rc) {
		log_line("snapshot %s", error);
		return rc;
	}
	n = snap.n_entries;
	until_ns = o->deny_unknown
			   ? keys_complete_until(&snap, o->lease_ns, now_ns)
			   : 0;
	rc = service_replace(s->service, &snap, until_ns, false);
	snapshot_fini(&snap);
	if (rc)
		log_line("cannot take the snapshot over: %s", strerror(-rc));
	else
		log_line("deciding by %zu keys%s", n,
			 until_ns > now_ns ? ", which are all there are" : "");
	return rc;
}

static void reload(struct server *s)
{
	notify_reloading();
	if (load(s))
		log_line("keeping the keys from before");
	notify_ready();
}

static void loop(struct server *s)
{
	struct pollfd fd = { .fd = s->signals, .events = POLLIN };

	for (;;) {
		unsigned int what;

		if (poll(&fd, 1, -1) < 0)
			continue;
		what = signals_take(s->signals);
		if (what & SIGNALS_LEAVE)
			return;
		if (what & SIGNALS_RELOAD)
			reload(s);
	}
}

static int start(struct server *s)
{
	int rc;

	s->signals = signals_open();
	if (s->signals < 0)
		return s->signals;
	rc = host_hide();
	if (!rc)
		rc = service_open(&s->service, &s->opt);
	if (!rc)
		rc = load(s);
	return rc ? rc : service_start(s->service, NULL, NULL);
}

int serve_main(int argc, char **argv)
{
	struct server s = { .signals = -1 };
	int rc = options_parse(&s.opt, argc, argv, OPTIONS_SERVE);

	if (rc)
		return rc < 0 ? 2 : 0;
	rc = start(&s);
	if (rc) {
		log_line("not started: %s", strerror(-rc));
	} else {
		log_line("ready: deciding on %zu socket%s", s.opt.listen.n,
			 s.opt.listen.n == 1 ? "" : "s");
		notify_ready();
		loop(&s);
		notify_stopping();
		log_line("leaving");
	}
	service_free(s.service);
	if (s.signals >= 0)
		close(s.signals);
	options_fini(&s.opt);
	return rc ? 1 : 0;
}
