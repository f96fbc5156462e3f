// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs hand over packets only until a moment that this process puts off
 * again and again: a lease.  It is also the lock, since their ring has one
 * reader: who finds a lease of somebody else's leaves.  Killed, the cost ends
 * with the lease, and the file has all but the last batch.
 */
#include "capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "gate.h"
#include "log.h"
#include "options.h"
#include "pcap.h"
#include "signals.h"

#define PATH_SIZE 320
#define LEASE_NS UINT64_C(3000000000)
#define TURN_MS 200
/* So that a flood keeps us from nothing. */
#define BATCH 4096
#define NS_PER_MS 1000000

struct capture {
	const struct options *o;
	struct pc_capture *word; /* mapped */
	struct ring_buffer *ring;
	struct pcap *pcap;
	int gate;
	int signals;
	uint64_t until_ns;  /* ours, as we put it last; 0: not begun */
	uint64_t end_ns;    /* CLOCK_BOOTTIME; 0: none */
	uint64_t n;	    /* packets put */
	unsigned int batch; /* of them in this turn */
	uint64_t missed;    /* by the programs, before we began */
	bool stale;	    /* what comes is somebody else's */
	int err;
};

static bool is_full(const struct capture *c)
{
	return c->o->capture_count && c->n >= c->o->capture_count;
}

static int take_packet(void *arg, void *data, size_t size)
{
	const struct pc_captured *p = data;
	struct capture *c = arg;
	struct pcap_packet out;

	if (c->stale || size < sizeof(*p) || p->taken > PC_SNAP_SIZE)
		return 0;
	out = (struct pcap_packet){
		.time_ns = clock_now_ns() -
			   (int64_t)(clock_boot_ns() - p->time_ns),
		.size = p->size,
		.taken = p->taken,
		.bytes = p->bytes,
	};
	/* What is left is counted, too. */
	if (pcap_put(c->pcap, &out))
		return 0;
	c->n++;
	return is_full(c) || ++c->batch >= BATCH ? -ECANCELED : 0;
}

static int open_pin(const char *pin_dir, const char *name)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static int open_word(struct capture *c)
{
	int fd = open_pin(c->o->pin_dir, "pc_capture");
	void *p;

	if (fd < 0)
		return fd;
	p = mmap(NULL, sizeof(*c->word), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 0);
	close(fd);
	if (p == MAP_FAILED)
		return -errno;
	c->word = p;
	return 0;
}

static int open_ring(struct capture *c)
{
	int fd = open_pin(c->o->pin_dir, "pc_captured"), rc = 0;

	if (fd < 0)
		return fd;
	c->ring = ring_buffer__new(fd, take_packet, c, NULL);
	if (!c->ring)
		rc = -errno;
	close(fd);
	return rc;
}

/* Puts our end of the lease off.  False: it is not, or no more, ours. */
static bool renew(struct capture *c, uint64_t before)
{
	uint64_t next = clock_boot_ns() + LEASE_NS;

	if (!__atomic_compare_exchange_n(&c->word->until_ns, &before, next,
					 false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return false;
	c->until_ns = next;
	return true;
}

/* One that was killed may have left a lease that has not run out. */
static int take_lease(struct capture *c)
{
	uint64_t give_up = clock_boot_ns() + LEASE_NS + LEASE_NS / 2;
	struct pollfd signals = { .fd = c->signals, .events = POLLIN };
	uint64_t seen = __atomic_load_n(&c->word->until_ns, __ATOMIC_SEQ_CST);
	uint64_t first = seen;

	while (seen > clock_boot_ns()) {
		/* Put off while we waited: somebody is alive. */
		if (seen != first || clock_boot_ns() > give_up)
			return -EBUSY;
		if (poll(&signals, 1, TURN_MS) > 0)
			return -EINTR;
		seen = __atomic_load_n(&c->word->until_ns, __ATOMIC_SEQ_CST);
	}
	/* What was not read before has no place in this file. */
	c->stale = true;
	ring_buffer__consume(c->ring);
	c->stale = false;
	return renew(c, seen) ? 0 : -EBUSY;
}

/*
 * It may hold what clients sent: nobody else's business, so it is not written
 * where a link leads, nor to a file of somebody else's.  Nor is the other end
 * of a pipe waited for, which no signal would end; "-" is for those.
 */
static int open_path(const char *path)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		      0600);
	struct stat st;
	int rc = fd < 0 || fstat(fd, &st) ? -errno : 0;

	if (!rc && (!S_ISREG(st.st_mode) || st.st_uid != geteuid()))
		rc = -EPERM;
	if (!rc && (fchmod(fd, 0600) || ftruncate(fd, 0)))
		rc = -errno;
	if (!rc)
		return fd;
	if (fd >= 0)
		close(fd);
	errno = -rc;
	return -1;
}

