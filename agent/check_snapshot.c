// SPDX-License-Identifier: GPL-2.0-only
/* The dry run of the policy pipeline: file to snapshot to policy to summary. */
#include "check_snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "clock.h"
#include "feeds.h"
#include "log.h"
#include "snapshot.h"
#include "summary.h"

static int compile_with_lists(struct policy *out, const struct snapshot *s,
			      struct policy_options *opt,
			      const struct options *o)
{
	struct policy_file *files;
	struct feeds feeds;
	int err = feeds_open(&feeds, &o->block_files, &o->allow_files, NULL);

	/* It has said which list, and why. */
	if (err)
		return err;
	files = feeds_files(&feeds);
	opt->files = files;
	opt->n_files = feeds.n;
	err = files ? policy_compile(out, s, opt) : -ENOMEM;
	if (err)
		log_line("%s: %s", o->snapshot,
			 err == -E2BIG ? "too many keys or prefixes"
				       : strerror(-err));
	free(files);
	feeds_fini(&feeds);
	return err;
}

int check_snapshot_compile(struct policy *out, const struct options *o,
			   int64_t now_ns)
{
	char error[SNAPSHOT_ERROR_SIZE];
	struct policy_options opt;
	struct snapshot s;
	int err = snapshot_load(&s, o->snapshot, error);

	if (err) {
		log_line("%s", error);
		return err;
	}
	options_policy(&opt, o);
	opt.now_ns = now_ns;
	err = compile_with_lists(out, &s, &opt, o);
	snapshot_fini(&s);
	return err;
}

static int print_text(const struct policy *p)
{
	char *text = policy_print(p);

	if (!text)
		return -ENOMEM;
	fputs(text, stdout);
	free(text);
	return 0;
}

static int print_json(const struct policy *p)
{
	json_t *json = summary_json(&p->summary);

	if (!json)
		return -ENOMEM;
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
	return 0;
}

int check_snapshot_main(int argc, char **argv)
{
	struct options o;
	struct policy p;
	int err = options_parse(&o, argc, argv, OPTIONS_CHECK);

	if (err)
		return err < 0 ? 2 : 0;
	err = check_snapshot_compile(&p, &o, clock_now_ns());
	if (!err) {
		err = o.json ? print_json(&p) : print_text(&p);
		policy_fini(&p);
	}
	if (fflush(stdout))
		err = -errno;
	options_fini(&o);
	return err ? 1 : 0;
}
