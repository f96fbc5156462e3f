#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Without its translator a connection that was answered on cannot go on: before
# detach takes the programs away it lets an answer that is under way come to its
# end, and resets what is idle, so that no client waits for ever.
#
#   client0 ---- veth -----> :8080, slow <-- lo
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

# open_connection NAME ENTER HOST STEP...: in the background, what it says in
# $tmp/NAME.
open_connection() {
	local name=$1 enter=$2 host=$3
	shift 3
	id=$$-$((++n_asked))
	speak "$enter" "$host" 8080 "$@" >"$tmp/$name" &
}

# says NAME TEXT: the last line is that, soon.
says() {
	eventually "${3:-5}" eval "[ \"\$(tail -n 1 '$tmp/$1')\" = '$2' ]"
}

detach_ms() {
	local before
	before=$(now_ms)
	in_gateway "$bin" detach --pin-dir "$pins" "$@" >"$tmp/detach" 2>&1 ||
		return 1
	echo $(($(now_ms) - before))
}

filters() {
	tc -n "$gateway_ns" filter show dev gate0 "$1"
}

start() {
	must "the agent starts" start_agent
	open_connection "$1-v4" in_client "$gateway" good dead @
	open_connection "$1-v6" in_client "$gateway6" dead @
	open_connection "$1-lo" in_gateway ::1 good dead dead @
	open_connection "$1-plain" in_client "$gateway" good @
	open_connection "$1-busy" in_client "$gateway" good dead \
		good=/v1/slow/large @
	for way in v4 v6 lo; do
		check "$1, $way: an idle connection that was answered on" \
			says "$1-$way" "dead 401 API_KEY_DISABLED"
	done
	check "$1: one that was not" says "$1-plain" "good 200 -"
	check "$1: one with an answer under way" \
		says "$1-busy" "good=/v1/slow/large begun"
	end_agent TERM || true
	sleep 0.5 # idle is who has been silent for a while
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
head -c 250000 /dev/urandom >"$tmp/www/large"

# connected: connections that the gateway still has
connected() {
	in_gateway ss -Htn state established "sport = :8080" | wc -l
}

start drained
took=$(detach_ms)
check "detach waits for the answer" [ "$took" -gt 500 ]
check "the answer came whole" grep -qx 'good=/v1/slow/large 200 250000' \
	"$tmp/drained-busy"
for way in v4 v6 lo; do
	check "$way: the idle one was reset" says "drained-$way" reset
done
check "the busy one, after its answer" says drained-busy reset
check "who was never answered on stays connected" \
	says drained-plain "good 200 -"
is "the gateway has none but that" "$(connected)" 1
is "nothing was cut short" "$(grep -c 'cut short' "$tmp/detach" || true)" 0
is "no filter is left" "$(filters ingress)$(filters egress)" ""
is_passed "a dead key reaches the gateway" dead "$direct"

start cut
took=$(detach_ms --drain 0s)
check "detach does not wait" [ "$took" -lt 1500 ]
for way in v4 v6 lo; do
	check "$way: the idle one was reset" says "cut-$way" reset
done
check "so was the busy one" says cut-busy \
	'good=/v1/slow/large ConnectionResetError'
is "and it is said" "$(grep -c 'cut short (1)' "$tmp/detach")" 1
is "no filter is left" "$(filters ingress)$(filters egress)" ""
end_tests
