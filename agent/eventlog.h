/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the address plane dropped lately, and who was banned for what he did: a
 * ring in a file that the agent writes and `portcullis events` reads, also
 * after the agent has died.
 */
#ifndef EVENTLOG_H
#define EVENTLOG_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "pc_abi.h"
#include "prefix.h"

#define EVENTLOG_RECORDS 4096
#define EVENTLOG_LINE_SIZE 2048

struct eventlog;

enum eventlog_kind {
	EVENTLOG_DROP = 1,
	EVENTLOG_BAN,	/* an automatic one */
	EVENTLOG_SPARED /* there was reason to, but it must not be banned */
};

struct eventlog_record {
	int64_t time_ns;  /* Unix time */
	int64_t until_ns; /* of a ban; PC_NEVER */
	uint32_t size;	  /* bytes of the frame; 0: no packet */
	uint32_t count;	  /* of requests that led to a ban */
	uint16_t sport;	  /* of a packet */
	uint16_t dport;
	uint8_t kind;	/* enum eventlog_kind */
	uint8_t reason; /* enum pc_reason */
	uint8_t would;	/* monitor mode: nothing was done */
	uint8_t l4_proto;
	struct prefix source;
	struct prefix target; /* family 0: none */
	char interface[IF_NAMESIZE];
	/* Of a drop: the list; else what is to be said. */
	char text[PC_LIST_NAME_SIZE];
	uint8_t pad[4];
};

/* As ring_create() and ring_open(). */
int eventlog_create(struct eventlog **out, const char *path);
int eventlog_open(struct eventlog **out, const char *path);
void eventlog_close(struct eventlog *l);

void eventlog_write(struct eventlog *l, const struct eventlog_record *r);
/* As ring_read(); texts are printable. */
bool eventlog_read(struct eventlog_record *out, uint64_t *lost,
		   struct eventlog *l, uint64_t *position);

/* A line without its end, for people or as JSON. */
const char *eventlog_print(const struct eventlog_record *r,
			   char buf[static EVENTLOG_LINE_SIZE]);
const char *eventlog_print_json(const struct eventlog_record *r,
				char buf[static EVENTLOG_LINE_SIZE]);

#endif /* EVENTLOG_H */
