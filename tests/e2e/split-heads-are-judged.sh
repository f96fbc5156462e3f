#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A head that comes in many segments is judged as one that comes in one: a dead
# key is refused, a good one reaches the gateway, on a new connection and on one
# that is in use.
#
#   client0 ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

refused="401 API_KEY_DISABLED"

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent

# says WHAT WANTED STEP...: to the host
says() {
	local what=$1 wanted=$2
	shift 2
	converse in_client "$host" 8080 "$@"
	is "$host, $what" "$(xargs <<<"$said")" "$wanted"
}

for host in "$gateway" "$gateway6"; do
	for size in 1 2 7 16 50 100; do
		says "$size bytes a segment, dead" "dead/$size $refused" \
			dead/$size
		settle_log
		is "$host, $size bytes a segment, dead: not the gateway's" \
			"$(grep -c "^$id-dead 200 " "$tmp/gateway.log" || true)" 0
		says "$size bytes a segment, good" \
			"good/$size 200 - good 200 - good/$size 200 -" \
			good/$size good good/$size
		settle_log
		is "$host, $size bytes a segment, good: the gateway's" \
			"$(grep -c "^$id-good 200 " "$tmp/gateway.log")" 3
	done
	says "behind others" \
		"good 200 - dead $refused good/10 200 - dead $refused good 200 - dead/10 $refused" \
		good dead good/10 dead good dead/10
done
check "heads were split indeed" [ "$(counter head-split)" -gt 200 ]
end_tests
