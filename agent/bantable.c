// SPDX-License-Identifier: GPL-2.0-only
#include "bantable.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "hits.h"

#define PATH_SIZE 320
#define MS_NS 1000000L
#define NS_PER_S 1000000000LL
#define RETRY_MS 2

static int open_pin(const char *pin_dir, const char *name)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* The only element of a map, to be looked at and written in place. */
static int map_pin(void **out, const char *pin_dir, const char *name, int prot)
{
	int fd = open_pin(pin_dir, name), rc = 0;
	void *page;

	if (fd < 0)
		return fd;
	page = mmap(NULL, (size_t)getpagesize(), prot, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		rc = -errno;
	else
		*out = page;
	close(fd);
	return rc;
}

static void unmap(const void *page)
{
	if (page)
		munmap((void *)(uintptr_t)page, (size_t)getpagesize());
}

static int open_directory(const char *pin_dir)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/" BANTABLE_LOCK, pin_dir);
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int bantable_remove_lock(const char *pin_dir)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/" BANTABLE_LOCK "/" BANTABLE_OWING,
		 pin_dir);
	if (rmdir(path) && errno != ENOENT)
		return -errno;
	snprintf(path, sizeof(path), "%s/" BANTABLE_LOCK, pin_dir);
	return rmdir(path) && errno != ENOENT ? -errno : 0;
}

