/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a source that was refused so often to a ban, or to why there is none.
 * Whether it may be banned and how that is done is for others to say: this
 * knows the order of the questions, and tells of what came out.
 */
#ifndef AUTOBAN_H
#define AUTOBAN_H

#include <stdbool.h>
#include <stdint.h>

#include "eventlog.h"
#include "events.h"
#include "suspects.h"
#include "value.h"

#define AUTOBAN_WHY_SIZE 128

struct autoban_config {
	bool monitor; /* only says whom it would ban */
	struct rate rate;
	struct suspects *suspects; /* NULL: there is no service; borrowed */
	/* Must it never be banned?  Then why has the reason. */
	bool (*spared)(char why[static AUTOBAN_WHY_SIZE],
		       const struct prefix *who, void *arg);
	/* Bans it: 0 and until when (Unix time, PC_NEVER); -EALREADY: it is;
	 * -ENOSPC: there is no room; -E2BIG: it is to be, and waits for
	 * room; -errno.
	 */
	int (*ban)(int64_t *until_ns, const struct prefix *who,
		   const char *reason, void *arg);
	void (*record)(const struct eventlog_record *r, void *arg);
	void *arg;
};

/* In a second: whoever has many addresses is not to fill the log. */
#define AUTOBAN_LINES_MAX 20

struct autoban;

/* 0 or -errno. */
int autoban_new(struct autoban **out, const struct autoban_config *cfg);
/* Whom the service suspects, to an epoll set of struct watch; 0 or -errno. */
int autoban_watch(struct autoban *a, int epoll);
void autoban_free(struct autoban *a);

/* arg is the struct autoban: for struct events_config. */
void autoban_offender(const struct offender *o, void *arg);
/* Lines about sources: those that the log has, and those that were too many. */
struct autoban_lines {
	uint64_t said;
	uint64_t unsaid;
};
struct autoban_lines autoban_lines(const struct autoban *a);

/* Those that wait, or as many as a turn of the loop has time for; what its
 * watch does.
 */
void autoban_take(struct autoban *a);

#endif /* AUTOBAN_H */
