#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A ledger that cannot be written: decisions go on from memory as --on-stale
# says, marked; use is not acknowledged; /readyz, metrics and the log say so;
# once it can be written again all is well, and what was acknowledged is there.
# shellcheck source=tests/decision/lib.bash
source "$(dirname "${BASH_SOURCE[0]}")/../decision/lib.bash"

# auth KEY: sets status and stale.
auth() {
	credential "$1" >/dev/null
	curl -s -o "$tmp/body" -D "$tmp/head" --unix-socket "$tmp/check.sock" \
		-H "@$(credential "$1")" -H 'X-Forwarded-Method: POST' \
		-H 'X-Forwarded-Uri: /v1/messages' \
		-H 'X-Forwarded-For: 192.0.2.1' http://localhost/v1/auth/forward
	status=$(awk 'NR == 1 { print $2 }' "$tmp/head")
	stale=$(tr -d '\r' <"$tmp/head" |
		sed -n 's/^X-Portcullis-Stale: *//p')
}

# ready: the status of /readyz; its words in body.
ready() {
	curl -s -o "$tmp/body" -w '%{http_code}' \
		--unix-socket "$tmp/check.sock" http://localhost/readyz
}

is_ready() {
	[ "$(ready)" = 200 ]
}

usage() {
	printf '{"request_id":"%s","key_hash":"%s","cost_nusd":1000}' "$1" \
		"$(digest good)"
}

stale=
begin_tests
{
	record good '.quota = 10'
	record spent '.quota = 1 | .quota_used = 1'
	record plain '.group.subscription_type = "subscription"' |
		jq -c '. + {subscription: {status: "active",
			expires_at: "2099-01-01T00:00:00Z",
			daily_usage_usd: 0, weekly_usage_usd: 0,
			monthly_usage_usd: 0, daily_window_start: null,
			weekly_window_start: null, monthly_window_start: null}}'
} | publish_complete
head -c 8192 /dev/zero | tr '\0' x >"$tmp/ledger.db"

must "it starts with a ledger that is none" start_service
is "it is not ready" "$(ready)" 503
check "and says why" grep -q '"ready":false,"why":"ledger: ' "$tmp/body"
check "so do the metrics" [ "$(metric ledger_available)" = 0 ]
auth good
is "it decides all the same, and says what without" "$status $stale" "200 ledger"
auth spent
is "denies hold" "$status $stale" "429 ledger"
put /v1/usage "$(usage first)"
is "use is not acknowledged" "$status" 503
put /v1/reserve "$(usage hold)"
is "a hold stands in memory, and is marked so" \
	"$status $(jq -r '[.allow, .held_nusd, .stale] | join(" ")' <<<"$body")" \
	"200 true 1000 ledger"
put /v1/reserve "$(usage hold)"
is "asked for again it still stands" \
	"$status $(jq -r '[.allow, .stale] | join(" ")' <<<"$body")" \
	"200 true ledger"
put /v1/settle '{"request_id":"hold","cost_nusd":500}'
is "settling it is not acknowledged" "$status" 503
put /v1/reserve "$(usage unused)"
is "another hold" "$status" 200
check "counted" [ "$(metric 'stale_decisions_total{without="ledger"}')" -ge 2 ]

rm "$tmp/ledger.db"
check "without it a new one is made" eventually 20 is_ready
put /v1/usage "$(usage first)"
is "what was refused counts now" "$status $body" '200 {"counted":true}'
put /v1/usage "$(usage first)"
is "and once only" "$status $body" '200 {"counted":false}'
put /v1/settle '{"request_id":"hold","cost_nusd":500}'
is "the hold can be settled now" "$status $body" '200 {"counted":true}'
put /v1/release '{"request_id":"unused"}'
is "the other can be given back" "$status $body" '200 {"released":true}'
is "and nothing is held" "$(metric holds)" 0
auth good
is "nothing is amiss" "$status $stale" "200 "
end_service KILL
must "it starts again" start_service
put /v1/usage "$(usage first)"
is "and remembers" "$status $body" '200 {"counted":false}'
end_service TERM

head -c 8192 /dev/zero | tr '\0' x >"$tmp/ledger.db"
must "strict" start_service --on-stale strict:ledger
auth good
is "strict: a key with a quota is not decided" "$status $stale" "503 ledger"
put /v1/reserve "$(usage strict)"
is "strict: nor is a hold of it" "$status" 503
auth plain
is "strict: one with nothing to check is" "$status $stale" "200 ledger"
end_service TERM
must "deny" start_service --on-stale deny:ledger
auth plain
is "deny: nobody is let in" "$status $stale" "503 ledger"
auth spent
is "deny: denies stay what they are" "$status $stale" "429 ledger"
end_service TERM

rm "$tmp/ledger.db"
sleep 1.1
must "with a snapshot that is too old" start_service --max-age 1s
before=$(metric 'stale_decisions_total{without="snapshot"}')
put /v1/reserve "$(usage old)"
is "a hold says so" "$status $(jq -r .stale <<<"$body")" "200 snapshot"
check "and is counted" \
	[ "$(metric 'stale_decisions_total{without="snapshot"}')" = $((before + 1)) ]
end_service TERM
end_tests
