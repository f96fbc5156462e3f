// SPDX-License-Identifier: GPL-2.0-only
#include "attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "pins.h"

#define MAX_PROG_MAPS 64

/* Ours at the clsact hooks: early, and a number nobody picks by chance. */
#define TC_PRIORITY 113
#define TC_HANDLE 0x7063

/* In the order they are taken; given back the other way round.  Requests are
 * judged only while their answers are heard.
 */
static const struct {
	enum bpf_tc_attach_point point;
	const char *name;
} hooks[] = { { BPF_TC_EGRESS, "egress" }, { BPF_TC_INGRESS, "ingress" } };
#define N_HOOKS (sizeof(hooks) / sizeof(hooks[0]))

/* The program's name into name, and whether it is ours. */
static bool program_is_ours(uint32_t prog_id, const char *pin_dir,
			    char name[static BPF_OBJ_NAME_LEN])
{
	uint32_t maps[MAX_PROG_MAPS], ours, size;
	struct bpf_prog_info info = {
		.nr_map_ids = MAX_PROG_MAPS,
		.map_ids = (uintptr_t)maps,
	};
	int fd = bpf_prog_get_fd_by_id(prog_id);
	bool found = false;

	snprintf(name, BPF_OBJ_NAME_LEN, "?");
	if (fd < 0)
		return false;
	size = sizeof(info);
	if (!bpf_obj_get_info_by_fd(fd, &info, &size)) {
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
		if (!pins_active_id(&ours, pin_dir)) {
			for (uint32_t i = 0;
			     i < info.nr_map_ids && i < MAX_PROG_MAPS; i++)
				found |= maps[i] == ours;
		}
	}
	close(fd);
	return found;
}

static int query_xdp(int ifindex, uint32_t *prog_id, enum attach_xdp *mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	int rc = bpf_xdp_query(ifindex, 0, &opts);

	if (rc)
		return rc;
	*prog_id = opts.prog_id;
	*mode = opts.attach_mode == XDP_ATTACHED_SKB ? ATTACH_XDP_GENERIC
						     : ATTACH_XDP_NATIVE;
	if (!opts.prog_id)
		*mode = ATTACH_XDP_NONE;
	return 0;
}

/* The program in our place at a hook; -ENOENT when the place is empty. */
static int query_tc(int ifindex, size_t hook_index, uint32_t *prog_id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = hooks[hook_index].point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY);
	int rc = bpf_tc_query(&hook, &opts);

	if (rc)
		return rc == -EINVAL ? -ENOENT : rc;
	*prog_id = opts.prog_id;
	return 0;
}

int attach_check_xdp(const char *pin_dir, int ifindex, const char *name)
{
	char prog[BPF_OBJ_NAME_LEN];
	enum attach_xdp mode;
	uint32_t id = 0;
	int rc = query_xdp(ifindex, &id, &mode);

	if (rc) {
		log_line("interface %s: cannot ask for XDP programs: %s", name,
			 strerror(-rc));
		return rc;
	}
	if (!id || program_is_ours(id, pin_dir, prog))
		return 0;
	log_line("interface %s: another XDP program is attached: "
		 "%s (id %u); remove it first",
		 name, prog, id);
	return -EBUSY;
}

int attach_check_request(const char *pin_dir, int ifindex, const char *name)
{
	char prog[BPF_OBJ_NAME_LEN];
	uint32_t id = 0;

	for (size_t i = 0; i < N_HOOKS; i++) {
		if (query_tc(ifindex, i, &id) ||
		    program_is_ours(id, pin_dir, prog))
			continue;
		log_line("interface %s: our place at TC %s is taken by "
			 "%s (id %u); tc filter del dev %s %s pref %d",
			 name, hooks[i].name, prog, id, name, hooks[i].name,
			 TC_PRIORITY);
		return -EBUSY;
	}
	return 0;
}

static int new_link(const char *path, int prog_fd, int ifindex, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts), rc = 0;

	if (fd < 0)
		return -errno;
	/* Unpinned, the link would end with this process. */
	if (bpf_obj_pin(fd, path))
		rc = -errno;
	close(fd);
	return rc;
}

/*
 * Puts the program behind the link an earlier run has pinned.  -ENOENT: there
 * is none, or it is not of this interface any more.
 */
static int adopt_link(const char *path, int prog_fd, int ifindex)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_obj_get(path), rc = 0;

	if (fd < 0)
		return -ENOENT;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		rc = -errno;
	else if ((int)info.xdp.ifindex != ifindex)
		rc = -ENOENT;
	else if (bpf_link_update(fd, prog_fd, NULL))
		rc = -errno;
	close(fd);
	return rc;
}

/* The mode of what is attached; ATTACH_XDP_NONE when nothing is, or none known.
 */
static enum attach_xdp mode_now(int ifindex)
{
	enum attach_xdp mode = ATTACH_XDP_NONE;
	uint32_t id;

	return query_xdp(ifindex, &id, &mode) ? ATTACH_XDP_NONE : mode;
}

static int put_xdp(const char *path, const struct attach_programs *p,
		   int ifindex, enum attach_xdp mode)
{
	if (mode == ATTACH_XDP_NATIVE)
		return new_link(path, p->native_fd, ifindex,
				XDP_FLAGS_DRV_MODE);
	return new_link(path, p->generic_fd, ifindex, XDP_FLAGS_SKB_MODE);
}

