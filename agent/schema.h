/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of the ledger's database and their version. */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

#define SCHEMA_VERSION 2
#define SCHEMA_APPLICATION 0x50434a4c /* "PCJL" */

/*
 * Makes the tables in an empty database, and those that an older version had
 * not in one of its; what there is stays.  SQLITE_OK; SQLITE_MISMATCH with a
 * text: the file is another program's or of a newer version, and is as it was;
 * other errors of SQLite's.  After an error the connection is to be closed: a
 * transaction may be open.
 */
int schema_ensure(sqlite3 *db, char *error, size_t error_size);

/*
 * Write-ahead logging from here on.  SQLite does not wait for others when it
 * turns to it, so this does, for so long.  SQLITE_OK or an error.
 */
int schema_use_wal(sqlite3 *db, int patience_ms);

/*
 * Makes the file, empty, where there is none: who spent what is nobody else's
 * to read.  Opens nothing, see filelock.h.  0 or -errno.
 */
int schema_make_file(const char *path);

#endif /* SCHEMA_H */
