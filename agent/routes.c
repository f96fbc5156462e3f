// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gateways are where RTA_GATEWAY says, or RTA_VIA (an IPv4 route by way of an
 * IPv6 router), in the route itself or in each of its next hops.  Next hop
 * objects are resolved by the kernel unless net.ipv4.nexthop_compat_mode is 0;
 * then only their numbers are here, and are asked for.
 */
#include "routes.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A dump during which routes changed is taken again. */
#define TRIES 5
#define REPLY_SIZE 32768

/* One look at all routes. */
struct search {
	struct routes found;
	uint32_t *objects; /* numbers of next hop objects */
	size_t n_objects;
	int family; /* of the dump */
	int rc;
};

static size_t size_of(int family)
{
	return family == AF_INET ? 4 : 16;
}

static void add_gateway(struct search *s, int family, const void *addr,
			uint32_t ifindex)
{
	struct route r = { .interface = "?" }, *grown;

	r.gateway.family = (uint8_t)family;
	r.gateway.len = (uint8_t)(size_of(family) * 8);
	memcpy(r.gateway.addr, addr, size_of(family));
	if_indextoname(ifindex, r.interface);
	for (size_t i = 0; i < s->found.n; i++) {
		if (!memcmp(&s->found.items[i], &r, sizeof(r)))
			return;
	}
	grown = reallocarray(s->found.items, s->found.n + 1, sizeof(*grown));
	if (!grown) {
		s->rc = -ENOMEM;
		return;
	}
	s->found.items = grown;
	grown[s->found.n++] = r;
}

static void add_object(struct search *s, uint32_t id)
{
	uint32_t *grown;

	for (size_t i = 0; i < s->n_objects; i++) {
		if (s->objects[i] == id)
			return;
	}
	grown = reallocarray(s->objects, s->n_objects + 1, sizeof(*grown));
	if (!grown) {
		s->rc = -ENOMEM;
		return;
	}
	s->objects = grown;
	grown[s->n_objects++] = id;
}

static void take_via(struct search *s, const struct nlattr *a, uint32_t ifindex)
{
	const struct rtvia *via = mnl_attr_get_payload(a);
	size_t size = mnl_attr_get_payload_len(a);

	if (size < sizeof(*via))
		return;
	if ((via->rtvia_family == AF_INET || via->rtvia_family == AF_INET6) &&
	    size >= sizeof(*via) + size_of(via->rtvia_family))
		add_gateway(s, via->rtvia_family, via->rtvia_addr, ifindex);
}

/* The attributes of a route, or of one of its next hops. */
struct hop {
	struct search *s;
	const struct nlattr *gateway;
	const struct nlattr *via;
	const struct nlattr *hops;
	uint32_t ifindex;
};

static int note_attribute(const struct nlattr *a, void *arg)
{
	struct hop *h = arg;

	switch (mnl_attr_get_type(a)) {
	case RTA_GATEWAY:
		h->gateway = a;
		break;
	case RTA_VIA:
		h->via = a;
		break;
	case RTA_MULTIPATH:
		h->hops = a;
		break;
	case RTA_OIF:
		h->ifindex = mnl_attr_get_u32(a);
		break;
	case RTA_NH_ID:
		add_object(h->s, mnl_attr_get_u32(a));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static void take_hop(const struct hop *h)
{
	if (h->via)
		take_via(h->s, h->via, h->ifindex);
	if (h->gateway &&
	    mnl_attr_get_payload_len(h->gateway) >= size_of(h->s->family))
		add_gateway(h->s, h->s->family,
			    mnl_attr_get_payload(h->gateway), h->ifindex);
}

static void take_hops(struct search *s, const struct nlattr *hops)
{
	const char *at = mnl_attr_get_payload(hops);
	const char *end = at + mnl_attr_get_payload_len(hops);

	while ((size_t)(end - at) >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *next = (const void *)at;
		struct hop h = { .s = s,
				 .ifindex = (uint32_t)next->rtnh_ifindex };

		if (next->rtnh_len < sizeof(*next) || next->rtnh_len > end - at)
			return;
		mnl_attr_parse_payload(next + 1, next->rtnh_len - sizeof(*next),
				       note_attribute, &h);
		take_hop(&h);
		at += next->rtnh_len < end - at ? RTNH_ALIGN(next->rtnh_len)
						: end - at;
	}
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);
	struct hop h = { .s = arg };

	if (nlh->nlmsg_type != RTM_NEWROUTE || route->rtm_dst_len ||
	    route->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*route), note_attribute, &h);
	take_hop(&h);
	if (h.hops)
		take_hops(h.s, h.hops);
	return MNL_CB_OK;
}

