// SPDX-License-Identifier: GPL-2.0-only
#include "interfaces.h"

#include <net/if.h>
#include <stdlib.h>

#include "host.h"
#include "origin.h"

/* l is NULL where programs are not loaded yet. */
static struct attach_programs programs(const struct options *o,
				       const struct loader *l)
{
	return (struct attach_programs){
		.native_fd = l ? loader_xdp_fd(l) : -1,
		.generic_fd = l ? loader_xdp_generic_fd(l) : -1,
		.tc_fd = l ? loader_address_fd(l) : -1,
		.may_be_native =
			o->xdp_mode == XDP_AUTO || o->xdp_mode == XDP_NATIVE,
		.may_be_generic =
			o->xdp_mode == XDP_AUTO || o->xdp_mode == XDP_GENERIC,
	};
}

int interfaces_check(const struct options *o)
{
	const struct attach_programs p = programs(o, NULL);
	int rc = 0;

	for (size_t i = 0; i < o->interfaces.n && !rc; i++) {
		const char *name = o->interfaces.items[i];
		int ifindex = host_find_interface(name);

		rc = ifindex < 0 ? ifindex
				 : attach_check_address(o->pin_dir, &p, ifindex,
							name);
	}
	for (size_t i = 0; i < o->request_interfaces.n && !rc; i++) {
		const char *name = o->request_interfaces.items[i];
		int ifindex = host_find_interface(name);

		rc = ifindex < 0
			     ? ifindex
			     : attach_check_request(o->pin_dir, ifindex, name);
	}
	return rc;
}

static int put_addresses(const struct options *o, const struct loader *l,
			 int ifindex, const char *name)
{
	const struct attach_programs p = programs(o, l);

	return attach_address(o->pin_dir, &p, ifindex, name);
}

static int put_requests(const struct options *o, const struct loader *l,
			int ifindex, const char *name)
{
	const struct attach_filters filters = {
		.request_fd = loader_request_fd(l),
		.reply_fd = loader_reply_fd(l),
	};

	return attach_request(o->pin_dir, &filters, ifindex, name);
}

static void claim(const struct loader *l)
{
	origin_claim(loader_xdp_fd(l));
	origin_claim(loader_xdp_generic_fd(l));
	origin_claim(loader_address_fd(l));
	origin_claim(loader_request_fd(l));
	origin_claim(loader_reply_fd(l));
}

int interfaces_attach(const struct options *o, const struct loader *l)
{
	int rc = 0;

	claim(l);
	for (size_t i = 0; i < o->interfaces.n && !rc; i++) {
		const char *name = o->interfaces.items[i];

		rc = put_addresses(o, l, host_find_interface(name), name);
	}
	for (size_t i = 0; i < o->request_interfaces.n && !rc; i++) {
		const char *name = o->request_interfaces.items[i];

		rc = put_requests(o, l, host_find_interface(name), name);
	}
	return rc;
}

unsigned int interfaces_lack(const struct options *o, unsigned int duties,
			     int ifindex)
{
	const struct attach_programs p = programs(o, NULL);

	if (duties & INTERFACES_ADDRESSES &&
	    attach_has_address(o->pin_dir, &p, ifindex))
		duties &= ~INTERFACES_ADDRESSES;
	if (duties & INTERFACES_REQUESTS &&
	    attach_has_request(o->pin_dir, ifindex))
		duties &= ~INTERFACES_REQUESTS;
	return duties;
}

/* One failure is no reason to leave the other out, too. */
int interfaces_put(const struct options *o, const struct loader *l,
		   unsigned int duties, int ifindex, const char *name)
{
	const struct attach_programs p = programs(o, l);
	int rc = 0, other = 0;

	duties = interfaces_lack(o, duties, ifindex);
	if (duties & INTERFACES_ADDRESSES)
		rc = attach_check_address(o->pin_dir, &p, ifindex, name);
	if (!rc && duties & INTERFACES_ADDRESSES)
		rc = put_addresses(o, l, ifindex, name);
	if (duties & INTERFACES_REQUESTS)
		other = put_requests(o, l, ifindex, name);
	return rc ? rc : other;
}

bool interfaces_listed(const struct text_list *list, int ifindex)
{
	for (size_t i = 0; i < list->n; i++) {
		if ((int)if_nametoindex(list->items[i]) == ifindex)
			return true;
	}
	return false;
}

static int take_away(const struct options *o, const struct attachment *t,
		     bool addresses, bool requests)
{
	int rc = 0;

	if (addresses && (t->xdp || t->address))
		rc = attach_remove_address(o->pin_dir, t->ifindex, t->name);
	if (!rc && requests && (t->request || t->reply))
		rc = attach_remove_request(o->pin_dir, t->ifindex, t->name);
	return rc;
}

int interfaces_prune(const struct options *o)
{
	struct attachment *list;
	size_t n;
	int rc = attach_list(&list, &n, o->pin_dir);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++)
		rc = take_away(
			o, &list[i],
			!interfaces_listed(&o->interfaces, list[i].ifindex),
			!interfaces_listed(&o->request_interfaces,
					   list[i].ifindex));
	free(list);
	return rc;
}

int interfaces_restore(const struct options *o, const struct attachment *before,
		       size_t n)
{
	struct attachment *list;
	size_t n_now;
	int rc = attach_list(&list, &n_now, o->pin_dir);

	if (rc)
		return rc;
	for (size_t i = 0; i < n_now && !rc; i++) {
		bool addresses = false, requests = false;

		for (size_t k = 0; k < n; k++) {
			const struct attachment *b = &before[k];

			if (b->ifindex != list[i].ifindex)
				continue;
			addresses = b->xdp || b->address;
			requests = b->request || b->reply;
		}
		rc = take_away(o, &list[i], !addresses, !requests);
	}
	free(list);
	return rc;
}