static int open_file(struct capture *c)
{
	const char *path = c->o->capture;
	int fd, rc;

	fd = strcmp(path, "-") ? open_path(path) : dup(STDOUT_FILENO);
	rc = fd < 0 ? -errno : pcap_open(c->pcap, fd, PC_SNAP_SIZE);
	if (rc)
		log_line("%s: %s", path, strerror(-rc));
	return rc;
}

static int begin(struct capture *c)
{
	struct pc_event_gate gate = { 0 };
	int rc = open_word(c);

	if (!rc)
		rc = open_ring(c);
	if (!rc) {
		c->gate = gate_open(c->o->pin_dir);
		rc = c->gate < 0 ? c->gate : gate_read(&gate, c->gate);
	}
	if (!rc) {
		c->signals = signals_open();
		rc = c->signals < 0 ? c->signals : 0;
	}
	if (!rc)
		rc = take_lease(c);
	if (rc) {
		log_line("%s: %s", c->o->pin_dir,
			 rc == -ENOENT	? "no filter is installed here"
			 : rc == -EBUSY ? "another capture is running"
					: strerror(-rc));
		return rc;
	}
	c->missed = gate.missed;
	if (c->o->capture_for_ns)
		c->end_ns = clock_boot_ns() + c->o->capture_for_ns;
	return 0;
}

/* What there is, to the file, and so that it is there. */
static void take_batch(struct capture *c)
{
	int rc;

	/* Then what is in the ring is somebody else's. */
	if (is_full(c) || c->err == -EBUSY)
		return;
	c->batch = 0;
	ring_buffer__consume(c->ring);
	rc = pcap_flush(c->pcap);
	if (rc && !c->err)
		c->err = rc;
}

static bool is_over(const struct capture *c)
{
	return c->err || is_full(c) ||
	       (c->end_ns && clock_boot_ns() >= c->end_ns);
}

static int timeout_ms(const struct capture *c)
{
	uint64_t now_ns = clock_boot_ns(), left_ms;

	if (!c->end_ns)
		return TURN_MS;
	if (now_ns >= c->end_ns)
		return 0;
	left_ms = (c->end_ns - now_ns) / NS_PER_MS + 1;
	return left_ms < TURN_MS ? (int)left_ms : TURN_MS;
}

static void loop(struct capture *c)
{
	struct pollfd fds[] = {
		{ .fd = c->signals, .events = POLLIN },
		{ .fd = ring_buffer__epoll_fd(c->ring), .events = POLLIN },
	};

	while (!is_over(c)) {
		if (poll(fds, 2, timeout_ms(c)) > 0 && fds[0].revents)
			return;
		take_batch(c);
		/* We were stopped for long, and somebody else began. */
		if (!renew(c, c->until_ns))
			c->err = -EBUSY;
	}
}

/* No more are taken, and those that are come in. */
static void end(struct capture *c)
{
	struct pc_event_gate gate = { 0 };
	uint64_t ours = c->until_ns;
	int rc;

	if (!__atomic_compare_exchange_n(&c->word->until_ns, &ours, 0, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		c->err = c->err ? c->err : -EBUSY;
	take_batch(c);
	if (gate_read(&gate, c->gate))
		gate.missed = c->missed;
	rc = pcap_close(c->pcap);
	if (rc && !c->err)
		c->err = rc;
	log_line("%" PRIu64 " packets, %" PRIu64 " lost", c->pcap->n_written,
		 (uint64_t)gate.missed - c->missed + c->pcap->n_lost);
	if (c->err == -EBUSY)
		log_line("another capture has begun");
	else if (c->err)
		log_line("%s: %s", c->o->capture, strerror(-c->err));
}

static void capture_fini(struct capture *c)
{
	ring_buffer__free(c->ring);
	if (c->word)
		munmap(c->word, sizeof(*c->word));
	if (c->pcap->fd >= 0)
		close(c->pcap->fd);
	if (c->gate >= 0)
		close(c->gate);
	if (c->signals >= 0)
		close(c->signals);
}

static int run(struct capture *c)
{
	int rc = begin(c);

	/* After the lease: the file of one that is running stays. */
	if (!rc)
		rc = open_file(c);
	if (rc) {
		c->err = rc;
		if (c->until_ns)
			__atomic_store_n(&c->word->until_ns, 0,
					 __ATOMIC_SEQ_CST);
		return 1;
	}
	loop(c);
	end(c);
	return c->err ? 1 : 0;
}

int capture_main(int argc, char **argv)
{
	struct options o;
	static struct pcap pcap = { .fd = -1 };
	struct capture c = {
		.o = &o, .pcap = &pcap, .gate = -1, .signals = -1
	};
	int rc = options_parse(&o, argc, argv, OPTIONS_CAPTURE);

	if (rc)
		return rc == 1 ? 0 : 2;
	rc = run(&c);
	capture_fini(&c);
	options_fini(&o);
	return rc;
}
