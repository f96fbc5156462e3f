/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose is a program?  Ours uses the maps that are pinned in our directory. */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * This process loaded it.  Asking the kernel whose a program is takes
 * CAP_SYS_ADMIN, which a running agent has not: it knows its own by number.
 */
void origin_claim(int prog_fd);

/* name: the program's, or "?" when it cannot be asked. */
bool origin_is_ours(uint32_t prog_id, const char *pin_dir,
		    char name[static BPF_OBJ_NAME_LEN]);

#endif /* ORIGIN_H */
