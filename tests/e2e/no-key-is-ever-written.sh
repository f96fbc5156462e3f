#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No raw key, no full hash and no e-mail address is in anything the agent says,
# and no raw key in its arguments or in what it pins.
#
#   client ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages
email=owner@example.com

# Every map that is pinned, as raw bytes; what is pinned and no map has none.
pinned_bytes() {
	local pin
	for pin in "$pins"/*; do
		bpftool -j map dump pinned "$pin" 2>/dev/null |
			jq -r '.. | strings | select(test("^0x[0-9a-f]{2}$"))' |
			python3 -c '
import sys
sys.stdout.buffer.write(bytes(int(line, 16) for line in sys.stdin))' || true
	done
}

absent() {
	check "$1: no key" absent_from "$2" "$(key dead)"
	check "$1: no e-mail address" absent_from "$2" "$email"
}

absent_from() {
	! grep -aqF -e "$2" "$1"
}

begin_tests
{
	record good ".user.email = \"$email\""
	record dead ".status = \"disabled\" | .user.email = \"$email\""
} | publish
must "the agent starts" start_agent
is_refused "a dead key" dead 401 API_KEY_DISABLED "$direct"
is_passed "a good key" good "$direct"
check "a reload" reload

status >"$tmp/status.json"
in_gateway "$bin" status --pin-dir "$pins" >"$tmp/status.txt"
key dead | in_gateway "$bin" explain --key-stdin --ip 10.77.0.2 \
	--pin-dir "$pins" >"$tmp/explain.txt" 2>&1 || true
in_gateway "$bin" check-snapshot "$snapshot" >"$tmp/check.txt" 2>&1 || true
tr '\0' '\n' <"/proc/$agent/cmdline" >"$tmp/cmdline.txt"
pinned_bytes >"$tmp/pinned"

for file in agent.log status.json status.txt explain.txt check.txt cmdline.txt; do
	check "$file: something is there" [ -s "$tmp/$file" ]
	absent "$file" "$tmp/$file"
done
check "the maps could be read" grep -aqF "API_KEY_DISABLED" "$tmp/pinned"
absent "maps" "$tmp/pinned"
check "agent.log: no full hash" absent_from "$tmp/agent.log" "$(digest dead)"
check "status: no full hash" absent_from "$tmp/status.json" "$(digest dead)"
end_tests
