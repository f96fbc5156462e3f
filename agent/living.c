// SPDX-License-Identifier: GPL-2.0-only
#include "living.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "reset.h"

#define PATH_SIZE 320
#define NS_PER_S UINT64_C(1000000000)
/* Both ends have said FIN; like TIME-WAIT. */
#define ENDED_NS (60 * NS_PER_S)
/* One has, and the other one is gone. */
#define HALF_ENDED_NS (600 * NS_PER_S)
/* Both are gone; beyond the keep-alive time of TCP. */
#define SILENT_NS (3 * 3600 * NS_PER_S)
/* Long enough without a segment that none is on its way. */
#define IDLE_NS (NS_PER_S / 5)
#define POLL_NS (NS_PER_S / 20)

static int open_pin(int *out, const char *pin_dir, const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", pin_dir, name);
	*out = bpf_obj_get(path);
	return *out < 0 ? -errno : 0;
}

int living_open(struct living *out, const char *pin_dir)
{
	struct living l = { -1, -1 };
	int rc = open_pin(&l.map, pin_dir, "pc_living");

	if (!rc)
		rc = open_pin(&l.flows, pin_dir, "pc_flows");
	if (rc)
		living_close(&l);
	else
		*out = l;
	return rc;
}

void living_close(struct living *l)
{
	if (l->map >= 0)
		close(l->map);
	if (l->flows >= 0)
		close(l->flows);
	l->map = -1;
	l->flows = -1;
}

/* One entry after the other; the one at hand may be deleted. */
struct walk {
	struct pc_flow_key key;
	struct pc_flow_key next;
	bool more;
};

static void walk_begin(struct walk *w, const struct living *l)
{
	w->more = !bpf_map_get_next_key(l->map, NULL, &w->next);
}

static bool walk_next(struct walk *w, const struct living *l,
		      struct pc_living *out)
{
	while (w->more) {
		w->key = w->next;
		w->more = !bpf_map_get_next_key(l->map, &w->key, &w->next);
		if (!bpf_map_lookup_elem(l->map, &w->key, out))
			return true;
	}
	return false;
}

size_t living_count(const struct living *l)
{
	struct pc_living entry;
	struct walk w;
	size_t n = 0;

	walk_begin(&w, l);
	while (walk_next(&w, l, &entry))
		n++;
	return n;
}

static uint64_t patience(const struct pc_living *l)
{
	const uint32_t both = PC_ENDED_CLIENT | PC_ENDED_GATEWAY;

	if (l->ended & PC_ENDED_RESET || (l->ended & both) == both)
		return ENDED_NS;
	return l->ended ? HALF_ENDED_NS : SILENT_NS;
}

void living_sweep(const struct living *l, uint64_t now_ns)
{
	struct pc_living entry;
	struct walk w;

	walk_begin(&w, l);
	while (walk_next(&w, l, &entry)) {
		if (entry.seen_ns < now_ns &&
		    now_ns - entry.seen_ns > patience(&entry))
			bpf_map_delete_elem(l->map, &w.key);
	}
}

/* Is nothing under way: no request without its whole answer, no segment? */
static bool is_idle(const struct living *l, const struct pc_flow_key *key,
		    const struct pc_living *entry)
{
	uint64_t now_ns = clock_boot_ns();
	struct pc_flow flow;

	if (now_ns < entry->seen_ns + IDLE_NS || entry->last.swallowing)
		return false;
	return bpf_map_lookup_elem(l->flows, key, &flow) ||
	       flow.client.messages == flow.gateway.messages;
}

/* Sends the RST; pc_reply forgets the connection when it sees it. */
static int end_connection(int sock, const struct pc_flow_key *key,
			  const struct pc_living *entry)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)key->ifindex,
		.sll_halen = ETH_ALEN,
	};
	uint8_t frame[RESET_SIZE];
	size_t size = reset_build(frame, key, entry);

	memcpy(to.sll_addr, frame, ETH_ALEN);
	return sendto(sock, frame, size, 0, (struct sockaddr *)&to,
		      sizeof(to)) < 0
		       ? -errno
		       : 0;
}

/* Is it an address of this host?  To no other may a packet go that bears
 * somebody else's.
 */
static bool is_local(const struct sockaddr *to, socklen_t size)
{
	int sock = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool local = sock >= 0 && !bind(sock, to, size);

	if (sock >= 0)
		close(sock);
	return local;
}

/* The gateway's socket, where it is here: else it waits for its own timeout,
 * for what its client sends is kept from it, or does not fit.
 */
static void end_gateway(const struct pc_flow_key *key,
			const struct pc_living *entry)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	bool is_v6 = key->family == 6;
	const struct sockaddr *to =
		is_v6 ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4;
	socklen_t size = is_v6 ? sizeof(to6) : sizeof(to4);
	uint8_t packet[RESET_SIZE];
	int sock;

	memcpy(&to4.sin_addr, key->daddr, sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, key->daddr, sizeof(to6.sin6_addr));
	if (!is_local(to, size))
		return;
	sock = socket(to->sa_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (sock < 0)
		return;
	/* One that gets lost is no worse than none. */
	(void)sendto(sock, packet, reset_build_gateway(packet, key, entry), 0,
		     to, size);
	close(sock);
}

/* One pass over what is wanted: how many are left, how many were cut short. */
static size_t drain_pass(const struct living *l, int sock,
			 living_wanted *wanted, const void *arg, bool last,
			 size_t *cut)
{
	struct pc_living entry;
	struct walk w;
	size_t left = 0;

	walk_begin(&w, l);
	while (walk_next(&w, l, &entry)) {
		bool idle = is_idle(l, &w.key, &entry);

		if (!wanted(&w.key, arg))
			continue;
		left++;
		if (!idle && !last)
			continue;
		*cut += !idle;
		/* What cannot be told its end is still not kept waiting. */
		if (!entry.link_size || end_connection(sock, &w.key, &entry) ||
		    last)
			bpf_map_delete_elem(l->map, &w.key);
		end_gateway(&w.key, &entry);
	}
	return left;
}

int living_drain(size_t *n, const struct living *l, living_wanted *wanted,
		 const void *arg, uint64_t patience_ns)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	uint64_t until_ns = clock_boot_ns() + patience_ns;
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	bool last = false;

	*n = 0;
	if (sock < 0)
		return -errno;
	while (drain_pass(l, sock, wanted, arg, last, n) && !last) {
		nanosleep(&pause, NULL);
		last = clock_boot_ns() >= until_ns;
	}
	close(sock);
	return 0;
}
