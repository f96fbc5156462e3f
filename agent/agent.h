/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * portcullis run: the daemon.  Parse, load, write the policy, read it back,
 * attach, say ready, then wait: SIGHUP reloads, SIGTERM ends the agent and
 * leaves the filter.
 */
#ifndef AGENT_H
#define AGENT_H

int run_main(int argc, char **argv);

#endif /* AGENT_H */
