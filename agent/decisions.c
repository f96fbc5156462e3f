// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the ring and nothing else: works while the service runs, hangs or is
 * dead.  What was overwritten unread is said where it is missed.
 */
#include "decisions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "answer.h"
#include "dialect.h"
#include "log.h"
#include "options.h"
#include "ruling.h"
#include "text.h"
#include "timestamp.h"

/* How often a follower looks: seen by people, not by programs in a hurry. */
#define POLL_NS 100000000L

/* What is known of a record, as text. */
struct view {
	char time[TIMESTAMP_STRLEN];
	char id[TRACE_ID_SIZE];
	char key[9]; /* 4 bytes of the hash in hex; "": no key */
	const char *reason;
	const char *dialect;
	const char *stale;
};

static void view_print(struct view *v, const struct trace *t,
		       const struct trace_record *r)
{
	static const uint8_t none[sizeof(r->digest4)];

	timestamp_print(r->time_ns, v->time);
	trace_print_id(t, r->number, v->id);
	v->key[0] = '\0';
	if (memcmp(r->digest4, none, sizeof(none)))
		snprintf(v->key, sizeof(v->key), "%02x%02x%02x%02x",
			 r->digest4[0], r->digest4[1], r->digest4[2],
			 r->digest4[3]);
	v->reason = r->reason < PC_R_MAX ? reason_name(r->reason) : "?";
	v->dialect = dialect_name(r->dialect);
	v->stale = ruling_stale_name(r->stale);
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

const char *decisions_print(const struct trace *t, const struct trace_record *r,
			    char buf[static DECISIONS_LINE_SIZE])
{
	struct view v;

	view_print(&v, t, r);
	snprintf(buf, DECISIONS_LINE_SIZE,
		 "%-30s %s %-22s %3u key %" PRId64 " %s %s %s %s", v.time, v.id,
		 v.reason, r->status, r->key_id, or_dash(v.key),
		 or_dash(r->client), v.dialect, or_dash(v.stale));
	return buf;
}

const char *decisions_print_json(const struct trace *t,
				 const struct trace_record *r,
				 char buf[static DECISIONS_LINE_SIZE])
{
	struct text text = { buf, DECISIONS_LINE_SIZE, 0, false };
	struct view v;

	view_print(&v, t, r);
	buf[0] = '\0';
	text_add(&text,
		 "{\"time\":\"%s\",\"id\":\"%s\",\"reason\":\"%s\","
		 "\"status\":%u,\"key_id\":%" PRId64 ",\"key\":\"%s\","
		 "\"client\":",
		 v.time, v.id, v.reason, r->status, r->key_id, v.key);
	text_add_json(&text, r->client);
	text_add(&text, ",\"dialect\":\"%s\",\"stale\":\"%s\"}", v.dialect,
		 v.stale);
	return buf;
}

/* A reader's place. */
struct reader {
	const struct options *o;
	struct trace *trace;
	struct stat file; /* the trace's */
	uint64_t position;
	uint64_t wanted; /* a number; 0: every one */
	bool found;
};

static int complain(const char *path, int err)
{
	if (err == -ENOENT)
		log_line("%s: not there: has no service run here?", path);
	else if (err == -EPROTO)
		log_line("%s: holds no decisions of this version", path);
	else
		log_line("%s: %s", path, strerror(-err));
	return err;
}

static int reader_open(struct reader *r)
{
	struct trace *t;
	int err = trace_open(&t, r->o->trace);

	if (err)
		return err;
	trace_close(r->trace);
	r->trace = t;
	r->position = 0;
	return stat(r->o->trace, &r->file) ? -errno : 0;
}

/* Follows the name, not the file: a service may have begun another. */
static void reader_reopen(struct reader *r)
{
	struct stat now;

	if (stat(r->o->trace, &now) ||
	    (now.st_dev == r->file.st_dev && now.st_ino == r->file.st_ino))
		return;
	/* Not there yet, or not whole: the next look will tell. */
	(void)reader_open(r);
}

static void say_lost(const struct reader *r, uint64_t lost)
{
	if (!lost || r->wanted)
		return;
	if (r->o->json)
		printf("{\"lost\":%" PRIu64 "}\n", lost);
	else
		printf("# %" PRIu64 " lost: overwritten before they were "
		       "read\n",
		       lost);
}

/* At most a ring's worth, so that a busy service does not hold us for ever. */
static bool reader_show(struct reader *r)
{
	char line[DECISIONS_LINE_SIZE];
	struct trace_record record;
	uint64_t lost;
	bool any = false;

	for (size_t i = 0; i < TRACE_RECORDS; i++) {
		bool read = trace_read(&record, &lost, r->trace, &r->position);

		say_lost(r, lost);
		if (!read)
			break;
		any = true;
		if (r->wanted && record.number != r->wanted)
			continue;
		r->found = true;
		puts(r->o->json ? decisions_print_json(r->trace, &record, line)
				: decisions_print(r->trace, &record, line));
	}
	return any;
}

/* Ends when nobody listens any more. */
static int follow(struct reader *r)
{
	static const struct timespec pause = { 0, POLL_NS };

	while (!fflush(stdout)) {
		if (reader_show(r))
			continue;
		nanosleep(&pause, NULL);
		reader_reopen(r);
	}
	log_line("writing: %s", strerror(errno));
	return 1;
}

static int want(struct reader *r)
{
	int err = trace_parse_id(r->trace, &r->wanted, r->o->id);

	if (err == -EINVAL)
		log_line("--id %s: is no decision's id", r->o->id);
	else if (err)
		log_line("--id %s: not a decision of this file", r->o->id);
	return err;
}

static int show(struct reader *r)
{
	int err = reader_open(r);

	if (err) {
		complain(r->o->trace, err);
		return 1;
	}
	err = r->o->id ? want(r) : 0;
	if (err)
		return err == -EINVAL ? 2 : 1;
	if (r->o->follow)
		return follow(r);
	reader_show(r);
	if (fflush(stdout)) {
		log_line("writing: %s", strerror(errno));
		return 1;
	}
	if (!r->wanted || r->found)
		return 0;
	log_line("--id %s: no denial, or older than those kept", r->o->id);
	return 1;
}

int decisions_main(int argc, char **argv)
{
	struct options o;
	struct reader r = { .o = &o };
	int rc = options_parse(&o, argc, argv, OPTIONS_DECISIONS);

	if (rc)
		return rc == 1 ? 0 : 2;
	rc = show(&r);
	trace_close(r.trace);
	options_fini(&o);
	return rc;
}
