#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --deny ACTION:REASON holds for that reason alone.  Unknown keys are refused
# only while a complete snapshot says that there are no others; who has no key is
# refused on a route of the gateway's, and nowhere else; HEAD passes.
#
#   client ---- veth -----> :8080
. "$(dirname "$0")/lib.bash"

direct=http://$gateway:8080/v1/messages

keys() {
	echo "{\"portcullis\":{\"format\":1,\"complete\":$1}}"
	record good
	record dead '.status = "disabled"'
	record old '.expires_at = "2026-01-01T08:00:00+08:00"'
}

begin_tests
keys true | publish
must "the agent starts" start_agent --unknown-keys deny --deny close \
	--deny drop:unknown --deny reset:key-expired
is "status shows the actions" \
	"$(in_gateway "$bin" status --pin-dir "$pins" | sed -n 's/^deny  *//p')" \
	"close, reset:key-expired, drop:key-invalid"
is "and for scripts" \
	"$(status | jq -r '.deny["key-invalid"] + " " + .deny["key-disabled"]')" \
	"drop close"
is_passed "a good key" good -X POST "$direct"
is_refused "a disabled key" dead 401 API_KEY_DISABLED "$direct"
ask old "$direct"
is "an expired key is reset" "$rc $(answered_by)" "56 nobody"
patience_s=1 ask stranger -X POST "$direct"
is "an unknown key gets silence" "$rc $(answered_by)" "28 nobody"
check "counted as what it is" [ "$(counter key-invalid)" -ge 1 ]

is_refused "no key" - 401 API_KEY_REQUIRED -X POST "$direct"
is_refused "a key in the query" good 400 api_key_in_query_deprecated \
	-X POST "$direct?%6bey=x"
is_refused "no key, Google" - 401 UNAUTHENTICATED \
	"http://$gateway:8080/v1beta/models"
is_passed "no key, no route" - "http://$gateway:8080/v1/nowhere"
is_passed "no key, a page" - "http://$gateway:8080/images/logo"
is_passed "an unknown key, no route" stranger "http://$gateway:8080/v1/nowhere"
is_passed "HEAD" dead -I "$direct"
is_passed "OPTIONS" - -X OPTIONS "$direct"

keys false | publish
check "a snapshot that is not complete is taken" reload
is_passed "an unknown key then" stranger -X POST "$direct"
check "and the log says why" eventually 5 grep -q 'unknown keys pass' "$tmp/agent.log"
end_tests
