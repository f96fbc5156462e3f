// SPDX-License-Identifier: GPL-2.0-only
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "attach.h"
#include "bans.h"
#include "clock.h"
#include "host.h"
#include "interfaces.h"
#include "living.h"
#include "loader.h"
#include "log.h"
#include "maps.h"
#include "notify.h"
#include "options.h"
#include "pins.h"
#include "policy.h"
#include "service.h"
#include "signals.h"
#include "snapshot.h"

/* How often the lease is renewed and the clock's offset looked at. */
#define TICK_NS 250000000L
/* Every so many ticks: the connections that have ended. */
#define SWEEP_TICKS 40

struct agent {
	struct options opt;
	struct loader *loader;
	struct maps maps;
	struct living living;
	struct bans bans;
	struct service *service; /* NULL: none */
	unsigned int ticks;
	int lock;
	int signals;
	int timer;
	uint64_t generation; /* in force; 0: none */
	bool has_maps;
	bool put_failed; /* said once */
	bool adopted;	 /* a policy of an earlier run was in force */
};

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void agent_fini(struct agent *a)
{
	service_free(a->service);
	if (a->has_maps)
		maps_close(&a->maps);
	living_close(&a->living);
	bans_close(&a->bans);
	loader_free(a->loader);
	close_fd(a->lock);
	close_fd(a->signals);
	close_fd(a->timer);
	options_fini(&a->opt);
}

/* A snapshot, and what was made of it. */
struct material {
	struct snapshot snap;
	struct policy policy;
};

static void material_fini(struct material *m)
{
	snapshot_fini(&m->snap);
	policy_fini(&m->policy);
}

/* The snapshot and the flags to a policy; the summary of what failed is logged.
 */
static int compile(struct material *out, const struct agent *a)
{
	struct policy_options opt = { 0 };
	char error[SNAPSHOT_ERROR_SIZE] = "";
	struct prefix *own = NULL;
	int rc = 0;

	options_policy(&opt, &a->opt);
	if (!opt.gateways.n)
		rc = host_addresses(&own, &opt.gateways.n);
	if (rc) {
		log_line("cannot list this host's addresses: %s",
			 strerror(-rc));
		return rc;
	}
	if (own)
		opt.gateways.items = own;
	opt.now_ns = a->opt.clock_ns ? a->opt.clock_ns : clock_now_ns();
	if (a->opt.snapshot)
		rc = snapshot_load(&out->snap, a->opt.snapshot, error);
	if (rc) {
		log_line("snapshot %s", error);
	} else {
		rc = policy_compile(&out->policy, &out->snap, &opt);
		if (rc)
			log_line("cannot compile the policy: %s",
				 strerror(-rc));
	}
	free(own);
	return rc;
}

static void log_policy(const struct policy *p)
{
	log_line("generation %llu in force: %zu keys, %zu live, %zu prefixes",
		 (unsigned long long)p->head.generation, p->n_keys,
		 p->summary.n_live, p->n_prefixes);
	for (size_t i = 0; i < p->summary.n_warnings; i++)
		log_line("warning: %s (%zu)", p->summary.warnings[i].text,
			 p->summary.warnings[i].count);
}

/*
 * The kernel first, by the use that the snapshot tells of; the service then
 * tells it of the keys whose use since then makes a difference, which takes a
 * few milliseconds.
 */
static int apply(struct agent *a, struct material *m)
{
	struct policy *p = &m->policy;
	int rc;

	p->head.generation = a->generation + 1;
	rc = maps_apply(&a->maps, p);
	if (rc) {
		log_line("cannot write the policy: %s", strerror(-rc));
		return rc;
	}
	a->generation = p->head.generation;
	log_policy(p);
	if (!a->service || !a->opt.snapshot)
		return 0;
	rc = service_replace(a->service, &m->snap, p->head.complete_until_ns);
	if (rc)
		log_line("the decision service goes on with the keys from "
			 "before: %s",
			 strerror(-rc));
	return rc;
}

static void tell_kernel(const struct pc_digest *key, const struct pc_key *value,
			void *arg)
{
	struct agent *a = arg;
	int rc = maps_put_key(&a->maps, key, value);

	/* A key that is not in force has no facts there to change. */
	if (rc && rc != -ENOENT && !a->put_failed) {
		a->put_failed = true;
		log_line("cannot tell the kernel of a key's use: %s",
			 strerror(-rc));
	}
}

static void tick(struct agent *a)
{
	struct pc_clock clock;

	clock_take(&clock, a->opt.lease_ns);
	clock.stopped_ns = a->opt.clock_ns;
	maps_set_clock(&a->maps, &clock);
	if (++a->ticks % SWEEP_TICKS == 0)
		living_sweep(&a->living, clock_boot_ns());
	bans_tick(&a->bans);
}

/* A long reload must not cost the lease: it is renewed on the way. */
static void reload(struct agent *a)
{
	struct material m = { 0 };
	int rc = compile(&m, a);

	tick(a);
	if (!rc)
		rc = apply(a, &m);
	tick(a);
	material_fini(&m);
	if (rc)
		log_line("keeping generation %llu",
			 (unsigned long long)a->generation);
}

static bool listens(const struct port_list *ports, uint16_t port)
{
	for (size_t i = 0; i < ports->n; i++) {
		if (ports->items[i] == port)
			return true;
	}
	return false;
}

