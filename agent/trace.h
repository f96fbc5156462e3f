/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of recent denials in a file that the service writes and
 * `portcullis decisions` reads, also after the service has died.  Holds no
 * target, no header, no key: key id, 4 bytes of the hash, address, reason.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"

#define TRACE_RECORDS 4096
#define TRACE_CLIENT_SIZE 48
#define TRACE_ID_SIZE 24 /* of a decision id as text */

struct trace;

struct trace_record {
	uint64_t number;    /* of the decision; ids are made of it */
	int64_t time_ns;    /* Unix time */
	int64_t key_id;	    /* 0: unknown */
	uint8_t digest4[4]; /* first bytes of the key's hash; 0: none */
	uint16_t status;    /* HTTP */
	uint8_t reason;	    /* enum pc_reason */
	uint8_t dialect;    /* enum dialect_kind of the question */
	uint8_t stale;	    /* DIALECT_STALE_* bits */
	char client[TRACE_CLIENT_SIZE];
};

/*
 * Creates the file, mode 0600, or takes it over and goes on numbering.  0;
 * -EBUSY: a writer has it; -EPROTO: somebody else's file; -errno.
 */
int trace_create(struct trace **out, const char *path);
/* Read-only.  -ENOENT; -EPROTO: not such a file. */
int trace_open(struct trace **out, const char *path);
void trace_close(struct trace *t);

/* Every decision gets a number, only denials are recorded.  From any thread. */
uint64_t trace_number(struct trace *t);
void trace_write(struct trace *t, const struct trace_record *r);

/*
 * The record after a position (0: the oldest there is), which is moved on.
 * False: none yet.  lost: how many before it were overwritten, or left half
 * written, since the last call.
 */
bool trace_read(struct trace_record *out, uint64_t *lost, struct trace *t,
		uint64_t *position);

/* "3f2a9c01-0000002a": the ring's random part and the number. */
const char *trace_print_id(const struct trace *t, uint64_t number,
			   char buf[static TRACE_ID_SIZE]);
/* -EINVAL: no id; -ENOENT: an id, but of another ring. */
int trace_parse_id(const struct trace *t, uint64_t *out, const char *text);

#endif /* TRACE_H */
