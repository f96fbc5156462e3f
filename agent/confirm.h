/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis confirm: keeps a policy that is on approval, or lets it go. */
#ifndef CONFIRM_H
#define CONFIRM_H

int confirm_main(int argc, char **argv);

#endif /* CONFIRM_H */
