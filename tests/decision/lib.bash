# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The decision service without the kernel, in the gateway's namespace, beside
# the gateway of tests/e2e/lib.bash.  Sourced instead of that.
# shellcheck source=../e2e/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.bash"

# Proxies are started by the tests that want them.
start_proxy() {
	:
}

# start_service [FLAG...]: returns when it is ready.
start_service() {
	# Proxies run as users of their own.
	chmod 711 "$tmp"
	nsenter --net="/run/netns/$gateway_ns" "$bin" serve \
		--listen "unix:$tmp/check.sock" --snapshot "$snapshot" \
		--ledger "$tmp/ledger.db" --trace "$tmp/decisions" \
		--unknown-keys deny "$@" >>"$tmp/agent.log" 2>&1 </dev/null &
	agent=$!
	eventually "${ready_s:-20}" service_settled && service_ready
}

service_ready() {
	grep -q '^portcullis: ready' "$tmp/agent.log"
}

service_settled() {
	service_ready || ! kill -0 "$agent" 2>/dev/null
}

# end_service SIGNAL: and nothing is ready any more.
end_service() {
	end_agent "$1" || true
	: >"$tmp/agent.log"
}

# put PATH JSON: sets status and body.
put() {
	status=$(curl -s --max-time 10 -o "$tmp/body" -w '%{http_code}' \
		--unix-socket "$tmp/check.sock" --data-binary "$2" \
		"http://localhost$1") || true
	body=$(cat "$tmp/body")
}

# metric NAME[{LABELS}]
metric() {
	curl -s --unix-socket "$tmp/check.sock" http://localhost/metrics |
		awk -v name="portcullis_$1" '$1 == name { print $2; found = 1 }
			END { exit !found }'
}

# publish_complete: as publish, of all keys there are.
publish_complete() {
	{
		jq -cn --arg now "$(date -u +%FT%TZ)" \
			'{portcullis: {format: 1, complete: true, generated_at: $now}}'
		cat
	} | publish
}
