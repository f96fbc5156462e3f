// SPDX-License-Identifier: GPL-2.0-only
#include "rollout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "host.h"
#include "log.h"
#include "policy.h"
#include "snapshot.h"

#define NS_PER_S 1000000000
#define NS_PER_MS 1e6

int rollout_open(struct rollout *r, const struct options *opt)
{
	int rc = files_open(&r->files), number = 0;

	r->opt = opt;
	if (!rc && opt->snapshot) {
		number = files_watch(r->files, opt->snapshot);
		rc = number < 0 ? number : 0;
		r->snapshot = (size_t)number;
	}
	if (rc) {
		log_line("cannot watch files: %s", strerror(-rc));
		return rc;
	}
	rc = feeds_open(&r->feeds, &opt->block_files, &opt->allow_files,
			r->files);
	return rc ? rc : consent_open(&r->consent, opt);
}

void rollout_close(struct rollout *r)
{
	feeds_fini(&r->feeds);
	policy_base_fini(&r->base);
	consent_close(&r->consent);
	files_close(r->files);
}

void material_fini(struct material *m)
{
	snapshot_fini(&m->snap);
	policy_fini(&m->policy);
}

/* Before it is read: what comes in between is looked at once more. */
static void note_version(struct rollout *r)
{
	if (!r->opt->snapshot || stat(r->opt->snapshot, &r->tried))
		r->tried = (struct stat){ 0 };
}

/* A version that was refused, or read by SIGHUP, is not tried again. */
static bool has_new_version(struct rollout *r)
{
	const struct stat *old = &r->tried;
	struct stat now;

	if (!r->opt->snapshot || !files_changed(r->files, r->snapshot) ||
	    stat(r->opt->snapshot, &now))
		return false;
	return now.st_dev != old->st_dev || now.st_ino != old->st_ino ||
	       now.st_size != old->st_size ||
	       memcmp(&now.st_mtim, &old->st_mtim, sizeof(now.st_mtim)) ||
	       memcmp(&now.st_ctim, &old->st_ctim, sizeof(now.st_ctim));
}

static int64_t now_ns(const struct rollout *r)
{
	return r->opt->clock_ns ? r->opt->clock_ns : clock_now_ns();
}

static int load_snapshot(struct material *out, struct rollout *r)
{
	uint64_t start_ns = clock_boot_ns();
	char error[SNAPSHOT_ERROR_SIZE] = "";
	int rc = 0;

	note_version(r);
	if (r->opt->snapshot)
		rc = snapshot_load(&out->snap, r->opt->snapshot, error);
	out->snap_ns = clock_boot_ns() - start_ns;
	if (rc)
		log_line("snapshot %s", error);
	return rc;
}

uint64_t rollout_in_force(const struct rollout *r)
{
	struct pc_policy now;

	return maps_read_policy(r->maps, &now) ? 0 : now.generation;
}

/* Are the keys in force those of the base? */
static bool has_base(const struct rollout *r)
{
	return policy_base_holds(&r->base, now_ns(r)) &&
	       rollout_in_force(r) == r->generation;
}

/*
 * Where lists alone have changed neither the file of a million keys is read
 * again, nor must it be a good one.
 */
static int compile(struct material *out, struct rollout *r,
		   const struct policy_options *opt, bool keys)
{
	int rc = keys ? load_snapshot(out, r) : 0;

	if (rc)
		return rc;
	rc = keys ? policy_compile(&out->policy, &out->snap, opt)
		  : policy_renew(&out->policy, &r->base, opt);
	if (rc)
		log_line("cannot compile the policy: %s",
			 rc == -E2BIG ? "too many keys or prefixes"
				      : strerror(-rc));
	return rc;
}

