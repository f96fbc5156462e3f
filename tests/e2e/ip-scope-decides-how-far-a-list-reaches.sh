#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --ip-scope key keeps a key's list to that key, consensus drops only what every
# live key refuses, global takes any key's list for the whole host.
#
#   client 10.77.0.2 .3 .66 ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

# reach WHAT ADDRESS WHO: who answers a key without lists from there
reach() {
	patience_s=0.7 ask plain --interface "$2" "$direct"
	is "$1" "$(answered_by)" "$3"
}

restart() {
	[ -z "$agent" ] || end_agent TERM || true
	must "the agent starts with --ip-scope $1" start_agent --ip-scope "$1"
}

begin_tests
{
	record one '.ip_blacklist = ["10.77.0.3", "10.77.0.66"]'
	record two '.ip_blacklist = ["10.77.0.64/26"]'
	record dead '.status = "disabled"'
} | publish
restart key
reach "key: refused by all keys" 10.77.0.66 gateway
reach "key: refused by one key" 10.77.0.3 gateway
restart consensus
reach "consensus: refused by all keys" 10.77.0.66 nobody
reach "consensus: refused by one key" 10.77.0.3 gateway
reach "consensus: refused by none" 10.77.0.2 gateway
restart global
reach "global: refused by all keys" 10.77.0.66 nobody
reach "global: refused by one key" 10.77.0.3 nobody
reach "global: refused by none" 10.77.0.2 gateway
check "counted as the snapshot's" [ "$(counter snapshot-list)" -ge 1 ]
end_tests
