// SPDX-License-Identifier: GPL-2.0-only
/*
 * A clock that was ahead has made bans that are from the future now that it is
 * right: with its length from now on none of them is longer than it was meant.
 */
#include "upkeep.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define TICK_NS 10000000000ULL
#define RETRY_NS 1000000000ULL
/* At most this part of the time is spent on what waits for room. */
#define SHARE 20

/* A ban that is kept, to the kernel, unless it has one at least as long. */
static int give(const struct ban *kept, void *arg)
{
	struct bans *b = arg;
	struct ban ban = *kept;
	struct pc_ban there;
	int rc = bantable_find(&there, &b->table, &ban.prefix);

	/* Only where it could not be written: it is not to begin anew with
	 * every look.
	 */
	if (bans_correct(b, &ban, bans_now_ns(b)) && !rc)
		return 0;
	if (!rc && there.expires_ns >= ban.expires_ns)
		return 0;
	rc = bantable_put(&b->table, &ban.prefix, ban.made_ns, ban.expires_ns);
	if (rc != -ENOSPC && rc != -E2BIG)
		return rc;
	b->upkeep.n_waiting++;
	return 0;
}

static int correct_kept(const struct bans *b, struct banstore *s,
			int64_t now_ns)
{
	int n = bans_know_time(b)
			? banstore_correct(s, now_ns, ban_correct, now_ns)
			: 0;

	if (n > 0)
		log_line("bans from the future, which have their length from "
			 "now on: %d; a clock was wrong",
			 n);
	return n < 0 ? n : 0;
}

static int give_all(struct bans *b, int64_t now_ns,
		    char error[static BANSTORE_ERROR_SIZE])
{
	struct banstore *s;
	int err, rc;

	b->upkeep.n_waiting = 0;
	b->upkeep.n_reads++;
	if (!b->ledger)
		return 0;
	err = banstore_open(&s, b->ledger, BANSTORE_READ, error);
	if (err)
		return err == -ENOENT ? 0 : err;
	rc = correct_kept(b, s, now_ns);
	if (rc)
		memcpy(error, banstore_error(s), BANSTORE_ERROR_SIZE);
	err = banstore_each(s, now_ns, give, b);
	if (err)
		memcpy(error, banstore_error(s), BANSTORE_ERROR_SIZE);
	banstore_close(s);
	return err ? err : rc;
}

/* Said when it begins and when it ends. */
static void tell(struct bans *b, int err, const char *error, size_t before)
{
	size_t n = b->upkeep.n_waiting;

	if (err && !b->store_failed)
		log_line("ledger %s: %s; bans that are only there are not "
			 "enforced",
			 b->ledger, error[0] ? error : strerror(-err));
	b->store_failed = err;
	if (n && !before)
		log_line("warning: bans that are not enforced: %zu; there is "
			 "no room",
			 n);
	if (!n && before)
		log_line("every ban is enforced");
}

/* In the kernel; whether a ledger has it, too, does not matter. */
static int correct_one(struct bans *b, struct bantable_entry *e, int64_t now_ns)
{
	struct ban ban = { .made_ns = bantable_made_ns(&e->ban),
			   .expires_ns = e->ban.expires_ns };

	if (!bans_correct(b, &ban, now_ns))
		return 0;
	bantable_prefix(&ban.prefix, &e->key);
	e->ban.expires_ns = ban.expires_ns;
	b->upkeep.stale = true;
	return bantable_put(&b->table, &ban.prefix, ban.made_ns,
			    ban.expires_ns);
}

static int correct_enforced(struct bans *b, int64_t now_ns)
{
	int err = 0;

	for (size_t i = 0; i < b->table.n_entries; i++) {
		int rc = correct_one(b, &b->table.entries[i], now_ns);

		err = err ? err : rc;
	}
	return err;
}

/* Has something left the table since what waits found no room there? */
static bool has_room(const struct bans *b)
{
	struct bantable_use now = bantable_use(&b->table);
	const struct bantable_use *then = &b->upkeep.use;

	return clock_boot_ns() >= b->upkeep.rested_ns &&
	       (now.n < then->n || now.lengths < then->lengths);
}

/*
 * The ledger is read when the kernel may lack what is there, and when there is
 * room for what waits: reading takes long where there are many.
 */
static int restore(struct bans *b, int64_t now_ns)
{
	char error[BANSTORE_ERROR_SIZE] = "";
	size_t before = b->upkeep.n_waiting;
	uint64_t began_ns = clock_boot_ns(), took_ns;
	int err;

	if (bantable_owes(&b->table)) {
		b->upkeep.stale = true;
		err = bantable_settle(&b->table);
		if (err)
			log_line("cannot note that bans were looked after: %s",
				 strerror(-err));
	}
	if (!b->upkeep.stale && !(before && has_room(b)))
		return 0;
	err = give_all(b, now_ns, error);
	took_ns = clock_boot_ns() - began_ns;
	b->upkeep.rested_ns = began_ns + SHARE * took_ns;
	b->upkeep.stale = err;
	b->upkeep.use = bantable_use(&b->table);
	tell(b, err, error, before);
	return err;
}

/* What it removed while it was ahead is in force again. */
static void note_clock(struct bans *b, int64_t now_ns)
{
	int64_t ahead_ns = now_ns - (int64_t)clock_boot_ns();

	if (ahead_ns < b->upkeep.ahead_ns - BAN_CLOCK_SLACK_NS)
		b->upkeep.stale = true;
	b->upkeep.ahead_ns = ahead_ns;
}

/* What fails has been told. */
static int mend(struct bans *b)
{
	int64_t now_ns = bans_now_ns(b);
	int err = bans_lock(b, 0);

	if (err && err != -EBUSY)
		log_line("cannot look after bans: %s", strerror(-err));
	if (err)
		return err;
	note_clock(b, now_ns);
	err = correct_enforced(b, now_ns);
	if (err)
		log_line("cannot shorten a ban from the future: %s",
			 strerror(-err));
	err = bantable_sweep(&b->table, now_ns);
	if (err)
		log_line("cannot remove a ban that is over: %s",
			 strerror(-err));
	err = restore(b, now_ns);
	bans_unlock(b);
	return err;
}

void upkeep_tick(struct bans *b)
{
	uint64_t now_ns = clock_boot_ns();

	if (!b->has_table || now_ns < b->upkeep.due_ns)
		return;
	b->upkeep.due_ns = now_ns + (mend(b) ? RETRY_NS : TICK_NS);
}

void upkeep_restore(struct bans *b)
{
	b->upkeep.due_ns = 0;
	b->upkeep.stale = true;
	upkeep_tick(b);
}
