#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# However the agent ends, what was refused stays refused and what passed passes;
# the next one carries on from there; only detach takes the filter away, and it
# takes all of it.
#
#   client ---- veth, IPv4 and IPv6 -----> :8080
#   client ---- veth ----> :80 proxy -- lo --> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

in_force() {
	is_refused "$1: a dead key" dead 401 API_KEY_DISABLED "$direct"
	is_refused "$1: a dead key through the proxy" dead 401 \
		API_KEY_DISABLED "http://$gateway/v1/messages"
	is_passed "$1: a good key" good "$direct"
	patience_s=0.5 ask good --interface 10.77.0.66 "$direct"
	is "$1: a blocked address" "$(answered_by)" nobody
}

running() {
	[ "$(status | jq .agent.running)" = "$1" ]
}

# Everything of ours that the kernel holds for the two interfaces.
attached() {
	local dev
	for dev in gate0 lo; do
		ip -n "$gateway_ns" -j -d link show "$dev" |
			jq -r '.[].xdp.attached // empty | .[].mode // .'
		tc -n "$gateway_ns" filter show dev "$dev" ingress
		tc -n "$gateway_ns" filter show dev "$dev" egress
	done
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent --block 10.77.0.66/32
in_force "agent running"
check "status says so" running true
first=$(generation)

end_agent KILL || true
in_force "agent killed"
# Known by its silence, not by its process: any namespace may ask.
check "status says so" eventually 10 running false
is "the generation stays" "$(generation)" "$first"

must "a new agent starts" start_agent --block 10.77.0.66/32
in_force "next agent"
is "it carries the generation on" "$(generation)" $((first + 1))
is "XDP is attached once" \
	"$(ip -n "$gateway_ns" -d link show gate0 | grep -c prog/xdp)" 1
{
	record good
	record dead '.status = "disabled"'
	record late '.status = "disabled"'
} | publish
check "it reloads" reload
is_refused "its reload is in force" late 401 API_KEY_DISABLED "$direct"

rc=0
end_agent TERM || rc=$?
is "asked to end, it ends well" "$rc" 0
in_force "agent ended"

must "a third agent starts" start_agent --block 10.77.0.66/32
rc=0
in_gateway timeout 5 "$bin" run --interface gate0 --snapshot "$snapshot" \
	--listen none --pin-dir "$pins" >"$tmp/second" 2>&1 || rc=$?
is "a second one beside it does not start" "$rc" 1
in_force "second agent refused"
end_agent TERM || true

check "detach" detach
is "nothing is attached" "$(attached)" ""
check "nothing is pinned" [ ! -e "$pins" ]
is_passed "a key that was dead" dead "$direct"
is_passed "an address that was blocked" good --interface 10.77.0.66 "$direct"
rc=0
detach || rc=$?
is "detach again changes nothing and is no failure" "$rc" 0
end_tests