/* The attributes of a next hop object. */
struct object {
	const struct nlattr *gateway;
	const struct nlattr *group;
	uint32_t id;
	uint32_t ifindex;
};

static int note_object(const struct nlattr *a, void *arg)
{
	struct object *o = arg;

	switch (mnl_attr_get_type(a)) {
	case NHA_ID:
		o->id = mnl_attr_get_u32(a);
		break;
	case NHA_OIF:
		o->ifindex = mnl_attr_get_u32(a);
		break;
	case NHA_GATEWAY:
		o->gateway = a;
		break;
	case NHA_GROUP:
		o->group = a;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static void take_group(struct search *s, const struct nlattr *group)
{
	const struct nexthop_grp *member = mnl_attr_get_payload(group);
	size_t n = mnl_attr_get_payload_len(group) / sizeof(*member);

	for (size_t i = 0; i < n; i++)
		add_object(s, member[i].id);
}

static int take_object(const struct nlmsghdr *nlh, void *arg)
{
	const struct nhmsg *hop = mnl_nlmsg_get_payload(nlh);
	struct search *s = arg;
	struct object o = { 0 };
	bool wanted = false;

	if (nlh->nlmsg_type != RTM_NEWNEXTHOP)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*hop), note_object, &o);
	for (size_t i = 0; i < s->n_objects; i++)
		wanted |= s->objects[i] == o.id;
	if (wanted && o.group)
		take_group(s, o.group);
	if (wanted && o.gateway &&
	    mnl_attr_get_payload_len(o.gateway) >= size_of(hop->nh_family))
		add_gateway(s, hop->nh_family, mnl_attr_get_payload(o.gateway),
			    o.ifindex);
	return MNL_CB_OK;
}

/* -EINTR: what was dumped changed on the way. */
static int receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t take,
		   struct search *s)
{
	char buf[REPLY_SIZE];
	int rc = MNL_CB_OK;

	while (rc > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(nl),
				take, s);
	}
	return rc < 0 ? -errno : s->rc;
}

static int dump(struct mnl_socket *nl, uint16_t type, mnl_cb_t take,
		struct search *s)
{
	/* Both requests begin with the family and are as long as the longer. */
	char buf[MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct rtmsg))];
	static unsigned int seq;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	size_t size = type == RTM_GETROUTE ? sizeof(struct rtmsg)
					   : sizeof(struct nhmsg);
	struct rtgenmsg *general = mnl_nlmsg_put_extra_header(nlh, size);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++seq;
	general->rtgen_family = (unsigned char)s->family;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return receive(nl, seq, take, s);
}

/* Next hop objects twice: groups may come after their members. */
static int look(struct mnl_socket *nl, struct search *s)
{
	int rc;

	s->family = AF_INET;
	rc = dump(nl, RTM_GETROUTE, take_route, s);
	s->family = AF_INET6;
	if (!rc)
		rc = dump(nl, RTM_GETROUTE, take_route, s);
	s->family = AF_UNSPEC;
	for (int i = 0; i < 2 && !rc && s->n_objects; i++)
		rc = dump(nl, RTM_GETNEXTHOP, take_object, s);
	return rc;
}

static int try(struct routes *out)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct search s = { 0 };
	int rc = nl ? 0 : -errno;

	if (!rc && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID))
		rc = -errno;
	if (!rc)
		rc = look(nl, &s);
	if (nl)
		mnl_socket_close(nl);
	free(s.objects);
	if (rc)
		routes_fini(&s.found);
	else
		*out = s.found;
	return rc;
}

int routes_find_gateways(struct routes *out)
{
	int rc = -EINTR;

	for (int i = 0; i < TRIES && rc == -EINTR; i++)
		rc = try(out);
	return rc;
}

void routes_fini(struct routes *r)
{
	free(r->items);
	*r = (struct routes){ NULL, 0 };
}
