/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Part of the contract pc_abi.h: why something met its fate. */
#ifndef PC_REASON_H
#define PC_REASON_H

/*
 * Why a packet or a request met its fate, and what kind of fate it is.  One
 * list: the enum, the printable names, the counter index and the class are all
 * generated from it, so they cannot drift apart.  Append only; a retired reason
 * keeps its slot.
 *
 *   PASS  goes on to the gateway
 *   DROP  pc_xdp drops the packet
 *   DENY  the gateway would refuse; pc_request acts as the policy's deny[] says
 *   OWN   a segment portcullis itself consumed on a connection it has answered
 */
#define PC_REASONS(X)                                          \
	/* address plane */                                    \
	X(ADDRESS_PASS, "address-pass", PASS)                  \
	X(NO_POLICY, "no-policy", PASS)                        \
	X(NOT_IP, "not-ip", PASS)                              \
	X(NOT_TCP_UDP, "not-tcp-udp", PASS)                    \
	X(OTHER_PORT, "other-port", PASS)                      \
	X(FRAGMENT, "fragment", PASS)                          \
	X(TRUNCATED, "truncated", PASS)                        \
	X(BAD_IP_HEADER, "bad-ip-header", PASS)                \
	X(EXT_HEADER_LIMIT, "ext-header-limit", PASS)          \
	X(ALLOW_LIST, "allow-list", PASS)                      \
	X(BLOCK_LIST, "block-list", DROP)                      \
	X(SNAPSHOT_LIST, "snapshot-list", DROP)                \
	/* request plane: not a head, or not one to judge */   \
	X(NOT_TCP, "not-tcp", PASS)                            \
	X(NO_PAYLOAD, "no-payload", PASS)                      \
	X(LEASE_LAPSED, "lease-lapsed", PASS)                  \
	X(MID_STREAM, "mid-stream", PASS)                      \
	X(BODY, "body", PASS)                                  \
	X(GAP, "gap", PASS)                                    \
	X(OPAQUE, "opaque", PASS)                              \
	X(PIPELINED, "pipelined", PASS)                        \
	X(MPTCP, "mptcp", PASS)                                \
	X(ODD_FLAGS, "odd-flags", PASS)                        \
	X(SYN_DATA, "syn-data", PASS)                          \
	X(NOT_HTTP, "not-http", PASS)                          \
	X(TLS, "tls", PASS)                                    \
	X(H2C, "h2c", PASS)                                    \
	X(HEAD_SPLIT, "head-split", PASS)                      \
	X(HEAD_LOST, "head-lost", PASS)                        \
	X(HEAD_TOO_LARGE, "head-too-large", PASS)              \
	X(HEAD_SYNTAX, "head-syntax", PASS)                    \
	X(HEAD_FRAMING, "head-framing", PASS)                  \
	X(HEAD_HOST, "head-host", PASS)                        \
	X(OBS_FOLD, "obs-fold", PASS)                          \
	X(TARGET_FORM, "target-form", PASS)                    \
	X(PATH_UNSURE, "path-unsure", PASS)                    \
	X(OTHER_PATH, "other-path", PASS)                      \
	X(OTHER_METHOD, "other-method", PASS)                  \
	X(UPGRADE, "upgrade", PASS)                            \
	X(QUERY_UNSURE, "query-unsure", PASS)                  \
	X(NO_CREDENTIAL, "no-credential", PASS)                \
	X(KEY_TOO_LONG, "key-too-long", PASS)                  \
	X(KEY_UNKNOWN, "key-unknown", PASS)                    \
	X(ADDRESS_UNSURE, "address-unsure", PASS)              \
	X(SUBSCRIPTION_UNSURE, "subscription-unsure", PASS)    \
	X(KEY_LIVE, "key-live", PASS)                          \
	X(NOT_OURS, "not-ours", PASS)                          \
	X(UNCONFIRMED, "unconfirmed", PASS)                    \
	X(ANSWER_UNFIT, "answer-unfit", PASS)                  \
	X(ANSWER_UNSURE, "answer-unsure", PASS)                \
	X(CHUNK_SYNTAX, "chunk-syntax", PASS)                  \
	X(ROUTE_UNSURE, "route-unsure", PASS)                  \
	/* request plane: the key or its request is refused */ \
	X(KEY_DISABLED, "key-disabled", DENY)                  \
	X(KEY_EXPIRED, "key-expired", DENY)                    \
	X(KEY_EXHAUSTED, "key-exhausted", DENY)                \
	X(ADDRESS_DENIED, "address-denied", DENY)              \
	X(USER_MISSING, "user-missing", DENY)                  \
	X(USER_INACTIVE, "user-inactive", DENY)                \
	X(GROUP_DELETED, "group-deleted", DENY)                \
	X(GROUP_DISABLED, "group-disabled", DENY)              \
	X(GROUP_NOT_ALLOWED, "group-not-allowed", DENY)        \
	X(SUBSCRIPTION_MISSING, "subscription-missing", DENY)  \
	X(SUBSCRIPTION_INVALID, "subscription-invalid", DENY)  \
	X(USAGE_LIMIT, "usage-limit", DENY)                    \
	X(BALANCE_EMPTY, "balance-empty", DENY)                \
	X(QUERY_KEY, "query-key", DENY)                        \
	X(CREDENTIAL_MISSING, "credential-missing", DENY)      \
	X(KEY_INVALID, "key-invalid", DENY)                    \
	X(RATE_LIMITED, "rate-limited", DENY)                  \
	X(LOOKUP_BUSY, "lookup-busy", DENY)                    \
	X(LOOKUP_FAILED, "lookup-failed", DENY)                \
	X(WINDOW_5H, "window-5h", DENY)                        \
	X(WINDOW_1D, "window-1d", DENY)                        \
	X(WINDOW_7D, "window-7d", DENY)                        \
	/* a connection portcullis has answered */             \
	X(ANSWER_FAILED, "answer-failed", OWN)                 \
	X(REPEATED, "answer-repeated", OWN)                    \
	X(SWALLOWED, "swallowed", OWN)                         \
	X(SWALLOW_LIMIT, "swallow-limit", OWN)                 \
	X(CLOSED, "closed", OWN)                               \
	/* address plane, once more */                         \
	X(BANNED, "banned", DROP)                              \
	X(IMAGE_DAMAGED, "image-damaged", PASS)

enum pc_reason {
#define X(id, name, class) PC_R_##id,
	PC_REASONS(X)
#undef X
	PC_R_MAX
};

/* Returned by a stage that has not decided; never counted. */
#define PC_NEXT PC_R_MAX

enum pc_class {
	PC_CLASS_PASS,
	PC_CLASS_DROP,
	PC_CLASS_DENY,
	PC_CLASS_OWN
};

#endif /* PC_REASON_H */
