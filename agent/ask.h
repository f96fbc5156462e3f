/* SPDX-License-Identifier: GPL-2.0-only */
/* The JSON of /v1/check: a question in, a ruling out.  Pure. */
#ifndef ASK_H
#define ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

#include "decide.h"
#include "ruling.h"
#include "text.h"

#define ASK_FIELDS 200
#define ASK_ERROR_SIZE 192

struct ask {
	json_t *json;		   /* the texts below are its */
	struct decide_request req; /* less now_ns, variant and peer */
	struct header headers[ASK_FIELDS];
	const char *client; /* NULL: not said */
	bool has_digest;
	struct pc_digest digest;
};

/*
 * 0; -ENOMEM; -EBADMSG with "field: what" in error, which quotes nothing of the
 * body.  *out needs ask_fini() after 0.
 */
int ask_parse(struct ask *out, const char *text, size_t size,
	      char error[static ASK_ERROR_SIZE]);
void ask_fini(struct ask *a);

/* The members that every ruling has, without the braces around them. */
void ask_print(struct text *out, const struct ruling *r,
	       const char *decision_id);

#endif /* ASK_H */
