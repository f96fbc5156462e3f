/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host must offer before anything is loaded, and what is given up. */
#ifndef HOST_H
#define HOST_H

#include <stddef.h>

#include "prefix.h"

/*
 * Privileges, kernel version, BTF.  0 or -errno; what is missing and what to do
 * about it has been logged.
 */
int host_check(void);

/*
 * Makes the pin directory, mounting the BPF file system at /sys/fs/bpf when it
 * is not there.  0 or -errno, logged.
 */
int host_make_pin_dir(const char *pin_dir);

/* Is the pin directory on a BPF file system?  0 or -errno. */
int host_check_pin_dir(const char *pin_dir);

/*
 * The interface's index; -ENODEV when there is none of that name, -EPROTOTYPE
 * when it carries no Ethernet frames.  Logged by the one, not by the other.
 */
int host_find_interface(const char *name);
int host_seek_interface(const char *name);

/*
 * Every address of this network namespace's interfaces, as full-length
 * prefixes. A new array.  0 or -errno.
 */
int host_addresses(struct prefix **out, size_t *n);

/* No core dumps, nobody looks in, no new privileges.  0 or -errno. */
int host_hide(void);

/*
 * That, and only the capabilities that running needs, in this thread and those
 * it makes from here on.  0 or -errno.
 */
int host_drop_privileges(void);

#endif /* HOST_H */
