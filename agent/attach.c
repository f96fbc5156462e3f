// SPDX-License-Identifier: GPL-2.0-only
#include "attach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hook.h"
#include "log.h"
#include "pins.h"

static bool is_at_tc(const struct attach_programs *p)
{
	return !p->may_be_native && !p->may_be_generic;
}

int attach_check_address(const char *pin_dir, const struct attach_programs *p,
			 int ifindex, const char *name)
{
	return is_at_tc(p) ? hook_check(pin_dir, HOOK_ADDRESS, ifindex, name)
			   : xdp_check(pin_dir, ifindex, name);
}

int attach_check_request(const char *pin_dir, int ifindex, const char *name)
{
	int rc = hook_check(pin_dir, HOOK_REPLY, ifindex, name);

	return rc ? rc : hook_check(pin_dir, HOOK_REQUEST, ifindex, name);
}

static int put_at_tc(const char *pin_dir, const struct attach_programs *p,
		     int ifindex, const char *name)
{
	int rc = hook_check(pin_dir, HOOK_ADDRESS, ifindex, name);

	if (!rc)
		rc = pins_mark(pin_dir, PINS_ADDRESS, ifindex);
	return rc ? rc : hook_put(HOOK_ADDRESS, p->tc_fd, ifindex, name);
}

static int remove_from_tc(const char *pin_dir, int ifindex, const char *name)
{
	int rc = hook_remove(pin_dir, HOOK_ADDRESS, ifindex, name);

	return rc ? rc : pins_unmark(pin_dir, PINS_ADDRESS, ifindex);
}

static int kind_fd(const struct attach_programs *p, enum xdp_kind kind)
{
	return kind == XDP_KIND_NATIVE ? p->native_fd : p->generic_fd;
}

/* The kinds that may be used, native first. */
static int try_kinds(const char *pin_dir, const struct attach_programs *p,
		     int ifindex, const char *name)
{
	char why[XDP_WHY_SIZE];
	int rc = -EOPNOTSUPP;

	if (p->may_be_native) {
		rc = xdp_put(pin_dir, XDP_KIND_NATIVE, p->native_fd, ifindex);
		if (!rc)
			return 0;
		xdp_explain(why, rc, XDP_KIND_NATIVE, p->native_fd, ifindex);
		log_line("interface %s: no native XDP (%s)%s", name, why,
			 p->may_be_generic ? ", using generic" : "");
	}
	if (!p->may_be_generic)
		return rc;
	rc = xdp_put(pin_dir, XDP_KIND_GENERIC, p->generic_fd, ifindex);
	if (!rc)
		return 0;
	xdp_explain(why, rc, XDP_KIND_GENERIC, p->generic_fd, ifindex);
	log_line("interface %s: no generic XDP (%s)", name, why);
	return rc;
}

static bool adopt(const char *pin_dir, const struct attach_programs *p,
		  enum xdp_kind old, int ifindex)
{
	bool may = old == XDP_KIND_NATIVE    ? p->may_be_native
		   : old == XDP_KIND_GENERIC ? p->may_be_generic
					     : false;

	return may && !xdp_adopt(pin_dir, kind_fd(p, old), ifindex);
}

/*
 * One XDP program at a time: another kind means taking the old one away, and
 * for that moment addresses are judged at TC.
 */
static int change_kind(const char *pin_dir, const struct attach_programs *p,
		       enum xdp_kind old, int ifindex, const char *name)
{
	int rc;

	if (old != XDP_KIND_NONE && put_at_tc(pin_dir, p, ifindex, name))
		log_line("interface %s: addresses are not filtered while XDP "
			 "is attached anew",
			 name);
	rc = xdp_remove(pin_dir, ifindex, name);
	if (!rc)
		rc = try_kinds(pin_dir, p, ifindex, name);
	if (!rc)
		return 0;
	if (old != XDP_KIND_NONE &&
	    (xdp_find(pin_dir, ifindex) != XDP_KIND_NONE ||
	     !xdp_put(pin_dir, old, kind_fd(p, old), ifindex))) {
		log_line("interface %s: addresses are filtered as before",
			 name);
		remove_from_tc(pin_dir, ifindex, name);
	}
	return rc;
}

