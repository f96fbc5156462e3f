/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis detach: takes the filter and everything pinned with it away. */
#ifndef DETACH_H
#define DETACH_H

int detach_main(int argc, char **argv);

#endif /* DETACH_H */
