// SPDX-License-Identifier: GPL-2.0-only
#include "pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bantable.h"
#include "log.h"

#define LINK_PREFIX "xdp_"

/* By enum pins_what. */
static const struct {
	const char *prefix;
	const char *pattern;
	const char *what;
} marks[] = {
	[PINS_REQUEST] = { "tc_", "tc_%llu_", "requests" },
	[PINS_ADDRESS] = { "tc_address_", "tc_address_%llu_", "addresses" },
};
#define N_MARKS (sizeof(marks) / sizeof(marks[0]))

unsigned long long pins_namespace(void)
{
	struct stat ns;

	return stat("/proc/self/ns/net", &ns) ? 0 : ns.st_ino;
}

int pins_repeat(const char *pin_dir, const char *path)
{
	char active[PINS_PATH_SIZE];
	int fd, rc = 0;

	snprintf(active, sizeof(active), "%s/pc_active", pin_dir);
	fd = bpf_obj_get(active);
	if (fd < 0)
		return -errno;
	if (bpf_obj_pin(fd, path) && errno != EEXIST)
		rc = -errno;
	close(fd);
	return rc;
}

/*
 * A filter at TC is not pinned and is seen only from its network namespace.  A
 * second pin of the slot in force, named after both, remembers that there is
 * one.
 */
static int mark_path(char path[static PINS_PATH_SIZE], const char *pin_dir,
		     enum pins_what what, int ifindex)
{
	struct stat ns;

	if (stat("/proc/self/ns/net", &ns))
		return -errno;
	snprintf(path, PINS_PATH_SIZE, "%s/%s%llu_%d", pin_dir,
		 marks[what].prefix, (unsigned long long)ns.st_ino, ifindex);
	return 0;
}

int pins_mark(const char *pin_dir, enum pins_what what, int ifindex)
{
	char path[PINS_PATH_SIZE];
	int rc = mark_path(path, pin_dir, what, ifindex);

	return rc ? rc : pins_repeat(pin_dir, path);
}

int pins_unmark(const char *pin_dir, enum pins_what what, int ifindex)
{
	char path[PINS_PATH_SIZE];
	int rc = mark_path(path, pin_dir, what, ifindex);

	if (!rc && unlink(path) && errno != ENOENT)
		rc = -errno;
	return rc;
}

void pins_link_path(char path[static PINS_PATH_SIZE], const char *pin_dir,
		    int ifindex)
{
	snprintf(path, PINS_PATH_SIZE, "%s/" LINK_PREFIX "%d", pin_dir,
		 ifindex);
}

/* The kernel's number for the slot in force: who uses that map is ours. */
int pins_active_id(uint32_t *out, const char *pin_dir)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	char path[PINS_PATH_SIZE];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "%s/pc_active", pin_dir);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		rc = -errno;
	close(fd);
	if (!rc)
		*out = info.id;
	return rc;
}

/* Is this a name that only we give? */
static bool is_our_pin(const char *name)
{
	static const char *const names[] = {
		"pc_active", "pc_policy",   "pc_prefixes", "pc_key_rules",
		"pc_keys",   "pc_answers",  "pc_clock",	   "pc_flows",
		"pc_living", "pc_counts",   "pc_image",	   "pc_lists",
		"pc_tally",  "pc_bans",	    "pc_ban_lens", "pc_ban_hits",
		"pc_events", "pc_captured", "pc_capture",  "pc_offenders",
	};
	size_t n = strlen(LINK_PREFIX);

	if (!strncmp(name, PINS_WANT_PREFIX, strlen(PINS_WANT_PREFIX)))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return !strncmp(name, LINK_PREFIX, n) && name[n] &&
	       strspn(name + n, "0123456789") == strlen(name + n);
}

