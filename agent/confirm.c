// SPDX-License-Identifier: GPL-2.0-only
/* One word in a mapped page: works whatever has become of the agent. */
#include "confirm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "log.h"
#include "maps.h"
#include "options.h"

static const char *say(int rc)
{
	if (rc == -ENOENT)
		return "no policy waits to be confirmed";
	if (rc == -ETIME)
		return "too late: the policy before is in force again";
	if (rc == -EAGAIN)
		return "it changed meanwhile; see portcullis status";
	return strerror(-rc);
}

static int confirm(const struct options *o)
{
	struct pc_policy now;
	struct maps m;
	int rc = maps_open_pinned(&m, o->pin_dir);

	if (rc) {
		log_line("%s: %s", o->pin_dir,
			 rc == -ENOENT ? "nothing is installed there"
				       : strerror(-rc));
		return 1;
	}
	rc = maps_confirm(&m, o->revert);
	if (rc)
		log_line("%s", say(rc));
	else if (!maps_read_policy(&m, &now))
		printf("generation %llu is in force\n",
		       (unsigned long long)now.generation);
	else
		printf("no policy is in force\n");
	maps_close(&m);
	return rc ? 1 : 0;
}

int confirm_main(int argc, char **argv)
{
	struct options o;
	int rc = options_parse(&o, argc, argv, OPTIONS_CONFIRM);

	if (rc)
		return rc < 0 ? 2 : 0;
	rc = host_check() ? 1 : confirm(&o);
	options_fini(&o);
	return rc;
}
