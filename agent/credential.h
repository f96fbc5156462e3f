/* SPDX-License-Identifier: GPL-2.0-only */
/* Which bytes of a request are its API key, by profile and middleware. */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include <stddef.h>

#include "decide.h"

struct credential {
	char *key; /* NUL-ended copy, erased and freed by credential_fini() */
	size_t size;
	enum pc_reason reason; /* PC_NEXT, or why the request ends here:
				  PC_R_QUERY_KEY, PC_R_CREDENTIAL_MISSING or
				  PC_R_KEY_INVALID (oversized) */
};

/* 0, -ENOMEM. */
int credential_find(struct credential *out, const struct decide_config *cfg,
		    const struct decide_request *req);
void credential_fini(struct credential *c);

#endif /* CREDENTIAL_H */
