// SPDX-License-Identifier: GPL-2.0-only
/*
 * An event is only a reason to look: what counts is what the kernel has on the
 * interfaces then, so that nothing is missed when events are lost, doubled or
 * late.  Where the filter cannot be put it is tried again, at events and by a
 * timer that gets slower.
 *
 * A filter stays on an interface that is renamed: it is the same wire.
 */
#include "links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "host.h"
#include "interfaces.h"
#include "log.h"
#include "pins.h"
#include "wanted.h"
#include "watch.h"
#include "xdp.h"

#define EVENT_SIZE 32768
#define MAX_PAUSE 64 /* seconds between tries, or more */

enum state {
	LINK_FILTERED,
	LINK_GONE,
	LINK_RENAMED, /* filtered under another name */
	LINK_FOREIGN, /* its frames are not Ethernet's */
	LINK_REFUSED, /* the filter cannot be attached */
};

/* One name on the operator's lists. */
struct link {
	const char *name;
	unsigned int duties; /* INTERFACES_* */
	int ifindex;	     /* filtered last, or refused last */
	enum state state;
	uint32_t occupant;  /* the XDP program that was in the way; 0: none */
	unsigned int pause; /* seconds between the last try and the next */
	unsigned int wait;  /* of them, left */
};

struct links {
	const struct options *opt;
	const struct loader *loader;
	int epoll;
	struct mnl_socket *nl;
	int timer;
	struct watch event;
	struct watch tick;
	bool some_left; /* since the last sweep of their pins */
	size_t n;
	struct link items[];
};

static const char *duties_print(unsigned int duties)
{
	static const char *const texts[] = {
		[INTERFACES_ADDRESSES] = "addresses are",
		[INTERFACES_REQUESTS] = "requests are",
		[INTERFACES_ADDRESSES | INTERFACES_REQUESTS] =
			"addresses and requests are",
	};

	return texts[duties];
}

static void log_loss(const struct link *k, enum state state,
		     const char *now_called)
{
	const char *what = duties_print(k->duties);

	if (state == LINK_RENAMED)
		log_line("interface %s is called %s now: %s judged there until "
			 "another %s is here",
			 k->name, now_called, what, k->name);
	else if (state == LINK_GONE)
		log_line("interface %s is gone: %s not judged there until it "
			 "is back",
			 k->name, what);
	else
		log_line("interface %s carries no Ethernet frames now: %s not "
			 "judged there",
			 k->name, what);
}

/* Status is told, too; that it cannot be is no reason to stop. */
static void enter(struct links *l, struct link *k, enum state state)
{
	int rc;

	if (state == LINK_FILTERED)
		rc = wanted_remove(l->opt->pin_dir, k->name);
	else
		rc = wanted_add(l->opt->pin_dir, k->name);
	if (rc)
		log_line("interface %s: cannot note its state for status: %s",
			 k->name, strerror(-rc));
	k->state = state;
}

/* There is no such interface, or it is of a kind that cannot be filtered. */
static void lose(struct links *l, struct link *k, int why)
{
	char now_called[IF_NAMESIZE] = "";
	enum state state = why == -ENODEV ? LINK_GONE : LINK_FOREIGN;

	if (state == LINK_GONE && k->ifindex &&
	    if_indextoname((unsigned int)k->ifindex, now_called) &&
	    !interfaces_lack(l->opt, k->duties, k->ifindex))
		state = LINK_RENAMED;
	if (state == k->state)
		return;
	log_loss(k, state, now_called);
	enter(l, k, state);
}

/* All of its duties are done there; was_put: just now. */
static void hold(struct links *l, struct link *k, int ifindex, bool was_put)
{
	bool stayed = k->state == LINK_FILTERED && k->ifindex == ifindex;

	k->ifindex = ifindex;
	k->occupant = 0;
	if (stayed && was_put)
		log_line("interface %s: its filter was missing and is attached "
			 "again",
			 k->name);
	if (!stayed)
		log_line("interface %s is back: %s judged there", k->name,
			 duties_print(k->duties));
	if (k->state != LINK_FILTERED)
		enter(l, k, LINK_FILTERED);
}

/* The XDP program that is in our way; 0: there is none. */
static uint32_t xdp_id(const struct links *l, int ifindex)
{
	enum xdp_kind kind;
	uint32_t id;

	if (l->opt->xdp_mode == XDP_TC || xdp_query(&id, &kind, ifindex))
		return 0;
	return id;
}

/* The same failure as before: said once, tried again ever more rarely. */
static void refuse(struct links *l, struct link *k, int ifindex,
		   unsigned int lack)
{
	bool again = k->state == LINK_REFUSED && k->ifindex == ifindex;

	k->ifindex = ifindex;
	k->occupant = lack == INTERFACES_ADDRESSES ? xdp_id(l, ifindex) : 0;
	k->pause = again && k->pause < MAX_PAUSE ? 2 * k->pause : 1;
	k->wait = k->pause;
	if (again)
		return;
	log_line("interface %s: %s not judged there until that is mended",
		 k->name, duties_print(lack));
	enter(l, k, LINK_REFUSED);
}

