/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conformance cases: JSON in, what decide and its neighbours take out.  Reads
 * neither `expect` nor any other field that says what the answer should be.
 */
#ifndef CASES_H
#define CASES_H

#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "decide.h"
#include "snapshot.h"

#define CASES_ERROR_SIZE SNAPSHOT_ERROR_SIZE

enum case_kind {
	CASE_AUTH,
	CASE_IP_RULE,
	CASE_CLIENT_IP,
	CASE_ABUSE,
	CASE_KEY_FORMAT,
	CASE_CACHE_ENTRY
};

struct case_row {
	const char *key; /* raw */
	struct entry entry;
};

struct case_event {
	int64_t time_ns;
	const char *client;
	enum pc_reason reason; /* what it gets when it is not blocked */
};

/* One case; texts are borrowed from the JSON, the rest is owned. */
struct a_case {
	const char *id;
	enum case_kind kind;

	/* CASE_AUTH; CASE_CLIENT_IP fills peer, headers and cfg alone */
	struct decide_config cfg; /* less the profile */
	struct decide_request req;
	struct subscription sub;
	struct case_row *store;
	size_t n_store;
	struct header *headers;
	struct prefix *proxies;
	char **client_ip_headers;

	/* CASE_IP_RULE: NULL-ended, or NULL when empty */
	const char *client;
	char **whitelist;
	char **blacklist;

	/* CASE_ABUSE */
	uint32_t threshold;
	uint32_t capacity;
	int64_t window_ns;
	int64_t block_ns;
	struct case_event *events;
	size_t n_events;

	const char
		*text; /* CASE_KEY_FORMAT: the key; CASE_CACHE_ENTRY: value */
};

/*
 * 0, -ENOMEM, or -EBADMSG and "field: what" in error; *out needs case_fini()
 * only after 0.
 */
int case_parse(struct a_case *out, const json_t *json,
	       char error[static CASES_ERROR_SIZE]);
void case_fini(struct a_case *c);

/* A decide_lookup over the case's store; arg is the case. */
decide_lookup case_lookup;

#endif /* CASES_H */
