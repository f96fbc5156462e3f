#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A ban's end is judged by the kernel: it comes on time with the agent dead,
# and not before.
#
#   client 10.77.0.66 ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

portcullis() {
	in_gateway "$bin" "$@" --pin-dir "$pins" --ledger "$tmp/ledger.db"
}

# Silently: this is TAP.
change() {
	portcullis "$@" >/dev/null
}

begin_tests
service_flags=(--listen none --ledger "$tmp/ledger.db")
record good | publish
must "the agent starts" start_agent
end_agent KILL || true
must "ban" change ban 10.77.0.66 --for 3s
must "ban it for less" change ban 10.77.0.66 --for 1s
expires=$(portcullis bans -j | jq -r '.[0].expires_at')
expiry_ms=$(date -d "$expires" +%s%3N)

# Asked all the while, a packet each time: answered before it is over is early,
# unanswered when asked after it is late.
early=no
late=no
held=no
while started_ms=$(now_ms); [ "$started_ms" -lt $((expiry_ms + 700)) ]; do
	patience_s=0.2 ask good --interface 10.77.0.66 "$direct"
	if [ "$rc" -eq 0 ]; then
		[ "$(now_ms)" -ge "$expiry_ms" ] || early=yes
	else
		held=yes
		[ "$started_ms" -le "$expiry_ms" ] || late=yes
	fi
done
is "it held" "$held" yes
is "it does not end early" "$early" no
is "it does not end late" "$late" no
is_passed "it is over" good --interface 10.77.0.66 "$direct"
is "nobody is banned" "$(portcullis bans -j)" "[]"
end_tests
