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
#include "log.h"
#include "options.h"

/* Without this a running agent would be left renewing maps that nobody reads.
 */
static int refuse_running(const char *pin_dir, int *lock)
{
	*lock = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*lock < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!flock(*lock, LOCK_EX | LOCK_NB))
		return 0;
	log_line("an agent is running with --pin-dir %s; stop it first",
		 pin_dir);
	return -EBUSY;
}

static int remove_all(const char *pin_dir)
{
	struct attachment *list;
	size_t n;
	int rc = attach_list(&list, &n, pin_dir);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	for (size_t i = 0; i < n; i++) {
		int err = attach_remove_xdp(pin_dir, list[i].ifindex,
					    list[i].name);

		if (!rc)
			rc = err;
		err = attach_remove_request(pin_dir, list[i].ifindex,
					    list[i].name);
		if (!rc)
			rc = err;
	}
	printf("detached from %zu interface%s\n", n, n == 1 ? "" : "s");
	free(list);
	return rc;
}

int detach_main(int argc, char **argv)
{
	struct options opt;
	int lock = -1, rc = options_parse(&opt, argc, argv, OPTIONS_DETACH);

	if (rc)
		return rc < 0 ? 2 : 0;
	rc = host_check();
	if (!rc)
		rc = refuse_running(opt.pin_dir, &lock);
	if (!rc)
		rc = remove_all(opt.pin_dir);
	if (!rc)
		rc = attach_unpin(opt.pin_dir);
	if (rc)
		log_line("not detached: %s", strerror(-rc));
	if (lock >= 0)
		close(lock);
	options_fini(&opt);
	return rc ? 1 : 0;
}
