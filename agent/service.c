// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread, one epoll set: the listeners' connections, the journal's work, a
 * second's tick, and the other thread's mail.  It alone touches the ledger and
 * is the only reader of the store.
 */
#include "service.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "crossing.h"
#include "desk.h"
#include "directory.h"
#include "health.h"
#include "journal.h"
#include "ledger.h"
#include "log.h"
#include "ring.h"
#include "spend.h"
#include "store.h"
#include "trace.h"
#include "watch.h"

#define EVENTS 64
/* How long what is under way may take once the service is to end. */
#define FAREWELL_MS 5000
#define SECOND_NS 1000000000LL

enum mail {
	MAIL_STOP = 1,
	MAIL_RELOADED = 2
};

struct service {
	const struct options *opt;
	struct peer_rules rules;
	struct http *http;
	struct store *store;
	struct ledger *ledger;
	struct journal *journal;
	struct spend *spend;
	struct desk desk;
	struct health health;
	struct crossing crossing;
	int epoll;
	struct event {
		struct watch watch;
		struct service *service;
		int fd;
	} journal_event, mail_event, timer;
	atomic_uint mail;
	pthread_t thread;
	bool running;
	bool stopping;
	bool ticked;  /* in this round */
	bool unsaved; /* the status file could not be written: said once */
	int64_t before_until_ns; /* complete, of what store_go_back() brings */
};

static int64_t monotonic_ns(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

static struct service *service_of(struct watch *w)
{
	return WATCH_OF(w, struct event, watch)->service;
}

static void drain_event(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) == sizeof(n))
		;
}

/* The ledger can be written again, or cannot any more. */
static void look_at_journal(struct service *s)
{
	struct ruling_ground *g = &s->desk.ground;
	struct journal_health now;

	journal_health(&now, s->journal);
	if (now.available == !g->ledger_down)
		return;
	g->ledger_down = !now.available;
	if (g->ledger_down)
		log_line("ledger %s: %s; use that is reported is refused",
			 s->opt->ledger, now.error);
	else
		log_line("ledger %s: available", s->opt->ledger);
}

static void save_health(struct service *s)
{
	int rc = health_save(&s->health, &s->desk);

	if (rc && !s->unsaved)
		log_line("%s: %s", s->health.path, strerror(-rc));
	s->unsaved = rc != 0;
}

static void tick(struct watch *w)
{
	struct service *s = service_of(w);

	drain_event(s->timer.fd);
	s->ticked = true;
	http_tick(s->http);
	spend_tick(s->spend, desk_now_ns(&s->desk));
	look_at_journal(s);
	save_health(s);
}

static void take_mail(struct watch *w)
{
	struct service *s = service_of(w);
	unsigned int mail;

	drain_event(s->mail_event.fd);
	mail = atomic_exchange(&s->mail, 0);
	if (mail & MAIL_RELOADED) {
		ledger_taken(s->ledger, store_taken_ns(s->store));
		journal_taken(s->journal, store_taken_ns(s->store));
		crossing_restart(&s->crossing);
	}
	if (mail & MAIL_STOP) {
		s->stopping = true;
		http_quiesce(s->http);
	}
}

static void take_journal(struct watch *w)
{
	struct service *s = service_of(w);

	drain_event(s->journal_event.fd);
	look_at_journal(s);
	spend_take(s->spend, &s->desk);
}

static int timeout_ms(struct service *s)
{
	if (s->crossing.behind)
		return 0;
	return s->stopping ? 10 : http_timeout_ms(s->http);
}

/* One round: wait, and do what there is. */
static void turn(struct service *s)
{
	struct epoll_event events[EVENTS];
	int ms = timeout_ms(s), n;

	/* Entries are held across nothing. */
	if (ms)
		store_sleep();
	else
		store_pause();
	n = epoll_wait(s->epoll, events, EVENTS, ms);
	if (ms)
		store_wake();
	http_clock(s->http, monotonic_ns());
	s->ticked = false;
	for (int i = 0; i < n; i++) {
		struct watch *w = events[i].data.ptr;

		w->events = events[i].events;
		w->ready(w);
	}
	if (s->crossing.behind)
		crossing_go_on(&s->crossing, desk_now_ns(&s->desk));
	http_run(s->http, s->ticked || n <= 0);
}