int bantable_open(struct bantable *t, const char *pin_dir)
{
	struct bantable out = { .bans = -1, .hits = -1, .directory = -1 };
	void *lens = NULL, *clock = NULL;
	int rc = 0;

	out.bans = open_pin(pin_dir, "pc_bans");
	out.hits = out.bans < 0 ? out.bans : open_pin(pin_dir, "pc_ban_hits");
	if (out.hits < 0)
		rc = out.hits;
	if (!rc)
		rc = map_pin(&lens, pin_dir, "pc_ban_lens",
			     PROT_READ | PROT_WRITE);
	if (!rc)
		rc = map_pin(&clock, pin_dir, "pc_clock", PROT_READ);
	out.lens = lens;
	out.clock = clock;
	if (!rc) {
		out.directory = open_directory(pin_dir);
		rc = out.directory < 0 ? out.directory : 0;
	}
	if (rc)
		bantable_close(&out);
	else
		*t = out;
	return rc;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void bantable_close(struct bantable *t)
{
	close_fd(&t->bans);
	close_fd(&t->hits);
	close_fd(&t->directory);
	unmap(t->lens);
	unmap(t->clock);
	t->lens = NULL;
	t->clock = NULL;
}

int bantable_owe(struct bantable *t)
{
	if (!mkdirat(t->directory, BANTABLE_OWING, 0700))
		return 0;
	return errno == EEXIST ? 1 : -errno;
}

int bantable_settle(struct bantable *t)
{
	if (!unlinkat(t->directory, BANTABLE_OWING, AT_REMOVEDIR))
		return 0;
	return errno == ENOENT ? 0 : -errno;
}

bool bantable_owes(const struct bantable *t)
{
	return !faccessat(t->directory, BANTABLE_OWING, F_OK, 0);
}

static int take_turn(const struct bantable *t, unsigned int patience_ms)
{
	static const struct timespec pause = { 0, RETRY_MS * MS_NS };

	while (flock(t->directory, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (patience_ms < RETRY_MS)
			return -EBUSY;
		patience_ms -= RETRY_MS;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* All in one call, which nobody's change can come between. */
static int read_entries(struct bantable *t)
{
	struct pc_ban_key *keys = calloc(PC_BANS_MAX, sizeof(*keys));
	struct pc_ban *bans = calloc(PC_BANS_MAX, sizeof(*bans));
	uint32_t next, n = PC_BANS_MAX;
	int rc = keys && bans ? 0 : -ENOMEM;

	if (!rc &&
	    bpf_map_lookup_batch(t->bans, NULL, &next, keys, bans, &n, NULL) &&
	    errno != ENOENT)
		rc = -errno;
	if (!rc) {
		t->entries = calloc(n + 1, sizeof(*t->entries));
		rc = t->entries ? 0 : -ENOMEM;
	}
	t->n_entries = 0;
	for (uint32_t i = 0; !rc && i < n; i++) {
		/* None longer can have been put, and none would be found. */
		if (keys[i].len <= 128)
			t->entries[t->n_entries++] =
				(struct bantable_entry){ keys[i], bans[i] };
	}
	free(keys);
	free(bans);
	return rc;
}

static int family_of(const struct pc_ban_key *key)
{
	return key->family == 6;
}

static void mark_taken(struct bantable *t, uint32_t hits)
{
	if (hits < PC_BANS_MAX)
		t->taken[hits / 64] |= 1ULL << hits % 64;
}

/* Where a length is looked up; -1: nowhere. */
static int find_place(const struct bantable *t, int family, uint32_t word)
{
	for (uint32_t i = 0; i < PC_BAN_LENS; i++) {
		if (t->lens->place[family][i] == word)
			return (int)i;
	}
	return -1;
}

static void set_place(struct bantable *t, int family, int i, uint32_t word)
{
	uint32_t n = t->lens->n[family];

	__atomic_store_n(&t->lens->place[family][i], word, __ATOMIC_RELEASE);
	if (word && n <= (uint32_t)i)
		n = (uint32_t)i + 1;
	while (n && !t->lens->place[family][n - 1])
		n--;
	__atomic_store_n(&t->lens->n[family], n, __ATOMIC_RELEASE);
}

static int use_length(struct bantable *t, int family, uint32_t len)
{
	int i;

	if (find_place(t, family, 1 + len) >= 0)
		return 0;
	i = find_place(t, family, 0);
	if (i < 0)
		return -E2BIG;
	set_place(t, family, i, 1 + len);
	return 0;
}

static void leave_length(struct bantable *t, int family, uint32_t len)
{
	int i = find_place(t, family, 1 + len);

	if (!t->n_of[family][len] && i >= 0)
		set_place(t, family, i, 0);
}

/* Whoever was killed may have left a length that no ban has any more. */
static void mend_lengths(struct bantable *t)
{
	for (int family = 0; family < 2; family++) {
		for (int i = 0; i < (int)PC_BAN_LENS; i++) {
			uint32_t word = t->lens->place[family][i];

			if (word && (word > 129 || !t->n_of[family][word - 1]))
				word = 0;
			set_place(t, family, i, word);
		}
	}
}

int bantable_lock(struct bantable *t, unsigned int patience_ms)
{
	int rc = take_turn(t, patience_ms);

	if (rc)
		return rc;
	memset(t->n_of, 0, sizeof(t->n_of));
	memset(t->taken, 0, sizeof(t->taken));
	rc = read_entries(t);
	if (rc) {
		bantable_unlock(t);
		return rc;
	}
	t->n = t->n_entries;
	for (size_t i = 0; i < t->n; i++) {
		const struct bantable_entry *e = &t->entries[i];

		mark_taken(t, e->ban.hits);
		t->n_of[family_of(&e->key)][e->key.len]++;
	}
	mend_lengths(t);
	return 0;
}

void bantable_unlock(struct bantable *t)
{
	free(t->entries);
	t->entries = NULL;
	t->n_entries = 0;
	flock(t->directory, LOCK_UN);
}

static struct pc_ban_key key_of(const struct prefix *p)
{
	struct pc_ban_key key = {
		.family = p->family == AF_INET ? 4 : 6,
		.len = p->len,
	};

	memcpy(key.addr, p->addr, sizeof(key.addr));
	return key;
}

void bantable_prefix(struct prefix *out, const struct pc_ban_key *key)
{
	*out = (struct prefix){
		.family = key->family == 4 ? AF_INET : AF_INET6,
		.len = key->len,
	};
	memcpy(out->addr, key->addr, sizeof(out->addr));
}

static int reset_hits(const struct bantable *t, uint32_t index)
{
	int n = libbpf_num_possible_cpus(), rc = 0;
	struct pc_count *none = n < 0 ? NULL : calloc((size_t)n, sizeof(*none));

	if (!none)
		return n < 0 ? n : -ENOMEM;
	if (bpf_map_update_elem(t->hits, &index, none, BPF_ANY))
		rc = -errno;
	free(none);
	return rc;
}

/* Fewer are in use than there are. */
static uint32_t free_hits(const struct bantable *t)
{
	uint32_t i = 0;

	while (!~t->taken[i])
		i++;
	return i * 64 + (uint32_t)__builtin_ctzll(~t->taken[i]);
}

/* Its length is looked up before it is there, so that no packet misses it. */
static int put_new(struct bantable *t, const struct pc_ban_key *key,
		   struct pc_ban ban)
{
	int family = family_of(key), rc;

	if (t->n >= PC_BANS_MAX)
		return -ENOSPC;
	ban.hits = free_hits(t);
	rc = reset_hits(t, ban.hits);
	if (!rc)
		rc = use_length(t, family, key->len);
	if (rc)
		return rc;
	if (bpf_map_update_elem(t->bans, key, &ban, BPF_NOEXIST)) {
		rc = errno == E2BIG ? -ENOSPC : -errno;
		leave_length(t, family, key->len);
		return rc;
	}
	mark_taken(t, ban.hits);
	t->n_of[family][key->len]++;
	t->n++;
	return 0;
}

/* Up, so that nobody finds it longer than it is. */
static uint32_t round_up(int64_t made_ns)
{
	int64_t s = made_ns / NS_PER_S + !!(made_ns % NS_PER_S);

	return s <= 0 ? 0 : s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
}

int64_t bantable_made_ns(const struct pc_ban *ban)
{
	return ban->made_s * NS_PER_S;
}

int bantable_put(struct bantable *t, const struct prefix *p, int64_t made_ns,
		 int64_t expires_ns)
{
	struct pc_ban want = { .expires_ns = expires_ns,
			       .made_s = round_up(made_ns) };
	struct pc_ban_key key = key_of(p);
	struct pc_ban ban;

	if (bpf_map_lookup_elem(t->bans, &key, &ban))
		return errno == ENOENT ? put_new(t, &key, want) : -errno;
	if (ban.expires_ns == expires_ns && ban.made_s == want.made_s)
		return 0;
	want.hits = ban.hits;
	ban = want;
	return bpf_map_update_elem(t->bans, &key, &ban, BPF_EXIST) ? -errno : 0;
}

static int remove_entry(struct bantable *t, const struct pc_ban_key *key,
			uint32_t hits)
{
	int family = family_of(key);

	if (bpf_map_delete_elem(t->bans, key))
		return -errno;
	if (hits < PC_BANS_MAX)
		t->taken[hits / 64] &= ~(1ULL << hits % 64);
	t->n_of[family][key->len]--;
	t->n--;
	leave_length(t, family, key->len);
	return 0;
}

int bantable_find(struct pc_ban *out, const struct bantable *t,
		  const struct prefix *p)
{
	struct pc_ban_key key = key_of(p);

	return bpf_map_lookup_elem(t->bans, &key, out) ? -errno : 0;
}

int bantable_remove(struct bantable *t, const struct prefix *p)
{
	struct pc_ban_key key = key_of(p);
	struct pc_ban ban;
	int rc = bantable_find(&ban, t, p);

	return rc ? rc : remove_entry(t, &key, ban.hits);
}

int bantable_sweep(struct bantable *t, int64_t now_ns)
{
	size_t left = 0;
	int rc = 0;

	for (size_t i = 0; i < t->n_entries; i++) {
		const struct bantable_entry *e = &t->entries[i];
		int err = 0;

		if (now_ns <= e->ban.expires_ns)
			t->entries[left++] = *e;
		else
			err = remove_entry(t, &e->key, e->ban.hits);
		rc = rc ? rc : err;
	}
	t->n_entries = left;
	return rc;
}

int bantable_hits(struct pc_count *out, const struct bantable *t,
		  const struct pc_ban *ban)
{
	return hits_sum(out, t->hits, ban->hits);
}

struct bantable_use bantable_use(const struct bantable *t)
{
	struct bantable_use use = { .n = t->n };

	for (int family = 0; family < 2; family++) {
		for (int i = 0; i < (int)PC_BAN_LENS; i++)
			use.lengths += t->lens->place[family][i] != 0;
	}
	return use;
}

static int64_t stopped_at(const struct bantable *t)
{
	return __atomic_load_n(&t->clock->stopped_ns, __ATOMIC_RELAXED);
}

bool bantable_is_stopped(const struct bantable *t)
{
	return stopped_at(t) != 0;
}

int64_t bantable_now_ns(const struct bantable *t)
{
	int64_t stopped_ns = stopped_at(t);

	return stopped_ns ? stopped_ns : clock_now_ns();
}

/* A key that is removed meanwhile begins the walk anew: bounded all the same.
 */
int bantable_count(size_t *out, const struct bantable *t)
{
	struct pc_ban_key key;
	size_t n = 0;
	int rc = bpf_map_get_next_key(t->bans, NULL, &key);

	for (; !rc && n < PC_BANS_MAX; n++)
		rc = bpf_map_get_next_key(t->bans, &key, &key);
	if (rc && errno != ENOENT)
		return -errno;
	*out = n;
	return 0;
}
