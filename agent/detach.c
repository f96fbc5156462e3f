// SPDX-License-Identifier: GPL-2.0-only
#include "detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "attach.h"
#include "host.h"
#include "living.h"
#include "log.h"
#include "maps.h"
#include "options.h"
#include "pins.h"

/* Without this a running agent would be left renewing maps that nobody reads.
 */
static int refuse_running(const char *pin_dir, int *lock)
{
	int rc = host_check_pin_dir(pin_dir);

	if (rc == -ENODEV)
		log_line("--pin-dir %s: not on a BPF file system", pin_dir);
	if (rc)
		return rc;
	*lock = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*lock < 0)
		return -errno;
	if (!flock(*lock, LOCK_EX | LOCK_NB))
		return 0;
	log_line("an agent is running with --pin-dir %s; stop it first",
		 pin_dir);
	return -EBUSY;
}

static bool is_here(const struct pc_flow_key *key, const void *arg)
{
	const struct attachment *t;

	for (t = arg; t->ifindex; t++) {
		if ((int)key->ifindex == t->ifindex)
			return true;
	}
	return false;
}

/* Connections that live on an answer of ours end before their translator. */
static int drain(const char *pin_dir, uint64_t patience_ns)
{
	struct living living = { -1, -1 };
	struct attachment *here = NULL;
	struct maps maps;
	size_t n, cut = 0;
	int rc = maps_open_pinned(&maps, pin_dir);

	if (rc)
		return rc;
	rc = attach_list(&here, &n, pin_dir);
	if (!rc)
		rc = living_open(&living, pin_dir);
	if (!rc) {
		maps_set_draining(&maps, true);
		rc = living_drain(&cut, &living, is_here, here, patience_ns);
	}
	if (cut)
		log_line("warning: connections cut short (%zu)", cut);
	living_close(&living);
	maps_close(&maps);
	free(here);
	return rc;
}

int detach_main(int argc, char **argv)
{
	struct options opt;
	size_t n = 0;
	int lock = -1, rc = options_parse(&opt, argc, argv, OPTIONS_DETACH);

	if (rc)
		return rc < 0 ? 2 : 0;
	rc = host_check();
	if (!rc)
		rc = refuse_running(opt.pin_dir, &lock);
	if (!rc)
		rc = drain(opt.pin_dir, opt.drain_ns);
	if (!rc || rc == -ENOENT)
		rc = attach_remove_all(&n, opt.pin_dir);
	if (!rc)
		rc = pins_remove(opt.pin_dir);
	if (rc == -ENOENT)
		rc = 0; /* nothing is installed */
	if (rc)
		log_line("not detached: %s", strerror(-rc));
	else
		printf("detached from %zu interface%s\n", n, n == 1 ? "" : "s");
	if (lock >= 0)
		close(lock);
	options_fini(&opt);
	return rc ? 1 : 0;
}
