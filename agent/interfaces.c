// SPDX-License-Identifier: GPL-2.0-only
#include "interfaces.h"

#include <net/if.h>
#include <stdlib.h>

#include "attach.h"
#include "host.h"

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

int interfaces_attach(const struct options *o, const struct loader *l)
{
	const struct attach_programs p = programs(o, l);
	const struct attach_filters filters = {
		.request_fd = loader_request_fd(l),
		.reply_fd = loader_reply_fd(l),
	};
	int rc = 0;

	for (size_t i = 0; i < o->interfaces.n && !rc; i++) {
		const char *name = o->interfaces.items[i];

		rc = attach_address(o->pin_dir, &p, host_find_interface(name),
				    name);
	}
	for (size_t i = 0; i < o->request_interfaces.n && !rc; i++) {
		const char *name = o->request_interfaces.items[i];

		rc = attach_request(o->pin_dir, &filters,
				    host_find_interface(name), name);
	}
	return rc;
}

bool interfaces_listed(const struct text_list *list, int ifindex)
{
	for (size_t i = 0; i < list->n; i++) {
		if ((int)if_nametoindex(list->items[i]) == ifindex)
			return true;
	}
	return false;
}

int interfaces_prune(const struct options *o)
{
	struct attachment *list;
	size_t n;
	int rc = attach_list(&list, &n, o->pin_dir);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && !rc; i++) {
		const struct attachment *t = &list[i];

		if ((t->xdp || t->address) &&
		    !interfaces_listed(&o->interfaces, t->ifindex))
			rc = attach_remove_address(o->pin_dir, t->ifindex,
						   t->name);
		if (!rc && (t->request || t->reply) &&
		    !interfaces_listed(&o->request_interfaces, t->ifindex))
			rc = attach_remove_request(o->pin_dir, t->ifindex,
						   t->name);
	}
	free(list);
	return rc;
}
