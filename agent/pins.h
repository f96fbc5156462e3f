/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is pinned in our directory beside the maps: links of XDP programs, and
 * marks that stand for filters at TC, which cannot be pinned, and for filters
 * that are missing.
 */
#ifndef PINS_H
#define PINS_H

#include <stdint.h>

#define PINS_PATH_SIZE 320
#define PINS_WANT_PREFIX "want_" /* of wanted.h's */

/* What is judged at TC. */
enum pins_what {
	PINS_REQUEST,
	PINS_ADDRESS
};

/* Where the link of an interface's XDP program is pinned. */
void pins_link_path(char path[static PINS_PATH_SIZE], const char *pin_dir,
		    int ifindex);

/* The kernel's number for our counters: a program that uses them is ours. */
int pins_active_id(uint32_t *out, const char *pin_dir);

/*
 * Remembers, or forgets, a filter at TC of an interface in this network
 * namespace.  0 or -errno.
 */
int pins_mark(const char *pin_dir, enum pins_what what, int ifindex);
int pins_unmark(const char *pin_dir, enum pins_what what, int ifindex);

/* The number of this network namespace, in names; 0: unknown. */
unsigned long long pins_namespace(void);
/* A second pin of the slot in force: a note, no more.  0 or -errno. */
int pins_repeat(const char *pin_dir, const char *path);

/*
 * Removes links and marks of interfaces that are gone from this network
 * namespace.  0 or -errno.
 */
int pins_sweep(const char *pin_dir);

/*
 * Removes every pin of ours, and the directory unless others keep something in
 * it.  0 or -errno; -EBUSY, logged: a filter is attached out of sight.
 */
int pins_remove(const char *pin_dir);

#endif /* PINS_H */
