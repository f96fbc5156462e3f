// SPDX-License-Identifier: GPL-2.0-only
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
#include "links.h"
#include "living.h"
#include "loader.h"
#include "log.h"
#include "maps.h"
#include "notify.h"
#include "options.h"
#include "pins.h"
#include "rollout.h"
#include "service.h"
#include "signals.h"
#include "upkeep.h"
#include "warden.h"
#include "watch.h"

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
	struct rollout rollout;
	struct warden warden;
	struct links *links;
	struct service *service; /* NULL: none */
	unsigned int ticks;
	int lock;
	int epoll;
	int signals;
	int timer;
	struct event {
		struct watch watch;
		struct agent *agent;
	} on_signal, on_timer, on_files;
	struct attachment *before; /* where programs were at the start */
	size_t n_before;
	struct pc_clock clock_before;
	bool leaving;
	bool has_maps;
	bool put_failed; /* said once */
	bool found;	 /* an earlier run has installed something */
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
	links_close(a->links);
	warden_close(&a->warden);
	rollout_close(&a->rollout);
	if (a->has_maps)
		maps_close(&a->maps);
	living_close(&a->living);
	bans_close(&a->bans);
	loader_free(a->loader);
	free(a->before);
	close_fd(a->lock);
	close_fd(a->epoll);
	close_fd(a->signals);
	close_fd(a->timer);
	options_fini(&a->opt);
}

static void tell_kernel(const struct pc_digest *key, const struct pc_key *value,
			void *arg)
{
	struct agent *a = arg;
	int rc = 0;

	if (!atomic_load(&a->rollout.is_parted))
		rc = maps_put_key(&a->maps, key, value);
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
	rollout_tick(&a->rollout);
	if (++a->ticks % SWEEP_TICKS == 0)
		living_sweep(&a->living, clock_boot_ns());
	upkeep_tick(&a->bans);
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
	uint32_t id;
	int rc = host_make_pin_dir(a->opt.pin_dir);

	if (!rc)
		rc = lock(a);
	/* Before anything can fail that undo() would be asked to undo. */
	if (!rc)
		a->found = pins_active_id(&id, a->opt.pin_dir) != -ENOENT;
	if (!rc)
		rc = interfaces_check(&a->opt);
	if (!rc)
		rc = loader_load(&a->loader, a->opt.pin_dir);
	if (!rc) {
		rc = maps_open_pinned(&a->maps, a->opt.pin_dir);
		a->has_maps = !rc;
	}
	if (!rc)
		rc = maps_clock(&a->maps, &a->clock_before);
	if (!rc)
		rc = living_open(&a->living, a->opt.pin_dir);
	if (!rc)
		rc = bans_open(&a->bans, a->opt.pin_dir, a->opt.ledger);
	if (rc)
		return rc;
	a->adopted = !maps_read_policy(&a->maps, &old);
	/* One that is gone is not to be taken for the next one. */
	a->rollout.generation = maps_last_generation(&a->maps);
	return 0;
}

static int open_events(struct agent *a)
{
	struct itimerspec every = { .it_interval.tv_nsec = TICK_NS,
				    .it_value.tv_nsec = TICK_NS };

	a->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (a->epoll < 0)
		return -errno;
	a->signals = signals_open();
	if (a->signals < 0)
		return a->signals;
	a->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->timer < 0 || timerfd_settime(a->timer, 0, &every, NULL))
		return -errno;
	return 0;
}

static struct agent *agent_of(struct watch *w)
{
	return WATCH_OF(w, struct event, watch)->agent;
}

static void take_signals(struct watch *w)
{
	struct agent *a = agent_of(w);
	unsigned int what = signals_take(a->signals);

	if (what & SIGNALS_LEAVE)
		a->leaving = true;
	if (what & SIGNALS_RELOAD && !a->leaving) {
		notify_reloading();
		/* A long one must not cost the lease. */
		tick(a);
		rollout_reload(&a->rollout);
		tick(a);
		notify_ready();
	}
}

static void take_tick(struct watch *w)
{
	struct agent *a = agent_of(w);
	uint64_t ticks;

	if (read(a->timer, &ticks, sizeof(ticks)) == sizeof(ticks))
		tick(a);
}

static void take_files(struct watch *w)
{
	struct agent *a = agent_of(w);

	tick(a);
	rollout_look(&a->rollout);
}

static int watch_event(struct agent *a, struct event *e, int fd,
		       void (*ready)(struct watch *w))
{
	e->agent = a;
	e->watch.ready = ready;
	return watch_add(a->epoll, &e->watch, fd, EPOLLIN);
}

