// SPDX-License-Identifier: GPL-2.0-only
#include "events.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "directory.h"
#include "log.h"
#include "ring.h"
#include "watch.h"

#define PATH_SIZE 320
#define NS_PER_MS 1000000
/* A ban takes milliseconds, and the loop has other things to do. */
#define TURN_NS 50000000

struct events {
	struct watch watch;
	struct events_config cfg;
	struct eventlog *log; /* NULL: could not be opened */
	struct ring_buffer *ring;
	struct pc_capture *capture; /* mapped */
	uint64_t turn_end_ns;
	int active;
	int lists;
};

static int open_pin(const char *pin_dir, const char *name)
{
	char path[PATH_SIZE];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Of the policy in force now, which may have flipped since: then the owner is
 * another list, or none.
 */
static void find_list(char name[static PC_LIST_NAME_SIZE],
		      const struct events *e, uint8_t owner)
{
	struct pc_list list;
	uint32_t zero = 0;
	uint64_t word;

	name[0] = '\0';
	if (!owner || bpf_map_lookup_elem(e->active, &zero, &word))
		return;
	zero = PC_LIST_INDEX(pc_active_slot(word, clock_boot_ns() / NS_PER_MS),
			     owner);
	if (bpf_map_lookup_elem(e->lists, &zero, &list))
		return;
	memcpy(name, list.name, PC_LIST_NAME_SIZE - 1);
	name[PC_LIST_NAME_SIZE - 1] = '\0';
}

static void take_address(struct prefix *out, const struct pc_event *e,
			 const uint8_t addr[16])
{
	bool v6 = e->family == 6;

	*out = (struct prefix){ .family = v6 ? AF_INET6 : AF_INET,
				.len = v6 ? 128 : 32 };
	memcpy(out->addr, addr, v6 ? 16 : 4);
}

static void take_drop(struct events *e, const struct pc_event *ev)
{
	struct eventlog_record r = {
		.kind = EVENTLOG_DROP,
		/* The clock may have been set since, but not by much. */
		.time_ns = clock_now_ns() -
			   (int64_t)(clock_boot_ns() - ev->time_ns),
		.size = ev->size,
		.sport = ntohs(ev->sport),
		.dport = ntohs(ev->dport),
		.reason = ev->reason,
		.would = ev->would,
		.l4_proto = ev->l4_proto,
	};

	take_address(&r.source, ev, ev->saddr);
	take_address(&r.target, ev, ev->daddr);
	if (!if_indextoname(ev->ifindex, r.interface))
		snprintf(r.interface, sizeof(r.interface), "%u", ev->ifindex);
	find_list(r.text, e, ev->owner);
	events_record(e, &r);
}

static void take_offender(struct events *e, const struct pc_event *ev)
{
	struct offender o = { .count = ev->count, .reason = ev->reason };

	take_address(&o.source, ev, ev->saddr);
	if (ev->family == 6)
		o.source.len = 64;
	if (e->cfg.offender)
		e->cfg.offender(&o, e->cfg.arg);
}

static int take_event(void *arg, void *data, size_t size)
{
	const struct pc_event *ev = data;
	struct events *e = arg;

	if (size < sizeof(*ev))
		return 0;
	if (ev->kind == PC_EVENT_DROP)
		take_drop(e, ev);
	else if (ev->kind == PC_EVENT_OFFENDER)
		take_offender(e, ev);
	return clock_boot_ns() < e->turn_end_ns ? 0 : -ECANCELED;
}

/* What is left wakes the loop again. */
void events_take(struct events *e)
{
	e->turn_end_ns = clock_boot_ns() + TURN_NS;
	ring_buffer__consume(e->ring);
}

static void ready(struct watch *w)
{
	events_take(WATCH_OF(w, struct events, watch));
}

static int open_ring(struct events *e, const char *pin_dir)
{
	int fd = open_pin(pin_dir, "pc_events"), rc = 0;

	if (fd < 0)
		return fd;
	e->ring = ring_buffer__new(fd, take_event, e, NULL);
	if (!e->ring)
		rc = -errno;
	close(fd);
	return rc;
}

/* The field beside the rate is that of whoever captures. */
static int set_rate(struct events *e, const char *pin_dir)
{
	int fd = open_pin(pin_dir, "pc_capture");
	void *p;

	if (fd < 0)
		return fd;
	p = mmap(NULL, sizeof(*e->capture), PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return -errno;
	e->capture = p;
	__atomic_store_n(&e->capture->event_rate,
			 e->log ? e->cfg.event_rate : 0, __ATOMIC_RELAXED);
	return 0;
}

/* Nothing that is dropped depends on it. */
static void open_log(struct events *e, const char *path)
{
	int rc;

	if (!strcmp(path, "none"))
		return;
	rc = directory_make_parent(path, 0755);
	if (!rc)
		rc = eventlog_create(&e->log, path);
	if (rc)
		log_line("--events %s: %s; drops are not recorded", path,
			 ring_strerror(rc));
}

static int open_maps(struct events *e, const char *pin_dir)
{
	int rc = open_ring(e, pin_dir);

	if (!rc) {
		e->active = open_pin(pin_dir, "pc_active");
		rc = e->active < 0 ? e->active : 0;
	}
	if (!rc) {
		e->lists = open_pin(pin_dir, "pc_lists");
		rc = e->lists < 0 ? e->lists : 0;
	}
	if (!rc)
		rc = set_rate(e, pin_dir);
	if (rc)
		log_line("cannot read events: %s", strerror(-rc));
	return rc;
}

int events_open(struct events **out, const struct events_config *cfg)
{
	struct events *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return -ENOMEM;
	e->cfg = *cfg;
	e->active = e->lists = -1;
	e->watch.ready = ready;
	open_log(e, cfg->path);
	rc = open_maps(e, cfg->pin_dir);
	e->cfg.path = e->cfg.pin_dir = NULL;
	if (rc)
		events_close(e);
	else
		*out = e;
	return rc;
}

int events_watch(struct events *e, int epoll)
{
	return watch_add(epoll, &e->watch, ring_buffer__epoll_fd(e->ring),
			 EPOLLIN);
}

void events_record(struct events *e, const struct eventlog_record *r)
{
	if (e->log)
		eventlog_write(e->log, r);
}

void events_close(struct events *e)
{
	if (!e)
		return;
	ring_buffer__free(e->ring);
	if (e->capture)
		munmap(e->capture, sizeof(*e->capture));
	close_fd(e->active);
	close_fd(e->lists);
	eventlog_close(e->log);
	free(e);
}
