/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the decision service is: /healthz, /readyz, /metrics, and a small file
 * for `portcullis status`, which is there after the service has died.
 */
#ifndef HEALTH_H
#define HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "crossing.h"
#include "http.h"
#include "journal.h"
#include "ledger.h"
#include "spend.h"
#include "store.h"

#define HEALTH_WHY_SIZE 256

struct desk;

/* What is asked how it is; all borrowed. */
struct health {
	const struct http *http;
	const struct store *store;
	const struct ledger *ledger;
	struct journal *journal;
	const struct spend *spend;
	const struct crossing *crossing;
	int64_t overshoot_nusd;
	char *path; /* of the file; NULL: none */
};

/* Borrowed parts of the file, as `status` shows them. */
struct health_report {
	bool ready;
	int64_t time_ns; /* Unix time of the report */
	int64_t pid;
	int64_t keys;
	int64_t taken_ns;
	int64_t overshoot_nusd;
	char why[HEALTH_WHY_SIZE]; /* it is not ready; "" */
};

void health_serve(const struct health *h, const struct desk *d,
		  struct http_exchange *x, const struct http_request *req);
/* Writes the file anew.  0 or -errno. */
int health_save(const struct health *h, const struct desk *d);
/* -ENOENT: no service was ever here; -EBADMSG. */
int health_load(struct health_report *out, const char *path);
/* The file that belongs to a trace file; a new string or NULL. */
char *health_path(const char *trace);

#endif /* HEALTH_H */