static int attach_xdp(const char *pin_dir, const struct attach_programs *p,
		      int ifindex, const char *name)
{
	enum xdp_kind old = xdp_find(pin_dir, ifindex);
	int rc = 0;

	if (!adopt(pin_dir, p, old, ifindex))
		rc = change_kind(pin_dir, p, old, ifindex, name);
	return rc ? rc : remove_from_tc(pin_dir, ifindex, name);
}

int attach_address(const char *pin_dir, const struct attach_programs *p,
		   int ifindex, const char *name)
{
	int rc;

	if (!is_at_tc(p))
		return attach_xdp(pin_dir, p, ifindex, name);
	rc = put_at_tc(pin_dir, p, ifindex, name);
	return rc ? rc : xdp_remove(pin_dir, ifindex, name);
}

int attach_request(const char *pin_dir, const struct attach_filters *f,
		   int ifindex, const char *name)
{
	int rc = attach_check_request(pin_dir, ifindex, name);

	if (!rc)
		rc = pins_mark(pin_dir, PINS_REQUEST, ifindex);
	/* Requests are judged only while their answers are heard. */
	if (!rc)
		rc = hook_put(HOOK_REPLY, f->reply_fd, ifindex, name);
	if (!rc)
		rc = hook_put(HOOK_REQUEST, f->request_fd, ifindex, name);
	return rc;
}

bool attach_has_address(const char *pin_dir, const struct attach_programs *p,
			int ifindex)
{
	return is_at_tc(p) ? hook_is_ours(pin_dir, HOOK_ADDRESS, ifindex)
			   : xdp_find(pin_dir, ifindex) != XDP_KIND_NONE;
}

bool attach_has_request(const char *pin_dir, int ifindex)
{
	return hook_is_ours(pin_dir, HOOK_REPLY, ifindex) &&
	       hook_is_ours(pin_dir, HOOK_REQUEST, ifindex);
}

int attach_remove_address(const char *pin_dir, int ifindex, const char *name)
{
	int xdp = xdp_remove(pin_dir, ifindex, name);
	int tc = remove_from_tc(pin_dir, ifindex, name);

	return xdp ? xdp : tc;
}

int attach_remove_request(const char *pin_dir, int ifindex, const char *name)
{
	int rc = hook_remove(pin_dir, HOOK_REQUEST, ifindex, name);

	if (!rc)
		rc = hook_remove(pin_dir, HOOK_REPLY, ifindex, name);
	return rc ? rc : pins_unmark(pin_dir, PINS_REQUEST, ifindex);
}

static void look_at(struct attachment *out, const char *pin_dir,
		    const struct if_nameindex *nic)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", nic->if_name);
	out->ifindex = (int)nic->if_index;
	out->xdp = xdp_find(pin_dir, out->ifindex);
	out->address = hook_is_ours(pin_dir, HOOK_ADDRESS, out->ifindex);
	out->request = hook_is_ours(pin_dir, HOOK_REQUEST, out->ifindex);
	out->reply = hook_is_ours(pin_dir, HOOK_REPLY, out->ifindex);
}

int attach_list(struct attachment **out, size_t *n, const char *pin_dir)
{
	struct if_nameindex *nics;
	struct attachment *list;
	size_t count = 0, found = 0;
	uint32_t id;
	int rc = pins_active_id(&id, pin_dir);

	if (rc)
		return rc;
	nics = if_nameindex();
	if (!nics)
		return -errno;
	while (nics[count].if_index)
		count++;
	list = calloc(count + 1, sizeof(*list));
	for (size_t i = 0; list && i < count; i++) {
		struct attachment *t = &list[found];

		look_at(t, pin_dir, &nics[i]);
		found += t->xdp || t->address || t->request || t->reply;
	}
	if_freenameindex(nics);
	if (!list)
		return -ENOMEM;
	/* The last one looked at may not be ours. */
	memset(&list[found], 0, sizeof(*list));
	*out = list;
	*n = found;
	return 0;
}

int attach_remove_all(size_t *removed, const char *pin_dir)
{
	struct attachment *list;
	size_t n;
	int rc = attach_list(&list, &n, pin_dir);

	*removed = 0;
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	for (size_t i = 0; i < n; i++) {
		const struct attachment *t = &list[i];
		int xdp = attach_remove_address(pin_dir, t->ifindex, t->name);
		int tc = attach_remove_request(pin_dir, t->ifindex, t->name);

		*removed += !xdp && !tc;
		if (!rc)
			rc = xdp ? xdp : tc;
	}
	free(list);
	return rc;
}
