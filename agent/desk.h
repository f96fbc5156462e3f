/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where requests to the decision service arrive: which path is whose, who may
 * ask there, and what was answered how often.  One thread.
 */
#ifndef DESK_H
#define DESK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dialect.h"
#include "http.h"
#include "ruling.h"
#include "trace.h"

struct health;
struct suspects;
struct spend;

struct desk {
	struct ruling_ground ground;
	struct trace *trace;
	struct spend *spend;
	struct health *health;
	struct suspects *suspects; /* NULL: nobody is */
	int64_t clock_ns;	   /* not 0: the Unix time it always is */
	uint64_t decided[DIALECT_MAX][PC_R_MAX];
	uint64_t decided_stale[4]; /* by RULING_STALE_* */
	bool has_stranger;
	uid_t stranger; /* the last that was logged */
	/* Of the request at hand. */
	struct ruling ruling;
	struct reply reply;
	struct dialect_request question;
};

/* Unix time, or what it is said to be. */
int64_t desk_now_ns(const struct desk *d);

/* http_config's; arg is the desk. */
enum http_want desk_want(const char *path);
void desk_serve(struct http_exchange *x, const struct http_request *req,
		void *arg);

/* Counts and records d->ruling; id gets its text. */
void desk_record(struct desk *d, enum dialect_kind kind,
		 char id[static TRACE_ID_SIZE]);

#endif /* DESK_H */