/* Will nobody translate for this connection once the flags are obeyed? */
static bool is_left_alone(const struct pc_flow_key *key, const void *arg)
{
	const struct agent *a = arg;

	return !interfaces_listed(&a->opt.request_interfaces,
				  (int)key->ifindex) ||
	       !listens(&a->opt.ports, ntohs(key->dport));
}

/*
 * An earlier run may have answered where this one will not look: such
 * connections end before the policy that knows their port does.
 */
static int drain(struct agent *a)
{
	size_t cut = 0;
	int rc;

	if (!a->adopted)
		return 0;
	maps_set_draining(&a->maps, true);
	rc = living_drain(&cut, &a->living, is_left_alone, a, a->opt.drain_ns);
	maps_set_draining(&a->maps, false);
	if (cut)
		log_line("warning: connections cut short (%zu)", cut);
	return rc;
}

/* One agent for a pin directory: two would flip each other's slots. */
static int lock(struct agent *a)
{
	a->lock = open(a->opt.pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->lock < 0)
		return -errno;
	if (!flock(a->lock, LOCK_EX | LOCK_NB))
		return 0;
	log_line("another agent is running with --pin-dir %s", a->opt.pin_dir);
	close(a->lock);
	a->lock = -1;
	return -EBUSY;
}

static int load(struct agent *a)
{
	struct pc_policy old;
	int rc = host_make_pin_dir(a->opt.pin_dir);

	if (!rc)
		rc = lock(a);
	if (!rc)
		rc = interfaces_check(&a->opt);
	if (!rc)
		rc = loader_load(&a->loader, a->opt.pin_dir);
	if (!rc) {
		rc = maps_open_pinned(&a->maps, a->opt.pin_dir);
		a->has_maps = !rc;
	}
	if (!rc)
		rc = living_open(&a->living, a->opt.pin_dir);
	if (!rc)
		rc = bans_open(&a->bans, a->opt.pin_dir, a->opt.ledger);
	if (rc)
		return rc;
	a->adopted = !maps_read_policy(&a->maps, &old);
	if (a->adopted)
		a->generation = old.generation;
	return 0;
}

static int open_events(struct agent *a)
{
	struct itimerspec every = { .it_interval.tv_nsec = TICK_NS,
				    .it_value.tv_nsec = TICK_NS };

	a->signals = signals_open();
	if (a->signals < 0)
		return a->signals;
	a->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->timer < 0 || timerfd_settime(a->timer, 0, &every, NULL))
		return -errno;
	return 0;
}

/* 1: time to leave. */
static int take_signals(struct agent *a)
{
	unsigned int what = signals_take(a->signals);

	if (what & SIGNALS_LEAVE)
		return 1;
	if (what & SIGNALS_RELOAD) {
		notify_reloading();
		reload(a);
		notify_ready();
	}
	return 0;
}

static void loop(struct agent *a)
{
	struct pollfd fds[] = { { .fd = a->signals, .events = POLLIN },
				{ .fd = a->timer, .events = POLLIN } };
	uint64_t ticks;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents &&
		    read(a->timer, &ticks, sizeof(ticks)) == sizeof(ticks))
			tick(a);
		if (fds[0].revents && take_signals(a))
			return;
	}
}

/* Everything up to "ready". */
static int start(struct agent *a)
{
	struct material m = { 0 };
	int rc = host_check();

	if (!rc)
		rc = open_events(a);
	if (!rc && a->opt.listen.n)
		rc = service_open(&a->service, &a->opt);
	if (!rc)
		rc = compile(&m, a);
	if (!rc)
		rc = load(a);
	if (!rc) {
		tick(a);
		rc = drain(a);
	}
	if (!rc)
		rc = apply(a, &m);
	material_fini(&m);
	if (!rc)
		rc = interfaces_attach(&a->opt, a->loader);
	if (!rc)
		rc = interfaces_prune(&a->opt);
	/* Threads have the privileges that they are made with. */
	if (!rc)
		rc = host_drop_privileges();
	if (!rc && a->service)
		rc = service_start(a->service, tell_kernel, a);
	return rc;
}

/* A first start that failed leaves nothing; a later one leaves what was there.
 */
static void undo(const struct agent *a)
{
	size_t n;

	if (a->adopted) {
		log_line("generation %llu is in force, "
			 "attached where status says",
			 (unsigned long long)a->generation);
		return;
	}
	if (a->lock < 0)
		return;
	attach_remove_all(&n, a->opt.pin_dir);
	pins_remove(a->opt.pin_dir);
}

int run_main(int argc, char **argv)
{
	struct agent a = {
		.living = { -1, -1 },
		.lock = -1,
		.signals = -1,
		.timer = -1,
	};
	int rc = options_parse(&a.opt, argc, argv, OPTIONS_RUN);

	if (rc)
		return rc < 0 ? 2 : 0;
	rc = start(&a);
	if (rc) {
		log_line("not started: %s", strerror(-rc));
		undo(&a);
		agent_fini(&a);
		return 1;
	}
	log_line("ready: judging requests to %zu port%s on %zu interface%s",
		 a.opt.ports.n, a.opt.ports.n == 1 ? "" : "s",
		 a.opt.request_interfaces.n,
		 a.opt.request_interfaces.n == 1 ? "" : "s");
	notify_ready();
	loop(&a);
	notify_stopping();
	log_line("leaving; the filter stays, generation %llu; "
		 "portcullis detach removes it",
		 (unsigned long long)a.generation);
	agent_fini(&a);
	return 0;
}