static int watch_all(struct agent *a)
{
	int rc = watch_event(a, &a->on_signal, a->signals, take_signals);

	if (!rc)
		rc = watch_event(a, &a->on_timer, a->timer, take_tick);
	if (!rc)
		rc = watch_event(a, &a->on_files, files_fd(a->rollout.files),
				 take_files);
	if (!rc)
		rc = warden_watch(&a->warden, a->epoll);
	return rc;
}

/* One at a time: the first of them may take what the next one waits for. */
static void loop(struct agent *a)
{
	struct epoll_event event;

	while (!a->leaving) {
		struct watch *w;

		if (epoll_wait(a->epoll, &event, 1, -1) != 1)
			continue;
		w = event.data.ptr;
		w->events = event.events;
		w->ready(w);
	}
}

/* What is told and asked of packets, from the first one on. */
static int open_warden(struct agent *a)
{
	int rc;

	a->warden.opt = &a->opt;
	a->warden.maps = &a->maps;
	a->warden.bans = &a->bans;
	a->warden.consent = &a->rollout.consent;
	rc = warden_open(&a->warden, a->service != NULL);
	if (!rc && a->service && a->warden.suspects)
		service_suspect(a->service, a->warden.suspects);
	return rc ? rc : watch_all(a);
}

/* The policy first, then the programs that go by it. */
static int enforce(struct agent *a, struct material *m)
{
	int rc = load(a);

	a->rollout.maps = &a->maps;
	a->rollout.service = a->service;
	if (!rc && maps_pending_ns(&a->maps)) {
		log_line("generation %llu waits for portcullis confirm, "
			 "or confirm --revert",
			 (unsigned long long)a->rollout.generation);
		rc = -EBUSY;
	}
	if (!rc) {
		tick(a);
		rc = drain(a);
	}
	if (!rc)
		rc = attach_list(&a->before, &a->n_before, a->opt.pin_dir);
	if (rc)
		return rc;
	maps_hold(&a->maps);
	rc = rollout_apply(&a->rollout, m, true);
	return rc ? rc : interfaces_attach(&a->opt, a->loader);
}

/* Everything up to "ready". */
static int start(struct agent *a)
{
	struct material m = { 0 };
	int rc = host_check();

	if (!rc)
		rc = open_events(a);
	if (!rc)
		rc = rollout_open(&a->rollout, &a->opt);
	if (!rc && a->opt.listen.n)
		rc = service_open(&a->service, &a->opt);
	if (!rc)
		rc = rollout_prepare(&m, &a->rollout);
	if (!rc)
		rc = enforce(a, &m);
	material_fini(&m);
	if (!rc)
		rc = open_warden(a);
	if (!rc)
		rc = links_open(&a->links, a->epoll, &a->opt, a->loader);
	/* Late, for it cannot be undone. */
	if (!rc)
		rc = interfaces_prune(&a->opt);
	/* Threads have the privileges that they are made with. */
	if (!rc)
		rc = host_drop_privileges();
	if (!rc && a->service)
		rc = service_start(a->service, tell_kernel, a);
	if (!rc)
		maps_let_go(&a->maps);
	return rc;
}

/*
 * Denies go by the word of who stood by them last, and end with it: were it
 * given anew by every start that fails, they would never end.
 */
static void return_lease(struct agent *a)
{
	struct pc_clock clock;

	clock_take(&clock, 0);
	clock.stopped_ns = a->clock_before.stopped_ns;
	clock.lease_ns = a->clock_before.lease_ns;
	clock.heartbeat_ns = a->clock_before.heartbeat_ns;
	clock.agent_pid = a->clock_before.agent_pid;
	maps_set_clock(&a->maps, &clock);
}

/* The policy and the places that an earlier run left, if there are any. */
static void go_back(struct agent *a)
{
	int rc;

	if (!maps_go_back(&a->maps) && a->found) {
		rc = interfaces_restore(&a->opt, a->before, a->n_before);
		if (rc)
			log_line("cannot take back what was attached: %s",
				 strerror(-rc));
	}
	if (a->adopted)
		log_line("generation %llu is in force, "
			 "attached where status says",
			 (unsigned long long)rollout_in_force(&a->rollout));
}

/* A first start that failed leaves nothing; a later one leaves what was there.
 */
static void undo(struct agent *a)
{
	size_t n;

	if (a->has_maps) {
		go_back(a);
		return_lease(a);
	}
	if (a->adopted)
		return;
	if (a->lock < 0)
		return;
	if (a->found) {
		log_line("what was installed before stays as it was");
		return;
	}
	attach_remove_all(&n, a->opt.pin_dir);
	pins_remove(a->opt.pin_dir);
}

int run_main(int argc, char **argv)
{
	struct agent a = {
		.living = { -1, -1 },
		.lock = -1,
		.epoll = -1,
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
		 (unsigned long long)rollout_in_force(&a.rollout));
	agent_fini(&a);
	return 0;
}
