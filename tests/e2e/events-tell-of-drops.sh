#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# portcullis events tells which packets were dropped, by what list, and how many
# it does not tell of; also when the agent is dead, and in monitor mode.
#
#   client 10.77.0.66 ::66 (blocked)  ---- UDP, veth ----> :8080
. "$(dirname "$0")/lib.bash"

# send FROM TO COUNT
send() {
	in_client python3 - "$@" <<-'PYTHON'
		import socket, sys
		source, to, count = sys.argv[1:]
		family = socket.AF_INET6 if ":" in to else socket.AF_INET
		s = socket.socket(family, socket.SOCK_DGRAM)
		s.bind((source, 40000))
		for n in range(int(count)):
		    s.sendto(b"portcullis", (to, 8080))
	PYTHON
}

events() {
	in_gateway "$bin" events -j --pin-dir "$pins" --events "$tmp/events"
}

# told FILTER: how many events are so
told() {
	events | jq -s "map(select(.verdict and ($1))) | length"
}

has_told() {
	[ "$(told "$1")" -ge "$2" ]
}

# untold NAME: the sum of what is said of those
untold() {
	events | jq -s "map(.$1 // 0) | add"
}

begin_tests
record good | publish
must "the agent starts" start_agent --block 10.77.0.66 --block fd77::66 \
	--event-rate 1000
is "nothing was dropped yet" "$(told true)" 0
send 10.77.0.66 "$gateway" 2
send fd77::66 "$gateway6" 1
send 10.77.0.3 "$gateway" 1
check "drops are told" eventually 5 has_told true 3
is "and nothing else" "$(told true)" 3
is "each says what it was" \
	"$(events | jq -s 'map([.verdict, .reason, .interface, .source,
		.target, .protocol, .sport, .dport, .size] | join(" "))[0]' -r)" \
	"drop block-list gate0 10.77.0.66 10.77.0.1 udp 40000 8080 52"
is "of IPv6, too" "$(told '.source == "fd77::66" and .size == 72')" 1
check "each names a list" [ "$(told '.list != ""')" = 3 ]

# A follower, from now on.
nsenter --net="/run/netns/$gateway_ns" "$bin" events -f -j --pin-dir "$pins" \
	--events "$tmp/events" >"$tmp/followed" &
follower=$!
nginx+=("$follower")
send 10.77.0.66 "$gateway" 4
follows() {
	[ "$(grep -c verdict "$tmp/followed")" = 7 ]
}
check "a follower sees all of them" eventually 5 follows
kill $follower
wait $follower || true

end_agent KILL || true
is "with the agent dead they are still told" "$(told true)" 7
send 10.77.0.66 "$gateway" 2
must "the agent starts again, with a low rate" start_agent \
	--block 10.77.0.66 --block fd77::66 --event-rate 1
check "what was dropped meanwhile is told then" eventually 5 has_told true 9

before=$(told true)
limited=$(untold limited)
dropped=$(counter block-list)
send 10.77.0.66 "$gateway" 200
all_dropped() {
	[ "$(counter block-list)" -ge $((dropped + 200)) ]
}
check "a burst is dropped" eventually 5 all_dropped
all_accounted() {
	[ $(($(told true) - before + $(untold limited) - limited)) = 200 ]
}
check "what is not told is counted, exactly" eventually 5 all_accounted
check "and is most of it" [ $(($(told true) - before)) -lt 50 ]

end_agent TERM
must "the agent starts in monitor mode" start_agent --block 10.77.0.66 \
	--mode monitor
send 10.77.0.66 "$gateway" 1
check "what would be dropped is told" \
	eventually 5 has_told '.verdict == "would-drop"' 1

end_agent TERM
mkdir -m 777 "$tmp/open"
must "the agent starts, told to write where everybody does" start_agent \
	--block 10.77.0.66 --events "$tmp/open/events"
check "it does not" [ ! -e "$tmp/open/events" ]
check "and says why" grep -qF "$tmp/open/events: others than root" \
	"$tmp/agent.log"

end_agent TERM
must "the agent starts, told to record nothing" start_agent \
	--block 10.77.0.66 --events none
check "it makes no file" [ ! -e none ]
check "and has nothing to say of that" [ -z "$(grep -e '--events' "$tmp/agent.log")" ]

rc=0
in_gateway "$bin" events --pin-dir "$pins" --events "$tmp/none" \
	2>"$tmp/err" || rc=$?
is "no log is an error" "$rc" 1
check "which names it" grep -qF "$tmp/none" "$tmp/err"
end_tests
