#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Use that is reported to the decision service and exhausts a key, or empties a
# balance: the very next request is refused in the kernel, also after a reload,
# after a policy on approval was taken back, and after the agent was killed; a
# newer snapshot that says otherwise is believed.
#
#   client ── gate0 ── pc_request ── gateway        report ── unix socket ── agent
source "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

direct=http://$gateway:8080/v1/messages

# post PATH JSON: sets status and body.
post() {
	status=$(curl -s --max-time 5 -o "$tmp/body" -w '%{http_code}' \
		--unix-socket "$tmp/check.sock" -d "$2" "http://localhost$1") ||
		true
	body=$(cat "$tmp/body")
}

# spend KEY ID NUSD
spend() {
	post /v1/usage "{\"request_id\":\"$2\",\"key_hash\":\"$(digest "$1")\",\"cost_nusd\":$3}"
	is "$2 of $1 is counted" "$status $body" '200 {"counted":true}'
}

# header TIME: the first line of a snapshot that was taken then.
header() {
	printf '{"portcullis":{"format":1,"generated_at":"%s"}}\n' "$1"
}

keys() {
	record quota '.quota = 10 | .quota_used = 4'
	record rich '.user.id = 8 | .user_id = 8 | .user.balance = 5'
	record rich2 '.user.id = 8 | .user_id = 8 | .user.balance = 5 |
		.ip_blacklist = ["10.77.0.4"]'
	record good
}

# What a request of a key comes to, for eventually.
refused() {
	ask "$1" "$direct"
	[ "$rc" = 0 ] && [ "$status" -ge 400 ]
}

passed() {
	ask "$1" "$direct"
	[ "$rc $status" = "0 200" ]
}

# What the decision service says of a key.
decision() {
	curl -s -o "$tmp/body" -w '%{http_code}' --max-time 5 \
		--unix-socket "$tmp/check.sock" -H "@$(credential "$1")" \
		-H 'X-Forwarded-Method: POST' -H 'X-Forwarded-For: 10.77.0.2' \
		-H 'X-Forwarded-Uri: /v1/messages' \
		http://localhost/v1/auth/forward
}

decides() {
	[ "$(decision "$1")" = "$2" ]
}

begin_tests
service_flags=(--listen "unix:$tmp/check.sock" --ledger "$tmp/ledger.db"
	--trace "$tmp/trace")
{
	header "$(time_text $(($(now_ms) - 60000)))"
	keys
} | publish
must "the agent starts" start_agent
credential quota >/dev/null

is_passed "a key with quota left" quota "$direct"
spend quota first 5999999999
is_passed "a nano-dollar short of its quota" quota "$direct"
# Between the report's answer and the request there is the time curl takes to
# start; the kernel knew before the answer was sent.
spend quota second 1
is_refused "used up" quota 429 API_KEY_QUOTA_EXHAUSTED "$direct"
post /v1/usage "{\"request_id\":\"second\",\"key_hash\":\"$(digest quota)\",\"cost_nusd\":1}"
is "told again, it counts once" "$status $body" '200 {"counted":false}'

is_passed "a key of a user with money" rich2 "$direct"
spend rich third 5000000000
is_refused "money gone" rich 403 INSUFFICIENT_BALANCE "$direct"
is_refused "for the user's other keys, too" rich2 403 INSUFFICIENT_BALANCE \
	"$direct"
is_refused "which keep their address rules" rich2 403 ACCESS_DENIED \
	--interface 10.77.0.4 "$direct"
is_passed "other users are not concerned" good "$direct"

in_gateway "$bin" status --pin-dir "$pins" --trace "$tmp/trace" >"$tmp/status"
check "status tells of the service" grep -q '^decisions   ready, ' "$tmp/status"
in_gateway "$bin" explain --pin-dir "$pins" --key-hash "$(digest quota)" \
	--ip 10.77.0.2 >"$tmp/explained" || true
check "explain goes by it" grep -q '^verdict: refused, key-exhausted' \
	"$tmp/explained"
check "and says so" grep -q '^use: as the kernel was last told; ' \
	"$tmp/explained"

check "a reload of the same" reload
check "the quota stays used up" eventually 2 refused quota
is_refused "after a reload" quota 429 API_KEY_QUOTA_EXHAUSTED "$direct"
check "the money stays gone" eventually 2 refused rich2

end_agent KILL || true
is_refused "the agent is dead" quota 429 API_KEY_QUOTA_EXHAUSTED "$direct"
sleep 5
in_gateway "$bin" status --pin-dir "$pins" --trace "$tmp/trace" >"$tmp/status"
check "status says so" grep -q '^decisions   not served, last ' "$tmp/status"
must "the agent starts again" start_agent
check "it remembers what was used" eventually 2 refused quota
check "and what was spent" eventually 2 refused rich2

{
	header "$(time_text "$(now_ms)")"
	keys | jq -c 'if .snapshot.quota == 10 then .snapshot.quota = 100 else . end'
} | publish
check "a newer snapshot" reload
check "is believed: the quota is raised" eventually 2 passed quota
check "is believed: the balance is back" eventually 2 passed rich2
is_passed "after a top-up" rich "$direct"

# What is on approval is told; the policy that comes back must be told again.
end_agent TERM || true
must "an agent with --confirm" start_agent --confirm 100s
in_gateway "$bin" confirm --pin-dir "$pins" >"$tmp/out"
check "a policy on approval" reload
is_passed "on approval: quota left" quota "$direct"
spend quota fourth 96000000000
is_refused "on approval: used up" quota 429 API_KEY_QUOTA_EXHAUSTED "$direct"
in_gateway "$bin" confirm --revert --pin-dir "$pins" >"$tmp/out"
check "taken back: told again" eventually 5 refused quota
is_refused "taken back" quota 429 API_KEY_QUOTA_EXHAUSTED "$direct"

# Of a key that was used, too, only what is in force again is told.
spend rich fifth 1
{
	header "$(time_text "$(now_ms)")"
	keys | jq -c 'if .snapshot.user.id == 8
		then .snapshot.status = "disabled" else . end'
} | publish
check "one more on approval" reload
is_refused "on approval: disabled" rich 401 API_KEY_DISABLED "$direct"
is "on approval: so says the service" "$(decision rich)" 401
in_gateway "$bin" confirm --revert --pin-dir "$pins" >"$tmp/out"
check "taken back: the service goes back" eventually 5 decides rich 200
is_passed "taken back: live again" rich "$direct"

# Of what an earlier run put into force this one knows no keys.
end_agent TERM || true
must "another run, on approval" start_agent --confirm 100s
is_refused "another run: disabled" rich 401 API_KEY_DISABLED "$direct"
in_gateway "$bin" confirm --revert --pin-dir "$pins" >"$tmp/out"
check "another run: it knows" eventually 5 \
	grep -q 'the keys of the policy that is gone' "$tmp/agent.log"
spend rich sixth 5000000000
is_passed "another run: nothing is told of the keys before" rich "$direct"
is "nor is the service" "$(decision rich)" 401
reload_keys() {
	{
		header "$(time_text "$(now_ms)")"
		keys
	} | publish
	reload && in_gateway "$bin" confirm --pin-dir "$pins" >"$tmp/out"
}
check "other keys" reload_keys
spend rich seventh 5000000000
check "are told of again" eventually 5 refused rich
end_tests