/* Nothing has changed since it was refused, and it is not time yet. */
static bool is_hopeless(const struct links *l, const struct link *k,
			int ifindex)
{
	if (k->state != LINK_REFUSED || k->ifindex != ifindex)
		return false;
	if (k->occupant)
		return xdp_id(l, ifindex) == k->occupant;
	return k->wait > 0;
}

static void put(struct links *l, struct link *k, int ifindex)
{
	unsigned int lack;

	interfaces_put(l->opt, l->loader, k->duties, ifindex, k->name);
	lack = interfaces_lack(l->opt, k->duties, ifindex);
	if (lack)
		refuse(l, k, ifindex, lack);
	else
		hold(l, k, ifindex, true);
}

static void look_at(struct links *l, struct link *k)
{
	int ifindex = host_seek_interface(k->name);
	bool is_done =
		ifindex >= 0 && !interfaces_lack(l->opt, k->duties, ifindex);

	/* One that is just being deleted lacks everything, too. */
	if (ifindex >= 0 && !is_done)
		ifindex = host_seek_interface(k->name);
	if (ifindex < 0)
		lose(l, k, ifindex);
	else if (is_done)
		hold(l, k, ifindex, false);
	else if (!is_hopeless(l, k, ifindex))
		put(l, k, ifindex);
}

static void set_timer(struct links *l)
{
	struct itimerspec second = { .it_value.tv_sec = 1 };
	bool is_needed = false;

	for (size_t i = 0; i < l->n; i++)
		is_needed |= l->items[i].state == LINK_REFUSED;
	if (!is_needed)
		second.it_value.tv_sec = 0;
	if (timerfd_settime(l->timer, 0, &second, NULL))
		log_line("cannot watch for interfaces by time: %s",
			 strerror(errno));
}

static void look(struct links *l)
{
	int rc;

	for (size_t i = 0; i < l->n; i++)
		look_at(l, &l->items[i]);
	if (l->some_left) {
		rc = pins_sweep(l->opt->pin_dir);
		if (rc)
			log_line("cannot remove the pins of an interface that "
				 "is gone: %s",
				 strerror(-rc));
		l->some_left = false;
	}
	set_timer(l);
}

static int note_event(const struct nlmsghdr *nlh, void *arg)
{
	struct links *l = arg;

	l->some_left |= nlh->nlmsg_type == RTM_DELLINK;
	return MNL_CB_OK;
}

/* Events that were lost may have been of any kind. */
static void take_events(struct watch *w)
{
	struct links *l = WATCH_OF(w, struct links, event);
	char buf[EVENT_SIZE];
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(l->nl, buf, sizeof(buf));
		if (n > 0)
			mnl_cb_run(buf, (size_t)n, 0, 0, note_event, l);
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			l->some_left = true;
	} while (n > 0 || (n < 0 && errno == EINTR));
	look(l);
}

static void take_tick(struct watch *w)
{
	struct links *l = WATCH_OF(w, struct links, tick);
	uint64_t times;

	if (read(l->timer, &times, sizeof(times)) != sizeof(times))
		return;
	for (size_t i = 0; i < l->n; i++)
		l->items[i].wait -= l->items[i].wait > 0;
	look(l);
}

static int open_events(struct links *l)
{
	int rc;

	l->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!l->nl || mnl_socket_bind(l->nl, RTMGRP_LINK, MNL_SOCKET_AUTOPID))
		return -errno;
	l->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer < 0)
		return -errno;
	l->event.ready = take_events;
	l->tick.ready = take_tick;
	rc = watch_add(l->epoll, &l->event, mnl_socket_get_fd(l->nl), EPOLLIN);
	return rc ? rc : watch_add(l->epoll, &l->tick, l->timer, EPOLLIN);
}

static void add_names(struct links *l, const struct text_list *names,
		      unsigned int duty)
{
	for (size_t i = 0; i < names->n; i++) {
		size_t k = 0;

		while (k < l->n && strcmp(l->items[k].name, names->items[i]))
			k++;
		if (k == l->n)
			l->items[l->n++].name = names->items[i];
		l->items[k].duties |= duty;
	}
}

int links_open(struct links **out, int epoll, const struct options *o,
	       const struct loader *loader)
{
	size_t n = o->interfaces.n + o->request_interfaces.n;
	struct links *l = calloc(1, sizeof(*l) + n * sizeof(l->items[0]));
	int rc;

	if (!l)
		return -ENOMEM;
	l->opt = o;
	l->loader = loader;
	l->epoll = epoll;
	l->timer = -1;
	add_names(l, &o->interfaces, INTERFACES_ADDRESSES);
	add_names(l, &o->request_interfaces, INTERFACES_REQUESTS);
	for (size_t i = 0; i < l->n; i++)
		l->items[i].ifindex = (int)if_nametoindex(l->items[i].name);
	rc = open_events(l);
	/* What an earlier run lacked this one has. */
	if (!rc)
		rc = wanted_remove_all(o->pin_dir);
	if (rc) {
		links_close(l);
		return rc;
	}
	/* Since they were attached they may have gone. */
	l->some_left = true;
	look(l);
	*out = l;
	return 0;
}

/* Closed descriptors leave the epoll set by themselves. */
void links_close(struct links *l)
{
	if (!l)
		return;
	if (l->nl)
		mnl_socket_close(l->nl);
	if (l->timer >= 0)
		close(l->timer);
	free(l);
}
