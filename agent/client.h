/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client address the gateway would use for a key's address rules, and how
 * those rules judge it.  Pure.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>

#include "decide.h"

/* Writes the address as text; "" and unparsable texts are possible results. */
void client_address(char out[static DECIDE_TEXT_SIZE],
		    const struct decide_config *cfg,
		    const struct decide_request *req);

/*
 * Who sent the request, by the word of the trusted proxies alone: whatever the
 * client could have written itself is not believed, whatever the gateway does.
 * False: that is not certain, or nobody but a proxy.
 */
bool client_vouched(struct prefix *out, const struct decide_config *cfg,
		    const struct decide_request *req);

/*
 * Do the rules admit the client?  Lists are NULL-ended or NULL (as in struct
 * entry).  client is text as client_address() writes it, or with a port.
 */
bool client_allowed(uint8_t profile, const char *client, char *const *whitelist,
		    char *const *blacklist);

#endif /* CLIENT_H */
