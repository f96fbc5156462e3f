/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * portcullis serve: the decision service alone, without kernel programs and
 * without root.  SIGHUP reads the snapshot anew, SIGTERM ends it.
 */
#ifndef SERVE_H
#define SERVE_H

int serve_main(int argc, char **argv);

#endif /* SERVE_H */