static int prepare(struct material *out, struct rollout *r, bool keys)
{
	struct policy_file *files = feeds_files(&r->feeds);
	struct policy_options opt = { 0 };
	uint64_t start_ns = clock_boot_ns();
	struct prefix *own = NULL;
	int rc = files ? 0 : -ENOMEM;

	options_policy(&opt, r->opt);
	opt.now_ns = now_ns(r);
	opt.files = files;
	opt.n_files = r->feeds.n;
	if (!rc && !opt.gateways.n) {
		rc = host_addresses(&own, &opt.gateways.n);
		opt.gateways.items = own;
	}
	if (rc)
		log_line("cannot list this host's addresses: %s",
			 strerror(-rc));
	else
		rc = compile(out, r, &opt, keys);
	if (!rc)
		rc = consent_policy(&r->consent, &out->policy.image,
				    out->policy.lists);
	out->policy.head.read_ns = r->feeds.read_ns + out->snap_ns;
	out->policy.head.compile_ns = clock_boot_ns() - start_ns - out->snap_ns;
	free(own);
	free(files);
	return rc;
}

int rollout_prepare(struct material *out, struct rollout *r)
{
	return prepare(out, r, true);
}

static void log_policy(const struct policy *p)
{
	log_line(
		"generation %llu in force: %zu keys, %zu live, "
		"%llu prefixes; read in %.1f ms, compiled in %.1f, put in %.1f",
		(unsigned long long)p->head.generation, (size_t)p->head.n_keys,
		p->summary.n_live, (unsigned long long)p->head.n_prefixes,
		(double)p->head.read_ns / NS_PER_MS,
		(double)p->head.compile_ns / NS_PER_MS,
		(double)p->head.put_ns / NS_PER_MS);
	for (size_t i = 0; i < p->summary.n_warnings; i++)
		log_line("warning: %s (%zu)", p->summary.warnings[i].text,
			 p->summary.warnings[i].count);
}

static int write_maps(struct rollout *r, struct policy *p, bool by_hand)
{
	uint64_t confirm_ns = by_hand ? r->opt->confirm_ns : 0;
	int rc;

	p->head.generation = r->generation + 1;
	rc = maps_apply(r->maps, p, confirm_ns);
	if (rc == -EBUSY)
		log_line("another policy waits for portcullis confirm");
	else if (rc)
		log_line("cannot write the policy: %s", strerror(-rc));
	if (rc)
		return rc;
	r->generation = p->head.generation;
	r->rolled_back = false;
	log_policy(p);
	if (confirm_ns)
		log_line("generation %llu goes in %llu s unless "
			 "portcullis confirm keeps it",
			 (unsigned long long)r->generation,
			 (unsigned long long)(confirm_ns / NS_PER_S));
	return 0;
}

/*
 * The kernel first, by the use that the snapshot tells of; the service then
 * tells it of the keys whose use since then makes a difference, which takes a
 * few milliseconds.
 */
int rollout_apply(struct rollout *r, struct material *m, bool by_hand)
{
	int rc = write_maps(r, &m->policy, by_hand);

	if (rc)
		return rc;
	feeds_keep(&r->feeds);
	if (m->policy.keys_stay)
		return 0;
	policy_base_fini(&r->base);
	r->base = m->policy.base;
	m->policy.base = (struct policy_base){ 0 };
	if (!r->service || !r->opt->snapshot)
		return 0;
	atomic_store(&r->is_parted, false);
	rc = service_replace(r->service, &m->snap,
			     m->policy.head.complete_until_ns,
			     by_hand && r->opt->confirm_ns);
	if (!rc)
		return 0;
	atomic_store(&r->is_parted, true);
	log_line("the decision service goes on with the keys from before: %s",
		 strerror(-rc));
	return rc;
}

/* A long one must not cost the lease: clock and heartbeat go on by tick(). */
static int roll(struct rollout *r, enum rollout_change change)
{
	bool keys = change != ROLLOUT_BY_LIST || !has_base(r);
	struct material m = { 0 };
	int rc = prepare(&m, r, keys);

	if (!rc)
		rc = rollout_apply(r, &m, change == ROLLOUT_BY_HAND);
	material_fini(&m);
	if (!rc)
		return 0;
	feeds_undo(&r->feeds);
	log_line("keeping generation %llu",
		 (unsigned long long)rollout_in_force(r));
	return rc;
}

