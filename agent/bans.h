/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bans as they are kept on disk and as the kernel has them, brought together:
 * first to disk, then to the kernel, and what the kernel lacks after a reboot,
 * a kill or for want of room it is given later (upkeep.h).  One thread at a
 * time.
 */
#ifndef BANS_H
#define BANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ban.h"
#include "banstore.h"
#include "bantable.h"

/* Of upkeep.c. */
struct upkeep {
	uint64_t due_ns;  /* CLOCK_BOOTTIME */
	int64_t ahead_ns; /* Unix time less CLOCK_BOOTTIME, when last looked */
	bool stale;	  /* the kernel may lack what is kept */
	size_t n_waiting; /* for room */
	struct bantable_use use; /* what was when the ledger was read */
	uint64_t rested_ns;	 /* when it may be read for what waits */
	uint64_t n_reads;	 /* of the ledger */
};

struct bans {
	struct bantable table;
	bool has_table;	    /* a filter is installed */
	const char *ledger; /* borrowed; NULL: nothing is kept */
	struct upkeep upkeep;
	bool store_failed; /* said once */
	uint64_t full_ns;  /* CLOCK_BOOTTIME: bans_put_auto() found no room */
};

/* What became of a change. */
struct bans_outcome {
	struct ban ban;	  /* as it is now */
	int kept;	  /* 0; -ENOTSUP: without a ledger; -errno: see error */
	int enforced;	  /* 0; -ENODEV: no filter is installed; see
			   * bantable_put() */
	size_t n_waiting; /* for room: bans that are kept and not enforced */
	char error[BANSTORE_ERROR_SIZE];
};

/* An automatic ban. */
struct bans_auto {
	struct prefix prefix;
	struct ban_rule rule;
	const char *reason; /* ban_check_reason() has no objection */
};

/* ledger: a file, or "none".  Borrowed.  0 or -errno. */
int bans_open(struct bans *b, const char *pin_dir, const char *ledger);
void bans_close(struct bans *b);

int64_t bans_now_ns(const struct bans *b);
/* Can the clock that bans are judged by be believed? */
bool bans_know_time(const struct bans *b);
/* ban_correct(), where it can. */
bool bans_correct(const struct bans *b, struct ban *ban, int64_t now_ns);

#define BANS_PATIENCE_MS 10000 /* a person's */
/* Nobody else changes bans until the unlock; -EBUSY. */
int bans_lock(struct bans *b, unsigned int patience_ms);
void bans_unlock(struct bans *b);

/*
 * Bans, or extends: see ban_merge().  0: see *out; -EBUSY: somebody else is at
 * work, nothing was done; -errno.
 */
int bans_put(struct bans_outcome *out, struct bans *b, const struct ban *want);

/* As bans_put(); -ENOENT: that prefix is not banned. */
int bans_remove(struct bans_outcome *out, struct bans *b,
		const struct prefix *p);

/*
 * For the agent's loop.  Longer each time the same prefix is banned.  0;
 * -EALREADY: it is; -ENOSPC: there is no room, and it is not kept, either;
 * -E2BIG: see bantable_put(), it is kept and waits; -EBUSY: try again; -errno.
 * *out if 0, -EALREADY or -E2BIG.
 */
int bans_put_auto(struct ban *out, struct bans *b, const struct bans_auto *a);

#endif /* BANS_H */
