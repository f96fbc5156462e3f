#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --deny reply and close answer, reset resets, drop is silence; none of them
# lets the gateway see the request, and none harms a good one.
#
#   client ---- veth, IPv4 and IPv6 -----> :8080
. "$(dirname "$0")/lib.bash"

restart() {
	[ -z "$agent" ] || end_agent TERM || true
	must "the agent starts with --deny $1" start_agent --deny "$1"
}

# outcome WHAT CURL-STATUS HTTP-STATUS WHO
outcome() {
	local way
	for way in "http://$gateway:8080" "http://[$gateway6]:8080"; do
		patience_s=1 ask dead "$way/v1/messages"
		is "$1 at $way" "$rc $status $(answered_by)" "$2 $3 $4"
		is_passed "$1: a good key" good "$way/v1/messages"
	done
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
restart reply
outcome "reply" 0 401 kernel
restart close
outcome "close" 0 401 kernel
ask dead -D "$tmp/head" "http://$gateway:8080/v1/messages"
check "close says so" grep -qi '^connection: close' "$tmp/head"
restart reset
outcome "reset" 56 000 nobody
restart drop
outcome "drop" 28 000 nobody
check "all were counted" [ "$(counter key-disabled)" -ge 8 ]
end_tests
