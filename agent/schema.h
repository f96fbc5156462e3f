/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of the journal's database and their version. */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <sqlite3.h>
#include <stddef.h>

#define SCHEMA_VERSION 1
#define SCHEMA_APPLICATION 0x50434a4c /* "PCJL" */

/*
 * Makes the tables in an empty database.  SQLITE_OK; SQLITE_MISMATCH with a
 * text: the file is another program's or of a newer version, and is as it was;
 * other errors of SQLite's.
 */
int schema_ensure(sqlite3 *db, char *error, size_t error_size);

#endif /* SCHEMA_H */
