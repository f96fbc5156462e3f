/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis status: what is attached and in force, agent or no agent. */
#ifndef STATUS_H
#define STATUS_H

int status_main(int argc, char **argv);

#endif /* STATUS_H */
