/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis ban and unban: single addresses and prefixes, at once. */
#ifndef BAN_COMMAND_H
#define BAN_COMMAND_H

/* 0: it is (not) banned, or will be once there is a filter; 1: not so, or not
 * kept, and said why.
 */
int ban_command_ban(int argc, char **argv);
int ban_command_unban(int argc, char **argv);

#endif /* BAN_COMMAND_H */
