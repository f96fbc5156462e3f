#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An agent that cannot start leaves the filter of the one before, wherever it
# fails: at the flags' interfaces, at the pins, at the policy.  Where there was
# none it leaves nothing.  One that is just starting keeps its socket.
#
#   client 10.77.0.2 .66 ---- veth ----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

in_force() {
	is_refused "$1: a dead key" dead 401 API_KEY_DISABLED "$direct"
	patience_s=0.5 ask good --interface 10.77.0.66 "$direct"
	is "$1: a blocked address" "$(answered_by)" nobody
	is "$1: the generation" "$(generation)" "${2:-1}"
}

# Whose word the denies go by, and whether that ends.
lease() {
	status | jq -c '.agent | [.pid, has("lease_s") and .lease_s < 600]'
}

fails() {
	! start_agent "$@" && agent=
}

# A pin that no program can use.
spoil() {
	mv "$pins/$1" "$pins/spare" &&
		bpftool map create "$pins/$1" type array key 4 value 4 \
			entries 1 name "$1"
}

mend() {
	rm "$pins/$1" && mv "$pins/spare" "$pins/$1"
}

untouched() {
	! ip -n "$gateway_ns" link show "$1" | grep -q prog/xdp &&
		! tc -n "$gateway_ns" filter show dev "$1" ingress | grep -q pc_
}

# Stopped when it has its socket, and before it listens there.
start_half() {
	nsenter --net="/run/netns/$gateway_ns" "$bin" run --pin-dir "$pins" \
		--interface gate0 --snapshot "$snapshot" "${service_flags[@]}" \
		--events "$tmp/events" >"$tmp/half.log" 2>&1 </dev/null &
	half=$!
	eventually 60 test -S "$tmp/check.sock" && kill -STOP "$half"
}

half_ready() {
	grep -q '^portcullis: ready' "$tmp/half.log"
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "a first start fails" fails --interface none0
check "nothing is left" test ! -e "$pins/pc_active"

must "an agent starts" start_agent --block 10.77.0.66/32
killed=$agent
end_agent KILL || true
in_force "killed"
must "no such interface" fails --block 10.77.0.66/32 --interface none0
in_force "no such interface"
must "a pin is spoilt" spoil pc_offenders
must "a pin is of no use" fails --block 10.77.0.66/32
mend pc_offenders
in_force "a pin is of no use"
must "the guard objects" fails --block "$gateway/32"
in_force "the guard objects"
# The policy is in force, and one more interface taken, when the last one fails.
ip -n "$gateway_ns" link add spare0 type veth peer name spare1
ip -n "$gateway_ns" link add bridge0 type bridge
late=(--interface spare0 --interface bridge0 --xdp-mode native
	--block 10.77.0.3/32)
must "no native XDP there" fails "${late[@]}" --lease 0
in_force "no native XDP there"
is "no native XDP there: the lease" "$(lease)" "[$killed,true]"
check "no native XDP there: nor elsewhere" untouched spare0
must "on approval" fails "${late[@]}" --confirm 100s
in_force "on approval"
is "on approval: nothing waits" "$(status | jq '.confirm_s // 0')" 0
must "the next one starts" start_agent --block 10.77.0.66/32
in_force "next agent" 4
end_agent KILL || true
detach
must "a first start fails late" fails "${late[@]}"
check "nothing is left" test ! -e "$pins/pc_active"
is_passed "nothing is left" dead "$direct"

# Programs, but no policy: the first one was not confirmed.
must "a first policy" start_agent --block 10.77.0.66/32 --confirm 100s
in_gateway "$bin" confirm --revert --pin-dir "$pins" >"$tmp/out" 2>&1
end_agent KILL || true
must "the next one fails late" fails "${late[@]}"
is "none is in force" "$(generation)" 0
is_passed "none is in force" dead "$direct"
detach

service_flags=(--listen "unix:$tmp/check.sock" --ledger none --trace "$tmp/trace")
must "one is starting" start_half
check "another one is refused" fails
end_agent KILL || true
agent=$half
kill -CONT "$half"
check "the first one is ready" eventually 60 half_ready
is "and is asked" "$(curl -s -o "$tmp/body" -w '%{http_code}' \
	--unix-socket "$tmp/check.sock" http://localhost/readyz || true)" 200
end_tests
