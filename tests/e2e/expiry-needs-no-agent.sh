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
	record short ".expires_at = \"$(time_text $expiry_ms)\""
} | publish
check "a key with two seconds to live is taken" reload
end_agent KILL || true
is_passed "before its time" short "$direct"

# Asked all the while: refused before it is due is early, served when asked after
# it is late.
early=no
late=no
while started_ms=$(now_ms); [ "$started_ms" -lt $((expiry_ms + 500)) ]; do
	ask short "$direct"
	if [ "$status" = 200 ]; then
		[ "$started_ms" -le "$expiry_ms" ] || late=yes
	else
		[ "$(now_ms)" -ge "$expiry_ms" ] || early=yes
	fi
	sleep 0.02
done
is "it is not refused early" "$early" no
is "it is not served late" "$late" no
is_refused "after its time" short 403 API_KEY_EXPIRED "$direct"
is_passed "another key" good "$direct"
end_tests