/* The modes that may be used, native first. */
static int try_modes(const char *path, const struct attach_programs *p,
		     int ifindex, const char *name)
{
	int rc = -EOPNOTSUPP;

	if (p->may_be_native)
		rc = put_xdp(path, p, ifindex, ATTACH_XDP_NATIVE);
	if (!rc || !p->may_be_generic)
		return rc;
	if (p->may_be_native)
		log_line("interface %s: no native XDP (%s), using generic",
			 name, strerror(-rc));
	return put_xdp(path, p, ifindex, ATTACH_XDP_GENERIC);
}

int attach_xdp(const char *pin_dir, const struct attach_programs *p,
	       int ifindex, const char *name)
{
	enum attach_xdp old = mode_now(ifindex);
	char path[PINS_PATH_SIZE];
	int rc;

	pins_link_path(path, pin_dir, ifindex);
	if ((old == ATTACH_XDP_NATIVE && p->may_be_native &&
	     !adopt_link(path, p->native_fd, ifindex)) ||
	    (old == ATTACH_XDP_GENERIC && p->may_be_generic &&
	     !adopt_link(path, p->generic_fd, ifindex)))
		return 0;
	/* One program at a time: another mode means taking the old one away. */
	rc = attach_remove_xdp(pin_dir, ifindex, name);
	if (!rc)
		rc = try_modes(path, p, ifindex, name);
	if (!rc)
		return 0;
	log_line("interface %s: cannot attach XDP: %s", name, strerror(-rc));
	if (old != ATTACH_XDP_NONE && !put_xdp(path, p, ifindex, old))
		log_line("interface %s: addresses are filtered as before",
			 name);
	return rc;
}

/*
 * Replaces only what is ours: an empty place is taken without REPLACE, so that
 * of two agents who find it empty one is told.
 */
static int attach_tc(size_t hook_index, int prog_fd, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = hooks[hook_index].point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY, .prog_fd = prog_fd);
	int rc;
	uint32_t id;

	if (!query_tc(ifindex, hook_index, &id))
		opts.flags = BPF_TC_F_REPLACE;
	rc = bpf_tc_hook_create(&hook);
	if (!rc || rc == -EEXIST)
		rc = bpf_tc_attach(&hook, &opts);
	return rc;
}

int attach_request(const char *pin_dir, const struct attach_filters *f,
		   int ifindex, const char *name)
{
	const int fds[N_HOOKS] = { f->reply_fd, f->request_fd };
	int rc = attach_check_request(pin_dir, ifindex, name);

	if (!rc)
		rc = pins_mark(pin_dir, ifindex);
	for (size_t i = 0; i < N_HOOKS && !rc; i++) {
		rc = attach_tc(i, fds[i], ifindex);
		if (rc)
			log_line("interface %s: cannot attach at TC %s: %s",
				 name, hooks[i].name, strerror(-rc));
	}
	return rc;
}

int attach_remove_xdp(const char *pin_dir, int ifindex, const char *name)
{
	char path[PINS_PATH_SIZE];
	int fd, rc = 0;

	pins_link_path(path, pin_dir, ifindex);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* A link whose interface is gone has nothing to detach. */
	if (bpf_link_detach(fd) && errno != ENOLINK && errno != EINVAL)
		rc = -errno;
	close(fd);
	if (!rc && unlink(path))
		rc = -errno;
	if (rc)
		log_line("interface %s: cannot detach XDP: %s", name,
			 strerror(-rc));
	return rc;
}

static int remove_tc(const char *pin_dir, size_t hook_index, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = hooks[hook_index].point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY);
	char prog[BPF_OBJ_NAME_LEN];
	uint32_t id;

	if (query_tc(ifindex, hook_index, &id) ||
	    !program_is_ours(id, pin_dir, prog))
		return 0;
	return bpf_tc_detach(&hook, &opts);
}

int attach_remove_request(const char *pin_dir, int ifindex, const char *name)
{
	int rc = 0;

	for (size_t i = N_HOOKS; i-- && !rc;) {
		rc = remove_tc(pin_dir, i, ifindex);
		if (rc)
			log_line("interface %s: cannot detach from TC %s: %s",
				 name, hooks[i].name, strerror(-rc));
	}
	return rc ? rc : pins_unmark(pin_dir, ifindex);
}

static void look_at(struct attachment *out, const char *pin_dir,
		    const struct if_nameindex *nic)
{
	char prog[BPF_OBJ_NAME_LEN];
	enum attach_xdp mode;
	uint32_t id = 0;

	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", nic->if_name);
	out->ifindex = (int)nic->if_index;
	if (!query_xdp(out->ifindex, &id, &mode) && id &&
	    program_is_ours(id, pin_dir, prog))
		out->xdp = mode;
	out->reply = !query_tc(out->ifindex, 0, &id) &&
		     program_is_ours(id, pin_dir, prog);
	out->request = !query_tc(out->ifindex, 1, &id) &&
		       program_is_ours(id, pin_dir, prog);
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
		look_at(&list[found], pin_dir, &nics[i]);
		found += list[found].xdp || list[found].request ||
			 list[found].reply;
	}
	if_freenameindex(nics);
	if (!list)
		return -ENOMEM;
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
		int xdp = attach_remove_xdp(pin_dir, t->ifindex, t->name);
		int tc = attach_remove_request(pin_dir, t->ifindex, t->name);

		*removed += !xdp && !tc;
		if (!rc)
			rc = xdp ? xdp : tc;
	}
	free(list);
	return rc;
}
