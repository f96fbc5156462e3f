// SPDX-License-Identifier: GPL-2.0-only
/* portcullis(8): the table of commands, and usage printed from it. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "answer.h"
#include "capture.h"
#include "ban_command.h"
#include "ban_list.h"
#include "check_snapshot.h"
#include "confirm.h"
#include "decisions.h"
#include "detach.h"
#include "explain.h"
#include "judge.h"
#include "pc_abi.h"
#include "serve.h"
#include "show_events.h"
#include "status.h"
#include "wipe.h"

#define VERSION "0.1.0"

static int reasons_main(int argc, char **argv);
static int version_main(int argc, char **argv);
static int help_main(int argc, char **argv);

/* Each gets its own name as argv[0]. */
static const struct command {
	const char *name;
	const char *args;
	const char *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", "[flags]", "attach the filter, keep its policy in force",
	  run_main },
	{ "serve", "[flags]", "answer proxies and gateways, without the filter",
	  serve_main },
	{ "detach", "[flags]", "remove the filter", detach_main },
	{ "status", "[-j]", "show policy and counters", status_main },
	{ "explain", "[flags]", "show every check of a key", explain_main },
	{ "ban", "PREFIX", "drop an address or prefix at once",
	  ban_command_ban },
	{ "unban", "PREFIX", "end a ban", ban_command_unban },
	{ "bans", "[-j]", "show who is banned", ban_list_main },
	{ "confirm", "[--revert]", "keep the policy that is on approval",
	  confirm_main },
	{ "decisions", "[-f] [-j]", "show recent denials of the service",
	  decisions_main },
	{ "events", "[-f] [-j]", "show what the filter dropped lately",
	  show_events_main },
	{ "capture", "[flags] FILE", "write what the filter drops as pcap",
	  capture_main },
	{ "check-snapshot", "[flags] FILE",
	  "compile a snapshot, change nothing", check_snapshot_main },
	{ "judge", "FILE...", "answer conformance cases", judge_main },
	{ "reasons", "", "list reasons and what they lead to", reasons_main },
	{ "version", "", "print the version", version_main },
	{ "help", "", "show this text", help_main },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *f)
{
	fprintf(f, "usage: portcullis command [flags]\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(f, "  %-14s %-13s %s\n", commands[i].name,
			commands[i].args, commands[i].help);
	fprintf(f, "\nportcullis command --help lists a command's flags.\n");
}

static int reasons_main(int argc, char **argv)
{
	static const char *const classes[] = { "pass", "drop", "deny", "own" };

	(void)argc, (void)argv;
	for (int r = 0; r < PC_R_MAX; r++)
		printf("%s\t%s\n", reason_name(r), classes[reason_class(r)]);
	return 0;
}

static int version_main(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("portcullis %s, ABI %d\n", VERSION, PC_ABI_VERSION);
	return 0;
}

static int help_main(int argc, char **argv)
{
	(void)argc, (void)argv;
	usage(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	/* What went wrong is said once, where its name is known. */
	libbpf_set_print(NULL);
	wipe_json();
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1)
		fprintf(stderr, "portcullis: no such command: '%s'\n", name);
	usage(stderr);
	return 2;
}
