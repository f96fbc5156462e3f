#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The service is killed at 1,000 usage reports a second.  Every report that it
# acknowledged is there after the restart, every report counts once however often
# it is sent, and what they cost together is what the key has used, to the
# nano-dollar.  ROUNDS=50 ("make check-ledger") does it longer.
#
#   reports.py, 16 clients ---- check.sock ---- portcullis serve -- ledger.db
. "$(dirname "$0")/../decision/lib.bash"

: "${ROUNDS:=3}" "${RATE:=1000}" "${SEED:=$RANDOM}"

# Asked by nobody here.
start_gateway() {
	:
}

reports() {
	python3 "$here/tests/decision/reports.py" "$tmp/check.sock" \
		"$(digest spender)" "$@"
}

# quota NUSD: of the key, in a snapshot taken before any report
quota() {
	{
		jq -cn --arg at "$taken" \
			'{portcullis: {format: 1, complete: true, generated_at: $at}}'
		record spender ".user.balance = 1e6 | .quota = $(usd "$1")"
	} | publish
}

usd() {
	printf '%d.%09d' $(($1 / 1000000000)) $(($1 % 1000000000))
}

# allowed: is the key, by what it has used?
allowed() {
	put /v1/check '{"method": "POST", "path": "/v1/messages",
		"client": "192.0.2.1", "key_hash": "'"$(digest spender)"'"}'
	jq -r .code <<<"$body"
}

round() {
	local delay
	must "round $1: the service starts" start_service --lease 0
	delay=0.$((RANDOM % 900 + 100))
	check "round $1: 1,000 reports a second, killed after 0.5 s and $delay s" \
		reports send "$tmp/reports" "$agent" "$RATE" "$(jq -n "0.5 + $delay")"
	end_service KILL
	quota 1000000000000000
	must "round $1: it starts again" start_service --lease 0
	rc=0
	reports ask "$tmp/reports" >"$tmp/sum" || rc=$?
	is "round $1: what was acknowledged had been counted" "$rc" 0
	end_service KILL
}

# At the edge one nano-dollar decides.
edge() {
	local n acknowledged cost
	read -r n acknowledged cost <"$tmp/sum"
	check "$n reports, $acknowledged acknowledged" \
		[ "$acknowledged" -ge $((ROUNDS * RATE * 3 / 10)) ]
	check "and some in flight when it was killed" [ "$n" -gt "$acknowledged" ]
	quota "$cost"
	must "it starts with a quota of their cost" start_service --lease 0
	is "it is used up: none was lost" "$(allowed)" API_KEY_QUOTA_EXHAUSTED
	end_service KILL
	quota $((cost + 1))
	must "and with a nano-dollar more" start_service --lease 0
	is "it is not: none counted twice" "$(allowed)" ALLOW
	reports ask "$tmp/reports" >"$tmp/again"
	is "sent once more they change nothing" "$(allowed) $(cat "$tmp/again")" \
		"ALLOW $n $acknowledged $cost"
}

begin_tests
RANDOM=$SEED
echo "# seed $SEED"
taken=$(date -u -d '1 minute ago' +%FT%TZ)
quota 1000000000000000
for ((i = 1; i <= ROUNDS; i++)); do
	round $i
done
edge
end_tests
