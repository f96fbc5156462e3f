// SPDX-License-Identifier: GPL-2.0-only
#include "xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "origin.h"
#include "pins.h"

static uint32_t mode_flag(enum xdp_kind kind)
{
	return kind == XDP_KIND_NATIVE ? XDP_FLAGS_DRV_MODE
				       : XDP_FLAGS_SKB_MODE;
}

int xdp_query(uint32_t *prog_id, enum xdp_kind *kind, int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	int rc = bpf_xdp_query(ifindex, 0, &opts);

	if (rc)
		return rc;
	*prog_id = opts.prog_id;
	*kind = opts.attach_mode == XDP_ATTACHED_SKB ? XDP_KIND_GENERIC
						     : XDP_KIND_NATIVE;
	if (!opts.prog_id)
		*kind = XDP_KIND_NONE;
	return 0;
}

int xdp_check(const char *pin_dir, int ifindex, const char *name)
{
	char prog[BPF_OBJ_NAME_LEN];
	enum xdp_kind kind;
	uint32_t id = 0;
	int rc = xdp_query(&id, &kind, ifindex);

	if (rc) {
		log_line("interface %s: cannot ask for XDP programs: %s", name,
			 strerror(-rc));
		return rc;
	}
	if (!id || origin_is_ours(id, pin_dir, prog))
		return 0;
	log_line(
		"interface %s: another XDP program is attached: %s "
		"(bpftool prog show id %u); remove it, or filter beside it with --xdp-mode tc",
		name, prog, id);
	return -EBUSY;
}

enum xdp_kind xdp_find(const char *pin_dir, int ifindex)
{
	char prog[BPF_OBJ_NAME_LEN];
	enum xdp_kind kind;
	uint32_t id = 0;

	if (xdp_query(&id, &kind, ifindex) || !id ||
	    !origin_is_ours(id, pin_dir, prog))
		return XDP_KIND_NONE;
	return kind;
}

int xdp_adopt(const char *pin_dir, int prog_fd, int ifindex)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	char path[PINS_PATH_SIZE];
	int fd, rc = 0;

	pins_link_path(path, pin_dir, ifindex);
	fd = bpf_obj_get(path);
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

int xdp_put(const char *pin_dir, enum xdp_kind kind, int prog_fd, int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode_flag(kind));
	int fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts), rc = 0;
	char path[PINS_PATH_SIZE];

	if (fd < 0)
		return -errno;
	pins_link_path(path, pin_dir, ifindex);
	/* Unpinned, the link would end with this process. */
	if (bpf_obj_pin(fd, path))
		rc = -errno;
	close(fd);
	return rc;
}

static char kernel_said[XDP_WHY_SIZE];

static int hear_kernel(enum libbpf_print_level level, const char *fmt,
		       va_list ap)
{
	static const char mark[] = "Kernel error message: ";
	char text[256], *said;

	vsnprintf(text, sizeof(text), fmt, ap);
	said = strstr(text, mark);
	if (level != LIBBPF_WARN || !said)
		return 0;
	said += strlen(mark);
	snprintf(kernel_said, sizeof(kernel_said), "%.*s",
		 (int)strcspn(said, "\n"), said);
	return 0;
}

/* Links do not say (kernel 6.1), netlink does when it is asked for the same. */
void xdp_explain(char why[static XDP_WHY_SIZE], int rc, enum xdp_kind kind,
		 int prog_fd, int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, ours, .old_prog_fd = prog_fd);
	uint32_t flags = mode_flag(kind);
	libbpf_print_fn_t print = libbpf_set_print(hear_kernel);

	*kernel_said = '\0';
	if (!bpf_xdp_attach(ifindex, prog_fd,
			    flags | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL))
		bpf_xdp_detach(ifindex, flags, &ours);
	libbpf_set_print(print);
	snprintf(why, XDP_WHY_SIZE, "%s",
		 *kernel_said ? kernel_said : strerror(-rc));
}

int xdp_remove(const char *pin_dir, int ifindex, const char *name)
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
