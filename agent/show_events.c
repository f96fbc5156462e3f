// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the event log and the kernel's counters of what is not in it: works
 * while the agent runs, hangs or is dead.  What is missing is said.
 */
#include "show_events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "eventlog.h"
#include "gate.h"
#include "log.h"
#include "options.h"

/* How often a follower looks: seen by people, not by programs in a hurry. */
#define POLL_NS 100000000L
/* Every so many looks: what was not told of. */
#define GATE_POLLS 10

/* A reader's place. */
struct reader {
	const struct options *o;
	struct eventlog *log;
	struct stat file; /* the log's */
	uint64_t position;
	int gate; /* negative: no filter is installed */
	struct pc_event_gate said;
};

static int complain(const char *path, int err)
{
	if (err == -ENOENT)
		log_line("%s: not there: has no agent run here?", path);
	else if (err == -EPROTO)
		log_line("%s: holds no events of this version", path);
	else
		log_line("%s: %s", path, strerror(-err));
	return err;
}

static int reader_open(struct reader *r)
{
	struct eventlog *l;
	int err = eventlog_open(&l, r->o->events);

	if (err)
		return err;
	eventlog_close(r->log);
	r->log = l;
	r->position = 0;
	return stat(r->o->events, &r->file) ? -errno : 0;
}

/* Follows the name, not the file: an agent may have begun another. */
static void reader_reopen(struct reader *r)
{
	struct stat now;

	if (stat(r->o->events, &now) ||
	    (now.st_dev == r->file.st_dev && now.st_ino == r->file.st_ino))
		return;
	/* Not there yet, or not whole: the next look will tell. */
	(void)reader_open(r);
}

static void say(const struct reader *r, uint64_t n, const char *name,
		const char *why)
{
	if (!n)
		return;
	if (r->o->json)
		printf("{\"%s\":%" PRIu64 "}\n", name, n);
	else
		printf("# %" PRIu64 " %s: %s\n", n, name, why);
}

/* What the kernel did not tell of, since it was last said. */
static void say_untold(struct reader *r)
{
	struct pc_event_gate now;

	if (r->gate < 0 || gate_read(&now, r->gate))
		return;
	say(r, now.limited - r->said.limited, "limited",
	    "more than --event-rate, not told of one by one");
	say(r, now.lost - r->said.lost, "lost",
	    "not told of: no agent took them");
	r->said = now;
}

/* At most a ring's worth, so that a busy filter does not hold us for ever. */
static bool reader_show(struct reader *r)
{
	char line[EVENTLOG_LINE_SIZE];
	struct eventlog_record record;
	bool any = false, read = true;
	uint64_t lost;

	for (size_t i = 0; read && i < EVENTLOG_RECORDS; i++) {
		read = eventlog_read(&record, &lost, r->log, &r->position);
		say(r, lost, "overwritten", "before they were read");
		if (!read)
			break;
		any = true;
		puts(r->o->json ? eventlog_print_json(&record, line)
				: eventlog_print(&record, line));
	}
	return any;
}

/* Ends when nobody listens any more. */
static int follow(struct reader *r)
{
	static const struct timespec pause = { 0, POLL_NS };

	for (unsigned int looks = 0; !fflush(stdout); looks++) {
		bool any = reader_show(r);

		if (looks % GATE_POLLS == 0)
			say_untold(r);
		if (any)
			continue;
		nanosleep(&pause, NULL);
		reader_reopen(r);
	}
	log_line("writing: %s", strerror(errno));
	return 1;
}

static int show(struct reader *r)
{
	int err = reader_open(r);

	if (err) {
		complain(r->o->events, err);
		return 1;
	}
	r->gate = gate_open(r->o->pin_dir);
	if (r->o->follow)
		return follow(r);
	reader_show(r);
	say_untold(r);
	if (fflush(stdout)) {
		log_line("writing: %s", strerror(errno));
		return 1;
	}
	return 0;
}

int show_events_main(int argc, char **argv)
{
	struct options o;
	struct reader r = { .o = &o, .gate = -1 };
	int rc = options_parse(&o, argc, argv, OPTIONS_EVENTS);

	if (rc)
		return rc == 1 ? 0 : 2;
	rc = show(&r);
	eventlog_close(r.log);
	if (r.gate >= 0)
		close(r.gate);
	options_fini(&o);
	return rc;
}
