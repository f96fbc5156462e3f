/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a policy comes into force: read the snapshot and the lists, compile, ask
 * the guard, write, flip; and what there is to do while one is on approval.
 * Whatever fails leaves the generation that is in force.
 */
#ifndef ROLLOUT_H
#define ROLLOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "consent.h"
#include "feeds.h"
#include "maps.h"
#include "options.h"
#include "service.h"

/* What asks for a new policy; the later one asks for more. */
enum rollout_change {
	ROLLOUT_NONE,
	ROLLOUT_BY_LIST, /* the keys in force stay */
	ROLLOUT_BY_FILE,
	ROLLOUT_BY_HAND /* --confirm holds */
};

struct rollout {
	const struct options *opt; /* all of these are borrowed */
	struct maps *maps;
	struct service *service; /* NULL: none */
	struct consent consent;
	struct feeds feeds;
	struct policy_base base; /* of the keys written last */
	struct files *files;
	size_t snapshot;     /* its number in files */
	struct stat tried;   /* the version of it that was read last */
	uint64_t generation; /* the last one, which may be gone */
	enum rollout_change
		waiting;  /* until the one on approval is confirmed */
	bool rolled_back; /* nothing is tried again unless asked by hand */
	/* The service decides by others than the keys in force, and is not to
	 * tell the kernel of them.
	 */
	atomic_bool is_parted;
};

/* A snapshot, and what was made of it and the lists. */
struct material {
	struct snapshot snap;
	uint64_t snap_ns; /* how long reading it took */
	struct policy policy;
};

/* Reads the list files; before privileges are dropped.  0 or -errno, logged. */
int rollout_open(struct rollout *r, const struct options *opt);
void rollout_close(struct rollout *r);

/* Compiles, and asks the guard.  0 or -errno, logged. */
int rollout_prepare(struct material *out, struct rollout *r);
/* 0 or -errno, logged.  by_hand: --confirm holds. */
int rollout_apply(struct rollout *r, struct material *m, bool by_hand);
void material_fini(struct material *m);

/* The generation; 0: none. */
uint64_t rollout_in_force(const struct rollout *r);

/* The operator wants everything read again. */
void rollout_reload(struct rollout *r);
/* Files may have changed: r->files has something. */
void rollout_look(struct rollout *r);
/* A few times a second.  False: a policy is on approval. */
bool rollout_tick(struct rollout *r);

#endif /* ROLLOUT_H */
