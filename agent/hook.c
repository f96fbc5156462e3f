// SPDX-License-Identifier: GPL-2.0-only
#include "hook.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "log.h"
#include "origin.h"

static const struct place {
	enum bpf_tc_attach_point point;
	const char *name;
	uint32_t priority;
	uint32_t handle;
} places[HOOK_MAX] = {
	[HOOK_ADDRESS] = { BPF_TC_INGRESS, "ingress", 112, 0x7061 },
	[HOOK_REQUEST] = { BPF_TC_INGRESS, "ingress", 113, 0x7063 },
	[HOOK_REPLY] = { BPF_TC_EGRESS, "egress", 113, 0x7063 },
};

/* The program in our place; -ENOENT when the place is empty. */
static int query(uint32_t *prog_id, enum hook h, int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = places[h].point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = places[h].handle,
		    .priority = places[h].priority);
	int rc = bpf_tc_query(&hook, &opts);

	if (rc)
		return rc == -EINVAL ? -ENOENT : rc;
	*prog_id = opts.prog_id;
	return 0;
}

int hook_check(const char *pin_dir, enum hook h, int ifindex, const char *name)
{
	const struct place *p = &places[h];
	char prog[BPF_OBJ_NAME_LEN];
	uint32_t id = 0;

	if (query(&id, h, ifindex) || origin_is_ours(id, pin_dir, prog))
		return 0;
	log_line("interface %s: our place at TC %s is taken by "
		 "%s (id %u); tc filter del dev %s %s pref %u",
		 name, p->name, prog, id, name, p->name, p->priority);
	return -EBUSY;
}

bool hook_is_ours(const char *pin_dir, enum hook h, int ifindex)
{
	char prog[BPF_OBJ_NAME_LEN];
	uint32_t id;

	return !query(&id, h, ifindex) && origin_is_ours(id, pin_dir, prog);
}

/* An empty place is taken without REPLACE, so that of two agents who find it
 * empty one is told.
 */
int hook_put(enum hook h, int prog_fd, int ifindex, const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = places[h].point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = places[h].handle,
		    .priority = places[h].priority, .prog_fd = prog_fd);
	uint32_t id;
	int rc;

	if (!query(&id, h, ifindex))
		opts.flags = BPF_TC_F_REPLACE;
	rc = bpf_tc_hook_create(&hook);
	if (!rc || rc == -EEXIST)
		rc = bpf_tc_attach(&hook, &opts);
	if (rc)
		log_line("interface %s: cannot attach at TC %s: %s", name,
			 places[h].name, strerror(-rc));
	return rc;
}

int hook_remove(const char *pin_dir, enum hook h, int ifindex, const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = places[h].point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = places[h].handle,
		    .priority = places[h].priority);
	int rc;

	if (!hook_is_ours(pin_dir, h, ifindex))
		return 0;
	rc = bpf_tc_detach(&hook, &opts);
	if (rc)
		log_line("interface %s: cannot detach from TC %s: %s", name,
			 places[h].name, strerror(-rc));
	return rc;
}
