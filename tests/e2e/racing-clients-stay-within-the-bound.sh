#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# 64 clients ask for a hold at the same moment: as many are admitted as there is
# room for, what they hold stays within the published bound of the quota, holds of
# killed clients come back when their time is over, and a report that is sent five
# times counts once.
#
#   race.py, 64 processes ---- check.sock ---- portcullis serve
. "$(dirname "$0")/../decision/lib.bash"

# Asked by nobody here.
start_gateway() {
	:
}

usd=1000000000

# race KEY WHAT...
race() {
	local name=$1
	shift
	python3 "$here/tests/decision/race.py" "$tmp/check.sock" \
		"$(digest "$name")" "$@"
}

# ask_code KEY: what the gateway would say of it by what it has used
ask_code() {
	put /v1/check '{"method": "POST", "path": "/v1/messages",
		"client": "192.0.2.1", "key_hash": "'"$(digest "$1")"'"}'
	jq -r .code <<<"$body"
}

report() {
	put /v1/usage '{"request_id": "'"$2"'", "key_hash": "'"$(digest "$1")"'",
		"cost_nusd": '"$3"'}'
	jq -r .counted <<<"$body"
}

begin_tests
{
	for name in exact crossing killed settled once; do
		record "$name" '.quota = 1'
	done
	# What it may spend is its owner's balance, which others of his share.
	record poor '.user_id = 9 | .user.id = 9 | .user.balance = 1'
	record heir '.user_id = 9 | .user.id = 9 | .user.balance = 1'
	record bound '.quota = 1'
} | publish_complete
must "the service starts" start_service --hold-max 0.5 --hold-default 0.1
bound=$(metric overshoot_bound_nusd)
is "the bound is published: no hold is larger" "$bound" $((usd / 2))

is "room for ten: ten are admitted, 54 refused" \
	"$(race exact reserve 64 $((usd / 10)) 60 kill)" "10 54 $usd"
is "the one that crosses the quota is admitted, the next is not" \
	"$(race crossing reserve 64 $((usd * 3 / 10)) 60 kill)" \
	"4 60 $((usd * 12 / 10))"
read -r _ _ held < <(race bound reserve 64 $((usd * 9)) 60 kill)
check "nobody holds more than the bound, however much he asks for ($held)" \
	[ "$held" -lt $((usd + bound)) ]
is "a balance is no other than a quota" \
	"$(race poor reserve 64 $((usd / 10)) 60 kill)" "10 54 $usd"
put /v1/reserve '{"request_id": "heir-1", "key_hash": "'"$(digest heir)"'"}'
is "and is held for all keys of its owner" "$status $(answer_code)" \
	"403 INSUFFICIENT_BALANCE"

is "of the killed, too" "$(race killed reserve 64 $((usd / 10)) 2 kill)" \
	"10 54 $usd"
is "nothing comes back at once" \
	"$(race killed reserve 64 $((usd / 10)) 2 kill)" "0 64 0"
sleep 2.5
is "all of it when their time is over" \
	"$(race killed reserve 64 $((usd / 10)) 2 kill)" "10 54 $usd"

is "settled holds are use" \
	"$(race settled reserve 64 $((usd / 10)) 60 settle)" "10 54 $usd"
is "and the gateway would refuse the key" "$(ask_code settled)" \
	API_KEY_QUOTA_EXHAUSTED

is "five reports of one id at once: one counts, none is refused" \
	"$(race once report 5 same $((usd * 3 / 10)))" "1 0"
for i in 1 2 3 4 5; do
	is "sent again: $i" "$(report once same $((usd * 3 / 10)))" false
done
is "so there is room left" "$(ask_code once)" ALLOW
is "for other ids" "$(report once other $((usd * 7 / 10 - 1)))" true
is "to the nano-dollar" "$(ask_code once)" ALLOW
is "which is the last" "$(report once last 1) $(ask_code once)" \
	"true API_KEY_QUOTA_EXHAUSTED"

# Late is not lost.
sleep 2.5
put /v1/reserve '{"request_id": "late", "key_hash": "'"$(digest killed)"'",
	"ttl_s": 1, "cost_nusd": 1}'
is "a hold" "$status" 200
sleep 1.5
put /v1/settle '{"request_id": "late", "key_hash": "'"$(digest killed)"'",
	"cost_nusd": '$usd'}'
is "settled after its end" "$status $(jq -r .counted <<<"$body")" "200 true"
is "counts all the same" "$(ask_code killed)" API_KEY_QUOTA_EXHAUSTED
end_tests
