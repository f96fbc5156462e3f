// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flags, one row each.  A flag may have several rows, one for each verb in
 * which it means something else.
 */
#include "flags.h"

#include <stddef.h>

#include "spec.h"

#define POLICY FLAGS_POLICY
#define SERVICE (OPTIONS_RUN | OPTIONS_SERVE)
#define BANS (OPTIONS_BAN | OPTIONS_UNBAN | OPTIONS_BANS)
#define LIVE                                                               \
	(OPTIONS_RUN | OPTIONS_EXPLAIN | OPTIONS_STATUS | OPTIONS_DETACH | \
	 OPTIONS_EVENTS | OPTIONS_CAPTURE | OPTIONS_CONFIRM | BANS)
#define READ                                                \
	(OPTIONS_EXPLAIN | OPTIONS_CHECK | OPTIONS_STATUS | \
	 OPTIONS_DECISIONS | OPTIONS_EVENTS | OPTIONS_BANS)

const struct flag flags[] = {
#define F(member) offsetof(struct options, member)
	{ "interface", OPTIONS_RUN, "NAME", NULL, F(interfaces),
	  value_interface, "filter addresses here (repeatable)" },
	{ "request-interface", OPTIONS_RUN, "NAME", NULL, F(request_interfaces),
	  value_interface,
	  "judge requests here (repeatable; default: lo and every "
	  "--interface)" },
	{ "gateway-port", OPTIONS_RUN, "PORT", "8080", F(ports), value_port,
	  "TCP port of the gateway (repeatable)" },
	{ "snapshot", OPTIONS_RUN, "FILE", NULL, F(snapshot), value_text,
	  "auth snapshot; without it no keys are judged" },
	{ "snapshot", OPTIONS_SERVE, "FILE", NULL, F(snapshot), value_text,
	  "auth snapshot; without it nothing can be decided" },
	{ "snapshot", OPTIONS_EXPLAIN, "FILE", NULL, F(snapshot), value_text,
	  "explain by this file, not by what is in force" },
	{ "profile", POLICY | OPTIONS_SERVE, "seed|v0.1.179", "v0.1.179",
	  F(profile), value_profile, "the gateway's version" },
	{ "run-mode", POLICY | OPTIONS_SERVE, "standard|simple", "standard",
	  F(run_mode), value_choice, "the gateway's run mode" },
	{ "deny", OPTIONS_RUN, "reply|close|reset|drop[:REASON]", "reply",
	  F(deny), value_deny,
	  "what a refused request gets, or one refused for that reason "
	  "(repeatable)" },
	{ "unknown-keys", POLICY | OPTIONS_SERVE, "pass|deny", "pass",
	  F(deny_unknown), value_choice,
	  "keys that a complete snapshot does not have, while it is younger "
	  "than the lease" },
	{ "mode", OPTIONS_RUN, "enforce|monitor", "enforce", F(monitor),
	  value_choice, "monitor counts and denies nothing" },
	{ "allow", POLICY, "CIDR", NULL, F(allow), value_prefix,
	  "never drop these addresses (repeatable)" },
	{ "block", POLICY, "CIDR", NULL, F(block), value_prefix,
	  "drop these addresses (repeatable)" },
	{ "confirm", OPTIONS_RUN, "DURATION", "0", F(confirm_ns), value_duration,
	  "go back to the policy before unless portcullis confirm comes in time (0: no)" },
	{ "revert", OPTIONS_CONFIRM, NULL, NULL, F(revert), value_switch,
	  "go back now, do not wait" },
	{ "force", OPTIONS_RUN, NULL, NULL, F(force), value_switch,
	  "obey even where that drops this host's or this session's lifelines" },
	{ "allow-file", POLICY, "FILE[,max=N][,factor=F]", NULL, F(allow_files),
	  spec_value, "never drop the addresses in this file (repeatable)" },
	{ "block-file", POLICY, "FILE[,max=N][,factor=F]", NULL, F(block_files),
	  spec_value,
	  "drop the addresses in this file, of at most N prefixes, which may "
	  "grow or shrink F-fold at once (default 1000000 and 10; repeatable)" },
	{ "trusted-proxy", POLICY | OPTIONS_SERVE, "CIDR", NULL, F(proxies),
	  value_prefix, "these speak for other clients (repeatable)" },
	{ "gateway-address", OPTIONS_RUN, "CIDR", NULL, F(gateways),
	  value_prefix,
	  "the gateway's address (repeatable; default: every address of this host)" },
	{ "ip-scope", POLICY, "key|consensus|global", "key", F(ip_scope),
	  value_choice, "whose address rules hold for the whole host" },
	{ "trust-forwarded", SERVICE, "off|on", "on", F(trust_forwarded),
	  value_choice, "the gateway believes forwarding headers" },
	{ "client-ip-header", SERVICE, "NAME", NULL, F(client_ip_headers),
	  value_header, "and this one of its own (repeatable)" },
	{ "xdp-mode", OPTIONS_RUN, "auto|native|generic|tc", "auto",
	  F(xdp_mode), value_choice, "where the address filter is attached" },
	{ "xdp-scope", OPTIONS_RUN, "gateway|host", "gateway", F(xdp_scope),
	  value_choice,
	  "filter what comes to the gateway's ports, or every packet" },
	{ "lease", OPTIONS_RUN, "DURATION", "10m", F(lease_ns), value_duration,
	  "key denies outlive the agent this long (0: for ever)" },
	{ "lease", OPTIONS_SERVE, "DURATION", "10m", F(lease_ns),
	  value_duration,
	  "a complete snapshot is believed to be so this long (0: for ever)" },
	{ "listen", SERVICE, "unix:PATH|ADDR:PORT|none",
	  "unix:/run/portcullis/check.sock", F(listen), value_listen,
	  "answer proxies and gateways here (repeatable)" },
	{ "socket-peer", SERVICE, "USER|UID", NULL, F(socket_peers), value_user,
	  "who may ask by a Unix socket, beside root (repeatable)" },
	{ "ledger", SERVICE, "FILE|none", "/var/lib/portcullis/ledger.db",
	  F(ledger), value_text,
	  "database of use, holds and bans; none: memory" },
	{ "ledger", BANS, "FILE|none", "/var/lib/portcullis/ledger.db",
	  F(ledger), value_text,
	  "database that bans are kept in; none: only the kernel has them" },
	{ "for", OPTIONS_BAN, "DURATION", NULL, F(for_ns), value_duration,
	  "how long; without it for ever" },
	{ "reason", OPTIONS_BAN, "TEXT", NULL, F(reason), value_reason,
	  "why, for portcullis bans" },
	{ "force", OPTIONS_BAN, NULL, NULL, F(force), value_switch,
	  "ban even this host, a trusted proxy or who is allowed" },
	{ "max-age", SERVICE, "DURATION", "0", F(max_age_ns), value_duration,
	  "a snapshot older than this is too old (0: never)" },
	{ "on-stale", SERVICE, "serve|strict|deny[:snapshot|:ledger]", "serve",
	  F(on_stale), value_stale,
	  "what an allow becomes that rests on an old snapshot or a ledger "
	  "that cannot be written (repeatable)" },
	{ "hold-default", SERVICE, "USD", "0.10", F(hold_default_nusd),
	  value_money, "what /v1/reserve holds for a key without recent use" },
	{ "hold-max", SERVICE, "USD", "10", F(hold_max_nusd), value_money,
	  "the most it holds, and the bound of overshoot" },
	{ "hold-ttl", SERVICE, "DURATION", "10m", F(hold_ttl_ns),
	  value_duration, "a hold that is not settled ends after this" },
	{ "trace", SERVICE, "FILE", OPTIONS_TRACE, F(trace), value_text,
	  "leave recent denials here" },
	{ "trace", OPTIONS_DECISIONS, "FILE", OPTIONS_TRACE, F(trace),
	  value_text, "where the service leaves its denials" },
	{ "trace", OPTIONS_STATUS, "FILE", OPTIONS_TRACE, F(trace), value_text,
	  "of the service whose health is shown" },
	{ "id", OPTIONS_DECISIONS, "ID", NULL, F(id), value_text,
	  "only the decision of this id" },
	{ "events", OPTIONS_RUN, "FILE", OPTIONS_EVENTS_FILE, F(events),
	  value_text, "leave what was dropped lately here" },
	{ "events", OPTIONS_EVENTS, "FILE", OPTIONS_EVENTS_FILE, F(events),
	  value_text, "where the agent leaves what was dropped" },
	{ "event-rate", OPTIONS_RUN, "N", "100", F(event_rate), value_count,
	  "of the packets dropped, tell of so many a second and processor "
	  "(0: none)" },
	{ "ban-after", OPTIONS_RUN, "N/DURATION", NULL, F(ban_after),
	  value_rate,
	  "ban who is refused so often in so long (20/1m; default: nobody)" },
	{ "ban-for", OPTIONS_RUN, "DURATION", "1h", F(ban_for_ns),
	  value_duration,
	  "how long, the first time; twice as long each next time" },
	{ "ban-max", OPTIONS_RUN, "DURATION", "24h", F(ban_max_ns),
	  value_duration, "but never longer than this (0: any length)" },
	{ "count", OPTIONS_CAPTURE, "N", NULL, F(capture_count), value_count,
	  "end after so many packets" },
	{ "for", OPTIONS_CAPTURE, "DURATION", NULL, F(capture_for_ns),
	  value_duration, "end after this" },
	{ "follow", OPTIONS_DECISIONS | OPTIONS_EVENTS, NULL, NULL, F(follow),
	  value_switch, "go on with those to come (also -f)" },
	{ "drain", OPTIONS_RUN | OPTIONS_DETACH, "DURATION", "10s", F(drain_ns),
	  value_duration,
	  "wait so long for answers under way before ending connections" },
	{ "clock", SERVICE, "TIME", NULL, F(clock_ns), value_time,
	  "for tests: it is always this time" },
	{ "key-stdin", OPTIONS_EXPLAIN, NULL, NULL, F(key_stdin), value_switch,
	  "read the key from standard input" },
	{ "key-hash", OPTIONS_EXPLAIN, "HEX", NULL, F(key_hash), value_hash,
	  "the key's SHA-256" },
	{ "ip", OPTIONS_EXPLAIN, "ADDR", NULL, F(ip), value_address,
	  "the client's address" },
	{ "path", OPTIONS_EXPLAIN, "PATH", "/v1/messages", F(path), value_path,
	  "the request's path" },
	{ "method", OPTIONS_EXPLAIN, "METHOD", "POST", F(method), value_method,
	  "the request's method" },
	{ "pin-dir", LIVE, "DIR", OPTIONS_PIN_DIR, F(pin_dir), value_text,
	  "where maps and programs are pinned" },
	{ "json", READ, NULL, NULL, F(json), value_switch,
	  "print JSON (also -j)" },
#undef F
};

const size_t n_flags = sizeof(flags) / sizeof(flags[0]);
