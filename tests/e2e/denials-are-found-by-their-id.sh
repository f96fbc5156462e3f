#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every refusal has an id that its answer carries, and "portcullis decisions" finds
# it by that: while the service runs, after it was killed, and once another has
# taken over.  It shows no key, and says what it has lost.
#
#   curl ---- check.sock ---- portcullis serve -- portcullis decisions
. "$(dirname "$0")/../decision/lib.bash"

# Asked by nobody here.
start_gateway() {
	:
}

# refuse KEY: sets decision to the answer's id
refuse() {
	curl -s -o "$tmp/body" -D "$tmp/head" --unix-socket "$tmp/check.sock" \
		-H "@$(credential "$1")" -H "X-Forwarded-Method: POST" \
		-H "X-Forwarded-Uri: /v1/messages" \
		-H "X-Forwarded-For: 192.0.2.7" http://localhost/v1/auth/forward
	decision=$(tr -d '\r' <"$tmp/head" |
		sed -n 's/^x-portcullis-decision-id: //Ip')
}

decisions() {
	"$bin" decisions --trace "$tmp/decisions" "$@"
}

# lines NUMBER FILE: has it so many?
lines() {
	[ "$(wc -l <"$2")" -ge "$1" ]
}

begin_tests
{
	record good
	record dead '.status = "disabled"'
} | publish_complete
id_of_dead=$((16#$(digest dead | cut -c 1-6)))
must "the service starts" start_service
"$bin" decisions --trace "$tmp/decisions" -f -j >"$tmp/followed" &
follower=$!
nginx+=("$follower")
refuse good
refuse dead
first=$decision

is "a refusal is found by its id" \
	"$(decisions -j --id "$first" | jq -c 'del(.time)')" \
	'{"id":"'"$first"'","reason":"key-disabled","status":401,"key_id":'$id_of_dead',"key":"'"$(digest dead | cut -c 1-8)"'","client":"192.0.2.7","dialect":"forward","stale":""}'
is "and is the only one" "$(decisions | wc -l)" 1
check "with a time" [ "$(decisions -j | jq -r .time | cut -c 1-10)" = \
	"$(date -u +%F)" ]
rc=0
decisions --id "${first%-*}-00ffffff" >"$tmp/out" 2>&1 || rc=$?
is "one that is not there is missed" "$rc" 1
rc=0
decisions --id nonsense >"$tmp/out" 2>&1 || rc=$?
is "and what is no id is a mistake" "$rc" 2
rc=0
decisions --trace "$tmp/missing" >"$tmp/out" 2>&1 || rc=$?
is "so is no file" "$rc" 1

end_service KILL
is "it is found when the service was killed" \
	"$(decisions -j --id "$first" | jq -r .id)" "$first"
must "another service takes over" start_service
refuse dead
is "and goes on" "$(decisions -j | jq -r .id | xargs)" "$first $decision"
check "nobody has the same id" [ "$first" != "$decision" ]
check "who follows has both" eventually 5 lines 2 "$tmp/followed"

# More than there is room for.
kill -STOP "$follower"
printf 'url = "http://localhost/v1/auth/forward?[1-6000]"\n' >"$tmp/many"
curl -s -o "$tmp/body" --unix-socket "$tmp/check.sock" -K "$tmp/many" \
	-H "@$(credential dead)" -H "X-Forwarded-Method: POST" \
	-H "X-Forwarded-Uri: /v1/messages" -H "X-Forwarded-For: 192.0.2.7"
is "of 6,002 the last 4,096 are kept" "$(decisions | wc -l)" 4096
kill -CONT "$follower"
check "who has slept gets those" eventually 10 lines 4099 "$tmp/followed"
is "and is told what he missed" \
	"$(jq -s 'map(.lost // empty) | add' "$tmp/followed")" 1904
check "no key is in it" \
	[ "$(grep -c "$(key dead | cut -c 4-)" "$tmp/decisions")" = 0 ]
end_tests
