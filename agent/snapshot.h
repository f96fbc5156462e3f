/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway's auth snapshots: bytes in, entries out.  NDJSON or one JSON
 * object, plain or gzip.  A snapshot is taken whole or not at all.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "entry.h"

#define SNAPSHOT_LINE_MAX (1u << 20) /* one entry's bytes */
#define SNAPSHOT_ERROR_SIZE 512
/* "field: what", the part of an error that does not name file and line. */
#define SNAPSHOT_WHAT_SIZE 192

struct snapshot {
	struct entry *entries; /* sorted by digest, no duplicates */
	size_t n_entries;
	size_t n_not_found;   /* cached "no such key" records, not in entries */
	bool complete;	      /* the header says that no other key exists */
	int64_t generated_ns; /* Unix time from the header; 0 when absent */
	int64_t taken_ns; /* the same, or else the file's modification time */
	/* Host-wide lists of the header, NULL-ended, or NULL. */
	char **ip_blacklist;
	char **ip_allowlist;
};

/*
 * Reads the whole file.  On failure returns -errno (-EBADMSG for bad content),
 * leaves *out untouched and writes "file: line N: field: what" to error.
 * The caller owns *out and frees it with snapshot_fini().
 */
int snapshot_load(struct snapshot *out, const char *path,
		  char error[static SNAPSHOT_ERROR_SIZE]);
void snapshot_fini(struct snapshot *s);

/* The entry of a digest, or NULL. */
const struct entry *snapshot_find(const struct snapshot *s,
				  const struct pc_digest *digest);

/*
 * One cache record {"not_found":…,"snapshot":{…}}, or a bare snapshot, as text
 * to an entry (digest left zero).  On failure -errno (-EBADMSG for bad
 * content), *out untouched and "field: what" in error.
 */
int snapshot_parse_text(struct entry *out, const char *text, size_t size,
			char error[static SNAPSHOT_ERROR_SIZE]);

/*
 * The same for a record that was decoded elsewhere, without
 * JSON_DECODE_INT_AS_REAL.  Its fractions have been through a double, which is
 * exact for up to 15 digits and for whatever Go's encoder printed; prefer the
 * text where there is one.  json is borrowed.
 */
int snapshot_parse_record(struct entry *out, const json_t *json,
			  char error[static SNAPSHOT_ERROR_SIZE]);

#endif /* SNAPSHOT_H */
