/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interfaces of this network namespace that are to be filtered and are not:
 * remembered by pins, so that status knows of them whether or not there is an
 * agent.
 */
#ifndef WANTED_H
#define WANTED_H

#include "value.h"

/* 0 or -errno. */
int wanted_add(const char *pin_dir, const char *interface);
int wanted_remove(const char *pin_dir, const char *interface);
int wanted_remove_all(const char *pin_dir);
/* Their names, added to out. */
int wanted_list(struct text_list *out, const char *pin_dir);

#endif /* WANTED_H */
