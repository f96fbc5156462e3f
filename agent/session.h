/* SPDX-License-Identifier: GPL-2.0-only */
/* From where the session came that started this process: its SSH clients. */
#ifndef SESSION_H
#define SESSION_H

#include "prefix.h"
#include "ruleset.h"

/*
 * The client's address of a value of SSH_CONNECTION, which anybody may have
 * set: "address port address port", a zone is left out.  -EINVAL: it is none.
 */
int session_parse(struct prefix *out, const char *value);

/*
 * The clients that SSH_CONNECTION names in this process's environment and in
 * those of its ancestors below init, for sudo drops it; none is fine.  An
 * ancestor that may not be read is logged and passed over.  Free out->items. 0,
 * -ENOMEM.
 */
int session_find_clients(struct prefix_list *out);

#endif /* SESSION_H */
