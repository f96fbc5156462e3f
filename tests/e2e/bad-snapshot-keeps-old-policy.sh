#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A snapshot that cannot be taken whole changes nothing: the generation in force
# stays, its refusals stay, and the next good snapshot is a later one.
#
#   client ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

good_snapshot() {
	record good
	record dead '.status = "disabled"'
}

# unchanged WHAT: the snapshot is bad, and the agent has been told to read it
unchanged() {
	local what=$1 before=$2
	kill -HUP "$agent"
	sleep 0.3
	check "$what: the agent lives" kill -0 "$agent"
	is "$what: the generation stays" "$(generation)" "$before"
	is_refused "$what: the dead key" dead 401 API_KEY_DISABLED "$direct"
	is_passed "$what: the good key" good "$direct"
}

begin_tests
good_snapshot | publish
must "the agent starts" start_agent
first=$(generation)
is_refused "before" dead 401 API_KEY_DISABLED "$direct"

# Every bad file starts with a change that would show if half were taken.
half() {
	record dead
	record good '.status = "disabled"'
}

{ half; record more | head -c 100; } | publish
unchanged "cut off in a line" "$first"
{ half; echo 'not JSON at all'; } | publish
unchanged "not JSON" "$first"
{ half; record more '.expires_at = "tomorrow"'; } | publish
unchanged "a time that is none" "$first"
{ half; record more '.quota = "many"'; } | publish
unchanged "a number that is none" "$first"
{ half; record more | sed 's/"key_hash":"...../"key_hash":"/'; } | publish
unchanged "a hash too short" "$first"
half | gzip | head -c 200 | publish
unchanged "gzip cut off" "$first"
rm "$snapshot"
unchanged "no file" "$first"

{ good_snapshot; record late '.status = "disabled"'; } | publish
check "a good snapshot is taken" reload
check "it is a later generation" [ "$(generation)" -gt "$first" ]
is_refused "what is new in it" late 401 API_KEY_DISABLED "$direct"
is_refused "what was in force" dead 401 API_KEY_DISABLED "$direct"
is_passed "the good key" good "$direct"

good_snapshot | gzip | publish
check "a gzip snapshot is taken" reload
is_passed "what is no longer in it" late "$direct"

printf 'not a snapshot' | publish
end_agent KILL || true
detach
rc=0
start_agent || rc=$?
check "an agent does not start on a bad snapshot" [ "$rc" -ne 0 ]
rc=0
wait "$agent" || rc=$?
agent=
is "and its exit status is 1" "$rc" 1
end_tests
