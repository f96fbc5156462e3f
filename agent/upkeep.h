/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent's upkeep of bans: what is over leaves the kernel, what is kept and
 * missing there is given to it, and what a wrong clock made is put right.
 */
#ifndef UPKEEP_H
#define UPKEEP_H

#include "bans.h"

/* Gives the kernel the bans that are kept.  What fails is logged. */
void upkeep_restore(struct bans *b);

/* As often as one likes. */
void upkeep_tick(struct bans *b);

#endif /* UPKEEP_H */
