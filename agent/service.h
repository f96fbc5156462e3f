/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decision service as the rest of the agent sees it: opened while there are
 * privileges, started as a thread of its own once there are none, told of every
 * reload, stopped.  Nothing that the other thread does makes a decision wait.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "snapshot.h"

struct service;
struct suspects;

/* Called by the service's thread: a key and its facts as of now. */
typedef void service_tell_fn(const struct pc_digest *key,
			     const struct pc_key *value, void *arg);

/*
 * Listens, makes directories and files.  Borrows the options.  0 or -errno,
 * logged.
 */
int service_open(struct service **out, const struct options *o);
/* Where refusals are counted by client; borrowed.  Before the start. */
void service_suspect(struct service *s, struct suspects *suspects);
/* tell may be NULL.  0 or -errno, logged. */
int service_start(struct service *s, service_tell_fn *tell, void *arg);

/*
 * What is decided by from now on; takes the entries out of the snapshot.
 * complete_until_ns: until this Unix time there are no other keys; on_trial: it
 * may yet be taken back.  Then all keys whose use changes their facts are told
 * again.  0, -ENOMEM: nothing has changed.
 */
int service_replace(struct service *s, struct snapshot *snap,
		    int64_t complete_until_ns, bool on_trial);
/* What is on trial, if anything is, stays; or what was before is decided by
 * again: 0, -ENOENT: there was nothing before.
 */
void service_keep(struct service *s);
int service_go_back(struct service *s);

/* Answers what is under way and ends the thread.  NULL is none. */
void service_free(struct service *s);

#endif /* SERVICE_H */
