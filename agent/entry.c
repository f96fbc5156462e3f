// SPDX-License-Identifier: GPL-2.0-only
#include "entry.h"

#include <stdlib.h>

void entry_fini(struct entry *e)
{
	free(e->whitelist);
	free(e->blacklist);
	free(e->subscription);
	e->whitelist = NULL;
	e->blacklist = NULL;
	e->subscription = NULL;
}
