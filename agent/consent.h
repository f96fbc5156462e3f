/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May what the operator asks for come into force?  Asks the guard, on behalf of
 * this host and session, and says what it objects to.
 */
#ifndef CONSENT_H
#define CONSENT_H

#include "image.h"
#include "options.h"
#include "pc_abi.h"
#include "prefix.h"
#include "ruleset.h"

struct consent {
	const struct options *opt;  /* borrowed */
	struct prefix_list clients; /* of this session, by SSH */
};

/*
 * Before privileges are dropped: other processes' environments are read.
 * opt->force and opt->monitor turn refusals into warnings.  0 or -errno.
 */
int consent_open(struct consent *out, const struct options *opt);
void consent_close(struct consent *c); /* one that was never opened is fine */

/*
 * 0: the image may come into force; -EPERM: it may not; -errno.  Logged.
 * lists: the PC_OWNERS names that belong to it, or NULL.
 */
int consent_policy(const struct consent *c, const struct image *im,
		   const struct pc_list *lists);

/* The same of a ban, where the allow entries in force are these. */
int consent_ban(const struct consent *c, const struct prefix *ban,
		const struct prefix_list *allow);

#endif /* CONSENT_H */
