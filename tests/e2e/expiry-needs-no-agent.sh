#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A key's last moment is kept by the kernel against the clock: it comes on time
# with the agent dead.
#
#   client ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

begin_tests
record good | publish
must "the agent starts" start_agent
expiry_ms=$(($(now_ms) + 2000))
{
	record good
	record short ".expires_at = \"$(time_in 2000)\""
} | publish
check "a key with two seconds to live is taken" reload
end_agent KILL || true
is_passed "before its time" short "$direct"

# Asked all the while, it is served until its time and never again after it.
early=0
while ask short "$direct"; [ "$status" = 200 ]; do
	[ "$(now_ms)" -le $((expiry_ms + 100)) ] || break
	sleep 0.02
done
[ "$(now_ms)" -ge "$expiry_ms" ] || early=1
is "it is not refused early" "$early" 0
check "it is not served late" [ "$(now_ms)" -lt $((expiry_ms + 100)) ]
is_refused "after its time" short 403 API_KEY_EXPIRED "$direct"
is_passed "another key" good "$direct"
end_tests
