#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What an operator meets: status where no filter is, a second service on the same
# socket or ledger, a bad snapshot by SIGHUP, metrics that parse, limits that say
# when to come back, and an explanation that does not pass for all that is used.
#
#   curl ---- check.sock ---- portcullis serve -- status, explain
. "$(dirname "$0")/../decision/lib.bash"

# Asked by nobody here.
start_gateway() {
	:
}

status_of() {
	"$bin" status --pin-dir "$tmp/pins" --trace "$tmp/decisions" "$@"
}

# field NAME: of the last answer
field() {
	tr -d '\r' <"$tmp/head" | sed -n "s/^$1: *//Ip"
}

# refused KEY: sets status; the head is kept
refused() {
	status=$(curl -s -o "$tmp/body" -D "$tmp/head" -w '%{http_code}' \
		--unix-socket "$tmp/check.sock" -H "@$(credential "$1")" \
		-H 'X-Forwarded-Method: POST' \
		-H 'X-Forwarded-Uri: /v1/messages' \
		-H 'X-Forwarded-For: 192.0.2.1' \
		http://localhost/v1/auth/forward)
}

# used ID KEY NUSD
used() {
	put /v1/usage \
		'{"request_id":"'"$1"'","key_hash":"'"$(digest "$2")"'","cost_nusd":'"$3"'}'
}

# between LOW HIGH NUMBER
between() {
	[ -n "$3" ] && [ "$3" -ge "$1" ] && [ "$3" -le "$2" ]
}

# is_metrics FILE: by the text format's grammar, each family announced once
# before its samples
is_metrics() {
	awk '
		/^# HELP [a-z_]+ ./ { next }
		/^# TYPE [a-z_]+ (counter|gauge)$/ {
			if ($3 in type) exit 1
			type[$3] = $4; n++; next
		}
		/^[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? -?[0-9.e+-]+$/ {
			name = $1; sub(/\{.*/, "", name)
			if (!(name in type) || $1 in seen) exit 1
			seen[$1] = 1; next
		}
		{ exit 1 }
		END { if (!n) exit 1 }' "$1"
}

begin_tests
{
	record good
	record quota '.quota = 1 | .quota_used = 0.5'
	record window '.rate_limit_5h = 1 | .rate_limit_1d = 5'
	record group '.group.subscription_type = "subscription" |
		.group.daily_limit_usd = 2 | .group.weekly_limit_usd = 8' |
		jq -c --arg start "$(time_text $(($(now_ms) - 7200000)))" '
			. + {subscription: {status: "active",
			expires_at: "2099-01-01T00:00:00Z",
			daily_usage_usd: 1.5, weekly_usage_usd: 1.5,
			monthly_usage_usd: 1.5, daily_window_start: $start,
			weekly_window_start: $start,
			monthly_window_start: $start}}'
} | publish_complete
rc=0
status_of >"$tmp/out" 2>&1 || rc=$?
is "status: where nothing runs there is nothing" "$rc" 1
must "the service starts" start_service

first_report() {
	status_of >"$tmp/out" 2>&1
}
check "status: the service needs no filter" eventually 5 first_report
check "status: that there is none is said" \
	grep -qx 'filter      not installed' "$tmp/out"
check "status: and how the service is" grep -q '^decisions   ready, 4 keys' "$tmp/out"
is "status: for programs too" \
	"$(status_of -j | jq -c '[.installed, .service.running, .service.ready, .service.keys]')" \
	'[false,true,true,4]'

rc=0
"$bin" serve --listen "unix:$tmp/check.sock" --ledger none \
	--trace "$tmp/other" >"$tmp/out" 2>&1 || rc=$?
is "a second one cannot have the socket" "$rc" 1
"$bin" serve --listen "unix:$tmp/other.sock" --ledger "$tmp/ledger.db" \
	--trace "$tmp/other" --snapshot "$snapshot" >"$tmp/out" 2>&1 &
other=$!
nginx+=("$other")
other_ready() {
	curl -s -o "$tmp/body" -w '%{http_code}' \
		--unix-socket "$tmp/other.sock" http://localhost/readyz
}
other_answers() {
	[ "$(other_ready)" != 000 ]
}
check "one with a socket of its own answers" eventually 5 other_answers
is "but does not count in another's ledger" "$(other_ready)" 503
check "and says so" grep -q 'another service writes it' "$tmp/body"
kill "$other"
wait "$other" || true

used first quota 500000000
refused quota
is "a quota that is used up is refused" "$status $(field Retry-After)" "429 "
"$bin" explain --snapshot "$snapshot" --key-hash "$(digest quota)" \
	--ip 192.0.2.1 >"$tmp/out"
check "explain: by the file it is not, and that is said" \
	grep -q '^use: as the snapshot has it; ' "$tmp/out"
is "check: asked by hash it tells both" "$(put /v1/check \
	'{"method":"POST","path":"/v1/messages","client":"192.0.2.1","key_hash":"'"$(digest quota)"'"}'
	jq -r '[.allow, .reason] | join(" ")' <<<"$body")" "false key-exhausted"

used second window 1000000000
refused window
is "a key's window" "$status $(field X-Portcullis-Reason)" "429 window-5h"
check "when it ends is said" between 17900 18000 "$(field Retry-After)"
is "and to nginx" "$(field X-Portcullis-Retry-After)" "$(field Retry-After)"
is "its policy" "$(field RateLimit-Policy)" \
	'"5h";q=1000000;qu="micro-usd";w=18000, "1d";q=5000000;qu="micro-usd";w=86400'
check "nothing is left of it" grep -q '"5h";r=0;t=1' <<<"$(field RateLimit)"

used third group 600000000
refused group
is "a group's limit" "$status $(field X-Portcullis-Reason)" "429 usage-limit"
check "when it ends is said, too" between 79000 79200 "$(field Retry-After)"

printf '{"key_hash":"zz"}\n' >>"$snapshot"
kill -HUP "$agent"
refusal_logged() {
	grep -q 'keeping the keys from before' "$tmp/agent.log"
}
check "a bad snapshot is refused" eventually 5 refusal_logged
refused good
is "and what was in force stays" "$status" 200
is "readyz: so does readiness" "$(curl -s --unix-socket "$tmp/check.sock" \
	http://localhost/readyz | jq -c '[.ready, .keys]')" '[true,4]'

for path in metrics healthz readyz; do
	curl -s -o "$tmp/$path" -D "$tmp/head" \
		--unix-socket "$tmp/check.sock" "http://localhost/$path"
	is "$path: is not to be cached" "$(field Cache-Control)" no-store
done
check "metrics: parse" is_metrics "$tmp/metrics"

end_service KILL
gone() {
	rc=0
	status_of >"$tmp/out" 2>&1 || rc=$?
	grep -q '^decisions   not served, last ' "$tmp/out"
}
check "status: killed, it is not served" eventually 10 gone
is "status: which is a failure" "$rc" 1
end_tests
