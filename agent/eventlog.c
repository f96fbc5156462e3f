// SPDX-License-Identifier: GPL-2.0-only
#include "eventlog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "ring.h"
#include "text.h"
#include "timestamp.h"

/* A ring holds records of a multiple of 8. */
_Static_assert(sizeof(struct eventlog_record) % 8 == 0, "eventlog_record size");

static const struct ring_kind kind = { "pcevent1",
				       sizeof(struct eventlog_record),
				       EVENTLOG_RECORDS };

struct eventlog {
	struct ring *ring;
};

static int open_with(struct eventlog **out, const char *path,
		     int (*open_ring)(struct ring **out, const char *path,
				      const struct ring_kind *kind))
{
	struct eventlog *l = calloc(1, sizeof(*l));
	int err = l ? open_ring(&l->ring, path, &kind) : -ENOMEM;

	if (err)
		free(l);
	else
		*out = l;
	return err;
}

int eventlog_create(struct eventlog **out, const char *path)
{
	return open_with(out, path, ring_create);
}

int eventlog_open(struct eventlog **out, const char *path)
{
	return open_with(out, path, ring_open);
}

void eventlog_close(struct eventlog *l)
{
	if (l)
		ring_close(l->ring);
	free(l);
}

void eventlog_write(struct eventlog *l, const struct eventlog_record *r)
{
	ring_write(l->ring, r);
}

/* Of a file that anybody may have written. */
static void mend_prefix(struct prefix *p)
{
	if (p->family != AF_INET && p->family != AF_INET6)
		*p = (struct prefix){ 0 };
	if (p->len > (p->family == AF_INET ? 32 : 128))
		p->len = 0;
}

static void mend_text(char *text, size_t size)
{
	text[size - 1] = '\0';
	text_to_ascii(text);
}

bool eventlog_read(struct eventlog_record *out, uint64_t *lost,
		   struct eventlog *l, uint64_t *position)
{
	if (!ring_read(out, lost, l->ring, position))
		return false;
	mend_prefix(&out->source);
	mend_prefix(&out->target);
	mend_text(out->interface, sizeof(out->interface));
	mend_text(out->text, sizeof(out->text));
	return true;
}

/* What a record says, as text. */
struct view {
	char time[TIMESTAMP_STRLEN];
	char until[TIMESTAMP_STRLEN]; /* "": no end */
	char source[PREFIX_STRLEN];
	char target[PREFIX_STRLEN];
	char protocol[8];
	const char *verdict;
	const char *reason;
};

static const char *verdict_name(const struct eventlog_record *r)
{
	static const char *const names[][2] = {
		[EVENTLOG_DROP] = { "drop", "would-drop" },
		[EVENTLOG_BAN] = { "ban", "would-ban" },
		[EVENTLOG_SPARED] = { "spared", "spared" },
	};

	if (!r->kind || r->kind > EVENTLOG_SPARED)
		return "?";
	return names[r->kind][!!r->would];
}

/* An address by itself, a network with its length. */
static void print_source(char buf[static PREFIX_STRLEN], const struct prefix *p)
{
	bool whole = p->len == (p->family == AF_INET ? 32 : 128);

	buf[0] = '\0';
	if (p->family && whole)
		prefix_print_address(p, buf);
	else if (p->family)
		prefix_print(p, buf);
}

static void view_print(struct view *v, const struct eventlog_record *r)
{
	timestamp_print(r->time_ns, v->time);
	v->until[0] = '\0';
	if (r->kind == EVENTLOG_BAN && r->until_ns && r->until_ns != PC_NEVER)
		timestamp_print(r->until_ns, v->until);
	print_source(v->source, &r->source);
	print_source(v->target, &r->target);
	if (r->l4_proto == IPPROTO_TCP || r->l4_proto == IPPROTO_UDP)
		strcpy(v->protocol, r->l4_proto == IPPROTO_TCP ? "tcp" : "udp");
	else
		snprintf(v->protocol, sizeof(v->protocol), "ip-%u",
			 r->l4_proto);
	v->verdict = verdict_name(r);
	v->reason = r->reason < PC_R_MAX ? reason_name(r->reason) : "?";
}

static void add_end(struct text *t, const char *address, uint16_t port)
{
	bool brackets = port && strchr(address, ':');

	text_add(t, brackets ? "[%s]" : "%s", address);
	if (port)
		text_add(t, ":%u", port);
}

static void add_packet(struct text *t, const struct eventlog_record *r,
		       const struct view *v)
{
	add_end(t, v->source, r->sport);
	text_add(t, " > ");
	add_end(t, v->target, r->dport);
	text_add(t, " %s %u bytes", v->protocol, r->size);
	if (r->text[0])
		text_add(t, " in %s", r->text);
}

static void add_ban(struct text *t, const struct eventlog_record *r,
		    const struct view *v)
{
	text_add(t, "%s after %u requests", v->source, r->count);
	if (v->until[0])
		text_add(t, " until %s", v->until);
	if (r->text[0])
		text_add(t, ": %s", r->text);
}

const char *eventlog_print(const struct eventlog_record *r,
			   char buf[static EVENTLOG_LINE_SIZE])
{
	struct text t = { .buf = buf, .size = EVENTLOG_LINE_SIZE };
	struct view v;

	view_print(&v, r);
	buf[0] = '\0';
	text_add(&t, "%-30s %-10s %-10s %-14s ", v.time,
		 r->interface[0] ? r->interface : "-", v.verdict, v.reason);
	if (r->kind == EVENTLOG_DROP)
		add_packet(&t, r, &v);
	else
		add_ban(&t, r, &v);
	return buf;
}

const char *eventlog_print_json(const struct eventlog_record *r,
				char buf[static EVENTLOG_LINE_SIZE])
{
	struct text t = { .buf = buf, .size = EVENTLOG_LINE_SIZE };
	bool drop = r->kind == EVENTLOG_DROP;
	struct view v;

	view_print(&v, r);
	buf[0] = '\0';
	text_add(&t,
		 "{\"time\":\"%s\",\"verdict\":\"%s\",\"reason\":\"%s\","
		 "\"source\":\"%s\",\"interface\":",
		 v.time, v.verdict, v.reason, v.source);
	text_add_json(&t, r->interface);
	if (drop)
		text_add(&t,
			 ",\"sport\":%u,\"target\":\"%s\",\"dport\":%u,"
			 "\"protocol\":\"%s\",\"size\":%u",
			 r->sport, v.target, r->dport, v.protocol, r->size);
	else
		text_add(&t, ",\"count\":%u,\"until\":\"%s\"", r->count,
			 v.until);
	text_add(&t, drop ? ",\"list\":" : ",\"text\":");
	text_add_json(&t, r->text);
	text_add(&t, "}");
	return buf;
}
