#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A dead agent's key refusals end with its lease: then the gateway judges again.
# The operator's own list stays in force.
#
#   client 10.77.0.2 .66 ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

lapsed() {
	ask dead "$direct"
	[ "$status" = 200 ]
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish
must "the agent starts" start_agent --lease 2s --block 10.77.0.66/32
sleep 2.5
is_refused "a living agent renews its lease" dead 401 API_KEY_DISABLED "$direct"
killed_ms=$(now_ms)
end_agent KILL || true
is_refused "at its death" dead 401 API_KEY_DISABLED "$direct"
check "refusals end" eventually 5 lapsed
check "not before a lease of the last renewal" \
	[ $(($(now_ms) - killed_ms)) -ge 900 ]
is_passed "then" dead "$direct"
patience_s=0.7 ask good --interface 10.77.0.66 "$direct"
is "a blocked address stays blocked" "$(answered_by)" nobody

must "a new agent starts" start_agent --lease 2s --block 10.77.0.66/32
is_refused "and takes it up again" dead 401 API_KEY_DISABLED "$direct"
end_tests