static void *run(void *arg)
{
	struct service *s = arg;
	int64_t end_ns;

	store_enter();
	while (!s->stopping)
		turn(s);
	end_ns = monotonic_ns() + FAREWELL_MS * (SECOND_NS / 1000);
	while (spend_pending(s->spend) && monotonic_ns() < end_ns)
		turn(s);
	http_run(s->http, true);
	store_leave();
	return NULL;
}

static bool in_memory(const struct options *o)
{
	return !strcmp(o->ledger, "none");
}

static int open_files(struct service *s)
{
	const struct options *o = s->opt;
	int rc = directory_make_parent(o->trace, 0755);

	if (!rc)
		rc = trace_create(&s->desk.trace, o->trace);
	if (rc) {
		log_line("--trace %s: %s", o->trace, ring_strerror(rc));
		return rc;
	}
	s->health.path = health_path(o->trace);
	if (!s->health.path)
		return -ENOMEM;
	rc = in_memory(o) ? 0 : directory_make_parent(o->ledger, 0700);
	/* A disk that is not there yet must not cost the service. */
	if (rc)
		log_line("--ledger %s: %s", o->ledger, strerror(-rc));
	return 0;
}

static int open_listeners(struct service *s)
{
	const struct text_list *list = &s->opt->listen;
	const struct http_config cfg = { s->epoll, &s->rules, desk_want,
					 desk_serve, &s->desk };
	int rc = http_new(&s->http, &cfg, list->n);

	for (size_t i = 0; !rc && i < list->n; i++) {
		struct listener l;

		rc = listener_open(&l, list->items[i]);
		if (rc)
			break;
		rc = http_add(s->http, &l);
		if (!rc)
			continue;
		log_line("cannot serve %s: %s", list->items[i], strerror(-rc));
		listener_close(&l);
	}
	return rc;
}

static int watch_event(struct service *s, struct event *e, int fd,
		       void (*ready)(struct watch *w))
{
	e->fd = fd;
	e->service = s;
	e->watch.ready = ready;
	return fd < 0 ? -errno : watch_add(s->epoll, &e->watch, fd, EPOLLIN);
}

static int open_events(struct service *s)
{
	struct itimerspec every = { .it_interval.tv_sec = 1,
				    .it_value.tv_sec = 1 };
	int rc;

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	rc = watch_event(s, &s->journal_event,
			 eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), take_journal);
	if (!rc)
		rc = watch_event(s, &s->mail_event,
				 eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
				 take_mail);
	if (!rc)
		rc = watch_event(s, &s->timer,
				 timerfd_create(CLOCK_MONOTONIC,
						TFD_CLOEXEC | TFD_NONBLOCK),
				 tick);
	if (!rc && timerfd_settime(s->timer.fd, 0, &every, NULL))
		rc = -errno;
	return rc;
}

static void fill_ground(struct service *s)
{
	const struct options *o = s->opt;

	s->desk.clock_ns = o->clock_ns;
	s->desk.ground = (struct ruling_ground){
		.cfg = {
			.profile = o->profile,
			.run_mode = o->run_mode,
			.trust_forwarded = o->trust_forwarded,
			.proxies = o->proxies.items,
			.n_proxies = o->proxies.n,
			.client_ip_headers = (const char *const *)
				o->client_ip_headers.items,
			.n_client_ip_headers = o->client_ip_headers.n,
		},
		.store = s->store,
		.ledger = s->ledger,
		.max_age_ns = (int64_t)o->max_age_ns,
		.on_stale = o->on_stale,
	};
}

int service_open(struct service **out, const struct options *o)
{
	const struct ledger_config money = {
		.hold_default_nusd = o->hold_default_nusd,
		.hold_max_nusd = o->hold_max_nusd,
		.hold_ttl_ns = (int64_t)o->hold_ttl_ns,
	};
	struct service *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->opt = o;
	s->epoll = s->journal_event.fd = s->mail_event.fd = s->timer.fd = -1;
	rc = peer_rules_init(&s->rules, &o->socket_peers, &o->proxies);
	if (!rc)
		rc = open_events(s);
	/* The trace has one writer: a socket that nobody listens on may be of
	 * one who is just starting.
	 */
	if (!rc)
		rc = open_files(s);
	if (!rc)
		rc = open_listeners(s);
	if (!rc)
		rc = store_new(&s->store);
	if (!rc)
		rc = ledger_new(&s->ledger, &money);
	if (rc) {
		service_free(s);
		return rc;
	}
	fill_ground(s);
	*out = s;
	return 0;
}

