/* SPDX-License-Identifier: GPL-2.0-only */
/* SHA-256 of a key and its 64 hex digits, which is all we ever keep of one. */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>

#include "pc_abi.h"

#define DIGEST_STRLEN (2 * PC_DIGEST_SIZE + 1)

/* From any thread.  0, -ENOMEM, -EIO. */
int digest_key(struct pc_digest *out, const void *key, size_t size);

/* Lower-case hex, NUL-ended. */
const char *digest_print(const struct pc_digest *d,
			 char buf[static DIGEST_STRLEN]);
/* Exactly 64 hex digits of either case; -EINVAL otherwise. */
int digest_parse(struct pc_digest *out, const char *text, size_t size);

#endif /* DIGEST_H */
