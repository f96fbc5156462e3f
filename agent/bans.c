// SPDX-License-Identifier: GPL-2.0-only
#include "bans.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"

/* The agent's loop has other things to do. */
#define LOOP_PATIENCE_MS 50
/* So long a full table is not looked at again for an automatic ban. */
#define FULL_PAUSE_NS 1000000000ULL

int bans_open(struct bans *b, const char *pin_dir, const char *ledger)
{
	int rc;

	*b = (struct bans){
		.ledger = strcmp(ledger, "none") ? ledger : NULL,
		.upkeep.stale = true,
	};
	rc = bantable_open(&b->table, pin_dir);
	b->has_table = !rc;
	return rc == -ENOENT ? 0 : rc;
}

void bans_close(struct bans *b)
{
	if (b->has_table)
		bantable_close(&b->table);
	b->has_table = false;
}

int64_t bans_now_ns(const struct bans *b)
{
	return b->has_table ? bantable_now_ns(&b->table) : clock_now_ns();
}

int bans_lock(struct bans *b, unsigned int patience_ms)
{
	return b->has_table ? bantable_lock(&b->table, patience_ms) : 0;
}

void bans_unlock(struct bans *b)
{
	if (b->has_table)
		bantable_unlock(&b->table);
}

/* A clock that just came up may be behind, and every ban seem to be from the
 * future.  One that is stopped is where somebody wants it.
 */
bool bans_know_time(const struct bans *b)
{
	return (b->has_table && bantable_is_stopped(&b->table)) ||
	       clock_is_settled();
}

bool bans_correct(const struct bans *b, struct ban *ban, int64_t now_ns)
{
	return ban->made_ns > now_ns && bans_know_time(b) &&
	       ban_correct(ban, now_ns);
}

/* A change, on its way. */
struct change {
	const struct ban *want;
	const struct ban_rule *rule; /* NULL: the operator's */
	enum banstore_mode mode;
	struct ban known; /* as the kernel has it */
	bool is_known;
	bool has_swept; /* by a clock that may be wrong */
	int state;	/* of ban_repeat() */
};

/* The kernel alone may have one: kept nowhere, or by another ledger. */
static void look_up(struct change *c, const struct bans *b)
{
	struct pc_ban ban;

	c->is_known = b->has_table &&
		      !bantable_find(&ban, &b->table, &c->want->prefix);
	if (!c->is_known)
		return;
	c->known = *c->want;
	c->known.reason[0] = '\0';
	c->known.times = 0;
	c->known.expires_ns = ban.expires_ns;
	if (ban.made_s)
		c->known.made_ns = bantable_made_ns(&ban);
	bans_correct(b, &c->known, c->want->made_ns);
}

static void settle(struct ban *out, struct change *c, const struct ban *old)
{
	if (c->is_known && (!old || old->expires_ns < c->known.expires_ns)) {
		c->known.times = old ? old->times : 0;
		old = &c->known;
	}
	if (c->rule)
		c->state = ban_repeat(out, old, c->want, c->rule);
	else
		ban_merge(out, old, c->want);
}

static int write_ban(struct bans_outcome *out, const struct bans *b,
		     struct banstore *s, struct change *c)
{
	struct ban old;
	int err = banstore_begin(s), found = -ENOENT;

	if (!err) {
		found = banstore_find(&old, s, &c->want->prefix);
		err = found == -ENOENT ? 0 : found;
	}
	if (err)
		return err;
	if (!found)
		bans_correct(b, &old, c->want->made_ns);
	settle(&out->ban, c, found ? NULL : &old);
	if (c->state == -EALREADY)
		return 0;
	err = banstore_put(s, &out->ban, c->want->made_ns);
	return err ? err : banstore_commit(s);
}

static int keep(struct bans_outcome *out, const struct bans *b,
		struct change *c)
{
	struct banstore *s;
	int err;

	if (!b->ledger)
		return -ENOTSUP;
	err = banstore_open(&s, b->ledger, c->mode, out->error);
	if (err)
		return err;
	err = write_ban(out, b, s, c);
	if (err)
		memcpy(out->error, banstore_error(s), sizeof(out->error));
	banstore_close(s);
	return err;
}

/* What is over makes room. */
static int enforce(struct bans *b, const struct ban *ban, struct change *c)
{
	int rc;

	if (!b->has_table)
		return -ENODEV;
	rc = bantable_put(&b->table, &ban->prefix, ban->made_ns,
			  ban->expires_ns);
	if (rc != -ENOSPC && rc != -E2BIG)
		return rc;
	c->has_swept = true;
	bantable_sweep(&b->table, c->want->made_ns);
	return bantable_put(&b->table, &ban->prefix, ban->made_ns,
			    ban->expires_ns);
}

struct tally {
	const struct bantable *table;
	size_t n;
};

static int count_waiting(const struct ban *ban, void *arg)
{
	struct tally *t = arg;
	struct pc_ban there;

	t->n += bantable_find(&there, t->table, &ban->prefix) == -ENOENT;
	return 0;
}

