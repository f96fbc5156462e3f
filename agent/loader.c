// SPDX-License-Identifier: GPL-2.0-only
/* The only file with the skeletons. */
#include "loader.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "pc_abi.h"

#include "pc_address.skel.h"
#include "pc_request.skel.h"
#include "pc_xdp.skel.h"

#define PATH_SIZE 320
#define NAME_PREFIX "pc_"
#define WORD_PREFIX ".data." /* maps.bpf.h: pinned with the prefix of all */

struct loader {
	struct pc_xdp *xdp;
	struct pc_address *address;
	struct pc_request *request;
};

/* libbpf's warnings, only while a load is tried, at most this much. */
static int print_warning(enum libbpf_print_level level, const char *fmt,
			 va_list ap)
{
	char text[512];
	size_t n;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), fmt, ap);
	n = strlen(text);
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	log_line("%s", text);
	return 0;
}

/* Of one load: packets at work, and what only its secrets can read. */
static bool is_private(const char *name)
{
	static const char *const names[] = { "pc_scratch", "pc_memo",
					     "pc_carries", "pc_carry_blank" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

/* Maps that outlive a run; libbpf adopts or makes them. */
static int pin_maps(struct bpf_object *obj, const char *pin_dir)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
	{
		const char *name = bpf_map__name(map);
		char path[PATH_SIZE];
		int rc;

		if (!strncmp(name, WORD_PREFIX, strlen(WORD_PREFIX)))
			name += strlen(WORD_PREFIX);
		else if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) ||
			 is_private(name) || bpf_map__is_internal(map))
			continue;
		else
			name += strlen(NAME_PREFIX);
		snprintf(path, sizeof(path), "%s/" NAME_PREFIX "%s", pin_dir,
			 name);
		rc = bpf_map__set_pin_path(map, path);
		if (rc)
			return rc;
	}
	return 0;
}

/* New for each load: the maps that they key are never pinned. */
static int draw_secret(void *secret, size_t size)
{
	ssize_t n;

	do {
		n = getrandom(secret, size, 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : -EIO;
}

static int draw_secrets(struct pc_request *request)
{
	int rc = draw_secret(request->rodata->pc_memo_secret,
			     sizeof(request->rodata->pc_memo_secret));

	return rc ? rc
		  : draw_secret(request->rodata->pc_carry_secret,
				sizeof(request->rodata->pc_carry_secret));
}

static int load(struct loader *l, const char *pin_dir)
{
	int rc;

	l->xdp = pc_xdp__open();
	l->address = pc_address__open();
	l->request = pc_request__open();
	if (!l->xdp || !l->address || !l->request)
		return -errno;
	rc = pin_maps(l->xdp->obj, pin_dir);
	if (!rc)
		rc = pin_maps(l->address->obj, pin_dir);
	if (!rc)
		rc = pin_maps(l->request->obj, pin_dir);
	if (!rc)
		rc = draw_secrets(l->request);
	if (!rc)
		rc = pc_xdp__load(l->xdp);
	if (!rc)
		rc = pc_address__load(l->address);
	return rc ? rc : pc_request__load(l->request);
}

int loader_load(struct loader **out, const char *pin_dir)
{
	struct loader *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	libbpf_set_print(print_warning);
	rc = load(l, pin_dir);
	libbpf_set_print(NULL);
	if (rc) {
		log_line("cannot load the programs: %s", strerror(-rc));
		loader_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

void loader_free(struct loader *l)
{
	if (!l)
		return;
	pc_xdp__destroy(l->xdp);
	pc_address__destroy(l->address);
	pc_request__destroy(l->request);
	free(l);
}

int loader_xdp_fd(const struct loader *l)
{
	return bpf_program__fd(l->xdp->progs.pc_xdp);
}

int loader_xdp_generic_fd(const struct loader *l)
{
	return bpf_program__fd(l->xdp->progs.pc_xdp_generic);
}

int loader_address_fd(const struct loader *l)
{
	return bpf_program__fd(l->address->progs.pc_address);
}

int loader_request_fd(const struct loader *l)
{
	return bpf_program__fd(l->request->progs.pc_request);
}

int loader_reply_fd(const struct loader *l)
{
	return bpf_program__fd(l->request->progs.pc_reply);
}