/*
 * What has changed by itself.  Lists first, for they are quick, and a snapshot
 * may be bad.  Where the guard objects, each file goes alone: one that it will
 * never let in must not hold up the others.
 */
static void roll_files(struct rollout *r, size_t n_lists, bool snapshot)
{
	int rc = n_lists ? roll(r, ROLLOUT_BY_LIST) : 0;

	if (snapshot)
		roll(r, ROLLOUT_BY_FILE);
	if (rc != -EPERM || n_lists + snapshot < 2)
		return;
	for (size_t i = 0; i < r->feeds.n; i++) {
		if (feeds_retry(&r->feeds, i))
			roll(r, ROLLOUT_BY_LIST);
	}
}

/* The slot of what was before is the one that a new policy would take. */
static void defer(struct rollout *r, enum rollout_change change)
{
	if (!r->waiting)
		log_line("a change waits until generation %llu is confirmed",
			 (unsigned long long)r->generation);
	if (change > r->waiting)
		r->waiting = change;
}

void rollout_reload(struct rollout *r)
{
	if (!rollout_tick(r)) {
		defer(r, ROLLOUT_BY_HAND);
		return;
	}
	feeds_reload(&r->feeds, NULL);
	roll(r, ROLLOUT_BY_HAND);
}

void rollout_look(struct rollout *r)
{
	bool snapshot;
	size_t n;

	if (!files_take(r->files))
		return;
	if (!rollout_tick(r)) {
		defer(r, ROLLOUT_BY_FILE);
		return;
	}
	snapshot = has_new_version(r);
	n = feeds_reload(&r->feeds, r->files);
	if (!r->rolled_back)
		roll_files(r, n, snapshot);
	else if (n || snapshot)
		log_line("files have changed; the policy stays what it was "
			 "before it was rolled back until SIGHUP");
	files_done(r->files);
}

/*
 * To the keys that are in force again.  It does not have those of an earlier
 * run: then it goes by the ones it has, and the kernel is told nothing of them.
 */
static void take_service_back(struct rollout *r)
{
	if (!r->service || !r->opt->snapshot || !r->base.made_ns)
		return;
	atomic_store(&r->is_parted, false);
	if (!service_go_back(r->service))
		return;
	atomic_store(&r->is_parted, true);
	log_line("the decision service goes on with the keys of the policy "
		 "that is gone");
}

/* What waited was to come after it: that waits for SIGHUP now. */
static void undo(struct rollout *r)
{
	uint64_t now = rollout_in_force(r);

	/* Numbers only grow: the next one is not taken for the one gone. */
	r->rolled_back = true;
	r->waiting = ROLLOUT_NONE;
	take_service_back(r);
	if (!now)
		log_line("the last policy was not confirmed: none is in force");
	else
		log_line("the last policy was not confirmed: generation %llu "
			 "is in force again",
			 (unsigned long long)now);
}

static void roll_waiting(struct rollout *r)
{
	enum rollout_change change = r->waiting;
	size_t n;

	r->waiting = ROLLOUT_NONE;
	if (!change)
		return;
	n = feeds_reload(&r->feeds, NULL);
	if (change == ROLLOUT_BY_HAND)
		roll(r, ROLLOUT_BY_HAND);
	else
		roll_files(r, n, has_new_version(r));
}

bool rollout_tick(struct rollout *r)
{
	switch (maps_settle(r->maps)) {
	case MAPS_PENDING:
		return false;
	case MAPS_ROLLED_BACK:
		undo(r);
		return true;
	case MAPS_CONFIRMED:
		log_line("generation %llu is confirmed",
			 (unsigned long long)r->generation);
		if (r->service)
			service_keep(r->service);
		break;
	case MAPS_SETTLED:
		break;
	}
	roll_waiting(r);
	return !maps_pending_ns(r->maps);
}
