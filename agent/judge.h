/* SPDX-License-Identifier: GPL-2.0-only */
/* portcullis judge: conformance cases in, what we would answer out. */
#ifndef JUDGE_H
#define JUDGE_H

/*
 * judge [--profile P] FILE...; argv[0] is the verb.  One line a case and
 * profile: id, profile, status, code.  0; 1: could not write or out of memory;
 * 2: usage, or a file that is no list of cases, of which then nothing is
 * printed.
 */
int judge_main(int argc, char **argv);

#endif /* JUDGE_H */
