#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In monitor mode everything passes, and status says what would not have.
#
#   client ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

begin_tests
{
	record good
	record disabled '.status = "disabled"'
	record expired '.expires_at = "2026-01-01T00:00:00Z"'
	record elsewhere '.ip_whitelist = ["192.0.2.1"]'
} | publish
must "the agent starts" start_agent --mode monitor --block 10.77.0.66/32

for name in good disabled expired elsewhere; do
	is_passed "key $name" "$name" "$direct"
done
is_passed "a blocked address" good --interface 10.77.0.66 "$direct"

for reason in key-disabled key-expired address-denied; do
	is "$reason would have been done once" "$(counter $reason would)" 1
	is "$reason was not done" "$(counter $reason)" 0
done
check "block-list would have been done" [ "$(counter block-list would)" -ge 1 ]
is "block-list was not done" "$(counter block-list)" 0

end_agent TERM || true
must "the same in earnest" start_agent --mode enforce --block 10.77.0.66/32
is_refused "now" disabled 401 API_KEY_DISABLED "$direct"
check "counted as done" [ "$(counter key-disabled)" -ge 1 ]
end_tests
