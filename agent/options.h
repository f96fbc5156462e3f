/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The long flags of every verb, from one table: what they are called, what they
 * take, their defaults, their help.  Parses and checks texts; whether an
 * interface exists or a file can be read is for the verb to find out.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pc_abi.h"
#include "policy.h"
#include "prefix.h"
#include "spec.h"
#include "value.h"

/* The verbs that take flags; a flag belongs to one or more of them. */
#define OPTIONS_RUN 0x01u
#define OPTIONS_EXPLAIN 0x02u
#define OPTIONS_CHECK 0x04u
#define OPTIONS_STATUS 0x08u
#define OPTIONS_DETACH 0x10u
#define OPTIONS_SERVE 0x20u
#define OPTIONS_DECISIONS 0x80u
#define OPTIONS_EVENTS 0x1000u
#define OPTIONS_CAPTURE 0x2000u
#define OPTIONS_BAN 0x100u
#define OPTIONS_UNBAN 0x200u
#define OPTIONS_BANS 0x400u
#define OPTIONS_CONFIRM 0x800u

#define OPTIONS_TEXT(x) OPTIONS_TEXT_(x)
#define OPTIONS_TEXT_(x) #x
/* Where maps, programs and links are pinned when --pin-dir does not say. */
#define OPTIONS_PIN_DIR "/sys/fs/bpf/portcullis/v" OPTIONS_TEXT(PC_ABI_VERSION)

/* Where the service leaves its denials when --trace does not say. */
#define OPTIONS_TRACE "/run/portcullis/decisions"
/* Where the agent leaves what it saw dropped when --events does not say. */
#define OPTIONS_EVENTS_FILE "/run/portcullis/events"

enum xdp_mode {
	XDP_AUTO, /* native, else generic with the reason said */
	XDP_NATIVE,
	XDP_GENERIC,
	XDP_TC /* not at XDP at all: beside somebody else's program */
};

/* Which packets' addresses are judged. */
enum xdp_scope {
	XDP_SCOPE_GATEWAY, /* those to its ports */
	XDP_SCOPE_HOST	   /* every one */
};

/* What argv said, defaults filled in.  Owns everything it points to. */
struct options {
	struct text_list interfaces;	     /* may be empty: then no XDP */
	struct text_list request_interfaces; /* no duplicates, never empty */
	struct port_list ports;
	char *snapshot; /* NULL: none */
	char *pin_dir;
	uint8_t profile;	 /* enum pc_profile */
	uint8_t run_mode;	 /* enum pc_run_mode */
	uint8_t deny_unknown;	 /* 1: keys no complete snapshot has */
	uint8_t monitor;	 /* 1: count, deny nothing */
	uint8_t ip_scope;	 /* enum ip_scope */
	uint8_t xdp_mode;	 /* enum xdp_mode */
	uint8_t xdp_scope;	 /* enum xdp_scope */
	uint8_t trust_forwarded; /* 1: the gateway believes such headers */
	bool force;		 /* what the guard refuses, too */
	bool json;
	struct text_list client_ip_headers;
	struct prefix_list allow;
	struct prefix_list block;
	struct list_specs allow_files;
	struct list_specs block_files;
	struct prefix_list proxies;
	struct prefix_list gateways; /* empty: the host's own addresses */
	struct deny_actions deny;
	uint64_t lease_ns;     /* 0: key denies never lapse */
	int64_t clock_ns;      /* not 0: the Unix time it always is */
	uint64_t drain_ns;     /* patience of living_drain() */
	char *events;	       /* file of the event log, or "none" */
	uint64_t event_rate;   /* of drops, a second and processor; 0: none */
	uint64_t confirm_ns;   /* 0: policies need not be confirmed */
	struct rate ban_after; /* n 0: nobody is banned by himself */
	uint64_t ban_for_ns;   /* the first time */
	uint64_t ban_max_ns;   /* 0: no end to doubling */

	/* the decision service */
	struct text_list listen; /* empty: there is none */
	struct text_list socket_peers;
	char *ledger;	     /* "none": in memory */
	uint64_t max_age_ns; /* of a snapshot; 0: no end */
	struct stale_policies on_stale;
	int64_t hold_default_nusd;
	int64_t hold_max_nusd;
	uint64_t hold_ttl_ns;

	/* explain only */
	bool key_stdin;
	char *key_hash;	  /* 64 hex digits; NULL when key_stdin */
	struct prefix ip; /* the client's address */
	char *path;	  /* as on the wire, without a query */
	char *method;

	/* decisions only */
	char *trace; /* the file */
	char *id;    /* of one decision; NULL: every one */
	bool follow; /* of events, too */

	/* capture only */
	char *capture;		 /* the file; "-": standard output */
	uint64_t capture_count;	 /* packets; 0: any number */
	uint64_t capture_for_ns; /* 0: until it is ended */

	/* confirm only */
	bool revert;

	/* ban and unban only */
	struct prefix_list targets; /* exactly one */
	uint64_t for_ns;	    /* 0: for ever */
	char *reason;		    /* NULL: none */
};

/*
 * argv[0] is the verb that which (one OPTIONS_ bit) names.  0; 1: --help was
 * asked for and printed; -EINVAL or -ENOMEM: what is wrong was said on stderr
 * and the caller exits 2.  *out is untouched unless 0 is returned.
 */
int options_parse(struct options *out, int argc, char **argv,
		  unsigned int which);
void options_fini(struct options *o);

/* Borrows from o; now_ns and generation are left 0 for the caller. */
void options_policy(struct policy_options *out, const struct options *o);

#endif /* OPTIONS_H */
