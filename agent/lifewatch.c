// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's notifications say that a default route, a next hop or an address
 * has changed; those of other routes, which a router has thousands of a second,
 * do not count.  What was lost may have been of any kind.
 */
#include "lifewatch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "clock.h"

#define EVENT_SIZE 32768
/* Reads in a row; what is left counts as a change. */
#define READS_MAX 64
#define PAUSE_NS 1000000000ULL
/* At most this part of the time goes into looks. */
#define SHARE 20
/* Whatever was missed is not missed for ever. */
#define AGE_MAX_NS 60000000000ULL

struct lifewatch {
	const struct options *opt;
	const struct prefix_list *peers;
	struct mnl_socket *nl;
	struct lifelines lines; /* none where the last look failed */
	struct lifewatch_age age;
	uint64_t n_looks;
};

bool lifewatch_is_due(const struct lifewatch_age *a, uint64_t now_ns)
{
	uint64_t pause_ns = SHARE * a->took_ns, age_ns = now_ns - a->ended_ns;

	if (pause_ns < PAUSE_NS)
		pause_ns = PAUSE_NS;
	return age_ns >= pause_ns && (a->stale || age_ns >= AGE_MAX_NS);
}

static int open_events(struct lifewatch *w)
{
	static const int groups[] = {
		RTNLGRP_IPV4_ROUTE,  RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_NEXTHOP,
	};

	w->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->nl || mnl_socket_bind(w->nl, 0, MNL_SOCKET_AUTOPID))
		return -errno;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(w->nl, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)))
			return -errno;
	}
	return 0;
}

int lifewatch_open(struct lifewatch **out, const struct options *o,
		   const struct prefix_list *peers)
{
	struct lifewatch *w = calloc(1, sizeof(*w));
	int rc = w ? 0 : -ENOMEM;

	if (!rc) {
		w->opt = o;
		w->peers = peers;
		rc = open_events(w);
	}
	if (rc)
		lifewatch_close(w);
	else
		*out = w;
	return rc;
}

void lifewatch_close(struct lifewatch *w)
{
	if (!w)
		return;
	if (w->nl)
		mnl_socket_close(w->nl);
	lifelines_fini(&w->lines);
	free(w);
}

static int note_event(const struct nlmsghdr *nlh, void *arg)
{
	struct lifewatch *w = arg;
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);
	bool is_route = nlh->nlmsg_type == RTM_NEWROUTE ||
			nlh->nlmsg_type == RTM_DELROUTE;

	w->age.stale |= !is_route ||
			mnl_nlmsg_get_payload_len(nlh) < sizeof(*route) ||
			!route->rtm_dst_len;
	return MNL_CB_OK;
}

static void take_events(struct lifewatch *w)
{
	char buf[EVENT_SIZE];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = mnl_socket_recvfrom(w->nl, buf, sizeof(buf));

		if (n > 0)
			mnl_cb_run(buf, (size_t)n, 0, 0, note_event, w);
		else if (n < 0 && errno == EAGAIN)
			return;
		else if (n < 0 && errno != EINTR)
			w->age.stale = true;
	}
	w->age.stale = true;
}

static void collect(struct lifewatch *w)
{
	uint64_t began_ns = clock_boot_ns();

	lifelines_fini(&w->lines);
	w->age.stale = lifelines_collect(&w->lines, w->opt, w->peers);
	w->n_looks++;
	w->age.ended_ns = clock_boot_ns();
	w->age.took_ns = w->age.ended_ns - began_ns;
}

const struct lifelines *lifewatch_look(struct lifewatch *w)
{
	take_events(w);
	if (!w->n_looks || lifewatch_is_due(&w->age, clock_boot_ns()))
		collect(w);
	return w->age.stale ? NULL : &w->lines;
}

uint64_t lifewatch_looks(const struct lifewatch *w)
{
	return w->n_looks;
}
