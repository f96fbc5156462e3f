// SPDX-License-Identifier: GPL-2.0-only
#include "host.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "log.h"

#define BPFFS "/sys/fs/bpf"
#define BTF "/sys/kernel/btf/vmlinux"
#define KERNEL_MAJOR 6
#define KERNEL_MINOR 1
#define PATH_SIZE 256

static const struct capability {
	const char *name;
	int number;
	int kept; /* needed after loading, too */
} capabilities[] = {
	{ "CAP_BPF", CAP_BPF, 1 },
	{ "CAP_NET_ADMIN", CAP_NET_ADMIN, 1 },
	{ "CAP_PERFMON", CAP_PERFMON, 0 },
	/* To see whose programs are attached, and to mount. */
	{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN, 0 },
	/* A snapshot may belong to the gateway's user. */
	{ "CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH, 1 },
};

#define N_CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

static int effective_capabilities(uint64_t *out)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &hdr, data))
		return -errno;
	*out = (uint64_t)data[1].effective << 32 | data[0].effective;
	return 0;
}

static int check_capabilities(void)
{
	char missing[128] = "";
	uint64_t have = 0;
	int rc = effective_capabilities(&have);

	if (rc)
		return rc;
	for (size_t i = 0; i < N_CAPABILITIES; i++) {
		size_t n = strlen(missing);

		if (have >> capabilities[i].number & 1)
			continue;
		snprintf(missing + n, sizeof(missing) - n, "%s%s",
			 n ? ", " : "", capabilities[i].name);
	}
	if (!*missing)
		return 0;
	log_line("not permitted: missing %s; run as root", missing);
	return -EPERM;
}

static int check_kernel(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	if (uname(&uts) || sscanf(uts.release, "%u.%u", &major, &minor) != 2) {
		log_line("cannot tell the kernel's version");
		return -ENOSYS;
	}
	if (major > KERNEL_MAJOR ||
	    (major == KERNEL_MAJOR && minor >= KERNEL_MINOR))
		return 0;
	log_line("kernel %s is too old: %d.%d or newer is needed", uts.release,
		 KERNEL_MAJOR, KERNEL_MINOR);
	return -ENOSYS;
}

static int check_btf(void)
{
	if (!access(BTF, R_OK))
		return 0;
	log_line("%s: %s; the kernel needs CONFIG_DEBUG_INFO_BTF=y", BTF,
		 strerror(errno));
	return -ENOSYS;
}

int host_check(void)
{
	int rc = check_kernel();

	if (!rc)
		rc = check_capabilities();
	return rc ? rc : check_btf();
}

static int is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == BPF_FS_MAGIC;
}

static int in_private_mounts(void)
{
	struct stat mine, init;

	return !stat("/proc/self/ns/mnt", &mine) &&
	       !stat("/proc/1/ns/mnt", &init) && mine.st_ino != init.st_ino;
}

static int mount_bpffs(void)
{
	if (is_bpffs(BPFFS))
		return 0;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0700")) {
		int err = errno;

		log_line("%s is not mounted and cannot be: %s; "
			 "mount -t bpf bpf %s",
			 BPFFS, strerror(err), BPFFS);
		return -err;
	}
	log_line("mounted the BPF file system at %s", BPFFS);
	if (in_private_mounts())
		log_line("warning: this is a mount namespace of its own: what "
			 "is pinned ends with it (ip netns exec does this; "
			 "nsenter --net does not)");
	return 0;
}

/* mkdir -p of everything below the mount point, for root alone. */
static int make_directories(const char *pin_dir)
{
	char path[PATH_SIZE];

	if (strlen(pin_dir) >= sizeof(path))
		return -ENAMETOOLONG;
	strcpy(path, pin_dir);
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

int host_check_pin_dir(const char *pin_dir)
{
	struct stat st;

	if (stat(pin_dir, &st))
		return -errno;
	return is_bpffs(pin_dir) ? 0 : -ENODEV;
}

int host_make_pin_dir(const char *pin_dir)
{
	int rc = 0;

	if (!strncmp(pin_dir, BPFFS "/", sizeof(BPFFS)))
		rc = mount_bpffs();
	if (rc)
		return rc;
	rc = make_directories(pin_dir);
	if (!rc)
		rc = host_check_pin_dir(pin_dir);
	if (rc == -ENODEV)
		log_line("--pin-dir %s: not on a BPF file system", pin_dir);
	else if (rc)
		log_line("--pin-dir %s: %s", pin_dir, strerror(-rc));
	return rc;
}

int host_seek_interface(const char *name)
{
	unsigned int index = if_nametoindex(name);
	struct ifreq req = { 0 };
	int fd, type = -1;

	if (!index)
		return -ENODEV;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* By its number, for that is never too long. */
	req.ifr_ifindex = (int)index;
	if (fd >= 0 && !ioctl(fd, SIOCGIFNAME, &req) &&
	    !ioctl(fd, SIOCGIFHWADDR, &req))
		type = req.ifr_hwaddr.sa_family;
	if (fd >= 0)
		close(fd);
	return type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK ? (int)index
							       : -EPROTOTYPE;
}

int host_find_interface(const char *name)
{
	int index = host_seek_interface(name);

	if (index == -ENODEV)
		log_line("no such interface: %s", name);
	else if (index < 0)
		log_line("interface %s carries no Ethernet frames", name);
	return index;
}

static bool take_address(struct prefix *out, const struct sockaddr *sa)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (!sa || (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return false;
	*out = (struct prefix){ .family = (uint8_t)sa->sa_family };
	out->len = sa->sa_family == AF_INET ? 32 : 128;
	if (sa->sa_family == AF_INET)
		memcpy(out->addr, &v4->sin_addr, 4);
	else
		memcpy(out->addr, &v6->sin6_addr, 16);
	return true;
}

int host_addresses(struct prefix **out, size_t *n)
{
	struct ifaddrs *all, *i;
	struct prefix *list;
	size_t count = 0;

	if (getifaddrs(&all))
		return -errno;
	for (i = all; i; i = i->ifa_next)
		count++;
	list = calloc(count + 1, sizeof(*list));
	count = 0;
	for (i = all; list && i; i = i->ifa_next)
		count += take_address(&list[count], i->ifa_addr);
	freeifaddrs(all);
	if (!list)
		return -ENOMEM;
	*out = list;
	*n = count;
	return 0;
}

int host_hide(void)
{
	struct rlimit none = { 0 };

	return setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0) ||
			       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		       ? -errno
		       : 0;
}

int host_drop_privileges(void)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { 0 };
	uint64_t keep = 0;
	int rc = host_hide();

	for (size_t i = 0; i < N_CAPABILITIES; i++) {
		if (capabilities[i].kept)
			keep |= 1ULL << capabilities[i].number;
	}
	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(keep >> 32 * i);
		data[i].permitted = data[i].effective;
	}
	if (!rc && syscall(SYS_capset, &hdr, data))
		rc = -errno;
	return rc;
}