/* Bans that are kept, but not enforced; 1, this one, where nobody can say. */
static size_t waiting(const struct bans *b, int64_t now_ns)
{
	struct tally t = { &b->table, 0 };
	char error[BANSTORE_ERROR_SIZE];
	struct banstore *s;

	if (!b->ledger || banstore_open(&s, b->ledger, BANSTORE_READ, error))
		return 1;
	banstore_each(s, now_ns, count_waiting, &t);
	banstore_close(s);
	return t.n ? t.n : 1;
}

static void make(struct bans_outcome *out, struct bans *b, struct change *c)
{
	look_up(c, b);
	settle(&out->ban, c, NULL);
	out->kept = keep(out, b, c);
	out->enforced = enforce(b, &out->ban, c);
}

int bans_put(struct bans_outcome *out, struct bans *b, const struct ban *want)
{
	struct change c = { .want = want, .mode = BANSTORE_WRITE };
	struct bans_outcome o = { .ban = *want };
	int rc = bans_lock(b, BANS_PATIENCE_MS), owes = 0;

	if (rc)
		return rc;
	if (b->has_table)
		owes = bantable_owe(&b->table);
	if (owes < 0) {
		bans_unlock(b);
		return owes;
	}
	make(&o, b, &c);
	if (o.enforced == -ENOSPC || o.enforced == -E2BIG)
		o.n_waiting = waiting(b, want->made_ns);
	/* What cannot be taken back costs the agent a look. */
	if (!o.enforced && !owes && !c.has_swept)
		(void)bantable_settle(&b->table);
	bans_unlock(b);
	*out = o;
	return 0;
}

static int forget(struct bans_outcome *out, const struct bans *b,
		  const struct prefix *p)
{
	struct banstore *s;
	int err;

	if (!b->ledger)
		return -ENOTSUP;
	err = banstore_open(&s, b->ledger, BANSTORE_CHANGE, out->error);
	if (err)
		return err;
	err = banstore_begin(s);
	if (!err)
		err = banstore_find(&out->ban, s, p);
	if (!err)
		err = banstore_remove(s, p);
	if (!err)
		err = banstore_commit(s);
	if (err)
		memcpy(out->error, banstore_error(s), sizeof(out->error));
	banstore_close(s);
	return err;
}

int bans_remove(struct bans_outcome *out, struct bans *b,
		const struct prefix *p)
{
	struct bans_outcome o = { .ban.prefix = *p };
	bool was_banned;
	int rc = bans_lock(b, BANS_PATIENCE_MS);

	if (rc)
		return rc;
	o.kept = forget(&o, b, p);
	/* One that is over is remembered, not in force. */
	was_banned = !o.kept && ban_holds(&o.ban, bans_now_ns(b));
	o.enforced = b->has_table ? bantable_remove(&b->table, p) : -ENODEV;
	was_banned |= !o.enforced;
	bans_unlock(b);
	if (o.kept == -ENOENT)
		o.kept = 0;
	if (o.enforced == -ENOENT)
		o.enforced = 0;
	*out = o;
	return was_banned || (o.kept && o.kept != -ENOTSUP) ? 0 : -ENOENT;
}

/* What is over makes room. */
static bool is_full(struct bans *b, int64_t now_ns)
{
	if (b->has_table && b->table.n >= PC_BANS_MAX)
		bantable_sweep(&b->table, now_ns);
	return b->has_table && b->table.n >= PC_BANS_MAX;
}

/*
 * Where the kernel has no room nothing is kept, either: whoever has that many
 * addresses would fill the ledger, which is read again and again.
 */
int bans_put_auto(struct ban *out, struct bans *b, const struct bans_auto *a)
{
	struct ban want = { .prefix = a->prefix, .made_by = BAN_BY_AUTO };
	struct change c = { .want = &want,
			    .rule = &a->rule,
			    .mode = BANSTORE_QUICK };
	struct bans_outcome o = { .kept = 0 };
	int rc;

	/* To look again takes long, and those that want one may be many. */
	if (b->full_ns && clock_boot_ns() - b->full_ns < FULL_PAUSE_NS)
		return -ENOSPC;
	rc = bans_lock(b, LOOP_PATIENCE_MS);
	if (rc)
		return rc;
	want.made_ns = bans_now_ns(b);
	if (is_full(b, want.made_ns)) {
		b->full_ns = clock_boot_ns();
		bans_unlock(b);
		return -ENOSPC;
	}
	strncat(want.reason, a->reason, sizeof(want.reason) - 1);
	make(&o, b, &c);
	b->upkeep.stale |= o.enforced != 0;
	bans_unlock(b);
	if (o.kept && o.kept != -ENOTSUP && !b->store_failed) {
		b->store_failed = true;
		log_line("ledger %s: %s; bans are enforced, but not kept",
			 b->ledger, o.error);
	}
	*out = o.ban;
	return o.enforced ? o.enforced : c.state;
}
