#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A proxy sends many clients' requests over a few pooled connections: refusing
# one of them must not cost another its answer, nor make the proxy try again.
#
#   8 clients at once ---- veth ----> :80 proxy -- lo, pool --> :8080
. "$(dirname "$0")/lib.bash"

# A third of the requests carry a dead key.
requests() {
	local i name
	for ((i = 0; i < 600; i++)); do
		name=good
		[ $((i % 3)) -ne 0 ] || name=dead
		[ $i -eq 0 ] || echo next
		cat <<-CONFIG
			url = "http://$gateway/v1/messages"
			header = "@$(credential $name)"
			header = "X-Test-Id: $name-$i"
			output = /dev/null
			write-out = "$name %{http_code}\n"
			max-time = 20
		CONFIG
	done
}

tally() {
	sort | uniq -c | awk '{ print $2, $3, "x", $1 }'
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent

requests >"$tmp/requests"
in_client curl -Z --parallel-max 8 -K "$tmp/requests" \
	>"$tmp/answers" 2>"$tmp/progress" || true
is "every request got its own answer" "$(tally <"$tmp/answers" | xargs)" \
	"dead 401 x 200 good 200 x 400"
settle_log
is "the gateway saw every good one" \
	"$(grep -c '^good-[0-9]* 200 ' "$tmp/gateway.log")" 400
is "and no dead one" "$(grep -c '^dead-' "$tmp/gateway.log" || true)" 0
is "the proxy never tried twice" \
	"$(grep -cE '^(good|dead)-[0-9]+ [0-9]+ [0-9]+$' "$tmp/proxy.log")" 600
end_tests
