// SPDX-License-Identifier: GPL-2.0-only
#include "interfaces.h"

#include <net/if.h>
#include <stdlib.h>

#include "attach.h"
#include "host.h"

static int check_list(const struct options *o, const struct text_list *list,
		      int (*check)(const char *pin_dir, int ifindex,
				   const char *name))
{
	int rc = 0;

	for (size_t i = 0; i < list->n && !rc; i++) {
		int ifindex = host_find_interface(list->items[i]);

		rc = ifindex < 0 ? ifindex
				 : check(o->pin_dir, ifindex, list->items[i]);
	}
	return rc;
}

int interfaces_check(const struct options *o)
{
	int rc = check_list(o, &o->interfaces, attach_check_xdp);

	return rc ? rc
		  : check_list(o, &o->request_interfaces, attach_check_request);
}

int interfaces_attach(const struct options *o, const struct loader *l)
{
	const struct attach_programs xdp = {
		.native_fd = loader_xdp_fd(l),
		.generic_fd = loader_xdp_generic_fd(l),
		.may_be_native = o->xdp_mode != XDP_GENERIC,
		.may_be_generic = o->xdp_mode != XDP_NATIVE,
	};
	const struct attach_filters filters = {
		.request_fd = loader_request_fd(l),
		.reply_fd = loader_reply_fd(l),
	};
	int rc = 0;

	for (size_t i = 0; i < o->interfaces.n && !rc; i++) {
		const char *name = o->interfaces.items[i];

		rc = attach_xdp(o->pin_dir, &xdp, host_find_interface(name),
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

		if (t->xdp && !interfaces_listed(&o->interfaces, t->ifindex))
			rc = attach_remove_xdp(o->pin_dir, t->ifindex, t->name);
		if (!rc && (t->request || t->reply) &&
		    !interfaces_listed(&o->request_interfaces, t->ifindex))
			rc = attach_remove_request(o->pin_dir, t->ifindex,
						   t->name);
	}
	free(list);
	return rc;
}