void service_suspect(struct service *s, struct suspects *suspects)
{
	s->desk.suspects = suspects;
}

static int restore(struct service *s)
{
	int64_t now_ns = desk_now_ns(&s->desk);
	int rc = journal_new(&s->journal,
			     in_memory(s->opt) ? NULL : s->opt->ledger,
			     s->journal_event.fd);

	if (rc)
		return rc;
	ledger_taken(s->ledger, store_taken_ns(s->store));
	journal_taken(s->journal, store_taken_ns(s->store));
	/* What cannot be had now comes once it can. */
	rc = journal_restore(s->journal, s->ledger, now_ns);
	if (rc == -EAGAIN)
		look_at_journal(s);
	return rc == -EAGAIN ? 0 : rc;
}

static int start_thread(struct service *s)
{
	int rc = -pthread_create(&s->thread, NULL, run, s);

	s->running = !rc;
	return rc;
}

int service_start(struct service *s, service_tell_fn *tell, void *arg)
{
	int rc = restore(s);

	if (!rc) {
		const struct spend_config spend = {
			.ledger = s->ledger,
			.journal = s->journal,
			.crossing = &s->crossing,
			.hold_max_nusd = s->opt->hold_max_nusd,
			.hold_ttl_ns = (int64_t)s->opt->hold_ttl_ns,
		};

		rc = spend_new(&s->spend, &spend);
	}
	s->crossing = (struct crossing){
		.tell = tell, .arg = arg, .store = s->store, .ledger = s->ledger
	};
	crossing_restart(&s->crossing);
	s->health.http = s->http;
	s->health.store = s->store;
	s->health.ledger = s->ledger;
	s->health.journal = s->journal;
	s->health.spend = s->spend;
	s->health.crossing = &s->crossing;
	s->health.overshoot_nusd = s->opt->hold_max_nusd;
	s->desk.spend = s->spend;
	s->desk.health = &s->health;
	if (!rc)
		rc = http_listen(s->http);
	if (!rc)
		rc = start_thread(s);
	if (rc)
		log_line("cannot start the decision service: %s",
			 strerror(-rc));
	return rc;
}

static void send_mail(struct service *s, enum mail mail)
{
	const uint64_t one = 1;

	atomic_fetch_or(&s->mail, mail);
	/* A full counter wakes just as well. */
	if (write(s->mail_event.fd, &one, sizeof(one)) < 0)
		return;
}

int service_replace(struct service *s, struct snapshot *snap,
		    int64_t complete_until_ns, bool on_trial)
{
	_Atomic int64_t *until_ns = &s->desk.ground.complete_until_ns;
	int64_t before_ns = atomic_exchange(until_ns, 0);
	int rc = on_trial ? store_try(s->store, snap)
			  : store_replace(s->store, snap);

	/* Never was a key unknown by the word of the other snapshot. */
	atomic_store(until_ns, rc ? before_ns : complete_until_ns);
	if (rc)
		return rc;
	s->before_until_ns = before_ns;
	send_mail(s, MAIL_RELOADED);
	return 0;
}

void service_keep(struct service *s)
{
	store_keep(s->store);
}

int service_go_back(struct service *s)
{
	_Atomic int64_t *until_ns = &s->desk.ground.complete_until_ns;
	int64_t now_ns = atomic_exchange(until_ns, 0);
	int rc = store_go_back(s->store);

	atomic_store(until_ns, rc ? now_ns : s->before_until_ns);
	if (!rc)
		send_mail(s, MAIL_RELOADED);
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void service_free(struct service *s)
{
	if (!s)
		return;
	if (s->running) {
		send_mail(s, MAIL_STOP);
		pthread_join(s->thread, NULL);
	} else if (s->http) {
		http_quiesce(s->http);
	}
	/* The library cannot let go of connections that still wait. */
	if (!s->spend || !spend_pending(s->spend))
		http_free(s->http);
	journal_free(s->journal);
	spend_free(s->spend);
	ledger_free(s->ledger);
	if (s->store)
		store_free(s->store);
	trace_close(s->desk.trace);
	peer_rules_fini(&s->rules);
	free(s->health.path);
	close_fd(s->epoll);
	close_fd(s->journal_event.fd);
	close_fd(s->mail_event.fd);
	close_fd(s->timer.fd);
	free(s);
}