/* Whose network namespace a mark names; what is then judged there. */
static const char *read_mark(unsigned long long *ino, const char *name)
{
	for (size_t i = 0; i < N_MARKS; i++) {
		if (sscanf(name, marks[i].pattern, ino) == 1)
			return marks[i].what;
	}
	return NULL;
}

/*
 * The link is dead when its interface is, or has another number: that is where
 * nobody would look for it.
 */
static int sweep_link(int dir, const char *pin_dir, int ifindex)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	char path[PINS_PATH_SIZE];
	int fd, rc = 0;

	pins_link_path(path, pin_dir, ifindex);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &size)) {
		rc = -errno;
	} else if ((int)info.xdp.ifindex != ifindex) {
		if (info.xdp.ifindex && bpf_link_detach(fd))
			rc = -errno;
		if (!rc && unlinkat(dir, strrchr(path, '/') + 1, 0))
			rc = -errno;
	}
	close(fd);
	return rc;
}

static int sweep_mark(int dir, const char *name, int ifindex)
{
	char now[IF_NAMESIZE];

	if (if_indextoname((unsigned int)ifindex, now))
		return 0;
	return unlinkat(dir, name, 0) ? -errno : 0;
}

static int sweep(int dir, const char *pin_dir, const char *name)
{
	unsigned long long of;
	int ifindex, end = 0;

	if (sscanf(name, LINK_PREFIX "%d%n", &ifindex, &end) == 1 && end &&
	    !name[end])
		return sweep_link(dir, pin_dir, ifindex);
	if (read_mark(&of, name) && of == pins_namespace() &&
	    sscanf(strrchr(name, '_'), "_%d", &ifindex) == 1)
		return sweep_mark(dir, name, ifindex);
	return 0;
}

int pins_sweep(const char *pin_dir)
{
	DIR *dir = opendir(pin_dir);
	struct dirent *e;
	int rc = 0;

	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		int err = sweep(dirfd(dir), pin_dir, e->d_name);

		if (!rc)
			rc = err;
	}
	closedir(dir);
	return rc;
}

/*
 * A mark of this namespace is left over from an interface that is gone; one of
 * another stands for a filter that cannot be seen from here.
 */
static int clear_marks(DIR *dir, const char *pin_dir)
{
	unsigned long long ino;
	const char *what;
	struct stat ns;
	struct dirent *e;

	if (stat("/proc/self/ns/net", &ns))
		return -errno;
	while ((e = readdir(dir))) {
		what = read_mark(&ino, e->d_name);
		if (!what)
			continue;
		if (ino == ns.st_ino && !unlinkat(dirfd(dir), e->d_name, 0))
			continue;
		log_line("%s are still judged in another network "
			 "namespace (%s/%s): detach there; if it is gone, "
			 "remove that file",
			 what, pin_dir, e->d_name);
		return -EBUSY;
	}
	rewinddir(dir);
	return 0;
}

/* The directory, unless others keep something in it, and ours above it. */
static int remove_directories(const char *pin_dir)
{
	char path[PINS_PATH_SIZE];
	char *slash;

	if (rmdir(pin_dir))
		return errno == ENOTEMPTY || errno == EBUSY ? 0 : -errno;
	snprintf(path, sizeof(path), "%s", pin_dir);
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	slash = strrchr(path, '/');
	if (slash && !strcmp(slash, "/portcullis") && rmdir(path) &&
	    errno != ENOTEMPTY && errno != EBUSY)
		return -errno;
	return 0;
}

int pins_remove(const char *pin_dir)
{
	DIR *dir = opendir(pin_dir);
	struct dirent *e;
	int rc;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	rc = clear_marks(dir, pin_dir);
	while (!rc && (e = readdir(dir))) {
		if (is_our_pin(e->d_name) && unlinkat(dirfd(dir), e->d_name, 0))
			rc = -errno;
	}
	closedir(dir);
	if (!rc)
		rc = bantable_remove_lock(pin_dir);
	return rc ? rc : remove_directories(pin_dir);
}
